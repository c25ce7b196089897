// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a program on a GPU.
//!
//! The guest's memory is registered with the driver, so that the GPU accesses it where it is, over the bus:
//! nothing is copied, and a store is in the guest's memory at once.

mod driver;

use super::buffers::{Buffers, Parts};
use super::watch::watch;
use super::{End, Launch, LogSink, Outcome, context, stores};
use crate::error::{Error, Result};
use crate::memory::mapping::{Mapping, page_size};
use crate::memory::{Backing, GuestMemory, MappedMemory};
use driver::{Device, Module, PinnedMemory, RegisteredMemory};
use gpufas_abi::symbols::{CONTEXT, ENTRY_PREFIX, SYMBOL_TABLE};
use gpufas_abi::{Context, Segment, Status};
use gpufas_kernel::PhysicalMemory;
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

/// All that a kernel uses while it runs. A kernel cannot be killed: as long as one runs, none of this
/// may be given back, so that it is forgotten then, and the end of this process takes it.
struct Held {
    // In the order in which they are to be dropped.
    run: driver::Run,
    _module: Module,
    _buffers_memory: PinnedMemory,
    _registered: Vec<RegisteredMemory>,
    _view: View,
    _device: Device,
}

/// Name of a GPU, for reports.
///
/// # Errors
/// Those of opening it: [`Error::NoDriver`], [`Error::Device`], [`Error::Cuda`].
pub fn device_name(number: u32) -> Result<String> {
    Device::open(number).map(|device| device.name().to_owned())
}

/// Runs a program of the cuda target once, on GPU `number`.
///
/// If the program does not end even when asked ([`End::Unresponsive`]), it goes on until this process ends,
/// which should then be soon, and by `_exit`.
///
/// # Errors
/// [`Error::PrivateMemory`], [`Error::NoDriver`], [`Error::Device`], [`Error::Cuda`], [`Error::Start`]. What
/// goes wrong in the program is no error but an [`End`], unless the driver takes the GPU away from it.
pub fn run(launch: &Launch<'_>, number: u32, log: LogSink<'_>) -> Result<Outcome> {
    // Before the driver is asked: the most likely mistake, and the cheapest to find.
    if launch.memory.backing() == Backing::Private {
        return Err(Error::PrivateMemory);
    }
    let device = Device::open(number)?;
    let view = View::new(launch.memory)?;
    launch.memory.check_segments(view.segments().len())?;
    let (registered, segments) = register(&device, &view.segments())?;
    let parts = Parts::new(launch.arguments);
    let buffers_memory = PinnedMemory::new(&device, parts.size)?;
    let program_base = buffers_memory.device_address()?;
    // SAFETY: the memory is zeroed, page-aligned, of this size, and given back after the buffers' last use.
    let buffers = unsafe { Buffers::new(buffers_memory.base(), program_base, parts, launch.arguments) };
    let context = context(launch, &buffers, &segments, STACK_SIZE)?;

    device.set_stack_size((STACK_SIZE + STACK_RESERVE) as usize)?;
    let module = Module::load(&device, launch.program.code())?;
    module.write_global(CONTEXT, context_bytes(&context))?;
    if !launch.symbols.is_empty() {
        let bytes: Vec<u8> = launch.symbols.iter().flat_map(|address| address.to_le_bytes()).collect();
        module.write_global(SYMBOL_TABLE, &bytes)?;
    }
    let run = module.launch(&format!("{ENTRY_PREFIX}{}", launch.entry.name))?;
    let held = ManuallyDrop::new(Held {
        run,
        _module: module,
        _buffers_memory: buffers_memory,
        _registered: registered,
        _view: view,
        _device: device,
    });
    // A kernel that accesses what it was not given takes the context with it; what it recorded before that
    // is in host memory and still there.
    let mut lost = None;
    let watched = watch(&buffers, launch.timeout, log, || match held.run.has_ended() {
        Ok(ended) => Ok(ended),
        Err(error) => {
            lost = Some(error.to_string());
            Ok(true)
        }
    })?;
    let report = buffers.read_report();
    let end = match Status::from_number(report.status) {
        _ if !watched.ended => End::Unresponsive,
        _ if lost.is_some() => {
            End::Crash { signal: lost.clone().unwrap_or_default(), address: None, offset: None }
        }
        Some(Status::Finished) => End::Finished(report.result),
        Some(Status::Faulted) => End::Fault(report.fault),
        _ => End::Vanished { status: 0 },
    };
    let stores = stores::with_new_values(buffers.read_journal(), |at| {
        let mut byte = [0];
        launch.memory.read(at, &mut byte).ok().map(|()| byte[0])
    });
    // Nothing can be given back to a context that is lost, either.
    if watched.ended && lost.is_none() {
        drop(ManuallyDrop::into_inner(held));
    }
    Ok(Outcome {
        end,
        stop_reason: watched.stop_reason,
        stores,
        stores_lost: report.journal_lost,
        stores_kept: true,
        log_lost: report.log_lost,
        budget_left: report.budget_left,
        duration: watched.duration,
    })
}

/// The context as bytes, to be copied to the GPU.
fn context_bytes(context: &Context) -> &[u8] {
    // SAFETY: a Context is repr(C) and has no padding (see its module), so that all of its bytes are
    // initialised.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(context).cast(), size_of::<Context>()) }
}

#[cfg(test)]
mod tests;
