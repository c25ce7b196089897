// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cargo xtask doctor`: what is needed, what of it is there, and how to get the rest. It changes nothing.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use console::{Alignment, measure_text_width, pad_str, style};
use gpufas_guest::kernels::KERNELS;
use gpufas_guest::{Accelerator, cache_dir};

use crate::output::find_program;
use crate::requirements::REQUIREMENTS;
use crate::{gpu, ui};

struct Row {
    state: State,
    name: String,
    version: String,
    /// Where it is; or, if it is missing, how to get it.
    place: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Found,
    Missing,
    Optional,
}

/// Shows the table; the exit status is 1 where something needed is missing.
pub fn run() -> Result<ExitCode> {
    let mut rows: Vec<Row> = REQUIREMENTS
        .iter()
        .map(|requirement| match requirement.find() {
            Some(path) => Row {
                state: State::Found,
                name: requirement.name.to_owned(),
                version: requirement.version(&path).unwrap_or_default(),
                place: path.display().to_string(),
            },
            None => Row {
                state: State::Missing,
                name: requirement.name.to_owned(),
                version: String::new(),
                place: format!("{} ({})", requirement.how(), requirement.purpose),
            },
        })
        .collect();
    for kernel in KERNELS {
        let name = format!("kernel {}", kernel.name);
        rows.push(match kernel.cached()? {
            Some(found) => {
                let place = found.vmlinuz.display().to_string();
                Row { state: State::Found, name, version: found.release, place }
            }
            None => {
                let place = format!("cargo xtask kernels fetch {}", kernel.name);
                let state = if kernel.often { State::Missing } else { State::Optional };
                Row { state, name, version: String::new(), place }
            }
        });
    }
    let optional = |name: &str, place: String| Row {
        state: State::Optional,
        name: name.to_owned(),
        version: String::new(),
        place,
    };
    rows.push(optional("GPU and CUDA driver", gpu::missing().unwrap_or_else(|| "found".to_owned())));
    rows.push(optional("guests run on", accelerator()));
    show(&rows);

    println!("\nDownloads are kept in {}.", cache_dir()?.display());
    let missing = rows.iter().filter(|row| row.state == State::Missing).count();
    if missing == 0 {
        println!("{}", ui::verdict(true, "All that is needed is there."));
        return Ok(ExitCode::SUCCESS);
    }
    let text = format!("{missing} missing; `cargo xtask setup` gets all of it.");
    println!("{}", ui::verdict(false, &text));
    Ok(ExitCode::FAILURE)
}

fn accelerator() -> String {
    if find_program("qemu-system-x86_64").is_none() {
        return "not known before QEMU is there".to_owned();
    }
    match (Accelerator::detect(), Path::new("/dev/kvm").exists()) {
        (Accelerator::Tcg, true) => "software emulation: /dev/kvm is there, but runs no guest".to_owned(),
        (Accelerator::Tcg, false) => "software emulation: there is no /dev/kvm".to_owned(),
        (Accelerator::Kvm, _) => Accelerator::Kvm.to_string(),
    }
}

fn show(rows: &[Row]) {
    let width =
        |text: fn(&Row) -> &str| rows.iter().map(|row| measure_text_width(text(row))).max().unwrap_or(0);
    let (names, versions) = (width(|row| &row.name), width(|row| &row.version));
    let padded = |text: &str, width| pad_str(text, width, Alignment::Left, None).into_owned();
    for row in rows {
        let state = match row.state {
            State::Found => style("found   ").green(),
            State::Missing => style("missing ").red().bold(),
            State::Optional => style("optional").dim(),
        };
        println!("{state}  {}  {}  {}", padded(&row.name, names), padded(&row.version, versions), row.place);
    }
}
