// SPDX-License-Identifier: MIT OR Apache-2.0

//! What differs between a GPU and the host.

use core::sync::atomic::{Ordering, fence};

/// Makes everything that was written visible to the rest of the system before anything that is written
/// later (`fence.sc.sys` on a GPU, `mfence` on the host).
#[inline(always)]
pub fn system_fence() {
    fence(Ordering::SeqCst);
}

/// The stack pointer: no variable of a caller lies below it.
///
/// As an address that can be compared with those of variables; on a GPU therefore a generic one.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
pub fn stack_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    pointer
}

/// The stack pointer: no variable of a caller lies below it.
///
/// As an address that can be compared with those of variables; on a GPU therefore a generic one.
#[inline(always)]
#[cfg(target_arch = "nvptx64")]
pub fn stack_pointer() -> u64 {
    let pointer: u64;
    // SAFETY: reads a register and converts it. `stacksave` has been in PTX since 7.3.
    unsafe {
        core::arch::asm!(
            "stacksave.u64 {0};",
            "cvta.local.u64 {0}, {0};",
            out(reg64) pointer,
            options(nomem, nostack, preserves_flags)
        );
    }
    pointer
}

/// Nanoseconds from some moment on (`CLOCK_MONOTONIC`).
#[cfg(target_arch = "x86_64")]
pub fn clock() -> u64 {
    /// `__NR_clock_gettime` of arch/x86/entry/syscalls/syscall_64.tbl.
    const CLOCK_GETTIME: u64 = 228;
    /// include/uapi/linux/time.h.
    const CLOCK_MONOTONIC: u64 = 1;
    // struct __kernel_timespec: seconds and nanoseconds.
    let mut time = [0u64; 2];
    // SAFETY: the kernel writes the structure, and nothing else but the registers that are named.
    unsafe {
        core::arch::asm!(
            "syscall",
            inout("rax") CLOCK_GETTIME => _,
            in("rdi") CLOCK_MONOTONIC,
            in("rsi") time.as_mut_ptr(),
            out("rcx") _,
            out("r11") _,
            options(nostack)
        );
    }
    time[0].wrapping_mul(1_000_000_000).wrapping_add(time[1])
}

/// Nanoseconds from some moment on (PTX ISA, "Special Registers: %globaltimer").
#[cfg(target_arch = "nvptx64")]
pub fn clock() -> u64 {
    let time: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov.u64 {0}, %globaltimer;", out(reg64) time, options(nomem, nostack)) }
    time
}

/// Ends the program.
#[inline(always)]
#[cfg(all(target_arch = "x86_64", not(test)))]
pub fn terminate() -> ! {
    /// `__NR_exit_group` of arch/x86/entry/syscalls/syscall_64.tbl.
    const EXIT_GROUP: u64 = 231;
    // SAFETY: ends the process, which was started for this program only; what is to be known of it lies in
    // memory that it shares with its parent.
    unsafe {
        core::arch::asm!("syscall", "ud2", in("rax") EXIT_GROUP, in("rdi") 0, options(noreturn, nostack));
    }
}

/// Ends the program.
#[inline(always)]
#[cfg(target_arch = "nvptx64")]
pub fn terminate() -> ! {
    // SAFETY: ends the thread.
    unsafe { core::arch::asm!("exit;", options(noreturn, nostack)) }
}

/// What a test catches at the end of a program.
#[cfg(test)]
pub struct Terminated;

/// Ends the program: unwinds to the test that runs it, without the message of a panic.
#[cfg(test)]
pub fn terminate() -> ! {
    std::panic::resume_unwind(Box::new(Terminated));
}
