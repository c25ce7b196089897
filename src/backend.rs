// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a linked program to the file that is asked for, on either target.

use gpufas_abi::manifest::{Target, Tool};
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Linkage, Module};
use inkwell::targets::{FileType, TargetMachine};

use crate::arguments::{Arguments, Emit};
use crate::command::Runner;
use crate::cuda::{Assembling, Toolkit};
use crate::error::Result;
use crate::fatbinary::{self, Architectures, Builder};
use crate::intermediate::Intermediate;
use crate::target::encode;
use crate::{line_info, shared_object, target};

/// The machine that a program is optimised for: what is common to all architectures that it gets code for.
///
/// # Errors
///
/// Those of [`target::machine`].
pub fn machine(arguments: &Arguments) -> Result<TargetMachine> {
    let oldest = arguments.architectures.first().copied().unwrap_or(fatbinary::DEFAULT_PTX);
    target::machine(arguments.target, oldest, arguments.optimization)
}

/// Generates code and packs it.
pub struct Backend<'a> {
    arguments: &'a Arguments,
    runner: Runner,
    kind: Kind,
}

/// What is generated.
enum Kind {
    /// Code for the host; packed as a shared object if that is asked for.
    Host(FileType),
    /// PTX for one architecture.
    Ptx(u32),
    /// Machine code for one GPU architecture.
    Cubin(Toolkit, u32),
    /// A fatbinary.
    Fatbinary(Toolkit, Architectures),
}

impl<'a> Backend<'a> {
    /// Finds the tools that it takes.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Missing`] if one is not there, or does not know an architecture.
    pub fn new(arguments: &'a Arguments, runner: Runner) -> Result<Self> {
        let one = arguments.architectures.first().copied().unwrap_or(fatbinary::DEFAULT_PTX);
        let kind = match (arguments.target, arguments.emit) {
            (Target::Host, Emit::Assembly) => Kind::Host(FileType::Assembly),
            (Target::Host, _) => Kind::Host(FileType::Object),
            (Target::Cuda, Emit::Ptx | Emit::Assembly) => Kind::Ptx(one),
            (Target::Cuda, emit) => {
                let toolkit = Toolkit::locate(arguments.cuda_path.as_deref())?;
                let architectures = Architectures::choose(&toolkit, &arguments.architectures)?;
                match emit {
                    Emit::Cubin | Emit::Object => Kind::Cubin(toolkit, one),
                    _ => Kind::Fatbinary(toolkit, architectures),
                }
            }
        };
        Ok(Self { arguments, runner, kind })
    }

    /// The GPU architectures that the program gets code for, as the manifest names them.
    pub fn architectures(&self) -> Vec<String> {
        match &self.kind {
            Kind::Fatbinary(_, architectures) => architectures.names(),
            Kind::Host(_) | Kind::Ptx(_) | Kind::Cubin(..) => Vec::new(),
        }
    }

    /// The tools with versions of their own.
    pub fn tools(&self) -> Vec<Tool> {
        let version = match &self.kind {
            Kind::Cubin(toolkit, _) | Kind::Fatbinary(toolkit, _) => toolkit.version(),
            Kind::Host(_) | Kind::Ptx(_) => None,
        };
        version.map(|version| Tool { name: "ptxas".into(), version }).into_iter().collect()
    }

    fn builder<'b>(
        &'b self,
        folder: &'b Intermediate,
        kernel: &'b str,
        program: Option<&'b [u8]>,
    ) -> Builder<'b> {
        Builder {
            runner: self.runner,
            folder,
            kernel,
            optimization: self.arguments.optimization,
            assembling: Assembling {
                lines: self.arguments.debug,
                relocatable: self.arguments.is_relocatable(),
            },
            program,
        }
    }

    /// Shows the commands that would be run, for variants with their folders and kernels.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Missing`] if a tool is not there.
    pub fn show(&self, folder: &Intermediate, variants: &[(Intermediate, String)]) -> Result<()> {
        for (folder, kernel) in variants {
            let builder = self.builder(folder, kernel, None);
            match &self.kind {
                Kind::Host(_) | Kind::Ptx(_) => {}
                Kind::Cubin(toolkit, architecture) => drop(builder.cubin(toolkit, *architecture)?),
                Kind::Fatbinary(toolkit, architectures) => drop(builder.container(toolkit, architectures)?),
            }
        }
        match &self.kind {
            Kind::Host(_) if self.arguments.emit == Emit::Program => {
                let objects: Vec<_> = variants.iter().map(|(folder, _)| (folder, None)).collect();
                shared_object::link(self.runner, folder, &objects).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Generates code for one kernel. For the host the manifest, if it is given, becomes part of it.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Internal`] with what LLVM says, [`crate::error::Error::Tool`] with what other tools say.
    pub fn code(
        &self,
        (module, log): (&Module<'_>, &DiagnosticLog<'_>),
        machine: &TargetMachine,
        folder: &Intermediate,
        kernel: &str,
        manifest: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        if let Kind::Host(form) = self.kind {
            return shared_object::generate(module, log, manifest, self.arguments.optimization, form);
        }
        let program = if self.arguments.debug {
            line_info::only_lines(module, machine)?
        } else {
            encode(module, false)
        };
        let builder = self.builder(folder, kernel, Some(&program));
        match &self.kind {
            Kind::Ptx(architecture) => builder.ptx(*architecture),
            Kind::Cubin(toolkit, architecture) => builder.cubin(toolkit, *architecture),
            Kind::Fatbinary(toolkit, architectures) => builder.container(toolkit, architectures),
            Kind::Host(_) => Ok(Vec::new()),
        }
    }

    /// Packs the code for all kernels, each with its folder, into the file that is asked for.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Missing`] without a linker, [`crate::error::Error::Tool`] with what it says.
    pub fn pack(
        &self,
        folder: &Intermediate,
        codes: &[(&Intermediate, Vec<u8>)],
        manifest: &[u8],
    ) -> Result<Vec<u8>> {
        match &self.kind {
            Kind::Host(_) if self.arguments.emit == Emit::Program => {
                let objects: Vec<_> =
                    codes.iter().map(|(folder, code)| (*folder, Some(code.as_slice()))).collect();
                shared_object::link(self.runner, folder, &objects)
            }
            Kind::Fatbinary(..) => {
                let containers = codes.iter().flat_map(|(_, container)| container).copied().collect();
                Ok(fatbinary::with_manifest(containers, manifest))
            }
            // The command line asks for no other kind for several kernels.
            Kind::Host(_) | Kind::Ptx(_) | Kind::Cubin(..) => {
                Ok(codes.iter().flat_map(|(_, code)| code).copied().collect())
            }
        }
    }
}

/// What follows the names of all symbols that a variant exports: its number on the host, where all variants are in one shared
/// object; nothing if there is only one.
pub fn suffix(target: Target, number: Option<usize>) -> String {
    match (target, number) {
        (Target::Host, Some(number)) => format!(".{number}"),
        _ => String::new(),
    }
}

/// Puts the suffix behind the names of what a program exports.
pub fn add_suffix(module: &Module<'_>, suffix: &str) {
    if suffix.is_empty() {
        return;
    }
    for global in module.defined_functions().into_iter().chain(module.globals()) {
        if global.linkage() == Linkage::LLVMExternalLinkage {
            global.set_name(&format!("{}{suffix}", global.name()));
        }
    }
}
