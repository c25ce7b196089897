// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas-cc`: compiles recovery programs, written in C like kernel code, for GPUs and for the hosts of virtual machines.

mod arguments;
mod cache;
mod command;
mod cuda;
mod driver;
mod error;
mod frontend;
mod headers;
mod host_link;
mod input;
mod kernel;
mod messages;
mod pipeline;
mod target;

use std::process::ExitCode;

use arguments::Request;
use error::Error;
use messages::Messages;

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let request = match arguments::parse(words) {
        Ok(request) => request,
        Err(error) => {
            Messages::new(&[]).plain_error(&error.to_string());
            return error.exit_code();
        }
    };
    match request {
        Request::Help => {
            print!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Request::Version => {
            let (major, minor, patch) = gpufas_passes::llvm::version();
            println!("gpufas-cc {} (LLVM {major}.{minor}.{patch})", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Request::Compile(arguments) => {
            let mut messages = Messages::new(&arguments.clang);
            match driver::compile(&arguments, &mut messages) {
                Ok(()) => ExitCode::SUCCESS,
                // clang has said it all.
                Err(error @ Error::Rejected(_)) => error.exit_code(),
                Err(error @ Error::Reported(_)) => {
                    eprintln!("{error}");
                    error.exit_code()
                }
                Err(error) => {
                    messages.plain_error(&error.to_string());
                    error.exit_code()
                }
            }
        }
    }
}
