// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas ps`.

use super::{GuestArguments, output, show};
use clap::Args;
use gpufas::report::printable;
use gpufas_kernel::Kernel;
use gpufas_kernel::processes::{self, Process, ProcessTable};
use serde_json::json;
use std::fmt::Write as _;

/// List a guest's processes, from outside
///
/// The guest is not paused and not changed; what starts or ends meanwhile may be missing.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    guest: GuestArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn execute(&self) -> u8 {
        match self.list() {
            Ok((kernel, table)) => {
                output::print(&if self.json { json_table(&kernel, &table) } else { text_table(&table) });
                // Of single processes something may be missing; the list itself must not be cut short.
                for error in &table.incomplete {
                    output::warning(&printable(&error.to_string()));
                }
                match table.error {
                    Some(error) => show(&error.into()),
                    None => 0,
                }
            }
            Err(error) => {
                if self.json {
                    let object = gpufas::report::json_error(&error, super::status(&error));
                    output::print(&format!("{object}\n"));
                }
                show(&error)
            }
        }
    }

    fn list(&self) -> gpufas::Result<(Kernel, ProcessTable)> {
        let guest = self.guest.guest();
        let mut attached = gpufas::run::attach(&guest)?;
        let kernel = gpufas::run::find_kernel(&guest, &mut attached)?;
        let types = kernel.types(&attached.memory)?;
        let table = processes::list(&kernel, &attached.memory, &types)?;
        Ok((kernel, table))
    }
}

fn text_table(table: &ProcessTable) -> String {
    let mut text = String::from("    PID    PPID S THREADS     MEMORY COMMAND\n");
    for process in &table.processes {
        let name = printable(&process.comm);
        // As ps does it: a kernel thread in brackets.
        let name = if process.kernel_thread { format!("[{name}]") } else { name.into_owned() };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:>7} {:>7} {} {:>7} {:>6} KiB {}",
            process.pid,
            process.ppid,
            process.state,
            process.threads,
            process.resident / 1024,
            name.replace(['\n', '\t'], "?")
        );
    }
    text
}

fn json_table(kernel: &Kernel, table: &ProcessTable) -> String {
    let process = |process: &Process| {
        json!({
            "pid": process.pid,
            "ppid": process.ppid,
            "tgid": process.tgid,
            "comm": process.comm,
            "state": process.state,
            "threads": process.threads,
            "memory": process.resident,
            "kernel_thread": process.kernel_thread,
            "task": format!("{:#x}", process.task),
        })
    };
    let object = json!({
        "form": 1,
        "guest": {
            "release": kernel.release(),
            "version": kernel.version(),
            "build_id": kernel.build_id(),
        },
        "processes": table.processes.iter().map(process).collect::<Vec<_>>(),
        "error": table.error.as_ref().map(ToString::to_string),
    });
    format!("{object}\n")
}
