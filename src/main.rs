// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas-cc`: compiles recovery programs, written in C like kernel code, for GPUs and for the hosts of virtual machines.
//!
//! The way of a program, file by file: [`arguments`] reads the command line; [`supervisor`] starts a process for the rest;
//! [`driver`] goes from inputs to output by way of [`frontend`] (clang, with what [`kernel`] knows of the kernel),
//! [`input`], [`link`], the passes, [`device_runtime`] and [`backend`] (code generation, into a [`fatbinary`] or a
//! [`shared_object`] with a [`manifest`]). [`messages`] shows what the passes say.

mod arguments;
mod backend;
mod command;
mod crash;
mod cuda;
mod dependencies;
mod device_runtime;
mod driver;
mod error;
mod fatbinary;
mod frontend;
mod headers;
mod input;
mod intermediate;
mod kernel;
mod kernel_functions;
mod layout_check;
mod line_info;
mod link;
mod manifest;
mod memory_limit;
mod mentions;
mod messages;
mod output;
mod shared_object;
mod source_names;
mod supervisor;
mod target;
mod warnings;

use std::io::Write;
use std::process::ExitCode;

use arguments::Request;
use error::Error;
use messages::{Form, Messages};

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Request::Compile(arguments)) => arguments,
        Ok(Request::Help) => return print(arguments::HELP),
        Ok(Request::HelpWarnings) => return print(&warnings::help()),
        Ok(Request::Version) => return print(&version()),
        Err(error) => {
            Messages::new(asked_form(), &[]).plain_error(&error.to_string());
            return ExitCode::from(error.exit_status());
        }
    };
    let messages = Messages::new(arguments.diagnostics, &arguments.clang);
    supervisor::run(&messages, &driver::outputs(&arguments), |folder| {
        crash::options(&arguments.words);
        gpufas_passes::llvm::leave_debug_information();
        driver::compile(&arguments, folder, &messages).map_or_else(|error| say(&messages, &error), |()| 0)
    })
}

/// Says what went wrong, as far as it is not said yet, and returns the exit status.
fn say(messages: &Messages, error: &Error) -> u8 {
    match error {
        Error::Reported => {}
        Error::Internal(reason) => {
            crash::because(reason);
            return supervisor::INTERNAL;
        }
        Error::Source(_) => messages.verbatim(&error.to_string()),
        Error::OfKernel { release, source } => {
            if let Error::Internal(reason) = source.as_ref() {
                crash::because(&format!("for kernel {release}: {reason}"));
                return supervisor::INTERNAL;
            }
            let status = say(messages, source);
            messages.plain_note(&format!("this was met while compiling for kernel {release}"));
            return status;
        }
        _ => messages.plain_error(&error.to_string()),
    }
    error.exit_status()
}

/// For whom messages are if the command line is not understood: as it says itself, as far as that goes.
fn asked_form() -> Form {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let separate = words.windows(2).filter(|pair| pair[0] == "--diagnostics").map(|pair| pair[1].as_str());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--diagnostics="));
    separate.chain(joined).find_map(|form| arguments::form(form).ok()).unwrap_or_default()
}

/// This compiler's version and those of what is built in.
fn version() -> String {
    let (major, minor, patch) = gpufas_passes::llvm::version();
    format!(
        "gpufas-cc {} (LLVM {major}.{minor}.{patch}; device runtime: rustc {})\n",
        env!("CARGO_PKG_VERSION"),
        device_runtime::DEVICE_RUSTC
    )
}

fn print(text: &str) -> ExitCode {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(source) => {
            let error = Error::write("standard output")(source);
            Messages::new(Form::Text, &[]).plain_error(&error.to_string());
            ExitCode::from(error.exit_status())
        }
    }
}
