// SPDX-License-Identifier: MIT OR Apache-2.0

//! The `gpufas` command.

mod command;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    gpufas::interrupt::install();
    let arguments = match command::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done if the message cannot be shown.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
        }
    };
    let status = arguments.execute();
    // Not by returning: after a GPU program that does not end, the driver's own clean-up would wait for it.
    command::output::flush();
    // SAFETY: ends the process at once; what was written is flushed, and nothing else needs an end.
    unsafe { libc::_exit(status.into()) }
}
