// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask`: what a developer, or a new user, does with this repository. It has few dependencies, and none
//! that needs anything installed: it is what installs the rest.

mod apt;
mod bench;
mod bundle;
mod bundled_tests;
mod cargo;
mod coverage;
mod cuda;
mod demo;
mod doctor;
mod gpu;
mod kernels;
mod libtest;
mod output;
mod recovery;
mod requirements;
mod setup;
mod test;
mod ui;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of GPUfas. Those that need something that is not installed install it first, and say so.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Repair a guest: 1,000 processes and a runaway one, which is killed from outside
    Demo(demo::Arguments),
    /// Run every test there is
    Test(test::Arguments),
    /// Say what is installed, found or missing, and how to get it
    Doctor,
    /// Install what is missing, and fetch the kernels
    Setup,
    /// Measure how quickly faults are cured, and draw it
    Bench(bench::Arguments),
    /// Measure how much of the kernels' headers and sources compiles
    Coverage(coverage::Arguments),
    /// List the kernels that guests run, or fetch them
    Kernels(kernels::Arguments),
    /// Run a guest until Ctrl-C, and say where to attach to it
    Vm(vm::Arguments),
    /// Compile the bundled recovery programs
    Recovery(recovery::Arguments),
    /// Pack the demonstration for a machine with a GPU that has neither network, QEMU nor a compiler
    Bundle(bundle::Arguments),
    /// Run the tests of an unpacked bundle; its script run-tests calls this
    #[command(hide = true)]
    BundledTests(bundled_tests::Arguments),
}

/// The exit status where the machine or the installation is at fault.
const MACHINE_AT_FAULT: u8 = 2;

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Doctor => doctor::run(),
        Task::Setup => setup::run(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Coverage(arguments) => coverage::run(&arguments),
        Task::Kernels(arguments) => kernels::run(&arguments),
        Task::Vm(arguments) => vm::run(&arguments),
        Task::Recovery(arguments) => recovery::run(&arguments),
        Task::Bundle(arguments) => bundle::run(&arguments),
        Task::BundledTests(arguments) => bundled_tests::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        ui::error(&format!("{error:#}"));
        let broken = error.chain().any(|cause| {
            cause.is::<setup::NeedsHelp>() || cause.downcast_ref().is_some_and(gpufas_guest::Error::is_setup)
        });
        if broken { ExitCode::from(MACHINE_AT_FAULT) } else { ExitCode::FAILURE }
    })
}
