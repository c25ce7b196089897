// SPDX-License-Identifier: MIT OR Apache-2.0

//! Prints what a raw memory file of a QEMU q35 machine says about the kernel in it.

use anyhow::{Context, Result};
use clap::Parser;
use gpufas_kernel::{Error, Kernel, PhysicalMemory, processes};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

/// Finds the Linux kernel in a raw memory file and prints its release, layout, types and processes.
#[derive(Parser)]
struct Arguments {
    /// File of a `memory-backend-file` of QEMU's, or a raw dump.
    file: PathBuf,
    /// Bytes of memory below 4 GiB; the rest of the file lies at 4 GiB. By default as QEMU's q35 splits it.
    #[arg(long)]
    below_4g: Option<u64>,
    /// Print all symbols, as /proc/kallsyms does, and nothing else.
    #[arg(long)]
    symbols: bool,
    /// Members whose offsets are to be printed.
    #[arg(long, default_values = ["task_struct.pid", "task_struct.comm", "rq.curr"])]
    member: Vec<String>,
}

/// A raw memory file: the part below 4 GiB, then the part from 4 GiB on.
struct MemoryFile {
    file: File,
    ranges: Vec<Range<u64>>,
}

impl MemoryFile {
    fn new(file: File, below_4g: Option<u64>) -> Result<Self> {
        let size = file.metadata()?.len();
        // pc_q35_init() of QEMU's hw/i386/pc_q35.c.
        let low = below_4g.unwrap_or(if size >= 0xb000_0000 { 0x8000_0000 } else { 0xb000_0000 }).min(size);
        let high = 1 << 32;
        let ranges =
            [0..low, high..high + (size - low)].into_iter().filter(|range| !range.is_empty()).collect();
        Ok(Self { file, ranges })
    }
}

impl PhysicalMemory for MemoryFile {
    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    fn read(&self, address: u64, buffer: &mut [u8]) -> gpufas_kernel::Result<()> {
        if !self.contains(address, buffer.len() as u64) {
            return Err(Error::NotMemory { address, size: buffer.len() as u64 });
        }
        let offset = if address < 1 << 32 { address } else { address - (1 << 32) + self.ranges[0].end };
        let unreadable = |source| Error::Unreadable { address, source: Box::new(source) };
        self.file.read_exact_at(buffer, offset).map_err(unreadable)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let file =
        File::open(&arguments.file).with_context(|| format!("cannot open {}", arguments.file.display()))?;
    let memory = MemoryFile::new(file, arguments.below_4g)?;

    let start = Instant::now();
    let kernel = Kernel::find(&memory)?;
    if arguments.symbols {
        for symbol in kernel.symbols().iter() {
            println!("{:016x} {} {}", symbol.address, symbol.kind, symbol.name);
        }
        return Ok(());
    }
    println!("kernel found in {:?}", start.elapsed());
    println!("release  {}", kernel.release());
    println!("version  {}", kernel.version());
    println!("build id {}", kernel.build_id().unwrap_or("-"));
    println!("{:#x?}", kernel.layout());
    println!("{} symbols, init_task at {:#x}", kernel.symbols().len(), kernel.symbol("init_task")?);

    let start = Instant::now();
    let types = kernel.types(&memory)?;
    println!("types read in {:?}", start.elapsed());
    for path in &arguments.member {
        let (name, member) = path.split_once('.').context("a member is written as TYPE.MEMBER")?;
        println!("{path}: {:?} of {} bytes", types.offset_of(name, member)?, types.size_of(name)?);
    }

    let start = Instant::now();
    let table = processes::list(&kernel, &memory, &types)?;
    println!("{} processes read in {:?}", table.processes.len(), start.elapsed());
    println!("    PID    PPID S THREADS   RSS KIB COMM");
    for process in &table.processes {
        let comm = if process.kernel_thread { format!("[{}]", process.comm) } else { process.comm.clone() };
        let resident = process.resident >> 10;
        println!(
            "{:7} {:7} {} {:7} {resident:9} {comm}",
            process.pid, process.ppid, process.state, process.threads
        );
    }
    for error in table.incomplete.into_iter().chain(table.error) {
        eprintln!("warning: {:#}", anyhow::Error::from(error));
    }
    Ok(())
}
