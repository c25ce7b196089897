// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask vm`: a guest to try things on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use anyhow::{Context, Result};
use gpufas_guest::{Backing, Guest, kernels};

use crate::setup;
use crate::ui::Step;

/// What the guest is to be like.
#[derive(clap::Args)]
pub struct Arguments {
    /// Its kernel
    #[arg(long, default_value = "6.1")]
    kernel: String,
    /// Its processors
    #[arg(long, default_value_t = 2)]
    cpus: u32,
    /// Its memory, in MiB
    #[arg(long, default_value_t = 512)]
    memory: u32,
    /// Its memory is QEMU's own, not a file that others can map
    #[arg(long)]
    private_memory: bool,
    /// Sleeping processes to start
    #[arg(long, default_value_t = 20)]
    sleepers: u32,
    /// A process that computes for ever, of this name
    #[arg(long, default_value = "runaway")]
    runaway: String,
    /// A file to copy its console to
    #[arg(long)]
    console: Option<PathBuf>,
}

/// Runs a guest until Ctrl-C, or until it ends.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare_guests()?;
    let kernel = setup::kernel(kernels::find(&arguments.kernel)?)?;
    let step = Step::start(format!("booting {}", kernel.release));
    let mut builder = Guest::builder(&kernel).cpus(arguments.cpus).memory_mib(arguments.memory);
    if arguments.private_memory {
        builder = builder.backing(Backing::Private);
    }
    if let Some(path) = &arguments.console {
        builder = builder.console_file(path);
    }
    let guest = builder.boot()?;
    if arguments.sleepers > 0 {
        guest.spawn_sleepers(arguments.sleepers, "sleeper")?;
    }
    let runaway = guest.spawn_runaway(&arguments.runaway)?;
    step.done(&guest.accelerator().to_string());

    println!("QMP socket   {}", guest.qmp_socket().display());
    if let Some(file) = guest.memory_file() {
        println!("memory       {}", file.display());
    }
    println!("QEMU         process {}", guest.qemu_pid());
    println!(
        "inside       {} sleeping processes, process {runaway} ({}) computing",
        arguments.sleepers, arguments.runaway
    );
    println!("\nTry: gpufas ps --qmp {}\nCtrl-C ends it.", guest.qmp_socket().display());
    wait(&guest)
}

/// Waits for Ctrl-C or for the guest's end, and tells what happens meanwhile.
fn wait(guest: &Guest) -> Result<ExitCode> {
    let (interrupt, interrupted) = mpsc::channel();
    ctrlc::set_handler(move || {
        // A second Ctrl-C finds nobody who listens any more.
        let _ = interrupt.send(());
    })
    .context("cannot wait for Ctrl-C")?;
    let mut told = guest.events().len();
    loop {
        match interrupted.recv_timeout(std::time::Duration::from_millis(200)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            _ => {
                println!("ending the guest");
                return Ok(ExitCode::SUCCESS);
            }
        }
        let events = guest.events();
        for event in &events[told..] {
            println!("{event:?}");
        }
        told = events.len();
        if events.last() == Some(&gpufas_guest::GuestEvent::Gone) {
            return Ok(ExitCode::FAILURE);
        }
    }
}
