// SPDX-License-Identifier: MIT OR Apache-2.0

//! What measurements are made on, to be told with them.

use std::fs;
use std::process::Command;
use std::thread;

use gpufas::launch::cuda::Gpu;
use gpufas_figures::results;
use gpufas_guest::Accelerator;
use gpufas_guest::kernels::{self, KernelSpec};

use crate::tools::workspace;

/// What stands for what the machine does not tell.
const UNKNOWN: &str = "unknown";

/// This machine, and the versions of what runs on it; with its GPU if that was used.
pub fn this_machine(guests: &[&str], uses_gpu: bool) -> results::Machine {
    let memory_kib =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse().ok());
    let qemu = output("qemu-system-x86_64", &["--version"]);
    let qemu = qemu.as_deref().and_then(|text| text.lines().next()?.strip_prefix("QEMU emulator version "));
    results::Machine {
        date: output("date", &["-u", "+%Y-%m-%d"]).unwrap_or_else(unknown),
        processor: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        processors: thread::available_parallelism().map_or(0, usize::from),
        memory_mib: memory_kib.map_or(0, |kib: u64| kib / 1024),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_or_else(|_| unknown(), |text| text.trim().to_owned()),
        qemu: qemu.unwrap_or(UNKNOWN).to_owned(),
        accelerator: Accelerator::detect().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit(),
        gpu: uses_gpu.then(|| Gpu::open(0).map_or_else(|_| unknown(), |gpu| gpu.describe())),
        guests: guests.iter().map(|name| ((*name).to_owned(), release(name))).collect(),
    }
}

fn unknown() -> String {
    UNKNOWN.to_owned()
}

/// The commit that the workspace is at, and whether it is changed; none out of a repository.
fn commit() -> Option<String> {
    let folder = workspace().to_str()?;
    output("git", &["-C", folder, "describe", "--always", "--exclude", "*", "--abbrev=12", "--dirty"])
}

/// A kernel's release, as the cache has it.
fn release(name: &str) -> String {
    let kernel = kernels::find(name).ok().and_then(|spec: &KernelSpec| spec.cached().ok()).flatten();
    kernel.map_or_else(unknown, |kernel| kernel.release)
}

/// What stands behind a name and a colon in a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).next()
}

/// What a program prints, if it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_machine_tells_what_it_is() {
        let machine = this_machine(&["no such kernel"], false);
        assert!(machine.memory_mib > 0 && machine.processors > 0, "{machine:?}");
        assert!(machine.processor != UNKNOWN && machine.kernel != UNKNOWN, "{machine:?}");
        assert_eq!(machine.date.len(), "2026-01-31".len());
        assert_eq!(machine.guests, [("no such kernel".to_owned(), UNKNOWN.to_owned())]);
        assert_eq!(machine.gpu, None);
    }
}
