// SPDX-License-Identifier: MIT OR Apache-2.0

//! The device that maps all of physical memory into one process.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gpufas::memory;
use gpufas::qmp::Qmp;
use gpufas_guest::kernels::KernelSpec;
use gpufas_guest::protocol::ProcessEvent;
use gpufas_guest::{Error, Guest};
use gpufas_kernel::Kernel;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::modules::{MEMORY, UNCACHED, user_program};
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::Tools;
use libc::{SIGBUS, SIGUSR1};

const PROGRAM: &str = "/modules/map_memory";

/// Where the program says what it has done.
const TOLD: &str = "/modules/told";

/// The guest's memory, with a hole below 1 MiB as every PC has, and one below 4 GiB.
const MEMORY_MIB: u32 = 512;

/// Numbers of its pages of 4 KiB, above the first MiB: those below the hole, and those above 4 GiB.
const PAGES: [Range<u64>; 2] = [0x100..0x1_0000, 0x10_0000..0x11_0000];

const NOT_PERMITTED: i32 = 1;
const BUSY: i32 = 16;

/// How much free memory may differ for other reasons than a mapping, in KiB.
const NOISE_KIB: u64 = 3072;

pub fn add(suite: &mut Suite, spec: &'static KernelSpec) {
    suite.case(format!("guest {}: all of memory is mapped, once, without a trace", spec.name), move || {
        let folder = tempfile::tempdir()?;
        let tools = Tools::for_guest(folder.path(), spec.name)?;
        let program =
            user_program("tests/modules/map_memory/map_memory.c", "runtime/support", folder.path())?;
        let builder = Guest::builder(tools.kernel()?).memory_mib(MEMORY_MIB).cpus(2);
        let builder = builder.qemu_argument("-machine").qemu_argument("max-ram-below-4g=256M");
        let (memory, uncached) = (MEMORY.build(&tools)?, UNCACHED.build(&tools)?);
        let guest = builder.module(memory).module(uncached).module(program).boot()?;
        map(&guest)
    });
}

fn map(guest: &Guest) -> Result<()> {
    let baseline = guest.kernel_log(None)?.last();
    guest.load_module(MEMORY.name, "")?;
    guest.unload_module(MEMORY.name)?;
    guest.load_module(MEMORY.name, "")?;
    ensure!(ends_with(guest, &["powerless"])? == NOT_PERMITTED, "a process without the capability got it");
    ensure!(ends_with(guest, &["wrong"])? == 0, "a wrong use was not refused");

    // Not all of it is cached.
    guest.load_module(UNCACHED.name, "")?;
    let (address, expected) = known_word(guest)?;
    let before = Memory::of(guest)?;
    let references = References::of(guest)?;
    let pid = guest.run(PROGRAM, &["map", &address.to_string()])?;
    ensure!(told(guest, "mapped")? == expected, "another word than the guest's memory has");
    Memory::of(guest)?.is_like(&before)?;
    References::of(guest)?.is_like(&references)?;

    // Once per boot.
    ensure!(ends_with(guest, &["map", "0"])? == BUSY, "it was mapped twice");
    let unload = guest.unload_module(MEMORY.name).unwrap_err();
    ensure!(matches!(unload, Error::Refused { .. }), "{unload}");

    guest.kill(pid, SIGUSR1)?;
    let size = told(guest, "withdrawn")?;
    ensure!(size > u64::from(MEMORY_MIB) << 20, "memory behind the hole is missing: {size:#x}");
    Memory::of(guest)?.is_like(&before)?;
    References::of(guest)?.is_like(&references)?;
    guest.kill(pid, SIGUSR1)?;
    let end = guest.wait_for_end(pid, LIMIT)?;
    ensure!(end == ProcessEvent::Killed { pid, signal: SIGBUS }, "it could still read: {end:?}");

    // Nor for another process, once it is gone.
    ensure!(ends_with(guest, &["map", "0"])? == BUSY, "it was mapped twice");
    let after = Memory::of(guest)?;
    after.is_like(&before)?;
    let log = guest.kernel_log(baseline)?;
    ensure!(log.problems().is_empty(), "the kernel complains: {:#?}", log.problems());
    let message = format!("process {pid} has mapped all memory");
    ensure!(log.records.iter().any(|record| record.text.ends_with(&message)), "no message: {message}");
    Ok(())
}

/// The exit status of a run of the program.
fn ends_with(guest: &Guest, arguments: &[&str]) -> Result<i32> {
    let pid = guest.run(PROGRAM, arguments)?;
    match guest.wait_for_end(pid, LIMIT)? {
        ProcessEvent::Exited { code, .. } => Ok(code),
        other => bail!("{arguments:?}: {other:?}"),
    }
}

/// Waits until the program says that it has done something, and what came of it.
fn told(guest: &Guest, what: &str) -> Result<u64> {
    let start = Instant::now();
    loop {
        let text = guest.read_file(TOLD).unwrap_or_default();
        if let Some(number) = text.strip_prefix(what) {
            return Ok(number.trim().parse()?);
        }
        ensure!(start.elapsed() < LIMIT, "it has not {what}: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A word of the kernel that never changes: its physical address, and its value.
fn known_word(guest: &Guest) -> Result<(u64, u64)> {
    let memory = memory::attach(&mut Qmp::connect(&guest.qmp_socket())?)?;
    let kernel = Kernel::find(&memory)?;
    let banner = kernel.symbols().address("linux_banner").context("no linux_banner")?;
    let address = banner.next_multiple_of(8);
    let mut bytes = [0; 8];
    kernel.read(&memory, address, &mut bytes)?;
    Ok((kernel.translate(&memory, address)?, u64::from_le_bytes(bytes)))
}

/// How many users the kernel counts of pages, as its own memory says.
struct References(Vec<i32>);

impl References {
    /// Every so many pages, one is looked at.
    const STEP: usize = 61;

    /// Most of the pages, in percent, that others may take and give back meanwhile.
    const NOISE_PERCENT: usize = 10;

    fn of(guest: &Guest) -> Result<Self> {
        let memory = memory::attach(&mut Qmp::connect(&guest.qmp_socket())?)?;
        let kernel = Kernel::find(&memory)?;
        let base = kernel.symbols().address("vmemmap_base").context("no vmemmap_base")?;
        let mut pages = [0; 8];
        kernel.read(&memory, base, &mut pages)?;
        let types = kernel.types(&memory)?;
        let (size, offset) = (types.size_of("page")?, types.offset_of("page", "_refcount")?.offset);
        let counts = PAGES.into_iter().flatten().step_by(Self::STEP).map(|page| {
            let mut count = [0; 4];
            kernel.read(&memory, u64::from_le_bytes(pages) + page * size + offset, &mut count)?;
            Ok(i32::from_le_bytes(count))
        });
        Ok(Self(counts.collect::<Result<_>>()?))
    }

    /// Checks that most pages have as many users as before.
    fn is_like(&self, before: &Self) -> Result<()> {
        let changed = self.0.iter().zip(&before.0).filter(|(now, then)| now != then).count();
        let used = before.0.iter().filter(|count| **count > 0).count();
        ensure!(used > self.0.len() / 20, "only {used} of {} pages are in use", self.0.len());
        let most = used * Self::NOISE_PERCENT / 100;
        ensure!(changed <= most, "{changed} of {} pages have other users than before", self.0.len());
        Ok(())
    }
}

/// What the guest says of its memory, in KiB.
struct Memory {
    free: u64,
    page_tables: u64,
}

impl Memory {
    fn of(guest: &Guest) -> Result<Self> {
        let text = guest.read_file("/proc/meminfo")?;
        let field = |name: &str| -> Result<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such field")?;
            Ok(line.trim().trim_end_matches(" kB").parse()?)
        };
        Ok(Self { free: field("MemFree:")?, page_tables: field("PageTables:")? })
    }

    /// Checks that as much is free as before, but for page tables.
    fn is_like(&self, before: &Self) -> Result<()> {
        let all = |memory: &Self| memory.free + memory.page_tables;
        let difference = all(self).abs_diff(all(before));
        ensure!(difference < NOISE_KIB, "{} KiB are free, and were {}", all(self), all(before));
        Ok(())
    }
}
