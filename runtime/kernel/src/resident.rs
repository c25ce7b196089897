// SPDX-License-Identifier: MIT OR Apache-2.0

//! The resident memory of a process, from the counters of its `mm_struct`.

use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::layout::View;
use crate::memory::PAGE_SIZE;
use crate::types::Types;

/// Most CPUs whose counters are added up: the largest `CONFIG_NR_CPUS` of x86-64.
const MAX_CPUS: u32 = 8192;
/// The counters that `get_mm_rss()` of include/linux/mm.h adds up.
const COUNTERS: [&str; 3] = ["MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES"];

/// How a kernel counts resident pages.
pub(crate) struct ResidentMemory {
    /// Offsets of the counters in `mm_struct`.
    counters: [u64; 3],
    /// Where the parts per CPU are, if the counters have such.
    per_cpu: Option<PerCpu>,
}

/// The parts of a `struct percpu_counter`.
struct PerCpu {
    /// Offset of `counters`, the pointer to the parts, from `count`.
    pointer: u64,
    /// What to add to a per-CPU pointer for each CPU (`__per_cpu_offset`).
    bases: u64,
    /// Address of `nr_cpu_ids`.
    cpu_count: u64,
}

impl ResidentMemory {
    pub(crate) fn new(kernel: &Kernel, types: &Types) -> Result<Self> {
        let mut counters = [0; 3];
        // An array of atomic_long_t in a structure up to 6.1, of struct percpu_counter from 6.2 on.
        let plain = types.offset_of("mm_struct", "rss_stat.count").is_ok();
        for (counter, name) in counters.iter_mut().zip(COUNTERS) {
            let index = types.enumerator(name)?;
            let path =
                if plain { format!("rss_stat.count[{index}]") } else { format!("rss_stat[{index}].count") };
            let field = types.offset_of("mm_struct", &path)?;
            if field.size != 8 {
                let what = format!("its mm_struct.{path} is not of 8 bytes");
                return Err(Error::Unsupported { release: kernel.release().into(), what });
            }
            *counter = field.offset;
        }
        if plain {
            return Ok(Self { counters, per_cpu: None });
        }
        let count = types.offset_of("percpu_counter", "count")?.offset;
        let pointer = types.offset_of("percpu_counter", "counters")?.offset;
        let per_cpu = PerCpu {
            pointer: pointer.wrapping_sub(count),
            bases: kernel.symbol("__per_cpu_offset")?,
            cpu_count: kernel.symbol("nr_cpu_ids")?,
        };
        Ok(Self { counters, per_cpu: Some(per_cpu) })
    }

    /// Resident memory of the `mm_struct` at `mm`, in bytes.
    pub(crate) fn read(&self, view: View<'_>, mm: u64) -> Result<u64> {
        let mut pages = 0u64;
        for offset in self.counters {
            let address = mm.checked_add(offset).ok_or(Error::NotKernel { va: mm })?;
            let mut count = view.read_u64(address)? as i64;
            if let Some(per_cpu) = &self.per_cpu {
                count = count.saturating_add(per_cpu.sum(view, address)?);
            }
            // A counter may be negative for a moment, which the kernel reports as 0 (get_mm_counter()).
            pages = pages.saturating_add(u64::try_from(count).unwrap_or(0));
        }
        Ok(pages.saturating_mul(PAGE_SIZE))
    }
}

impl PerCpu {
    /// What the CPUs have counted and not yet added to the counter at `counter`.
    fn sum(&self, view: View<'_>, counter: u64) -> Result<i64> {
        let parts = view.read_u64(counter.wrapping_add(self.pointer))?;
        let cpus = view.read_u32(self.cpu_count)?.min(MAX_CPUS);
        let mut sum = 0;
        for cpu in 0..u64::from(cpus) {
            let base = view.read_u64(self.bases.wrapping_add(8 * cpu))?;
            sum += i64::from(view.read_u32(parts.wrapping_add(base))? as i32);
        }
        Ok(sum)
    }
}
