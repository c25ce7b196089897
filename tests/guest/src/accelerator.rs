// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether the machine runs guests on its processor or has to emulate one.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::qemu::QEMU;
use crate::spawner;

/// How QEMU runs the guest's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// On the processor, through `/dev/kvm`.
    Kvm,
    /// In software, one thread for each virtual processor.
    Tcg,
}

/// How long the probe may take. It takes a tenth of a second where KVM works.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// The status that QEMU's `isa-debug-exit` device ends with when 0x10 is written to it: twice that, plus one.
const PROBE_STATUS: i32 = 0x10 * 2 + 1;

/// Set once a guest did not come up through KVM although the probe did.
static KVM_FAILS: AtomicBool = AtomicBool::new(false);

impl Accelerator {
    /// KVM where it works, else software. Tried once in a process: `/dev/kvm` is there on machines where no
    /// guest starts through it. `GPUFAS_ACCELERATOR=tcg` or `=kvm` in the environment decides without a try.
    pub fn detect() -> Self {
        static FOUND: OnceLock<Accelerator> = OnceLock::new();
        let found = *FOUND.get_or_init(|| match std::env::var("GPUFAS_ACCELERATOR").as_deref() {
            Ok("kvm") => Self::Kvm,
            Ok("tcg") => Self::Tcg,
            _ if Path::new("/dev/kvm").exists() && kvm_works().unwrap_or(false) => Self::Kvm,
            _ => Self::Tcg,
        });
        if KVM_FAILS.load(Ordering::Relaxed) { Self::Tcg } else { found }
    }

    /// Takes note that KVM fails guests, although it has passed the probe: no other is to lose its time with it.
    pub(crate) fn kvm_fails() {
        KVM_FAILS.store(true, Ordering::Relaxed);
    }

    /// QEMU's arguments for it. The same processor model is probed and used: with another one, KVM can pass
    /// the probe and fail the guest.
    pub(crate) fn arguments(self, five_level_paging: bool) -> Vec<String> {
        let la57 = if five_level_paging { "on" } else { "off" };
        let (accelerator, cpu) = match self {
            Self::Kvm => ("kvm", "host".to_owned()),
            Self::Tcg => ("tcg,thread=multi", format!("max,la57={la57}")),
        };
        ["-accel".to_owned(), accelerator.to_owned(), "-cpu".to_owned(), cpu].into()
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Kvm => "KVM",
            Self::Tcg => "software emulation",
        })
    }
}

/// Runs five bytes of code on a virtual processor.
fn kvm_works() -> std::io::Result<bool> {
    // Where the processor starts, 16 bytes below the end of the firmware:
    // mov al, 0x10; out 0xf4, al; hlt
    const CODE: [u8; 5] = [0xb0, 0x10, 0xe6, 0xf4, 0xf4];
    const SIZE: usize = 64 << 10;
    let mut firmware = vec![0; SIZE];
    firmware[SIZE - 16..][..CODE.len()].copy_from_slice(&CODE);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("probe.rom");
    fs::write(&file, firmware)?;

    let mut command = Command::new(QEMU);
    command.args(Accelerator::Kvm.arguments(false));
    command.args(["-M", "q35", "-nodefaults", "-display", "none", "-no-reboot"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4", "-bios"]).arg(&file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = spawner::spawn(command)?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code() == Some(PROBE_STATUS));
        }
        if start.elapsed() > PROBE_LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(5));
    }
}
