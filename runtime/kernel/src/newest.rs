// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of several kernels in memory runs.

use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::memory::PhysicalMemory;

/// The kernel that runs: the only one, or the one whose wall clock is furthest.
///
/// A machine's clock goes on while it is reset, so a kernel left from an earlier boot has the earlier time.
pub(crate) fn choose(mut kernels: Vec<Kernel>, memory: &dyn PhysicalMemory) -> Result<Kernel> {
    let count = kernels.len();
    if count <= 1 {
        return kernels.pop().ok_or(Error::NoKernel);
    }
    let clocks = kernels.into_iter().map(|kernel| Ok((wall_clock(&kernel, memory)?, kernel)));
    let clocks = clocks.collect::<Result<Vec<_>>>().map_err(|_| Error::SeveralKernels { count })?;
    latest(clocks).ok_or(Error::SeveralKernels { count })
}

/// What belongs to the latest time, if only one does.
pub(crate) fn latest<T>(mut clocks: Vec<(u64, T)>) -> Option<T> {
    clocks.sort_by_key(|(clock, _)| *clock);
    let (latest, value) = clocks.pop()?;
    clocks.last().is_none_or(|(second, _)| *second < latest).then_some(value)
}

/// Seconds since 1970 by the kernel's own clock: `xtime_sec` of its `struct timekeeper`, which is the second
/// member of the variable `tk_core` in kernel/time/timekeeping.c.
pub(crate) fn wall_clock(kernel: &Kernel, memory: &dyn PhysicalMemory) -> Result<u64> {
    let types = kernel.types(memory)?;
    // From 6.13 on the variable's type has a name; before, the timekeeper follows a sequence counter of 4
    // bytes.
    let timekeeper = match types.offset_of("tk_data", "timekeeper") {
        Ok(field) => field.offset,
        Err(_) => types.size_of("seqcount_raw_spinlock_t")?.next_multiple_of(8),
    };
    let seconds = types.offset_of("timekeeper", "xtime_sec")?.offset;
    let address =
        [timekeeper, seconds].iter().try_fold(kernel.symbol("tk_core")?, |sum, add| sum.checked_add(*add));
    kernel.view(memory).read_u64(address.ok_or(Error::NotKernel { va: u64::MAX })?)
}
