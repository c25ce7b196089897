// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas run`.

use super::{GuestArguments, output, show, status};
use clap::{Args, ValueEnum};
use gpufas::launch::DEFAULT_BUDGET;
use gpufas::report::{Log, json_error, json_summary, text_summary};
use gpufas::run::{Device, Options, PausePolicy};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Run a recovery program on a guest
///
/// The guest's kernel is found in its memory and compared with the one that the program was compiled for before anything
/// is written. What the program prints is shown as it comes; then how it ended, and every store that it made.
///
/// A program that returns -EAGAIN has found a lock held. If the guest was paused for it, the guest runs for a moment
/// and the program is run again, for three seconds.
#[derive(Args)]
pub struct Arguments {
    /// The program, made by gpufas-cc: a fatbinary for GPUs, or a shared object for the host
    file: PathBuf,
    /// Its entry point; may be left out if there is only one (gpufas inspect FILE lists them)
    entry: Option<String>,
    #[command(flatten)]
    guest: GuestArguments,
    /// What to run on: auto, cuda, cuda:N or host; auto is what the program was compiled for
    #[arg(long, default_value = "auto", value_parser = device)]
    device: Device,
    /// Whether to pause the guest meanwhile; auto is if the program writes, or looks at locks
    #[arg(long, default_value = "auto")]
    pause: Pause,
    /// Whether the interrupts that the program asks for, to wake processes, are sent to the guest's CPUs through QEMU's gdb stub
    #[arg(long, default_value = "auto")]
    interrupts: Interrupts,
    /// The guest's CPU as which the program runs, if anything in it belongs to "this CPU": the boot CPU, 0, if not given
    #[arg(long, value_name = "NUMBER")]
    cpu: Option<u32>,
    /// Backward branches that the program may take before it is taken to be caught in a loop
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BUDGET)]
    budget: u64,
    /// Time that each try of the program may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    timeout: Duration,
    /// Print one JSON object at the end and nothing else
    #[arg(long)]
    json: bool,
    /// The entry point's arguments: by position, or as --name value, --name=value or name=value
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Pause {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Interrupts {
    /// If they can be
    Auto,
    Never,
}

fn device(text: &str) -> Result<Device, String> {
    match text.split_once(':') {
        None if text == "auto" => Ok(Device::Auto),
        None if text == "host" => Ok(Device::Host),
        None if text == "cuda" => Ok(Device::Cuda(0)),
        Some(("cuda", number)) => {
            number.parse().map(Device::Cuda).map_err(|_| "a GPU's number from 0 up".into())
        }
        _ => Err("auto, cuda, cuda:N or host".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a positive number of seconds".into())
}

impl Arguments {
    pub fn execute(&self) -> u8 {
        let options = Options {
            program: self.file.clone(),
            entry: self.entry.clone(),
            arguments: self.arguments.clone(),
            guest: self.guest.guest(),
            device: self.device,
            pause: match self.pause {
                Pause::Auto => PausePolicy::Auto,
                Pause::Always => PausePolicy::Always,
                Pause::Never => PausePolicy::Never,
            },
            interrupts: self.interrupts == Interrupts::Auto,
            cpu: self.cpu,
            budget: self.budget,
            timeout: self.timeout,
        };
        let mut log = Log::default();
        let result = gpufas::run::run(&options, &mut |bytes| {
            let text = log.push(bytes);
            if !self.json {
                output::print(&text);
            }
        });
        let rest = log.finish();
        match result {
            Ok(summary) => {
                if self.json {
                    output::print(&format!("{}\n", json_summary(&summary, log.text())));
                } else {
                    output::print(&rest);
                    output::print(&text_summary(&summary));
                }
                if let Some(error) = &summary.guest_error {
                    output::error(&format!("after the program had ended: {error}"));
                }
                summary.exit_status()
            }
            Err(error) => {
                if self.json {
                    output::print(&format!("{}\n", json_error(&error, status(&error))));
                } else {
                    output::print(&rest);
                }
                show(&error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_times_are_understood() {
        assert_eq!(device("cuda"), Ok(Device::Cuda(0)));
        assert_eq!(device("cuda:3"), Ok(Device::Cuda(3)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "host:1"] {
            assert!(device(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "0", "-1", "inf", "NaN", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
