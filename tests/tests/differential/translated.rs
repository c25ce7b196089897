// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a recovery program on a machine's memory, and what its journal must be.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gpufas::arguments::Value;
use gpufas::check;
use gpufas::cpu::Cpu;
use gpufas::launch::{Launch, Outcome, host};
use gpufas::memory::GuestMemory;
use gpufas::program::Program;
use gpufas_abi::manifest::Target;
use gpufas_kernel::{Layout, NotFound};

use crate::gpu;
use crate::machine::Machine;
use crate::memory::{Memory, PAGE_SIZE};
use crate::symbols;

/// How long a program may run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of its loops and recursions.
    pub budget: u64,
    /// Time.
    pub timeout: Duration,
}

impl Limits {
    /// Those of a program that ends by its budget in far less time.
    pub fn steps(budget: u64) -> Self {
        Self { budget, timeout: Duration::from_secs(30) }
    }
}

/// Runs a program whose symbols are variables of the scene.
///
/// # Errors
///
/// If it cannot be started, or its time was over.
pub fn run(
    program: &Program,
    entry: &str,
    arguments: &[Value],
    (memory, layout): (&GuestMemory, &Layout),
    budget: u64,
) -> Result<Outcome> {
    let address = |name: &str| symbols::address(name, layout).ok_or(NotFound::Missing);
    run_with(program, (entry, arguments), (memory, layout), Limits::steps(budget), &address, &mut |_| {})
}

/// Runs a program, with what says where its symbols are and takes its log.
///
/// # Errors
///
/// If it cannot be started, or its time was over.
pub fn run_with(
    program: &Program,
    (entry, arguments): (&str, &[Value]),
    (memory, layout): (&GuestMemory, &Layout),
    Limits { budget, timeout }: Limits,
    address: &dyn Fn(&str) -> Result<u64, NotFound>,
    log: &mut dyn FnMut(&[u8]),
) -> Result<Outcome> {
    let entry = program.entry(entry).context("no such entry point")?;
    let variant = program.manifest().variants.first().context("no variant")?;
    let symbols = check::table(variant, address);
    let symbols = symbols.map_err(|unresolved| anyhow!("symbols are not found: {unresolved:?}"))?;
    let mut offset = [0; 8];
    let entry_of_cpu = symbols::offset("__per_cpu_offset") + symbols::THIS_CPU * 8;
    // In corrupt memory it may be out of reach, and any number does.
    let _ = layout.read(memory, layout.image_start + entry_of_cpu, &mut offset);
    let cpu = Cpu { number: symbols::THIS_CPU as u32, offset: u64::from_le_bytes(offset) };
    let launch = Launch {
        code: program.code(0),
        variant,
        entry,
        arguments,
        memory,
        layout,
        symbols: &symbols,
        cpu,
        tries: 0,
        interrupts: false,
        relocations: &[],
        budget,
        timeout,
    };
    let outcome = match program.manifest().target {
        Target::Host => host::run(&launch, log).map_err(Into::into),
        Target::Cuda => gpu::run(&launch, &program.manifest().architectures, log),
    };
    let outcome = outcome.context("cannot run the program")?;
    if let Some(reason) = outcome.stop_reason {
        bail!("the program had to be stopped ({reason:?}): {:?}", outcome.end);
    }
    Ok(outcome)
}

/// Takes the stores in the journal back, in physical memory as it is after them.
///
/// # Errors
///
/// If an entry cannot be one.
pub fn undo(outcome: &Outcome, machine: &Machine, memory: &mut Memory) -> Result<()> {
    for store in outcome.stores.iter().rev() {
        let entry = &store.entry;
        ensure!(matches!(entry.size, 1 | 2 | 4 | 8), "a store of {} bytes", entry.size);
        ensure!(entry.physical.is_multiple_of(entry.size.into()), "a store across words: {entry:x?}");
        let is_memory = machine.physical_ranges().any(|range| {
            range.contains(&entry.physical) && entry.physical + u64::from(entry.size) <= range.end
        });
        ensure!(is_memory, "a store out of memory: {entry:x?}");
        let page = entry.physical & !(PAGE_SIZE - 1);
        if memory.page(page).is_none() {
            memory.insert(page, [0; PAGE_SIZE as usize]);
        }
        memory.write(entry.physical, &entry.old.to_le_bytes()[..entry.size as usize]);
    }
    Ok(())
}

/// Checks that each entry says where in the source the store is.
///
/// # Errors
///
/// If one does not.
pub fn check_sites(outcome: &Outcome, program: &Program) -> Result<()> {
    for store in &outcome.stores {
        check_site(store.entry.site, program).with_context(|| format!("{:x?}", store.entry))?;
    }
    Ok(())
}

/// Checks that it is known in which function a site is. Where an optimiser made one access of two, it has no line.
///
/// # Errors
///
/// If it has not.
pub fn check_site(site: u32, program: &Program) -> Result<()> {
    let sites = &program.manifest().variants[0].sites;
    let site = sites.get(site as usize).with_context(|| format!("there is no site {site}"))?;
    ensure!(!site.function.is_empty(), "nothing is known of site {site:?}");
    Ok(())
}

/// The first difference of two physical memories, for messages. What is missing is 0.
pub fn difference(expected: &Memory, found: &Memory) -> Option<String> {
    let zero = [0; PAGE_SIZE as usize];
    let pages = expected.pages().map(|(address, _)| address).chain(found.pages().map(|(address, _)| address));
    pages
        .filter_map(|address| {
            let (one, other) =
                (expected.page(address).unwrap_or(&zero), found.page(address).unwrap_or(&zero));
            if one == other {
                return None;
            }
            let at = one.iter().zip(other).position(|(one, other)| one != other)?;
            let word = at & !7;
            Some(format!(
                "physical {:#x}: expected {:02x?}, found {:02x?}",
                address + word as u64,
                &one[word..word + 8],
                &other[word..word + 8]
            ))
        })
        .next()
}
