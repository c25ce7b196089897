// SPDX-License-Identifier: MIT OR Apache-2.0

//! Prints what a raw memory file of a QEMU q35 machine says about the kernel in it.

use anyhow::{Context, Result};
use clap::Parser;
use gpufas_kernel::{Kernel, MemorySlices, processes};
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

/// Finds the Linux kernel in a raw memory file and prints its release, layout, symbols and processes.
#[derive(Parser)]
struct Arguments {
    /// File of a `memory-backend-file` of QEMU's, or a raw dump.
    file: PathBuf,
    /// Bytes of memory below 4 GiB; the rest of the file lies at 4 GiB. By default as QEMU's q35 splits it.
    #[arg(long)]
    below_4g: Option<usize>,
    /// Symbols whose addresses are to be printed.
    #[arg(long, default_values = ["_text", "init_task", "page_offset_base", "runqueues"])]
    symbol: Vec<String>,
    /// Members whose offsets are to be printed, as in `task_struct.pid`.
    #[arg(long, default_values = ["task_struct.pid", "task_struct.comm", "rq.curr"])]
    member: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let file =
        File::open(&arguments.file).with_context(|| format!("cannot open {}", arguments.file.display()))?;
    // SAFETY: the map is only read. If the machine runs, its contents change between reads, as this crate's
    // callers must expect of any target; a file that is cut short ends this example with SIGBUS.
    let map = unsafe { memmap2::Mmap::map(&file) }.context("cannot map the memory file")?;
    // pc_q35_init() of QEMU's hw/i386/pc_q35.c.
    let low = arguments.below_4g.unwrap_or(if map.len() >= 0xb000_0000 { 0x8000_0000 } else { 0xb000_0000 });
    let (low, high) = map.split_at(low.min(map.len()));
    let memory = MemorySlices::new([(0, low), (1 << 32, high)]);

    let start = Instant::now();
    let kernel = Kernel::find(&memory)?;
    println!("found in    {:?}", start.elapsed());
    println!("release     {}", kernel.release());
    println!("version     {}", kernel.version());
    println!("build id    {}", kernel.build_id().unwrap_or("-"));
    println!("layout      {:#x?}", kernel.layout());
    println!("symbols     {}", kernel.symbols().len());
    for name in &arguments.symbol {
        match kernel.symbols().address(name) {
            Some(address) => println!("{name:24} {address:016x}  {:?}", kernel.symbols().name_at(address)),
            None => println!("{name:24} -"),
        }
    }
    let start = Instant::now();
    let types = kernel.types(&memory)?;
    println!("types in    {:?}", start.elapsed());
    for path in &arguments.member {
        let (name, member) = path.split_once('.').context("a member is written as TYPE.MEMBER")?;
        println!("{path:24} {:?} of {} bytes", types.offset_of(name, member)?, types.size_of(name)?);
    }
    let start = Instant::now();
    let table = processes::list(&kernel, &memory, &types)?;
    println!("{} processes in {:?}", table.processes.len(), start.elapsed());
    println!("    PID    PPID S THR      RSS KIB COMM");
    for process in &table.processes {
        let kind = if process.kernel_thread { 'k' } else { ' ' };
        println!(
            "{:7} {:7} {} {:3} {:12} {kind} {}",
            process.pid,
            process.ppid,
            process.state,
            process.threads,
            process.resident >> 10,
            process.comm
        );
    }
    for error in table.incomplete.iter().chain(&table.error) {
        eprintln!("warning: {:#}", anyhow::anyhow!("{error:?}"));
    }
    Ok(())
}
