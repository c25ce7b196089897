// SPDX-License-Identifier: MIT OR Apache-2.0

//! `gpufas inspect`.

use super::{output, show};
use clap::Args;
use gpufas::arguments::type_name;
use gpufas::program::Program;
use gpufas::report::printable;
use gpufas_abi::manifest::{Target, Variant};
use gpufas_abi::relocation::{Relocation, RelocationKind};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show what a compiled program says of itself
#[derive(Args)]
pub struct Arguments {
    /// The program
    file: PathBuf,
    /// Print its manifest as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn execute(&self) -> u8 {
        match Program::read(&self.file) {
            Ok(program) if self.json => {
                output::print(&format!("{}\n", serde_json::json!(program.manifest())));
                0
            }
            Ok(program) => {
                output::print(&printable(&describe(&program)));
                0
            }
            Err(error) => show(&error),
        }
    }
}

/// The manifest for people. Writing to a String cannot fail.
fn describe(program: &Program) -> String {
    let manifest = program.manifest();
    let mut text = String::new();
    let target = match manifest.target {
        Target::Cuda => format!("GPUs ({})", manifest.architectures.join(", ")),
        Target::Host => "the host".into(),
    };
    let _ = writeln!(text, "program      {} for {target}", program.path().display());
    let _ = writeln!(text, "interface    version {}", manifest.abi);
    for tool in &manifest.toolchain {
        let _ = writeln!(text, "made with    {} {}", tool.name, tool.version);
    }
    let _ = writeln!(text, "entry points {}", manifest.entries.len());
    for entry in &manifest.entries {
        let _ = write!(text, "  {}", entry.name);
        for argument in &entry.arguments {
            let _ = write!(text, " {}:{}", argument.name, type_name(argument.kind));
        }
        text.push('\n');
        if !entry.description.is_empty() {
            let _ = writeln!(text, "      {}", entry.description);
        }
    }
    for (number, variant) in manifest.variants.iter().enumerate() {
        describe_variant(&mut text, variant, program.code(number).len());
    }
    text
}

/// What the program is for one kernel.
fn describe_variant(text: &mut String, variant: &Variant, size: usize) {
    let _ = writeln!(text, "kernel       {}", variant.kernel.release);
    for (name, value) in [("version", &variant.kernel.version), ("build id", &variant.kernel.build_id)] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {name:<10} {value}");
        }
    }
    let writes = if variant.writes { "yes" } else { "no" };
    let _ = writeln!(text, "  writes     {writes}");
    if variant.checks_locks {
        let _ = writeln!(text, "  locks      looked at: the guest is paused meanwhile");
    }
    if variant.all_or_nothing {
        let _ = writeln!(
            text,
            "  stores     taken back unless the program comes to its end, while the guest is paused"
        );
    }
    if variant.interrupts {
        let _ = writeln!(text, "  interrupts may be sent to the guest's CPUs, through QEMU's gdb stub");
    }
    if variant.this_cpu {
        let _ = writeln!(text, "  this CPU   used: gpufas run --cpu chooses which of the guest's it is");
    }
    let _ = writeln!(text, "  code       {size} bytes");
    if let Some(relocatable) = &variant.relocatable {
        let _ = writeln!(text, "  accepts    {}", relocatable.accepts.join(", "));
        let _ = writeln!(text, "  looked up  {}", relocatable.table.len());
        for relocation in &relocatable.table {
            let _ = writeln!(text, "    {}", relocation_in_words(relocation));
        }
    }
    let _ = writeln!(text, "  symbols    {}", variant.symbols.len());
    for symbol in &variant.symbols {
        let _ = writeln!(text, "    {symbol}");
    }
}

/// `offset of struct task_struct pid`.
fn relocation_in_words(relocation: &Relocation) -> String {
    let what = match relocation.kind {
        RelocationKind::Offset => "offset of",
        RelocationKind::Size => "size of",
        RelocationKind::Exists => "whether there is",
        RelocationKind::MemberSize => "size of",
        RelocationKind::Enumerator => "value of",
    };
    let paths: Vec<_> = relocation.place.members.iter().map(|member| member.path.as_str()).collect();
    let structure = match relocation.place.structure.as_str() {
        // A constant of an enumeration without a tag.
        "" => String::new(),
        structure => relocation.place.keyword.title(structure) + " ",
    };
    format!("{what} {structure}{}", paths.join(" or ")).trim_end().to_owned()
}
