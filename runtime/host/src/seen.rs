// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether the kernel that was found in a guest is still there, and in a state to be repaired.

use gpufas_kernel::Kernel;

use crate::error::{Error, Result};
use crate::memory::GuestMemory;

/// `PANIC_CPU_INVALID` of include/linux/panic.h, before 5.14 of include/linux/kernel.h: no CPU has called `panic()`.
const NO_PANIC: i32 = -1;

/// What tells a kernel from one that is booted after it.
pub struct Seen {
    banner: Option<Vec<u8>>,
}

impl Seen {
    /// What a guest's kernel is now.
    ///
    /// # Errors
    ///
    /// If its memory cannot be read.
    pub fn of(kernel: &Kernel, memory: &GuestMemory) -> Result<Self> {
        Ok(Self { banner: banner(kernel, memory)? })
    }

    /// Checks that it is still the same, and if a program is to write to it, that it has not panicked.
    ///
    /// # Errors
    ///
    /// [`Error::GuestRestarted`], [`Error::GuestPanicked`]; if its memory cannot be read.
    pub fn check(&self, kernel: &Kernel, memory: &GuestMemory, writes: bool) -> Result<()> {
        if banner(kernel, memory)? != self.banner {
            return Err(Error::GuestRestarted);
        }
        match panic_cpu(kernel, memory)? {
            Some(cpu) if writes => Err(Error::GuestPanicked { cpu }),
            _ => Ok(()),
        }
    }
}

/// The text that names the kernel (`linux_banner` of init/version.c), as far as it is the same size.
fn banner(kernel: &Kernel, memory: &GuestMemory) -> Result<Option<Vec<u8>>> {
    let Some(address) = kernel.symbols().address("linux_banner") else { return Ok(None) };
    let mut text = vec![0; 128];
    kernel.read(memory, address, &mut text)?;
    Ok(Some(text))
}

/// The CPU on which the kernel has panicked: `panic_cpu` of kernel/panic.c, which `panic()` sets before it stops all others.
fn panic_cpu(kernel: &Kernel, memory: &GuestMemory) -> Result<Option<i32>> {
    let Some(address) = kernel.symbols().address("panic_cpu") else { return Ok(None) };
    let mut bytes = [0; 4];
    kernel.read(memory, address, &mut bytes)?;
    let cpu = i32::from_le_bytes(bytes);
    Ok((cpu != NO_PANIC).then_some(cpu))
}
