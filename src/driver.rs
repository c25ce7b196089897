// SPDX-License-Identifier: MIT OR Apache-2.0

//! From inputs to output.

use std::path::{Path, PathBuf};

use gpufas_abi::manifest::{Kernel as ManifestKernel, Manifest, Target, Tool};
use gpufas_abi::symbols;
use gpufas_passes::diagnostic::Severity;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Context, Module};
use gpufas_passes::program::Program;
use inkwell::targets::FileType;

use crate::arguments::{Arguments, Emit, Stage, default_name};
use crate::cache::write_atomically;
use crate::command::Runner;
use crate::cuda::Toolkit;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::messages::Messages;
use crate::pipeline::Pipeline;
use crate::{frontend, host_link, input, target};

/// Does what the command line asks for.
///
/// # Errors
///
/// See [`Error`].
pub fn compile(arguments: &Arguments, messages: &mut Messages) -> Result<()> {
    let runner = Runner { verbose: arguments.verbose, dry_run: arguments.dry_run };
    let has_source = arguments.inputs.iter().any(|input| input::is_source(input));
    let kernel = (has_source || arguments.kernel.is_some() || arguments.kernel_headers.is_some())
        .then(|| Kernel::locate(arguments.kernel.as_deref(), arguments.kernel_headers.as_deref()))
        .transpose()?;
    match arguments.stage {
        Stage::Preprocess | Stage::Syntax => front_end_only(arguments, kernel.as_ref(), runner),
        Stage::Compile => compile_each(arguments, kernel.as_ref(), runner),
        Stage::Link => link(arguments, kernel.as_ref(), runner, messages),
    }
}

fn front_end_only(arguments: &Arguments, kernel: Option<&Kernel>, runner: Runner) -> Result<()> {
    for source in &arguments.inputs {
        let Some(kernel) = kernel.filter(|_| input::is_source(source)) else {
            return Err(Error::Input {
                path: source.clone(),
                reason: "only C is preprocessed and checked".into(),
            });
        };
        let text = frontend::compile(arguments, kernel, runner, source, &arguments.output_path())?;
        match &arguments.output {
            Some(output) if !runner.dry_run => write_atomically(output, &text)?,
            _ => std::io::Write::write_all(&mut std::io::stdout(), &text).map_err(|source| Error::File {
                action: "cannot write",
                path: "standard output".into(),
                source,
            })?,
        }
    }
    Ok(())
}

fn compile_each(arguments: &Arguments, kernel: Option<&Kernel>, runner: Runner) -> Result<()> {
    for source in &arguments.inputs {
        let context = Context::create();
        let log = DiagnosticLog::new(&context);
        let output = arguments.output.clone().unwrap_or_else(|| default_name(source, "o"));
        if let Some(module) = input::load(&context, &log, arguments, kernel, runner, source, &output)? {
            write_module(&module, arguments.emit == Emit::LlvmIr, &output)?;
        }
    }
    Ok(())
}

fn write_module(module: &Module<'_>, as_text: bool, output: &Path) -> Result<()> {
    if as_text {
        let text = module.inner().print_to_string();
        write_atomically(output, text.to_bytes())
    } else {
        let buffer = module.inner().write_bitcode_to_memory();
        write_atomically(output, buffer.as_slice())
    }
}

fn link(
    arguments: &Arguments,
    kernel: Option<&Kernel>,
    runner: Runner,
    messages: &mut Messages,
) -> Result<()> {
    let output = arguments.output_path();
    let context = Context::create();
    let log = DiagnosticLog::new(&context);
    let mut modules = Vec::new();
    for source in &arguments.inputs {
        if let Some(module) = input::load(&context, &log, arguments, kernel, runner, source, &output)? {
            modules.push((source.clone(), module));
        }
    }
    if runner.dry_run {
        return make_program(arguments, runner, None, &[], &output);
    }
    let module = input::link(&log, modules)?;
    let identity = match (input::kernel_of(&module)?, kernel) {
        (Some(found), Some(kernel)) if found.release != kernel.identity.release => {
            return Err(Error::Usage(format!(
                "the inputs are compiled for kernel {}, not for {}",
                found.release, kernel.identity.release
            )));
        }
        (Some(found), _) => found,
        (None, Some(kernel)) => kernel.identity.clone(),
        (None, None) if arguments.passes.is_some() => {
            ManifestKernel { release: String::new(), version: None, build_id: None }
        }
        (None, None) => {
            return Err(Error::Usage(
                "the inputs do not say which kernel they are for; name it with --kernel RELEASE".into(),
            ));
        }
    };
    let newest = arguments.architectures.last().copied().unwrap_or_default();
    let machine = target::machine(arguments.target, newest, arguments.optimization)?;
    let pipeline =
        Pipeline { target: arguments.target, machine: &machine, optimization: arguments.optimization };
    let mut program = Program::default();
    if let Some(passes) = &arguments.passes {
        for pass in passes {
            pipeline.step(pass, &module, &mut program)?;
        }
        report(arguments, &program, messages)?;
        return write_module(&module, arguments.emit == Emit::LlvmIr, &output);
    }
    pipeline.run(&module, &mut program)?;
    report(arguments, &program, messages)?;
    if program.entries.is_empty() {
        return Err(Error::Usage(
            "the program has no entry point; define one with GPUFAS_ENTRY of <gpufas/gpufas.h>".into(),
        ));
    }
    pipeline.link_runtime(&module, &log, arguments.debug)?;
    match arguments.emit {
        Emit::LlvmIr => return write_module(&module, true, &output),
        Emit::Bitcode => return write_module(&module, false, &output),
        _ => {}
    }
    let manifest = manifest(arguments, identity, program)?;
    make_program(arguments, runner, Some(&module), &manifest, &output)
}

/// Shows diagnostics.
///
/// # Errors
///
/// [`Error::Reported`] if there was an error.
fn report(arguments: &Arguments, program: &Program, messages: &mut Messages) -> Result<()> {
    let mut errors = 0;
    for diagnostic in &program.diagnostics {
        let mut diagnostic = diagnostic.clone();
        if diagnostic.severity == Severity::Warning {
            if arguments.warnings_are_errors {
                diagnostic.severity = Severity::Error;
            } else if arguments.no_warnings {
                continue;
            }
        }
        if diagnostic.severity == Severity::Error {
            errors += 1;
        }
        messages.show(&diagnostic);
    }
    if errors > 0 { Err(Error::Reported(errors)) } else { Ok(()) }
}

/// The manifest as JSON.
fn manifest(arguments: &Arguments, kernel: ManifestKernel, program: Program) -> Result<Vec<u8>> {
    let mut architectures = Vec::new();
    if arguments.target == Target::Cuda {
        architectures.extend(arguments.architectures.iter().map(|number| format!("sm_{number}")));
        architectures.extend(arguments.architectures.last().map(|number| format!("compute_{number}")));
    }
    let (major, minor, patch) = gpufas_passes::llvm::version();
    let mut toolchain = vec![
        Tool { name: "gpufas-cc".into(), version: env!("CARGO_PKG_VERSION").into() },
        Tool { name: "llvm".into(), version: format!("{major}.{minor}.{patch}") },
    ];
    if arguments.target == Target::Cuda
        && let Some(version) =
            Toolkit::locate(arguments.cuda_path.as_deref()).ok().and_then(|tools| tools.version())
    {
        toolchain.push(Tool { name: "ptxas".into(), version });
    }
    let manifest = Manifest {
        abi: gpufas_abi::ABI_VERSION,
        target: arguments.target,
        architectures,
        kernel,
        entries: program.entries,
        symbols: program.symbols,
        writes: program.writes,
        sites: program.sites.into_sites(),
        toolchain,
    };
    serde_json::to_vec(&manifest).map_err(|error| Error::Internal(format!("the manifest: {error}")))
}

/// A folder for what lies between: beside the output if it is to be kept.
enum Intermediate {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Intermediate {
    fn new(arguments: &Arguments, output: &Path) -> Result<Self> {
        if arguments.save_temps {
            return Ok(Self::Kept(output.parent().map(Path::to_owned).unwrap_or_default()));
        }
        tempfile::tempdir().map(Self::Temporary).map_err(|source| Error::File {
            action: "cannot write",
            path: std::env::temp_dir(),
            source,
        })
    }

    fn file(&self, output: &Path, suffix: &str) -> PathBuf {
        let stem = output.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = match self {
            Self::Kept(folder) => folder.as_path(),
            Self::Temporary(folder) => folder.path(),
        };
        folder.join(format!("{stem}.{suffix}"))
    }
}

/// Generates code and whatever is made of it. Without a module the commands are shown only.
fn make_program(
    arguments: &Arguments,
    runner: Runner,
    module: Option<&Module<'_>>,
    manifest: &[u8],
    output: &Path,
) -> Result<()> {
    let folder = Intermediate::new(arguments, output)?;
    if arguments.save_temps
        && let Some(module) = module
    {
        write_module(module, false, &folder.file(output, "linked.bc"))?;
    }
    match arguments.target {
        Target::Cuda => make_fatbinary(arguments, runner, module, manifest, output, &folder),
        Target::Host => make_shared_object(arguments, runner, module, manifest, output, &folder),
    }
}

fn make_fatbinary(
    arguments: &Arguments,
    runner: Runner,
    module: Option<&Module<'_>>,
    manifest: &[u8],
    output: &Path,
    folder: &Intermediate,
) -> Result<()> {
    let toolkit = match arguments.emit {
        Emit::Ptx | Emit::Assembly => None,
        _ => Some(Toolkit::locate(arguments.cuda_path.as_deref())?),
    };
    let newest = arguments.architectures.last().copied().unwrap_or_default();
    let mut cubins = Vec::new();
    let mut newest_ptx = PathBuf::new();
    for &architecture in &arguments.architectures {
        let ptx = folder.file(output, &format!("sm_{architecture}.ptx"));
        if let Some(module) = module {
            let machine = target::machine(Target::Cuda, architecture, arguments.optimization)?;
            let text = target::generate(&machine, module, FileType::Assembly)?;
            if toolkit.is_none() {
                if architecture == newest {
                    return write_atomically(output, &text);
                }
                continue;
            }
            write_atomically(&ptx, &text)?;
        }
        let Some(toolkit) = &toolkit else { continue };
        let cubin = folder.file(output, &format!("sm_{architecture}.cubin"));
        toolkit.assemble(runner, &ptx, architecture, arguments.debug, &cubin)?;
        cubins.push((architecture, cubin));
        newest_ptx = ptx;
    }
    let Some(toolkit) = toolkit else { return Ok(()) };
    if matches!(arguments.emit, Emit::Cubin | Emit::Object) {
        let [(_, cubin)] = cubins.as_slice() else {
            return Err(Error::Usage("a cubin is for one architecture; name it with --gpu-arch".into()));
        };
        return if runner.dry_run { Ok(()) } else { write_atomically(output, &read(cubin)?) };
    }
    let container = folder.file(output, "container.fatbin");
    toolkit.bundle(runner, &cubins, (newest, &newest_ptx), &container)?;
    if runner.dry_run {
        return Ok(());
    }
    let mut file = read(&container)?;
    file.extend_from_slice(manifest);
    file.extend_from_slice(&(manifest.len() as u64).to_le_bytes());
    file.extend_from_slice(&symbols::MANIFEST_MAGIC);
    write_atomically(output, &file)
}

fn make_shared_object(
    arguments: &Arguments,
    runner: Runner,
    module: Option<&Module<'_>>,
    manifest: &[u8],
    output: &Path,
    folder: &Intermediate,
) -> Result<()> {
    let object = folder.file(output, "host.o");
    if let Some(module) = module {
        module.add_bytes_in_section("gpufas_manifest", symbols::MANIFEST_SECTION, manifest);
        let machine = target::machine(Target::Host, 0, arguments.optimization)?;
        let kind = if arguments.emit == Emit::Assembly { FileType::Assembly } else { FileType::Object };
        let code = target::generate(&machine, module, kind)?;
        if matches!(arguments.emit, Emit::Assembly | Emit::Object) {
            return write_atomically(output, &code);
        }
        write_atomically(&object, &code)?;
    }
    let linked = folder.file(output, "host.so");
    host_link::link(runner, &object, &linked)?;
    if runner.dry_run { Ok(()) } else { write_atomically(output, &read(&linked)?) }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File { action: "cannot read", path: path.to_owned(), source })
}
