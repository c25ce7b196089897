// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest's memory as the tests see it, and damage done to it on purpose.

use std::ops::Range;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, ensure};
use gpufas::memory::{self, GuestMemory};
use gpufas::qmp::Qmp;
use gpufas_kernel::{Kernel, PhysicalMemory, Types, processes};

/// A guest's memory, with its kernel.
pub struct Memory {
    memory: GuestMemory,
    kernel: Kernel,
    types: Types,
}

impl Memory {
    /// The memory of the guest behind a monitor.
    ///
    /// # Errors
    ///
    /// If there is no kernel, or the memory cannot be written.
    pub fn of(qmp: &mut Qmp) -> Result<Self> {
        let memory = memory::attach(qmp)?;
        memory.check_writable()?;
        let kernel = Kernel::find(&memory)?;
        let types = kernel.types(&memory)?;
        Ok(Self { memory, kernel, types })
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Where the guest has memory: physical addresses.
    pub fn ranges(&self) -> &[Range<u64>] {
        self.memory.ranges()
    }

    /// The address of a process's `task_struct`.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn task(&self, pid: u32) -> Result<u64> {
        let table = processes::list(&self.kernel, &self.memory, &self.types)?;
        let process = table.processes.iter().find(|process| process.pid.cast_unsigned() == pid);
        Ok(process.with_context(|| format!("no process {pid} in the guest's memory"))?.task)
    }

    /// The size of a structure, in bytes.
    ///
    /// # Errors
    ///
    /// If the kernel has none of that name.
    pub fn size_of(&self, name: &str) -> Result<u64> {
        Ok(self.types.size_of(name)?)
    }

    /// The offset of a structure's member, in bytes.
    ///
    /// # Errors
    ///
    /// If the kernel has none of that name.
    pub fn offset_of(&self, name: &str, member: &str) -> Result<u64> {
        Ok(self.types.offset_of(name, member)?.offset)
    }

    /// Reads a number at a kernel virtual address.
    ///
    /// # Errors
    ///
    /// If it is not mapped.
    pub fn read(&self, address: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.kernel.read(&self.memory, address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Overwrites bytes at a kernel virtual address, until the result is dropped. The guest should be paused
    /// both times, unless it leaves those bytes alone.
    ///
    /// # Errors
    ///
    /// If they are not mapped, or lie in two pages.
    pub fn overwrite(&self, address: u64, bytes: &[u8]) -> Result<Overwritten<'_>> {
        let mut old = vec![0; bytes.len()];
        self.kernel.read(&self.memory, address, &mut old)?;
        ensure!(
            address % 4096 + bytes.len() as u64 <= 4096,
            "{address:#x} is too near to the end of its page"
        );
        let physical = self.kernel.translate(&self.memory, address)?;
        let overwritten = Overwritten { memory: &self.memory, physical, old };
        overwritten.write(bytes)?;
        Ok(overwritten)
    }
}

/// Damage that is made good when this is dropped.
pub struct Overwritten<'a> {
    memory: &'a GuestMemory,
    physical: u64,
    old: Vec<u8>,
}

impl Overwritten<'_> {
    fn write(&self, bytes: &[u8]) -> Result<()> {
        let extents = self.memory.extents();
        let extent = extents.iter().find(|extent| extent.physical.contains(&self.physical));
        let extent = extent.with_context(|| format!("no memory at {:#x}", self.physical))?;
        let offset = extent.offset + (self.physical - extent.physical.start);
        Ok(extent.file.write_all_at(bytes, offset)?)
    }

    /// Makes it good.
    ///
    /// # Errors
    ///
    /// If the memory is gone.
    pub fn restore(self) -> Result<()> {
        self.write(&self.old)
    }
}

impl Drop for Overwritten<'_> {
    fn drop(&mut self) {
        // A guest that is gone needs it no more.
        let _ = self.write(&self.old);
    }
}
