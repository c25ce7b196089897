// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line, in the manner of clang: options anywhere, values joined or separate, `@file` for more.
//!
//! Argument parsers made for new programs do not know `-Idir`, `-MD` beside `-MF file`, or `-###`, and build systems
//! use all of them; so the options stand in a table here.

mod combinations;
mod help;
mod options;
mod response;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use gpufas_abi::manifest::Target;
use gpufas_passes::diagnostic::Remark;
use gpufas_passes::kernel_symbols::ownership::Ownership;

use crate::error::{Error, Result};
use crate::messages::Form;
use crate::warnings::Warnings;

pub use help::HELP;
pub use options::form;

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// The program for its target: a fatbinary, or a shared object for the host.
    Program,
    /// LLVM IR as text.
    LlvmIr,
    /// LLVM bitcode.
    Bitcode,
    /// PTX.
    Ptx,
    /// A cubin for the one architecture given.
    Cubin,
    /// Assembly: PTX, or x86-64 assembly for the host.
    Assembly,
    /// What each function of relocatable code needs and what of it is refused, as JSON.
    Summary,
    /// A C header with the types of the kernel of `--btf`.
    Header,
    /// An object file: a cubin, or an x86-64 object for the host.
    Object,
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `-E`, `-M`: the preprocessor only.
    Preprocess,
    /// `-fsyntax-only`: clang's checks only.
    Syntax,
    /// `-c`: each input to a file of its own that can be linked later.
    Compile,
    /// All the way.
    Link,
}

/// What taking a lock of the kernel's means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// It must be free; else the program ends, to be run again later.
    #[default]
    Check,
    /// It is taken with the processor's own atomic operations (host target only).
    Take,
    /// It is an error.
    Refuse,
}

impl Locks {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Check, Self::Take, Self::Refuse];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Take => "take",
            Self::Refuse => "refuse",
        }
    }
}

/// What allocating memory by the kernel's functions means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// It is an error.
    #[default]
    Refuse,
    /// It gives memory of the program's own, which ends with it.
    Own,
}

impl Allocation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Refuse, Self::Own];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Own => "own",
        }
    }
}

/// How addresses of the kernel become those of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Translate {
    /// Once for each object where that is possible, by arithmetic where memory is linear.
    #[default]
    Once,
    /// At every access, by a walk of the page tables, as the papers describe it: to compare with.
    Every,
}

impl Translate {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Once, Self::Every];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Every => "every",
        }
    }
}

/// How a task that sleeps is made to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// It is left to its processor, through the kernel's queue for that.
    WakeQueue,
    /// It is put on a run queue, by the kernel's scheduler, which is compiled along.
    RunQueue,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::WakeQueue, Self::RunQueue];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WakeQueue => "wake-queue",
            Self::RunQueue => "run-queue",
        }
    }
}

/// The command line as understood.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Inputs in order; `-` is standard input.
    pub inputs: Vec<String>,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// How far to go.
    pub stage: Stage,
    /// What to make.
    pub emit: Emit,
    /// What the program is for.
    pub target: Target,
    /// `--kernel`, in order.
    pub kernels: Vec<String>,
    /// `--kernel-headers`, in order.
    pub kernel_headers: Vec<PathBuf>,
    /// `--kernel-source`, in order.
    pub kernel_sources: Vec<PathBuf>,
    /// `--btf`, in order.
    pub btf: Vec<PathBuf>,
    /// `--type`: what `--emit header` defines; all types if none is named.
    pub types: Vec<String>,
    /// `--check-layout all`: compare all structures, and make nothing.
    pub check_layout: bool,
    /// `--relocatable`: offsets and sizes are looked up when a program is loaded.
    pub relocates: bool,
    /// `--accept`, in order.
    pub accepts: Vec<String>,
    /// `--gpu-arch`, as numbers in order; empty if it was not given.
    pub architectures: Vec<u32>,
    /// `--own` and `--kernel-symbol`.
    pub ownership: Ownership,
    /// `--cuda-path`.
    pub cuda_path: Option<PathBuf>,
    /// `-O`.
    pub optimization: u8,
    /// `-g`.
    pub debug: bool,
    /// Options that go to clang as they are, in order.
    pub clang: Vec<String>,
    /// Dependency files.
    pub dependencies: Dependencies,
    /// `-v`.
    pub verbose: bool,
    /// `-###`.
    pub dry_run: bool,
    /// `--save-temps`.
    pub save_temps: bool,
    /// `-W` options, as far as they are about warnings of the passes.
    pub warnings: Warnings,
    /// `-Rpass=` and its like: the remarks to show, each with the pass that makes them.
    pub remarks: HashSet<(Remark, &'static str)>,
    /// `--diagnostics`: for whom messages are.
    pub diagnostics: Form,
    /// The words of options that matter for what is compiled already: without inputs, outputs and kernels.
    pub words: Vec<String>,
    /// `-fkeep-inline-functions`.
    pub keep_inline_functions: bool,
    /// `--locks`.
    pub locks: Locks,
    /// `--translate`.
    pub translate: Translate,
    /// `--schedule`, the preferred one first.
    pub schedules: Vec<Schedule>,
    /// `--allocation`.
    pub allocation: Allocation,
    /// `--passes`: only these passes of ours.
    pub passes: Option<Vec<String>>,
}

/// Which dependencies are written where.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    /// `-MD`, `-MMD`, `-M` or `-MM`.
    pub mode: Option<String>,
    /// `-MF`.
    pub file: Option<PathBuf>,
    /// `-MT` and `-MQ` with their values, and `-MP` and `-MG`.
    pub options: Vec<String>,
}

impl Dependencies {
    /// Whether the user names the target of the rule.
    pub fn names_target(&self) -> bool {
        self.options.iter().any(|option| option == "-MT" || option == "-MQ")
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// Compile.
    Compile(Box<Arguments>),
    /// `--help`.
    Help,
    /// `--help-warnings`.
    HelpWarnings,
    /// `--version`.
    Version,
}

/// Beginnings of options that mean nothing for what is compiled already, or name files that are written.
const OF_SOURCES: &[&str] = &[
    "-o",
    "--output",
    "--kernel",
    "-M",
    "--save-temps",
    "-save-temps",
    "-I",
    "-D",
    "-U",
    "-include",
    "-isystem",
];

fn usage(message: impl Into<String>) -> Error {
    Error::Usage(message.into())
}

/// Reads the command line, without the program's name.
///
/// # Errors
///
/// [`Error::Usage`] for what makes no sense, [`Error::Read`] for a response file that cannot be read.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request> {
    let mut queue = VecDeque::new();
    for argument in arguments {
        let argument = argument
            .into_string()
            .map_err(|argument| usage(format!("{} is not in UTF-8", argument.display())))?;
        response::expand(argument, &mut queue)?;
    }
    let mut parsed = Arguments {
        inputs: Vec::new(),
        output: None,
        stage: Stage::Link,
        emit: Emit::Program,
        target: Target::Cuda,
        kernels: Vec::new(),
        kernel_headers: Vec::new(),
        kernel_sources: Vec::new(),
        btf: Vec::new(),
        types: Vec::new(),
        check_layout: false,
        ownership: Ownership::default(),
        relocates: false,
        accepts: Vec::new(),
        architectures: Vec::new(),
        cuda_path: None,
        optimization: 2,
        debug: false,
        clang: Vec::new(),
        dependencies: Dependencies::default(),
        verbose: false,
        dry_run: false,
        save_temps: false,
        warnings: Warnings::default(),
        remarks: HashSet::new(),
        diagnostics: Form::Text,
        words: Vec::new(),
        keep_inline_functions: false,
        locks: Locks::default(),
        translate: Translate::default(),
        schedules: vec![Schedule::WakeQueue],
        allocation: Allocation::default(),
        passes: None,
    };
    let mut options_ended = false;
    while let Some(argument) = queue.pop_front() {
        if options_ended || argument == "-" || !argument.starts_with('-') {
            if argument.is_empty() {
                return Err(usage("an input has an empty name"));
            }
            parsed.inputs.push(argument);
        } else if argument == "--" {
            options_ended = true;
        } else if argument == "--help" || argument == "-h" {
            return Ok(Request::Help);
        } else if argument == "--help-warnings" {
            return Ok(Request::HelpWarnings);
        } else if argument == "--version" {
            return Ok(Request::Version);
        } else {
            let (next, count) = (queue.front().cloned(), queue.len());
            let word =
                (!OF_SOURCES.iter().any(|option| argument.starts_with(option))).then(|| argument.clone());
            options::read(&mut parsed, argument, &mut queue)?;
            if let Some(word) = word {
                parsed.words.push(word);
                // Its value, if that was a word of its own.
                parsed.words.extend(next.filter(|_| queue.len() < count));
            }
        }
    }
    combinations::check(parsed).map(|arguments| Request::Compile(Box::new(arguments)))
}

impl Arguments {
    /// The file that is written: `-o`, or the first input's name with the extension of what is made.
    pub fn output_path(&self) -> PathBuf {
        self.output.clone().unwrap_or_else(|| match self.inputs.first() {
            Some(input) => self.default_output(input),
            // What is made of no input is shown.
            None => PathBuf::from("-"),
        })
    }

    /// Whether relocatable code is made: of each input by itself, with what it does not define left to a linker.
    pub fn is_relocatable(&self) -> bool {
        let is_code =
            matches!(self.emit, Emit::Ptx | Emit::Cubin | Emit::Assembly | Emit::Object | Emit::Summary);
        self.stage == Stage::Compile && is_code
    }

    /// The file that is made of an input: its name, in the current folder, with another extension.
    pub fn default_output(&self, input: &str) -> PathBuf {
        let extension = match (self.stage, self.emit, self.target) {
            (_, Emit::LlvmIr, _) => "ll",
            (Stage::Link, Emit::Bitcode, _) => "bc",
            (Stage::Compile, Emit::Program | Emit::Bitcode, _) => "o",
            (_, Emit::Summary, _) => "json",
            (_, Emit::Header, _) => "h",
            (_, Emit::Ptx, _) | (_, Emit::Assembly, Target::Cuda) => "ptx",
            (_, Emit::Cubin, _) | (_, Emit::Object, Target::Cuda) => "cubin",
            (_, Emit::Assembly, Target::Host) => "s",
            (_, Emit::Object | Emit::Bitcode, _) => "o",
            (_, Emit::Program, Target::Cuda) => "fatbin",
            (_, Emit::Program, Target::Host) => "so",
        };
        let stem = if input == "-" { Path::new("a") } else { Path::new(input) };
        let mut name = stem.file_stem().unwrap_or(stem.as_os_str()).to_owned();
        name.push(".");
        name.push(extension);
        name.into()
    }
}
