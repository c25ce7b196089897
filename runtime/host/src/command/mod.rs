// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line.

mod inspect;
pub mod output;
mod ps;
mod run;

use clap::{Args, Parser, Subcommand};
use gpufas::run::Guest;
use gpufas::{Error, Fault};
use std::path::PathBuf;

/// Repairs a failing Linux guest from outside, with compiled recovery programs.
///
/// Exit status: 0 if all is well; 1 if the input is at fault (the program, its arguments, the kernel that it was
/// compiled for) or the program returned an error; 2 if this machine, the installation or the connection to the guest
/// is; 3 if the program ended in a fault.
#[derive(Parser)]
#[command(name = "gpufas", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Ps(ps::Arguments),
    Inspect(inspect::Arguments),
}

/// Which guest.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The monitor of a running guest: the socket of QEMU's -qmp unix:SOCKET,server=on,wait=off
    #[arg(long, value_name = "SOCKET")]
    qmp: Option<PathBuf>,
    /// A memory dump, which is only read: an ELF core (QEMU's dump-guest-memory) or a raw file
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
}

#[derive(Args)]
struct GuestArguments {
    #[command(flatten)]
    source: Source,
    /// Size of the memory below the hole under 4 GiB, if the raw file of --memory has no such hole: a copy of the file of
    /// a memory backend. QEMU's monitor shows it (info mtree -f): 2048M or 3072M in most cases
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with = "qmp")]
    memory_split: Option<u64>,
}

impl GuestArguments {
    fn guest(&self) -> Guest {
        match (&self.source.qmp, &self.source.memory) {
            (_, Some(file)) => Guest::Dump { file: file.clone(), split: self.memory_split },
            (socket, None) => Guest::Qmp(socket.clone().unwrap_or_default()),
        }
    }
}

/// Parses a size in bytes, with `K`, `M` or `G` behind it for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "a number, with K, M or G behind it".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

impl Arguments {
    /// Does what is asked and returns the exit status.
    pub fn execute(&self) -> u8 {
        match &self.command {
            Command::Run(arguments) => arguments.execute(),
            Command::Ps(arguments) => arguments.execute(),
            Command::Inspect(arguments) => arguments.execute(),
        }
    }
}

/// The exit status for an error.
fn status(error: &Error) -> u8 {
    match error.fault() {
        Fault::Input => 1,
        Fault::Machine => 2,
    }
}

/// Shows an error with what caused it, as far as its own text does not say that already.
fn show(error: &Error) -> u8 {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    output::error(&gpufas::report::printable(&text));
    status(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("3072M"), Ok(3 << 30));
        assert_eq!(size("2G"), Ok(2 << 30));
        for wrong in ["", "M", "3T", "-1", "99999999999G", "ä"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn exactly_one_guest_is_needed() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).map(drop);
        assert!(parse("gpufas ps --qmp a").is_ok());
        assert!(parse("gpufas ps --memory a --memory-split 2G").is_ok());
        assert!(parse("gpufas ps").is_err());
        assert!(parse("gpufas ps --qmp a --memory b").is_err());
        assert!(parse("gpufas ps --qmp a --memory-split 2G").is_err());
        assert!(parse("gpufas run f --qmp a -- --signal -9").is_ok());
        assert!(parse("gpufas run f kill --qmp a --device cuda:1 --timeout 0.5").is_ok());
    }
}
