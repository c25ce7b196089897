// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program for GPUs: PTX and machine code for each architecture, in NVIDIA's container, with the manifest behind it.
//!
//! CUDA loads one image of a container, the one that fits the GPU best; so each kernel has a container of its own, one behind
//! the other. A load takes no more than the one that it is given, and cuobjdump reads all of them.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols::MANIFEST_MAGIC;
use gpufas_passes::llvm::Context;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use inkwell::targets::FileType;

use crate::command::Runner;
use crate::cuda::{Assembling, Toolkit};
use crate::error::{Error, Result};
use crate::intermediate::{self, Intermediate};
use crate::{crash, input, output, target};

/// GPU architectures where `--gpu-arch` is not given: the first of each generation, whose machine code runs on its later
/// members too. Those that ptxas does not know are left out.
const DEFAULTS: &[u32] = &[75, 80, 90, 100, 120];

/// The architecture of PTX that goes into no fatbinary: what is oldest runs everywhere.
pub const DEFAULT_PTX: u32 = DEFAULTS[0];

/// Which architectures a program gets machine code and PTX for.
#[derive(Clone, Debug)]
pub struct Architectures {
    /// Those with machine code, in order.
    pub machine_code: Vec<u32>,
    /// Those with PTX: the newest, for later ones, and the oldest, for those in between that no machine code runs on.
    pub ptx: Vec<u32>,
}

impl Architectures {
    /// The user's choice, or the defaults.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if ptxas does not know one that the user names.
    pub fn choose(toolkit: &Toolkit, named: &[u32]) -> Result<Self> {
        let known = toolkit.architectures()?;
        let is_known = |number: &u32| known.contains(number);
        if let Some(unknown) = named.iter().find(|number| !is_known(number)) {
            let known: Vec<String> = known
                .iter()
                .filter(|number| target::is_known(**number))
                .map(|number| format!("sm_{number}"))
                .collect();
            return Err(Error::Missing(format!(
                "ptxas {} does not know sm_{unknown}; it knows {}",
                toolkit.version().unwrap_or_default(),
                known.join(", ")
            )));
        }
        let wanted = if named.is_empty() { DEFAULTS } else { named };
        let machine_code: Vec<u32> = wanted.iter().copied().filter(is_known).collect();
        let (Some(&oldest), Some(&newest)) = (machine_code.first(), machine_code.last()) else {
            return Err(Error::Missing(
                "ptxas knows none of the architectures that programs are made for".into(),
            ));
        };
        let ptx = if oldest == newest { vec![oldest] } else { vec![oldest, newest] };
        Ok(Self { machine_code, ptx })
    }

    /// All of them as the manifest names them.
    pub fn names(&self) -> Vec<String> {
        let machine_code = self.machine_code.iter().map(|number| format!("sm_{number}"));
        machine_code.chain(self.ptx.iter().map(|number| format!("compute_{number}"))).collect()
    }
}

/// Makes code for GPUs of a linked program.
pub struct Builder<'a> {
    /// Runs tools.
    pub runner: Runner,
    /// Where files between go.
    pub folder: &'a Intermediate,
    /// What the kernel is called that the program is for; cuobjdump shows it as the identifier of the code.
    pub kernel: &'a str,
    /// LLVM's optimisation level for code generation.
    pub optimization: u8,
    /// How PTX is assembled.
    pub assembling: Assembling,
    /// The program as LLVM IR or bitcode. Without one, commands are only shown and nothing comes out.
    pub program: Option<&'a [u8]>,
}

impl Builder<'_> {
    /// PTX for one architecture.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] with what LLVM says, [`Error::Library`] if something is left undefined, of which LLVM says
    /// nothing.
    pub fn ptx(&self, architecture: u32) -> Result<Vec<u8>> {
        let Some(program) = self.program else { return Ok(Vec::new()) };
        crash::doing("generating PTX");
        // Each in a context of its own: several are generated at a time.
        let context = Context::create();
        let log = DiagnosticLog::new(&context);
        let module = input::reparse(&context, &log, program)?;
        let machine = target::machine(Target::Cuda, architecture, self.optimization)?;
        let text = target::generate(&machine, &module, &log, FileType::Assembly)?;
        let undefined = if self.assembling.relocatable { Vec::new() } else { undefined(&text) };
        if undefined.is_empty() { Ok(text) } else { Err(Error::Library(undefined)) }
    }

    fn file(&self, architecture: u32, kind: &str) -> PathBuf {
        self.folder.file(&format!("sm_{architecture}.{kind}"))
    }

    /// Machine code for one architecture.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::ptx`] and [`Toolkit::assemble`].
    pub fn cubin(&self, toolkit: &Toolkit, architecture: u32) -> Result<Vec<u8>> {
        self.assemble(toolkit, architecture)?;
        self.made("ptxas", &self.file(architecture, "cubin"))
    }

    /// Makes the files with PTX and machine code for an architecture.
    fn assemble(&self, toolkit: &Toolkit, architecture: u32) -> Result<()> {
        let (ptx, cubin) = (self.file(architecture, "ptx"), self.file(architecture, "cubin"));
        let text = self.ptx(architecture)?;
        if self.program.is_some() {
            output::write(&ptx, &text)?;
        }
        toolkit.assemble(self.runner, &ptx, architecture, self.assembling, &cubin)
    }

    /// NVIDIA's container with code for all architectures.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::cubin`] and [`Toolkit::bundle`].
    pub fn container(&self, toolkit: &Toolkit, architectures: &Architectures) -> Result<Vec<u8>> {
        self.assemble_all(toolkit, &architectures.machine_code)?;
        let images = |numbers: &[u32], kind| -> Vec<(u32, PathBuf)> {
            numbers.iter().map(|&number| (number, self.file(number, kind))).collect()
        };
        let container = self.folder.file("container.fatbin");
        toolkit.bundle(
            self.runner,
            // cuobjdump names extracted files by it, less what follows its last dot.
            &format!("{}.gpufas", self.kernel),
            &images(&architectures.machine_code, "cubin"),
            &images(&architectures.ptx, "ptx"),
            &container,
        )?;
        self.made("fatbinary", &container)
    }

    /// What a tool has made, if it was not only shown.
    fn made(&self, tool: &str, file: &Path) -> Result<Vec<u8>> {
        if self.program.is_none() { Ok(Vec::new()) } else { intermediate::read(tool, file) }
    }

    /// Assembles for all architectures, as many at a time as there are processors: ptxas takes most of the time that a
    /// program needs, about a second for each.
    fn assemble_all(&self, toolkit: &Toolkit, architectures: &[u32]) -> Result<()> {
        let at_a_time = match self.program {
            Some(_) => std::thread::available_parallelism().map_or(1, usize::from).min(architectures.len()),
            // Commands are shown in order.
            None => 1,
        };
        let (next, first_error) = (AtomicUsize::new(0), Mutex::new(None));
        std::thread::scope(|scope| {
            for _ in 0..at_a_time {
                scope.spawn(|| {
                    while let Some(&architecture) = architectures.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Err(error) = self.assemble(toolkit, architecture) {
                            next.store(architectures.len(), Ordering::Relaxed);
                            if let Ok(mut first) = first_error.lock() {
                                first.get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        first_error.into_inner().ok().flatten().map_or(Ok(()), Err)
    }
}

/// Names that PTX declares and does not define: the last word of each `.extern` directive, before its parameters.
fn undefined(ptx: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(ptx);
    let directives = text.lines().filter(|line| line.starts_with(".extern "));
    directives
        .filter_map(|line| line.trim_end_matches(['(', ';', ' ']).rsplit([' ', '\t']).next())
        .map(str::to_owned)
        .collect()
}

/// `FATBIN_MAGIC`, of `fatBinaryHeader` in CUDA's fatbinary_section.h.
const CONTAINER_MAGIC: u32 = 0xba55_ed50;

/// The kind of an image in a container that NVIDIA's tools pass over. They know 1 as PTX, 2 as machine code, and refuse
/// most others.
const IGNORED_KIND: u16 = 0x20;

/// Bytes of the header of an image.
const IMAGE_HEADER: u32 = 64;

/// Containers, one for each kernel, with the manifest behind them, as [`gpufas_abi::symbols::MANIFEST_MAGIC`] says. The manifest is dressed as a
/// container of its own, with one image of a kind that means nothing, because cuobjdump reads on where the first one ends.
pub fn with_manifest(mut container: Vec<u8>, manifest: &[u8]) -> Vec<u8> {
    // Images are made of whole words; white space before JSON means nothing, and the size that counts is that behind it.
    let padding = manifest.len().next_multiple_of(8) - manifest.len();
    let image = padding + manifest.len() + size_of::<u64>() + MANIFEST_MAGIC.len();
    container.extend(CONTAINER_MAGIC.to_le_bytes());
    // Version and size of this header.
    container.extend(1_u16.to_le_bytes());
    container.extend(16_u16.to_le_bytes());
    container.extend((u64::from(IMAGE_HEADER) + image as u64).to_le_bytes());
    container.extend(IGNORED_KIND.to_le_bytes());
    container.extend(0x101_u16.to_le_bytes());
    container.extend(IMAGE_HEADER.to_le_bytes());
    container.extend((image as u64).to_le_bytes());
    container.resize(container.len() + IMAGE_HEADER as usize - 16, 0);
    container.resize(container.len() + padding, b' ');
    container.extend(manifest);
    container.extend((manifest.len() as u64).to_le_bytes());
    container.extend(MANIFEST_MAGIC);
    container
}
