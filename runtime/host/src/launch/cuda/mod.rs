// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a program on a GPU.
//!
//! The guest's memory is registered with the driver, so that the GPU accesses it where it is, over the bus:
//! nothing is copied, and a store is in the guest's memory at once.

mod driver;
mod image;

use super::buffers::{Buffers, Parts};
use super::sections::Sections;
use super::watch::watch;
use super::{End, Launch, LogSink, Outcome, check_segments, context, leave};
use crate::error::{Error, Result};
use crate::memory::mapping::{Mapping, page_size};
use crate::memory::{Backing, GuestMemory, MappedMemory};
use driver::{Device, Module, PinnedMemory, RegisteredMemory};
use gpufas_abi::symbols::{CONTEXT, ENTRY_PREFIX, RELOCATION_TABLE, SYMBOL_TABLE};
use gpufas_abi::{Context, Segment, Status};
use gpufas_kernel::PhysicalMemory;
use image::Image;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Bytes of stack that a program may use: as much as the kernel has itself (`THREAD_SIZE` of
/// arch/x86/include/asm/page_64_types.h). The driver sets it aside for each thread that fits on the GPU, a
/// quarter of a million on a large one, though only one runs.
const STACK_SIZE: u64 = 16 << 10;

/// Stack beyond what the program may use, for the runtime's own functions, in bytes.
const STACK_RESERVE: u64 = 4 << 10;

/// The guest's memory in this process.
enum View {
    Mapped(MappedMemory),
    /// A dump, which is no memory of a running guest: a copy of all of it.
    Copy(Vec<(Mapping, Segment)>),
}

impl View {
    fn new(memory: &GuestMemory) -> Result<Self> {
        match memory.backing() {
            Backing::Shared => MappedMemory::new(memory).map(Self::Mapped),
            Backing::Private => Err(Error::PrivateMemory),
            Backing::Dump => copy(memory).map(Self::Copy),
        }
    }

    /// Physical ranges, and where each is in this process.
    fn segments(&self) -> Vec<Segment> {
        match self {
            Self::Mapped(mapped) => mapped.segments().to_vec(),
            Self::Copy(copies) => copies.iter().map(|(_, segment)| *segment).collect(),
        }
    }
}

/// Copies a dump, each range at the place in a page that it has in physical memory.
fn copy(memory: &GuestMemory) -> Result<Vec<(Mapping, Segment)>> {
    /// Bytes that are read at a time.
    const CHUNK: usize = 16 << 20;
    let mut copies = Vec::new();
    for range in memory.ranges() {
        let lead = (range.start % page_size() as u64) as usize;
        let size = usize::try_from(range.end - range.start).unwrap_or(usize::MAX - lead);
        let mapping = Mapping::private_zeros(lead.saturating_add(size))?;
        // SAFETY: the mapping is `lead + size` large, private to this function, and zeros are valid bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(mapping.base().as_ptr().add(lead), size) };
        let mut at = range.start;
        for chunk in bytes.chunks_mut(CHUNK) {
            memory.read(at, chunk)?;
            at += chunk.len() as u64;
        }
        let base = mapping.base().as_ptr() as u64 + lead as u64;
        copies.push((mapping, Segment { start: range.start, end: range.end, base }));
    }
    Ok(copies)
}

/// Registers the segments and returns them with the GPU's addresses.
fn register(device: &Device, segments: &[Segment]) -> Result<(Vec<RegisteredMemory>, Vec<Segment>)> {
    let page = page_size() as u64;
    let mut registered: Vec<RegisteredMemory> = Vec::new();
    let mut for_device = Vec::new();
    for segment in segments {
        let start = segment.base / page * page;
        let end = (segment.base + (segment.end - segment.start)).next_multiple_of(page);
        let base = NonNull::new(std::ptr::with_exposed_provenance_mut::<u8>(start as usize));
        let base = base.ok_or(Error::Start { what: "a segment at address 0".into() })?;
        // SAFETY: whole pages of a mapping that the caller keeps longer than what is returned. Two segments
        // never share a page: they are ranges of pages, or mappings of their own.
        let memory = unsafe { RegisteredMemory::new(device, base, (end - start) as usize) }?;
        let base = memory.device_address()? + (segment.base - start);
        registered.push(memory);
        for_device.push(Segment { base, ..*segment });
    }
    Ok((registered, for_device))
}

/// A GPU.
pub struct Gpu {
    number: u32,
    device: Device,
}

impl Gpu {
    /// Opens GPU `number`.
    ///
    /// # Errors
    /// [`Error::NoDriver`], [`Error::Device`] if there is no such GPU, [`Error::Cuda`].
    pub fn open(number: u32) -> Result<Self> {
        Device::open(number).map(|device| Self { number, device })
    }

    /// Number and name, for reports.
    pub fn describe(&self) -> String {
        format!("cuda:{} ({})", self.number, self.device.name())
    }

    /// The GPU's architecture as compilers call it, as in `sm_90`.
    ///
    /// # Errors
    /// [`Error::Cuda`].
    pub fn architecture(&self) -> Result<String> {
        let (major, minor) = self.device.compute_capability()?;
        Ok(format!("sm_{major}{minor}"))
    }

    /// Loads a program, which has code for `architectures`, and gives the GPU access to a guest's memory. That takes
    /// most of the time, 0.2 s for 512 MiB, and changes nothing in the guest.
    ///
    /// # Errors
    /// [`Error::PrivateMemory`], [`Error::TooManySegments`], [`Error::Cuda`].
    pub fn prepare(self, code: &[u8], architectures: &[String], memory: &GuestMemory) -> Result<Prepared> {
        let view = View::new(memory)?;
        check_segments(&view.segments())?;
        let (registered, segments) = register(&self.device, &view.segments())?;
        self.device.set_stack_size((STACK_SIZE + STACK_RESERVE) as usize)?;
        let image = Image::new(&self.device, code, architectures)?;
        let module = Module::load(&self.device, image.words())?;
        let held = Held { module, image, _registered: registered, view, gpu: self };
        Ok(Prepared { segments, held: ManuallyDrop::new(held), abandoned: false, has_run: false })
    }
}

/// What a kernel uses while it runs.
struct Held {
    // In the order in which they are to be dropped.
    module: Module,
    image: Image,
    _registered: Vec<RegisteredMemory>,
    view: View,
    gpu: Gpu,
}

/// A program on a GPU that has access to a guest's memory.
///
/// A kernel cannot be killed. As long as one runs nothing that it uses may be given back, so that all of it
/// is forgotten then, and the end of this process takes it.
pub struct Prepared {
    /// Where physical memory is for the GPU.
    segments: Vec<Segment>,
    held: ManuallyDrop<Held>,
    /// Whether a kernel may still be running, or the context is lost.
    abandoned: bool,
    /// Whether the program has run, and its variables are as it left them.
    has_run: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.abandoned {
            // SAFETY: nothing uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.held) };
        }
    }
}

impl Prepared {
    /// Number and name of the GPU, for reports.
    pub fn describe(&self) -> String {
        self.held.gpu.describe()
    }

    /// Runs the program once. `launch` must have the code and the memory that this was prepared with.
    ///
    /// If the program does not end even when asked ([`End::Unresponsive`]), it goes on until this process ends,
    /// which should then be soon, and by `_exit`.
    ///
    /// # Errors
    /// [`Error::Cuda`], [`Error::Start`]. What goes wrong in the program is no error but an [`End`].
    pub fn run(&mut self, launch: &Launch<'_>, log: LogSink<'_>) -> Result<Outcome> {
        // Each time a program begins with the variables that it was compiled with, as in a new process on the host.
        if std::mem::replace(&mut self.has_run, true) {
            self.held.module = Module::load(&self.held.gpu.device, self.held.image.words())?;
        }
        let parts = Parts::new(launch.arguments, launch.variant.all_or_nothing);
        let buffers_memory = PinnedMemory::new(&self.held.gpu.device, parts.size)?;
        let program_base = buffers_memory.device_address()?;
        // SAFETY: the memory is zeroed, page-aligned, of this size, and given back after the buffers' last use.
        let buffers = unsafe { Buffers::new(buffers_memory.base(), program_base, parts, launch.arguments) };
        let context = context(launch, &buffers, &self.segments, STACK_SIZE)?;
        let module = &self.held.module;
        module.write_global(CONTEXT, context_bytes(&context))?;
        let tables = [(SYMBOL_TABLE, launch.symbols), (RELOCATION_TABLE, launch.relocations)];
        for (name, contents) in tables.into_iter().filter(|(_, contents)| !contents.is_empty()) {
            let bytes: Vec<u8> = contents.iter().flat_map(|value| value.to_le_bytes()).collect();
            module.write_global(name, &bytes)?;
        }
        let running = ManuallyDrop::new(module.launch(&format!("{ENTRY_PREFIX}{}", launch.entry.name))?);
        let buffers_memory = ManuallyDrop::new(buffers_memory);
        self.abandoned = true;

        // A kernel that accesses what it was not given takes the context with it; what it recorded before
        // that is in host memory and still there.
        let mut lost = None;
        let watched = watch(&buffers, launch.timeout, log, || match running.has_ended() {
            Ok(ended) => Ok(ended),
            Err(error) => {
                lost = Some(error.to_string());
                Ok(true)
            }
        })?;
        let report = buffers.read_report();
        let end = match (lost, Status::from_number(report.status)) {
            _ if !watched.ended => End::Unresponsive,
            (Some(signal), _) => End::Crash { signal, address: None, offset: None },
            (None, status) => {
                self.abandoned = false;
                match status {
                    Some(Status::Finished) => End::Finished(report.result),
                    Some(Status::Faulted) => End::Fault(report.fault),
                    _ => End::Vanished { status: 0 },
                }
            }
        };
        let returned = matches!(end, End::Finished(_));
        let mapped = match &self.held.view {
            // One that still runs may still write.
            View::Mapped(mapped) if watched.ended => Some(mapped),
            _ => None,
        };
        let sections = Sections::new(buffers.read_journal());
        let (left, stores) = leave(&sections, launch.memory, mapped, report.journal_lost, returned);
        let interrupts = buffers.read_interrupts();
        if !self.abandoned {
            drop(ManuallyDrop::into_inner(running));
            // Nothing reads the buffers after this.
            drop(ManuallyDrop::into_inner(buffers_memory));
        }
        Ok(Outcome {
            end,
            stop_reason: watched.stop_reason,
            stores,
            stores_lost: report.journal_lost,
            stores_kept: !left.as_ref().is_some_and(|left| left.nothing_left),
            left,
            half_left: None,
            still_runs: !watched.ended,
            interrupts,
            log_lost: report.log_lost,
            budget_left: report.budget_left,
            duration: watched.duration,
        })
    }
}

/// The context as bytes, to be copied to the GPU.
fn context_bytes(context: &Context) -> &[u8] {
    // SAFETY: a Context is repr(C) and has no padding (see its module), so that all of its bytes are
    // initialised.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(context).cast(), size_of::<Context>()) }
}

#[cfg(test)]
mod tests;
