// SPDX-License-Identifier: MIT OR Apache-2.0

//! From all inputs to a program: for each kernel the inputs are compiled and linked, and pass through the pipeline; what
//! comes of it is packed into one file. The program is checked for every kernel before code is generated for any.

use gpufas_abi::manifest::{Entry, Site, Tool, Variant};
use gpufas_abi::relocation;
use gpufas_passes::diagnostic::Diagnostic;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::machine::data_layout;
use gpufas_passes::llvm::{Context, Module};
use gpufas_passes::pipeline::Pipeline;
use gpufas_passes::program::Program;
use gpufas_passes::warning::Warning;
use inkwell::targets::TargetMachine;

use super::Driver;
use crate::arguments::{Emit, Translate};
use crate::backend::{self, Backend};
use crate::error::{Error, Result};
use crate::intermediate::Intermediate;
use crate::kernel::type_information;
use crate::target::encode;
use crate::{crash, device_runtime, input, kernel_functions, layout_check, link, manifest, output};

/// A program that is ready for code generation, for one kernel.
struct Part<'c, 'l> {
    module: Module<'c>,
    log: &'l DiagnosticLog<'c>,
    folder: Intermediate,
    variant: Variant,
    entries: Vec<Entry>,
    toolchain: Vec<Tool>,
}

impl Driver<'_> {
    /// Makes what is asked for of all inputs.
    pub(super) fn link(&mut self) -> Result<()> {
        let output = self.arguments.output_path();
        // Inputs that are compiled already say which kernel they are for.
        let count = self.kernels.len().max(1);
        let contexts: Vec<Context> = (0..count).map(|_| Context::create()).collect();
        let logs: Vec<_> = contexts.iter().map(DiagnosticLog::new).collect();
        let folder = Intermediate::new(self.arguments, self.temporary, &output, &output);
        let mut parts = Vec::new();
        for (number, (context, log)) in contexts.iter().zip(&logs).enumerate() {
            let folder = folder.of_kernel(self.kernel_of_several(number));
            let linked = self.link_inputs((context, log), number, &output);
            let Some(module) = linked.map_err(|error| self.of_kernel(number, error))? else { continue };
            if let Some(passes) = &self.arguments.passes {
                return output::write(&output, &self.run_passes(&module, passes)?);
            }
            let part =
                self.part(module, log, folder, number).map_err(|error| self.of_kernel(number, error))?;
            if matches!(self.arguments.emit, Emit::LlvmIr | Emit::Bitcode) {
                return output::write(&output, &encode(&part.module, self.arguments.emit == Emit::LlvmIr));
            }
            parts.push(part);
        }
        // Only now: what is wrong with the program is said on a machine without NVIDIA's tools, too.
        let backend = Backend::new(self.arguments, self.runner)?;
        if self.runner.dry_run {
            let variant = |number: usize| {
                let label = self.kernels.get(number).map(|kernel| kernel.label.clone());
                (folder.of_kernel(self.kernel_of_several(number)), label.unwrap_or_default())
            };
            return backend.show(&folder, &(0..count).map(variant).collect::<Vec<_>>());
        }
        output::write(&output, &self.generate(&backend, &folder, parts)?)
    }

    /// All inputs for a kernel as one module; none if commands are only shown.
    fn link_inputs<'c>(
        &mut self,
        (context, log): (&'c Context, &DiagnosticLog<'_>),
        kernel: usize,
        output: &std::path::Path,
    ) -> Result<Option<Module<'c>>> {
        crash::begin_inputs();
        let mut modules = Vec::new();
        for name in &self.arguments.inputs {
            if let Some(module) = self.load((context, log), name, kernel, output)? {
                if self.arguments.passes.is_none() {
                    self.check_marked(&module, name)?;
                }
                modules.push((name.clone(), module));
            }
        }
        if self.runner.dry_run {
            return Ok(None);
        }
        crash::doing("linking the inputs");
        let module = link::link(log, modules)?;
        link::add_header_folders(&module, &mut self.names);
        if let Some(kernel) = self.kernels.get(kernel).filter(|_| !link::is_marked(&module)) {
            input::mark(&module, &kernel.identity, &self.names);
        }
        link::check_locks(&module, self.arguments.locks)?;
        if kernel_functions::are_needed(self.arguments, &module) {
            let found;
            let kernel = match self.kernels.get(kernel) {
                Some(kernel) => kernel,
                None => {
                    found = link::headers_of(&module)?;
                    &found
                }
            };
            kernel_functions::link(
                self.arguments,
                kernel,
                &self.names,
                self.runner,
                (context, log),
                &module,
            )?;
        }
        crash::keep_program(&encode(&module, false));
        Ok(Some(module))
    }

    /// The kernels that the program for the kernel of a number is for, if it is relocatable.
    fn accepts(&self, number: usize) -> Vec<String> {
        let own = self.kernels.get(number).map(|kernel| relocation::pattern(&kernel.identity.release));
        let others = self.arguments.accepts.iter().cloned();
        own.into_iter().chain(others).filter(|_| self.arguments.relocates).collect()
    }

    pub(super) fn pipeline(&self, machine: &TargetMachine) -> Pipeline {
        Pipeline {
            target: self.arguments.target,
            data_layout: data_layout(machine),
            optimization: self.arguments.optimization,
        }
    }

    /// Warns of an input that is compiled already, by another compiler.
    fn check_marked(&self, module: &Module<'_>, name: &str) -> Result<()> {
        if link::is_marked(module) {
            return Ok(());
        }
        let site = Site { file: name.to_owned(), ..Site::default() };
        let message = "it does not say which kernel it was compiled for, so nobody can tell whether its layouts are right";
        let warning = Diagnostic::warning(Warning::UnmarkedInput, "", site, message);
        let warning = warning.with_help("gpufas-cc -c compiles sources so that the result says it");
        let failed = self.messages.show(&[warning], &self.names, &self.arguments.warnings);
        if failed { Err(Error::Reported) } else { Ok(()) }
    }

    /// What passes are told beforehand.
    pub(super) fn program(&self) -> Program {
        Program {
            remarks: self.arguments.remarks.clone(),
            translates_every: self.arguments.translate == Translate::Every,
            ..Program::default()
        }
    }

    /// Runs some passes only.
    fn run_passes(&self, module: &Module<'_>, passes: &[String]) -> Result<Vec<u8>> {
        let machine = backend::machine(self.arguments)?;
        let pipeline = self.pipeline(&machine);
        let mut program = self.program();
        for pass in passes {
            running(pass);
            pipeline.step(pass, module, &mut program)?;
        }
        self.report(&program, 0)?;
        Ok(encode(module, self.arguments.emit == Emit::LlvmIr))
    }

    /// Compares the structures and constants that the program uses with those of the kernel of a number, where its type information can be had.
    /// The loader does it again in any case.
    fn check_layout(&self, program: &Program, release: &str, number: usize) -> Result<()> {
        crash::doing("comparing structures with the kernel's type information");
        let types = match (self.arguments.btf.get(number), self.kernels.get(number)) {
            (Some(file), _) => Some(type_information::read(file)?),
            (None, Some(kernel)) => type_information::find(kernel),
            (None, None) => None,
        };
        let Some(types) = types else { return Ok(()) };
        let summary = layout_check::compare(&program.structures, &types)?;
        layout_check::refuse(&summary, release)?;
        let constants = layout_check::compare_constants(&program.enumerators, &types)?;
        layout_check::refuse_constants(&constants, release)?;
        if summary.absent.is_empty() {
            return Ok(());
        }
        let message = format!(
            "kernel {release} has no type information about {}: the layout is not checked",
            summary.absent.join(", ")
        );
        let warning = Diagnostic::warning(Warning::UncheckedLayout, "", Site::default(), message);
        let warning = warning.with_help("its image does not use it; types of modules are not looked for");
        let failed = self.messages.show(&[warning], &self.names, &self.arguments.warnings);
        if failed { Err(Error::Reported) } else { Ok(()) }
    }

    /// Takes the whole program through the pipeline, for the kernel of a number.
    fn part<'c, 'l>(
        &self,
        module: Module<'c>,
        log: &'l DiagnosticLog<'c>,
        folder: Intermediate,
        number: usize,
    ) -> Result<Part<'c, 'l>> {
        let arguments = self.arguments;
        let named = self.kernels.get(number).map(|kernel| &kernel.identity);
        let kernel = link::kernel_of(&module, named)?;
        let machine = backend::machine(arguments)?;
        let pipeline = self.pipeline(&machine);
        let mut program = self.program();
        pipeline.run(&module, &mut program, running)?;
        self.report(&program, number)?;
        self.check_layout(&program, &kernel.release, number)?;
        if program.entries.is_empty() {
            return Err(Error::Usage(
                "the program has no entry point; define one with GPUFAS_ENTRY of <gpufas/gpufas.h>".into(),
            ));
        }
        if let Some(relocatable) = &mut program.relocatable {
            relocatable.accepts = self.accepts(number);
        }
        let toolchain = manifest::toolchain(&module);
        device_runtime::link(&module, log, &pipeline, &machine, arguments.debug)?;
        crash::keep("linked.bc", &encode(&module, false));
        folder.keep("linked.bc", || encode(&module, false))?;
        let suffix = backend::suffix(arguments.target, self.kernel_of_several(number).map(|_| number));
        backend::add_suffix(&module, &suffix);
        let entries = std::mem::take(&mut program.entries);
        let variant = manifest::variant(kernel, suffix, program, &self.names);
        Ok(Part { module, log, folder, variant, entries, toolchain })
    }

    /// Generates code for all kernels and packs it.
    fn generate(
        &self,
        backend: &Backend<'_>,
        folder: &Intermediate,
        parts: Vec<Part<'_, '_>>,
    ) -> Result<Vec<u8>> {
        let machine = backend::machine(self.arguments)?;
        let entries = manifest::common_entries(parts.iter().map(|part| (&part.variant, &part.entries)))?;
        let mut toolchain: Vec<Tool> = Vec::new();
        for tool in parts.iter().flat_map(|part| part.toolchain.iter().cloned()).chain(backend.tools()) {
            if !toolchain.contains(&tool) {
                toolchain.push(tool);
            }
        }
        let variants = parts.iter().map(|part| part.variant.clone()).collect();
        let manifest =
            manifest::encode(self.arguments.target, backend.architectures(), entries, variants, toolchain)?;
        // The host's is part of the code, and all of it is known only now.
        let last = parts.len().saturating_sub(1);
        let mut codes = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let manifest = (number == last).then_some(manifest.as_slice());
            let label = self.kernel_of_several(number).map(|kernel| kernel.label.as_str());
            let label = label.unwrap_or(&part.variant.kernel.release);
            let code = backend.code((&part.module, part.log), &machine, &part.folder, label, manifest);
            codes.push((&part.folder, code.map_err(|error| self.of_kernel(number, error))?));
        }
        backend.pack(folder, &codes, &manifest)
    }

    /// Says of functions that are missing which of the kernel's sources has them.
    fn name_definitions(&self, diagnostics: &mut [Diagnostic], number: usize) {
        let Some(kernel) = self.kernels.get(number) else { return };
        let missing: Vec<String> =
            diagnostics.iter().filter_map(|diagnostic| diagnostic.undefined.clone()).collect();
        let found = kernel.definitions(&missing.iter().map(String::as_str).collect::<Vec<_>>());
        for diagnostic in diagnostics {
            if let Some(file) = diagnostic.undefined.as_ref().and_then(|name| found.get(name)) {
                diagnostic.help = format!(
                    "{} defines it; compile that along, or do without it: functions of the running kernel cannot be called \
                     from outside",
                    file.display()
                );
            }
        }
    }

    /// Shows the diagnostics of the program for the kernel of a number.
    ///
    /// # Errors
    ///
    /// [`Error::Reported`] if there was an error.
    pub(super) fn report(&self, program: &Program, number: usize) -> Result<()> {
        let mut diagnostics = program.diagnostics.clone();
        self.name_definitions(&mut diagnostics, number);
        let failed = self.messages.show(&diagnostics, &self.names, &self.arguments.warnings);
        if failed { Err(Error::Reported) } else { Ok(()) }
    }
}

/// Notes which pass is at work, for the case that it crashes.
pub(super) fn running(pass: &str) {
    crash::doing(&format!("running the pass {pass}"));
}
