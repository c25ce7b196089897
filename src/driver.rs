// SPDX-License-Identifier: MIT OR Apache-2.0

//! From inputs to output.

use std::path::{Path, PathBuf};

use gpufas_passes::diagnostic::{Diagnostic, Severity};
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::machine::data_layout;
use gpufas_passes::llvm::{Context, Module};
use gpufas_passes::pipeline::Pipeline;
use gpufas_passes::program::Program;
use inkwell::targets::TargetMachine;

use crate::arguments::{Arguments, Emit, Stage};
use crate::backend::{self, Backend};
use crate::command::Runner;
use crate::dependencies::{self, Collected};
use crate::error::{Error, Result};
use crate::frontend::{self, Source};
use crate::intermediate::Intermediate;
use crate::kernel::Kernel;
use crate::messages::Messages;
use crate::source_names::SourceNames;
use crate::target::encode;
use crate::{crash, device_runtime, headers, input, link, manifest, output};

/// The files that are made.
pub fn outputs(arguments: &Arguments) -> Vec<PathBuf> {
    match arguments.stage {
        Stage::Link => vec![arguments.output_path()],
        Stage::Compile if arguments.output.is_none() => {
            arguments.inputs.iter().map(|input| arguments.default_output(input)).collect()
        }
        Stage::Preprocess | Stage::Syntax | Stage::Compile => arguments.output.iter().cloned().collect(),
    }
}

/// Does what the command line asks for. `temporary` is a folder for files between.
///
/// # Errors
///
/// See [`Error`].
pub fn compile(arguments: &Arguments, temporary: &Path, messages: &Messages) -> Result<()> {
    arguments.inputs.iter().try_for_each(|name| input::check(name))?;
    let made = outputs(arguments);
    for (index, output) in made.iter().enumerate() {
        if made[..index].contains(output) {
            let message =
                format!("two of the inputs would be made into {}; compile them one by one", output.display());
            return Err(Error::Usage(message));
        }
        output::check(output, &arguments.inputs)?;
        dependencies::check(arguments, output)?;
    }
    let has_source = arguments.inputs.iter().any(|input| input::is_source(input));
    let is_named = arguments.kernel.is_some() || arguments.kernel_headers.is_some();
    let kernel = if has_source || is_named {
        let mut kernel = Kernel::locate(arguments.kernel.as_deref(), arguments.kernel_headers.as_deref())?;
        if let Some(folder) = &arguments.kernel_source {
            kernel.use_sources(folder)?;
        }
        if matches!(arguments.stage, Stage::Compile | Stage::Link) && !arguments.dry_run {
            crash::doing("looking for the kernel's build id");
            kernel.find_build_id();
        }
        Some(kernel)
    } else {
        None
    };
    let mut names = SourceNames::new(&arguments.inputs);
    names.add(&headers::folder());
    kernel.iter().flat_map(Kernel::folders).for_each(|folder| names.add(folder));
    let runner = Runner { verbose: arguments.verbose, dry_run: arguments.dry_run };
    let mut driver =
        Driver { arguments, temporary, messages, runner, kernel, names, dependencies: Collected::default() };
    match arguments.stage {
        Stage::Preprocess | Stage::Syntax => driver.front_end_only()?,
        Stage::Compile => driver.compile_each()?,
        Stage::Link => driver.link()?,
    }
    driver.dependencies.write()
}

struct Driver<'a> {
    arguments: &'a Arguments,
    temporary: &'a Path,
    messages: &'a Messages,
    runner: Runner,
    kernel: Option<Kernel>,
    names: SourceNames,
    dependencies: Collected,
}

impl Driver<'_> {
    /// Runs clang on a source. `made` is what dependency files call the output.
    fn front_end(&mut self, name: &str, made: &Path) -> Result<Vec<u8>> {
        let Some(kernel) = &self.kernel else {
            return Err(Error::Internal("no kernel for a C source".into()));
        };
        let rules = self.temporary.join("rules.d");
        let text =
            frontend::compile(self.arguments, kernel, self.runner, &Source { name, made, rules: &rules })?;
        if !self.runner.dry_run {
            self.dependencies.add(self.arguments, name, &rules, made)?;
        }
        Ok(text)
    }

    fn front_end_only(&mut self) -> Result<()> {
        let standard_output = PathBuf::from("-");
        for name in &self.arguments.inputs {
            if !input::is_source(name) {
                let reason = "only C is preprocessed and checked".to_owned();
                return Err(Error::Input { path: name.clone(), reason });
            }
            // clang names the rules of -M after the object that it would make.
            let made = self.arguments.output.clone().unwrap_or_else(|| self.arguments.default_output(name));
            let text = self.front_end(name, &made)?;
            let rules = self.arguments.dependencies.file.as_ref();
            let prints_rules = matches!(self.arguments.dependencies.mode.as_deref(), Some("-M" | "-MM"));
            let target = rules.filter(|_| prints_rules).or(self.arguments.output.as_ref());
            if self.arguments.stage == Stage::Preprocess && !self.runner.dry_run {
                output::write(target.unwrap_or(&standard_output), &text)?;
            }
        }
        Ok(())
    }

    /// Reads or compiles one input; none if commands are only shown.
    fn load<'c>(
        &mut self,
        context: &'c Context,
        log: &DiagnosticLog<'_>,
        name: &str,
        made: &Path,
    ) -> Result<Option<Module<'c>>> {
        if !input::is_source(name) {
            let module = input::load(context, log, name)?;
            if self.arguments.passes.is_none() {
                input::check_target(&module, name)?;
            }
            self.dependencies.add(self.arguments, name, Path::new(""), made)?;
            return Ok(Some(module));
        }
        let bitcode = self.front_end(name, made)?;
        if self.runner.dry_run {
            return Ok(None);
        }
        let folder = Intermediate::new(self.arguments, self.temporary, made, Path::new(name));
        folder.keep("clang.bc", || bitcode.clone())?;
        crash::doing(&format!("reading what clang made of {name}"));
        crash::keep("input", &bitcode);
        let module = input::parse(context, log, name, &bitcode).map_err(|error| Error::Tool {
            tool: "clang".into(),
            output: format!("it makes no bitcode of LLVM 22 ({error}); GPUFAS_CLANG must name a clang 22"),
        })?;
        if let Some(kernel) = &self.kernel {
            input::mark(&module, &kernel.identity, &self.names);
        }
        Ok(Some(module))
    }

    fn compile_each(&mut self) -> Result<()> {
        for name in &self.arguments.inputs {
            let context = Context::create();
            let log = DiagnosticLog::new(&context);
            let made = self.arguments.output.clone().unwrap_or_else(|| self.arguments.default_output(name));
            if let Some(module) = self.load(&context, &log, name, &made)? {
                output::write(&made, &encode(&module, self.arguments.emit == Emit::LlvmIr))?;
            }
        }
        Ok(())
    }

    fn link(&mut self) -> Result<()> {
        let output = self.arguments.output_path();
        let context = Context::create();
        let log = DiagnosticLog::new(&context);
        let mut modules = Vec::new();
        for name in &self.arguments.inputs {
            if let Some(module) = self.load(&context, &log, name, &output)? {
                modules.push((name.clone(), module));
            }
        }
        let folder = Intermediate::new(self.arguments, self.temporary, &output, &output);
        if self.runner.dry_run {
            return Backend::new(self.arguments, self.runner, &folder)?.show();
        }
        crash::doing("linking the inputs");
        let module = link::link(&log, modules)?;
        link::add_header_folders(&module, &mut self.names);
        crash::keep("program.bc", &encode(&module, false));
        let file = match &self.arguments.passes {
            Some(passes) => self.run_passes(&module, passes)?,
            None => self.make(&module, &log, &folder)?,
        };
        output::write(&output, &file)
    }

    fn pipeline(&self, machine: &TargetMachine) -> Pipeline {
        Pipeline {
            target: self.arguments.target,
            data_layout: data_layout(machine),
            optimization: self.arguments.optimization,
        }
    }

    /// Runs some passes only.
    fn run_passes(&self, module: &Module<'_>, passes: &[String]) -> Result<Vec<u8>> {
        let machine = backend::machine(self.arguments)?;
        let pipeline = self.pipeline(&machine);
        let mut program = Program::default();
        for pass in passes {
            running(pass);
            pipeline.step(pass, module, &mut program)?;
        }
        self.report(&program)?;
        Ok(encode(module, self.arguments.emit == Emit::LlvmIr))
    }

    /// Makes what is asked for of the whole program.
    fn make(&self, module: &Module<'_>, log: &DiagnosticLog<'_>, folder: &Intermediate) -> Result<Vec<u8>> {
        let arguments = self.arguments;
        let kernel = link::kernel_of(module, self.kernel.as_ref().map(|kernel| &kernel.identity))?;
        let machine = backend::machine(arguments)?;
        let pipeline = self.pipeline(&machine);
        let mut program = Program::default();
        pipeline.run(module, &mut program, running)?;
        self.report(&program)?;
        if program.entries.is_empty() {
            return Err(Error::Usage(
                "the program has no entry point; define one with GPUFAS_ENTRY of <gpufas/gpufas.h>".into(),
            ));
        }
        let mut toolchain = manifest::toolchain(module);
        device_runtime::link(module, log, &pipeline, &machine, arguments.debug)?;
        crash::keep("program.bc", &encode(module, false));
        folder.keep("linked.bc", || encode(module, false))?;
        if matches!(arguments.emit, Emit::LlvmIr | Emit::Bitcode) {
            return Ok(encode(module, arguments.emit == Emit::LlvmIr));
        }
        // Only now: what is wrong with the program is said on a machine without NVIDIA's tools, too.
        let backend = Backend::new(arguments, self.runner, folder)?;
        toolchain.extend(backend.tools());
        let manifest = manifest::encode(
            arguments.target,
            backend.architectures(),
            kernel,
            program,
            &self.names,
            toolchain,
        )?;
        backend.make(module, log, &machine, &manifest)
    }

    /// Shows diagnostics.
    ///
    /// # Errors
    ///
    /// [`Error::Reported`] if there was an error.
    fn report(&self, program: &Program) -> Result<()> {
        let mut diagnostics: Vec<Diagnostic> = program.diagnostics.clone();
        for diagnostic in &mut diagnostics {
            if diagnostic.severity == Severity::Warning && self.arguments.warnings_are_errors {
                diagnostic.severity = Severity::Error;
            }
        }
        diagnostics
            .retain(|diagnostic| diagnostic.severity != Severity::Warning || !self.arguments.no_warnings);
        self.messages.show(&diagnostics, &self.names);
        let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        if failed { Err(Error::Reported) } else { Ok(()) }
    }
}

/// Notes which pass is at work, for the case that it crashes.
fn running(pass: &str) {
    crash::doing(&format!("running the pass {pass}"));
}
