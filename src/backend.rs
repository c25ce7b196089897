// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a linked program to the file that is asked for, on either target.

use gpufas_abi::manifest::{Target, Tool};
use gpufas_passes::llvm::Module;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use inkwell::targets::{FileType, TargetMachine};

use crate::arguments::{Arguments, Emit};
use crate::command::Runner;
use crate::cuda::Toolkit;
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
    folder: &'a Intermediate,
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
    pub fn new(arguments: &'a Arguments, runner: Runner, folder: &'a Intermediate) -> Result<Self> {
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
        Ok(Self { arguments, runner, folder, kind })
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

    fn builder<'b>(&'b self, program: Option<&'b [u8]>) -> Builder<'b> {
        Builder {
            runner: self.runner,
            folder: self.folder,
            optimization: self.arguments.optimization,
            debug: self.arguments.debug,
            program,
        }
    }

    /// Shows the commands that would be run.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Missing`] if a tool is not there.
    pub fn show(&self) -> Result<()> {
        let builder = self.builder(None);
        match &self.kind {
            Kind::Host(_) if self.arguments.emit == Emit::Program => {
                shared_object::link(self.runner, self.folder, None).map(drop)
            }
            Kind::Host(_) | Kind::Ptx(_) => Ok(()),
            Kind::Cubin(toolkit, architecture) => builder.cubin(toolkit, *architecture).map(drop),
            Kind::Fatbinary(toolkit, architectures) => builder.container(toolkit, architectures).map(drop),
        }
    }

    /// Makes the file of a program.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Internal`] with what LLVM says, [`crate::error::Error::Tool`] with what other tools say.
    pub fn make(
        &self,
        module: &Module<'_>,
        log: &DiagnosticLog<'_>,
        machine: &TargetMachine,
        manifest: &[u8],
    ) -> Result<Vec<u8>> {
        if let Kind::Host(form) = self.kind {
            let code = shared_object::generate(module, log, manifest, self.arguments.optimization, form)?;
            return match self.arguments.emit {
                Emit::Program => shared_object::link(self.runner, self.folder, Some(&code)),
                _ => Ok(code),
            };
        }
        let program = if self.arguments.debug {
            line_info::only_lines(module, machine)?
        } else {
            encode(module, false)
        };
        let builder = self.builder(Some(&program));
        match &self.kind {
            Kind::Ptx(architecture) => builder.ptx(*architecture),
            Kind::Cubin(toolkit, architecture) => builder.cubin(toolkit, *architecture),
            Kind::Fatbinary(toolkit, architectures) => {
                Ok(fatbinary::with_manifest(builder.container(toolkit, architectures)?, manifest))
            }
            Kind::Host(_) => Ok(Vec::new()),
        }
    }
}
