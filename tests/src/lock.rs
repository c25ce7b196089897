// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lock of the guest's, taken in its name.

use anyhow::{Result, ensure};

use crate::damage::{Memory, Overwritten};
use crate::repair::Repair;

/// The address of the lock of a process's signals.
///
/// # Errors
///
/// If there is no such process, or its kernel has no such lock.
pub fn of_signals(repair: &Repair, pid: u32) -> Result<u64> {
    let memory: &Memory = repair.machine.memory()?;
    let handlers = memory.read(memory.task(pid)? + memory.offset_of("task_struct", "sighand")?)?;
    Ok(handlers + memory.offset_of("sighand_struct", "siglock")?)
}

/// Takes a spinlock that is free, as a CPU does that holds it.
///
/// # Errors
///
/// If it is held already.
pub fn hold(repair: &Repair, lock: u64) -> Result<Overwritten<'_>> {
    // Four bytes, of which a held one's are _Q_LOCKED_VAL of include/asm-generic/qspinlock_types.h.
    set(repair, lock, 0xffff_ffff, &1_u32.to_le_bytes())
}

/// The same where tasks own spinlocks (PREEMPT_RT), as a task does that holds it.
///
/// # Errors
///
/// If it is held already.
pub fn hold_as(repair: &Repair, lock: u64, pid: u32) -> Result<Overwritten<'_>> {
    let memory: &Memory = repair.machine.memory()?;
    let owner = lock + memory.offset_of("spinlock_t", "lock.owner")?;
    // The bit that says that somebody waits is clear (kernel/locking/rtmutex_common.h).
    set(repair, owner, u64::MAX, &memory.task(pid)?.to_le_bytes())
}

/// Writes to a lock whose bits in a mask are clear.
fn set<'a>(repair: &'a Repair, address: u64, mask: u64, held: &[u8]) -> Result<Overwritten<'a>> {
    let memory: &Memory = repair.machine.memory()?;
    repair.machine.while_paused(|_| {
        let now = memory.read(address)?;
        ensure!(now & mask == 0, "the lock is held already: {now:#x}");
        memory.overwrite(address, held)
    })
}
