// SPDX-License-Identifier: MIT OR Apache-2.0

//! From inputs to output.

mod layouts;
mod program;
mod relocatable;
mod type_header;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use gpufas_passes::kernel_symbols::definitions;
use gpufas_passes::kernel_symbols::ownership::Owner;
use gpufas_passes::layout::Mentions;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Context, Module};

use crate::arguments::{Arguments, Emit, Schedule, Stage};
use crate::command::Runner;
use crate::dependencies::{self, Collected};
use crate::error::{Error, Result};
use crate::frontend::{self, Compiled, Source};
use crate::intermediate::Intermediate;
use crate::kernel::{self, Kernel};
use crate::messages::Messages;
use crate::source_names::SourceNames;
use crate::target::encode;
use crate::{crash, headers, input, link, output};

/// The files that are made.
pub fn outputs(arguments: &Arguments) -> Vec<PathBuf> {
    match arguments.stage {
        _ if arguments.emit == Emit::Header => vec![arguments.output_path()],
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
    if arguments.emit == Emit::Header {
        return type_header::write(arguments);
    }
    let kernels = kernels(arguments)?;
    let arguments = &with_scheduler(arguments, &kernels)?;
    let mut names = SourceNames::new(&arguments.inputs);
    names.add(&headers::folder());
    kernels.iter().flat_map(Kernel::folders).for_each(|folder| names.add(folder));
    let runner = Runner { verbose: arguments.verbose, dry_run: arguments.dry_run, messages: *messages };
    let mut driver =
        Driver { arguments, temporary, messages, runner, kernels, names, dependencies: Collected::default() };
    if arguments.check_layout {
        return driver.check_layouts();
    }
    match arguments.stage {
        Stage::Preprocess | Stage::Syntax => driver.front_end_only()?,
        Stage::Compile => driver.compile_each()?,
        Stage::Link => driver.link()?,
    }
    driver.dependencies.write()
}

/// The kernels that the program is for; none if no input needs one and none is named.
fn kernels(arguments: &Arguments) -> Result<Vec<Kernel>> {
    let has_source = arguments.inputs.iter().any(|input| input::is_source(input));
    let is_named = !arguments.kernels.is_empty() || !arguments.kernel_headers.is_empty();
    let has_scheduler = arguments.schedules.contains(&Schedule::RunQueue);
    if !has_source && !is_named && !has_scheduler {
        return Ok(Vec::new());
    }
    let mut kernels = kernel::locate(&arguments.kernels, &arguments.kernel_headers)?;
    kernel::use_sources(&mut kernels, &arguments.kernel_sources)?;
    if matches!(arguments.stage, Stage::Compile | Stage::Link) && !arguments.dry_run {
        crash::doing("looking for the build ids of kernels");
        kernels.iter_mut().for_each(Kernel::find_build_id);
    }
    kernel::check_different(&kernels)?;
    Ok(kernels)
}

/// What is to be compiled: where tasks are woken by the kernel's own scheduler, its files as well.
fn with_scheduler<'a>(arguments: &'a Arguments, kernels: &[Kernel]) -> Result<Cow<'a, Arguments>> {
    if !arguments.schedules.contains(&Schedule::RunQueue) {
        return Ok(Cow::Borrowed(arguments));
    }
    let mut arguments = arguments.clone();
    for pattern in kernel::SCHEDULER_SYMBOLS {
        let added = arguments.ownership.add(pattern, Owner::Kernel);
        added.map_err(|error| Error::Internal(format!("{pattern}: {error}")))?;
    }
    for kernel in kernels.iter().filter(|_| arguments.stage == Stage::Link) {
        for file in kernel.scheduler_sources()? {
            // Two kernels may be built from one tree.
            if !arguments.inputs.contains(&file) {
                input::check(&file)?;
                arguments.inputs.push(file);
            }
        }
    }
    Ok(Cow::Owned(arguments))
}

struct Driver<'a> {
    arguments: &'a Arguments,
    temporary: &'a Path,
    messages: &'a Messages,
    runner: Runner,
    /// Those that the program is for; none if only the inputs say it.
    kernels: Vec<Kernel>,
    names: SourceNames,
    dependencies: Collected,
}

impl Driver<'_> {
    /// Runs clang on a source, for the kernel of a number. `made` is what dependency files call the output.
    fn front_end(&mut self, name: &str, kernel: usize, made: &Path) -> Result<Compiled> {
        let Some(kernel) = self.kernels.get(kernel) else {
            return Err(Error::Internal("no kernel for a C source".into()));
        };
        let rules = self.temporary.join("rules.d");
        let compiled =
            frontend::compile(self.arguments, kernel, self.runner, &Source { name, made, rules: &rules })?;
        if !self.runner.dry_run {
            self.dependencies.add(self.arguments, name, &rules, made)?;
        }
        Ok(compiled)
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
            for kernel in
                (0..self.kernels.len()).filter(|kernel| self.is_for(name, *kernel)).collect::<Vec<_>>()
            {
                let text =
                    self.front_end(name, kernel, &made).map_err(|error| self.of_kernel(kernel, error))?;
                let rules = self.arguments.dependencies.file.as_ref();
                let prints_rules = matches!(self.arguments.dependencies.mode.as_deref(), Some("-M" | "-MM"));
                let target = rules.filter(|_| prints_rules).or(self.arguments.output.as_ref());
                if self.arguments.stage == Stage::Preprocess && !self.runner.dry_run {
                    output::write(target.unwrap_or(&standard_output), &text.output)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a source is for the kernel of a number: one of the kernel's own sources is for the kernels that it is of.
    fn is_for(&self, name: &str, kernel: usize) -> bool {
        let is_of = |kernel: &Kernel| kernel.source_path(name).is_some();
        self.kernels.get(kernel).is_some_and(is_of) || !self.kernels.iter().any(is_of)
    }

    /// Reads or compiles one input for the kernel of a number; none if commands are only shown, or if it was compiled for
    /// another of the kernels.
    fn load<'c>(
        &mut self,
        (context, log): (&'c Context, &DiagnosticLog<'_>),
        name: &str,
        kernel: usize,
        made: &Path,
    ) -> Result<Option<Module<'c>>> {
        if !input::is_source(name) {
            let module = input::load(context, log, name)?;
            if self.arguments.passes.is_none() {
                input::check_target(&module, name)?;
                input::forget_cpu(&module);
            }
            if kernel == 0 {
                self.dependencies.add(self.arguments, name, Path::new(""), made)?;
            }
            self.note_layout(&module, None)?;
            // LLVM finds out of some that is wrong with debug information only where it takes it apart.
            module.verify().map_err(|reason| Error::Input {
                path: name.to_owned(),
                reason: format!("its debug information is not valid: {}", reason.trim()),
            })?;
            crash::clear_suspect();
            let is_for_it = self.kernels.len() < 2 || link::is_for(&module, name, kernel, &self.kernels)?;
            return Ok(is_for_it.then_some(module));
        }
        if !self.is_for(name, kernel) {
            return Ok(None);
        }
        let Compiled { output: bitcode, mentions } = self.front_end(name, kernel, made)?;
        if self.runner.dry_run {
            return Ok(None);
        }
        let folder = Intermediate::new(self.arguments, self.temporary, made, Path::new(name));
        folder.of_kernel(self.kernel_of_several(kernel)).keep("clang.bc", || bitcode.clone())?;
        crash::doing(&format!("reading what clang made of {name}"));
        crash::keep_input(name, &bitcode);
        let module = input::parse(context, log, name, &bitcode).map_err(|error| Error::Tool {
            tool: "clang".into(),
            output: format!("it makes no bitcode of LLVM 22 ({error}); GPUFAS_CLANG must name a clang 22"),
        })?;
        if let Some(kernel) = self.kernels.get(kernel) {
            input::mark(&module, &kernel.identity, &self.names);
            input::mark_locks(&module, self.arguments.locks);
            self.note_layout(&module, mentions.as_ref())?;
            let path = kernel.source_path(name).map(|path| path.display().to_string());
            definitions::adopt(&module, path.as_deref(), &self.arguments.ownership);
            if self.arguments.keep_inline_functions {
                input::export_functions(&module);
            }
        }
        Ok(Some(module))
    }

    /// Notes in a module what it uses of structures, before it is linked with others; then it needs types no more.
    fn note_layout(&self, module: &Module<'_>, mentions: Option<&Mentions>) -> Result<()> {
        if !frontend::needs_types(self.arguments) {
            return Ok(());
        }
        crash::doing("looking at the structures that are used");
        frontend::note_structures(self.arguments, module, mentions)
    }

    fn compile_each(&mut self) -> Result<()> {
        for name in &self.arguments.inputs {
            crash::begin_inputs();
            let context = Context::create();
            let log = DiagnosticLog::new(&context);
            let made = self.arguments.output.clone().unwrap_or_else(|| self.arguments.default_output(name));
            let module = self.load((&context, &log), name, 0, &made)?;
            if self.arguments.is_relocatable() {
                let code = self.relocatable(name, &made, &log, module.as_ref())?;
                if module.is_some() {
                    output::write(&made, &code)?;
                }
            } else if let Some(module) = module {
                output::write(&made, &encode(&module, self.arguments.emit == Emit::LlvmIr))?;
            }
        }
        Ok(())
    }

    /// The kernel of a number, if there are others.
    fn kernel_of_several(&self, number: usize) -> Option<&Kernel> {
        self.kernels.get(number).filter(|_| self.kernels.len() > 1)
    }

    /// An error with the kernel that it was met for, if there are others.
    fn of_kernel(&self, number: usize, error: Error) -> Error {
        match self.kernel_of_several(number) {
            Some(kernel) => Error::OfKernel { release: kernel.label.clone(), source: Box::new(error) },
            None => error,
        }
    }
}
