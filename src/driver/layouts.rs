// SPDX-License-Identifier: MIT OR Apache-2.0

//! `--check-layout all`: all structures that the headers of the inputs define, compared with the kernel's type information.

use std::path::Path;

use gpufas_passes::layout;
use gpufas_passes::llvm::Context;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use serde_json::json;

use super::Driver;
use crate::error::{Error, Result};
use crate::kernel::type_information;
use crate::{crash, input, layout_check, output};

impl Driver<'_> {
    /// Compares the structures of each input, for each kernel, and prints one JSON object a line: how many were compared, how many
    /// and which the kernel does not have, how many differ.
    pub(super) fn check_layouts(&mut self) -> Result<()> {
        let mut result = Ok(());
        for number in 0..self.kernels.len() {
            let (mut structures, mut enumerators) = (Vec::new(), Vec::new());
            for name in &self.arguments.inputs {
                if !input::is_source(name) {
                    let reason = "only sources, with the headers that they include, are checked".to_owned();
                    return Err(Error::Input { path: name.clone(), reason });
                }
                let bitcode = self.front_end(name, number, Path::new("-"))?.output;
                if self.runner.dry_run {
                    continue;
                }
                crash::doing(&format!("reading the types of {name}"));
                let context = Context::create();
                let log = DiagnosticLog::new(&context);
                let module = input::parse(&context, &log, name, &bitcode)?;
                input::mark(&module, &self.kernels[number].identity, &self.names);
                for enumerator in layout::all_enumerators(&module) {
                    if !enumerators.contains(&enumerator) {
                        enumerators.push(enumerator);
                    }
                }
                for structure in layout::all_structures(&module) {
                    if !structures.contains(&structure) {
                        structures.push(structure);
                    }
                }
            }
            if self.runner.dry_run {
                continue;
            }
            let kernel = &self.kernels[number];
            let types = match self.arguments.btf.get(number) {
                Some(file) => type_information::read(file)?,
                None => type_information::find(kernel).ok_or_else(|| {
                    Error::Missing(format!(
                        "no type information (BTF) of kernel {} is found: its vmlinux or vmlinuz is not here; name it, or a \
                         copy of its /sys/kernel/btf/vmlinux, with --btf FILE",
                        kernel.label
                    ))
                })?,
            };
            let summary = layout_check::compare(&structures, &types)?;
            let constants = layout_check::compare_constants(&enumerators, &types)?;
            let differing = constants.different.iter().map(|difference| difference.expected.to_string());
            let line = json!({
                "kernel": kernel.identity.release,
                "compared": summary.compared,
                "absent": summary.absent,
                "different": summary.different.iter().map(|difference| difference.title()).collect::<Vec<_>>(),
                "constants": {
                    "same": constants.same,
                    "absent": constants.absent.len(),
                    "different": differing.collect::<Vec<_>>(),
                },
            });
            let output = self.arguments.output.clone().unwrap_or_else(|| Path::new("-").to_owned());
            output::write(&output, format!("{line}\n").as_bytes())?;
            result = result.and(layout_check::refuse(&summary, &kernel.identity.release));
        }
        result
    }
}
