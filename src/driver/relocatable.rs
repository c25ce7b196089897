// SPDX-License-Identifier: MIT OR Apache-2.0

//! Relocatable code: each input by itself through the passes to an object or a cubin, as `nvcc -dc` and `clang -c` make them.
//!
//! What an input does not define stays undefined: functions of the kernel, the device runtime, and the addresses of kernel symbols
//! (docs/compiler.md, "Relocatable code").

use std::collections::BTreeMap;
use std::path::Path;

use gpufas_passes::llvm::Module;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::program::{Linking, Program};
use gpufas_passes::summary::{self, Function};
use serde_json::json;

use super::Driver;
use super::program::running;
use crate::arguments::Emit;
use crate::backend::{self, Backend};
use crate::error::{Error, Result};
use crate::intermediate::Intermediate;
use crate::target::encode;
use crate::{crash, device_runtime, link, manifest};

impl Driver<'_> {
    /// Makes relocatable code of one input. Without a module, the commands are only shown.
    pub(super) fn relocatable(
        &mut self,
        name: &str,
        made: &Path,
        log: &DiagnosticLog<'_>,
        module: Option<&Module<'_>>,
    ) -> Result<Vec<u8>> {
        let arguments = self.arguments;
        let folder = Intermediate::new(arguments, self.temporary, made, Path::new(name));
        let Some(module) = module else {
            let label = self.kernels.first().map(|kernel| kernel.label.clone()).unwrap_or_default();
            Backend::new(arguments, self.runner)?.show(&folder, &[(folder.clone(), label)])?;
            return Ok(Vec::new());
        };
        link::add_header_folders(module, &mut self.names);
        let named = self.kernels.first().map(|kernel| &kernel.identity);
        let kernel = link::kernel_of(module, named)?;
        let release = kernel.release.clone();
        let machine = backend::machine(arguments)?;
        let pipeline = self.pipeline(&machine);
        let mut program = Program { linking: Linking::Relocatable, ..self.program() };
        pipeline.run(module, &mut program, running)?;
        self.report(&program, 0)?;
        if arguments.emit == Emit::Summary {
            return summary(name, &release, &summary::functions(module, &program));
        }
        let mut toolchain = manifest::toolchain(module);
        device_runtime::prepare(module, &pipeline, &machine, arguments.debug)?;
        crash::keep("translated.bc", &encode(module, false));
        folder.keep("translated.bc", || encode(module, false))?;
        let backend = Backend::new(arguments, self.runner)?;
        toolchain.extend(backend.tools());
        let entries = std::mem::take(&mut program.entries);
        let variants = vec![manifest::variant(kernel, String::new(), program, &self.names)];
        let manifest =
            manifest::encode(arguments.target, backend.architectures(), entries, variants, toolchain)?;
        backend.code((module, log), &machine, &folder, &release, Some(&manifest))
    }
}

/// A summary as JSON.
fn summary(source: &str, kernel: &str, functions: &BTreeMap<String, Function>) -> Result<Vec<u8>> {
    let functions: BTreeMap<_, _> = functions
        .iter()
        .map(|(name, function)| {
            let function = json!({
                "visible": function.is_visible,
                "calls": function.calls,
                "undefined": function.undefined,
                "refused": function.refused,
            });
            (name, function)
        })
        .collect();
    let whole = json!({ "source": source, "kernel": kernel, "functions": functions });
    serde_json::to_vec(&whole).map_err(|error| Error::Internal(format!("the summary: {error}")))
}
