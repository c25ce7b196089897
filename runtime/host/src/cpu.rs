// SPDX-License-Identifier: MIT OR Apache-2.0

//! The CPU of the guest as which a program runs.

use crate::error::{Error, Result};
use gpufas_kernel::{Kernel, PhysicalMemory};

/// The CPU that Linux boots on, whatever its APIC id (`boot_cpu_init()` in kernel/cpu.c).
pub const BOOT_CPU: u32 = 0;

/// A CPU of a kernel's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: u32,
    /// `__per_cpu_offset[number]`: what leads from the address of a per-CPU variable to this CPU's copy, modulo 2^64.
    pub offset: u64,
}

impl Cpu {
    /// Finds a CPU of a kernel's.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchCpu`] if it is none of the kernel's possible CPUs, which alone have per-CPU variables;
    /// [`Error::Kernel`] if the memory cannot be read.
    pub fn find(kernel: &Kernel, memory: &dyn PhysicalMemory, number: u32) -> Result<Self> {
        let possible = possible(kernel, memory)?;
        if !possible.contains(&number) {
            return Err(Error::NoSuchCpu { number, possible: ranges(&possible) });
        }
        let offsets = kernel.symbol("__per_cpu_offset")?;
        Ok(Self { number, offset: word(kernel, memory, offsets.wrapping_add(u64::from(number) * 8))? })
    }
}

/// The numbers of the CPUs that the kernel has prepared for (`cpu_possible_mask`), in order.
fn possible(kernel: &Kernel, memory: &dyn PhysicalMemory) -> Result<Vec<u32>> {
    /// Largest `CONFIG_NR_CPUS` of x86-64 (arch/x86/Kconfig, NR_CPUS_RANGE_END).
    const MOST: u32 = 8192;
    let mask = kernel.symbol("__cpu_possible_mask")?;
    let mut count = [0; 4];
    kernel.read(memory, kernel.symbol("nr_cpu_ids")?, &mut count)?;
    let count = u32::from_le_bytes(count).min(MOST);
    let mut found = Vec::new();
    for first in (0..count).step_by(64) {
        let bits = word(kernel, memory, mask.wrapping_add(u64::from(first / 8)))?;
        found.extend((first..count.min(first + 64)).filter(|number| bits >> (number - first) & 1 != 0));
    }
    Ok(found)
}

fn word(kernel: &Kernel, memory: &dyn PhysicalMemory, address: u64) -> Result<u64> {
    let mut bytes = [0; 8];
    kernel.read(memory, address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Numbers in order as the kernel writes lists of CPUs: `0-3,8`.
fn ranges(numbers: &[u32]) -> String {
    let parts: Vec<String> = numbers
        .chunk_by(|one, next| one + 1 == *next)
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            Some(if first == last { first.to_string() } else { format!("{first}-{last}") })
        })
        .collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_written_as_the_kernel_writes_them() {
        for (numbers, text) in [(&[][..], ""), (&[0], "0"), (&[0, 1], "0-1"), (&[0, 2, 3, 4, 9], "0,2-4,9")] {
            assert_eq!(ranges(numbers), text);
        }
    }
}
