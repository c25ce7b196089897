// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line, in the manner of clang: options anywhere, values joined or separate, `@file` for more.
//!
//! Argument parsers made for new programs do not know `-Idir`, `-MD` beside `-MF file`, or `-###`, and build systems
//! use all of them; so the options stand in a table here.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use gpufas_abi::manifest::Target;

use crate::error::{Error, Result};

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
    /// An object file: a cubin, or an x86-64 object for the host.
    Object,
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `-E`: the preprocessor only.
    Preprocess,
    /// `-fsyntax-only`: clang's checks only.
    Syntax,
    /// `-c`: each input to bitcode that can be linked later.
    Compile,
    /// All the way.
    Link,
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
    /// `--kernel`.
    pub kernel: Option<String>,
    /// `--kernel-headers`.
    pub kernel_headers: Option<PathBuf>,
    /// `--gpu-arch`, as numbers.
    pub architectures: Vec<u32>,
    /// `--cuda-path`.
    pub cuda_path: Option<PathBuf>,
    /// `-O`.
    pub optimization: u8,
    /// `-g`.
    pub debug: bool,
    /// Options that go to clang as they are, in order.
    pub clang: Vec<String>,
    /// Options about dependency files that go to clang.
    pub dependencies: Vec<String>,
    /// `-v`.
    pub verbose: bool,
    /// `-###`.
    pub dry_run: bool,
    /// `--save-temps`.
    pub save_temps: bool,
    /// `-Werror`.
    pub warnings_are_errors: bool,
    /// `-w`.
    pub no_warnings: bool,
    /// `--passes`: only these passes of ours.
    pub passes: Option<Vec<String>>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// Compile.
    Compile(Box<Arguments>),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// GPU architectures where `--gpu-arch` is not given: one for each generation that CUDA 12 and 13 have in common,
/// whose machine code runs on its later members, too.
const DEFAULT_ARCHITECTURES: &[u32] = &[75, 80, 86, 89, 90];

/// Options of clang's that take a separate value, and are handed on with it.
const CLANG_WITH_VALUE: &[&str] =
    &["-include", "-isystem", "-idirafter", "-iquote", "-imacros", "-Xclang", "-mllvm"];

/// Dependency options with a value.
const DEPENDENCY_WITH_VALUE: &[&str] = &["-MF", "-MT", "-MQ"];

/// Deepest nesting of `@file`.
const DEEPEST_RESPONSE: usize = 16;

/// The text of `--help`.
pub const HELP: &str = "\
Compile recovery programs, written in C like kernel code, for GPUs and for the hosts of virtual machines.

Usage: gpufas-cc [options] file...

Inputs are C sources, LLVM IR (.ll), LLVM bitcode (.bc, .o of `gpufas-cc -c`), or - for C on standard input.

Kernel:
  --kernel RELEASE         the kernel that the program is for, as `uname -r` says it
  --kernel-headers DIR     its headers, if they are not where the release says

Output:
  -o FILE                  write to FILE
  --target cuda|host       what the program runs on (cuda)
  --gpu-arch LIST          GPU architectures, as sm_80,sm_90; PTX for later ones is always included
  --emit KIND              llvm-ir, bitcode, ptx, cubin, asm, object or fatbin
  -c                       compile each input to bitcode, to be linked later
  -S                       the same as --emit asm
  -E, -fsyntax-only        preprocess, or check, only
  --passes LIST            run only these passes on the input (kernel-asm, kernel-symbols, entry-points,
                           optimize, reachability, symbol-table, llview, budget, retarget), with --emit llvm-ir

Code:
  -O0 -O1 -O2 -O3          optimization (-O2; kernel headers need at least -O1, which -O0 means here)
  -g                       debug information
  -I -D -U -include -isystem -W... -f...    as for clang

Dependencies:
  -MD -MMD -MF FILE -MT TARGET -MQ TARGET -MP   as for clang

Other:
  --cuda-path DIR          the CUDA toolkit to use
  -v                       show the commands that are run
  -###                     show them without running them
  --save-temps             keep intermediate files beside the output
  @FILE                    read more arguments from FILE
  --version, --help

Exit status: 0; 1, the input is at fault; 2, the machine or the installation is.
";

fn usage(message: impl Into<String>) -> Error {
    Error::Usage(message.into())
}

/// Reads the command line, without the program's name.
///
/// # Errors
///
/// [`Error::Usage`] for what makes no sense, [`Error::File`] for a response file that cannot be read.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request> {
    let mut queue = VecDeque::new();
    for argument in arguments {
        expand(argument, &mut queue, 0)?;
    }
    let mut parsed = Arguments {
        inputs: Vec::new(),
        output: None,
        stage: Stage::Link,
        emit: Emit::Program,
        target: Target::Cuda,
        kernel: None,
        kernel_headers: None,
        architectures: Vec::new(),
        cuda_path: None,
        optimization: 2,
        debug: false,
        clang: Vec::new(),
        dependencies: Vec::new(),
        verbose: false,
        dry_run: false,
        save_temps: false,
        warnings_are_errors: false,
        no_warnings: false,
        passes: None,
    };
    let mut options_ended = false;
    while let Some(argument) = queue.pop_front() {
        if options_ended || argument == "-" || !argument.starts_with('-') {
            parsed.inputs.push(argument);
        } else if argument == "--" {
            options_ended = true;
        } else if argument == "--help" || argument == "-h" {
            return Ok(Request::Help);
        } else if argument == "--version" {
            return Ok(Request::Version);
        } else {
            option(&mut parsed, argument, &mut queue)?;
        }
    }
    finish(parsed).map(|arguments| Request::Compile(Box::new(arguments)))
}

/// Adds an argument, or the arguments of a response file.
fn expand(argument: String, queue: &mut VecDeque<String>, depth: usize) -> Result<()> {
    let Some(file) = argument.strip_prefix('@') else {
        queue.push_back(argument);
        return Ok(());
    };
    if depth >= DEEPEST_RESPONSE {
        return Err(usage(format!("response files are nested too deeply at @{file}")));
    }
    let text = std::fs::read_to_string(file).map_err(|source| Error::File {
        action: "cannot read",
        path: file.into(),
        source,
    })?;
    for word in split_words(&text).ok_or_else(|| usage(format!("@{file}: a quote is not closed")))? {
        expand(word, queue, depth + 1)?;
    }
    Ok(())
}

/// Words as a shell without expansions would see them: quotes and backslashes group.
fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (_, '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

fn option(parsed: &mut Arguments, argument: String, queue: &mut VecDeque<String>) -> Result<()> {
    let (name, joined) = match argument.split_once('=') {
        Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
        _ => (argument.clone(), None),
    };
    let value = |queue: &mut VecDeque<String>| {
        joined.clone().or_else(|| queue.pop_front()).ok_or_else(|| usage(format!("{name} needs a value")))
    };
    match name.as_str() {
        "-o" => parsed.output = Some(value(queue)?.into()),
        "--output" => parsed.output = Some(value(queue)?.into()),
        "-c" => parsed.stage = Stage::Compile,
        "-S" => parsed.emit = Emit::Assembly,
        "-E" => parsed.stage = Stage::Preprocess,
        "-fsyntax-only" => parsed.stage = Stage::Syntax,
        "--kernel" => parsed.kernel = Some(value(queue)?),
        "--kernel-headers" => parsed.kernel_headers = Some(value(queue)?.into()),
        "--cuda-path" => parsed.cuda_path = Some(value(queue)?.into()),
        "--target" => parsed.target = target(&value(queue)?)?,
        "--gpu-arch" => {
            for architecture in value(queue)?.split(',') {
                parsed.architectures.push(architecture_number(architecture.trim())?);
            }
        }
        "--emit" => parsed.emit = emit(&value(queue)?)?,
        "--passes" => {
            parsed.passes = Some(value(queue)?.split(',').map(|pass| pass.trim().to_owned()).collect());
        }
        "--save-temps" | "-save-temps" => parsed.save_temps = true,
        "-v" | "--verbose" => parsed.verbose = true,
        "-###" => parsed.dry_run = true,
        "-g" => parsed.debug = true,
        "-g0" => parsed.debug = false,
        "-w" => {
            parsed.no_warnings = true;
            parsed.clang.push(argument);
        }
        "-Werror" => {
            parsed.warnings_are_errors = true;
            parsed.clang.push(argument);
        }
        "-MD" | "-MMD" | "-MP" | "-M" | "-MM" | "-MG" => {
            if matches!(name.as_str(), "-M" | "-MM") {
                parsed.stage = Stage::Preprocess;
            }
            parsed.dependencies.push(argument);
        }
        _ if DEPENDENCY_WITH_VALUE.contains(&name.as_str()) => {
            let value = value(queue)?;
            parsed.dependencies.extend([argument, value]);
        }
        _ if CLANG_WITH_VALUE.contains(&name.as_str()) => {
            let value = value(queue)?;
            parsed.clang.extend([argument, value]);
        }
        "-I" | "-D" | "-U" => {
            let value = value(queue)?;
            parsed.clang.push(format!("{argument}{value}"));
        }
        "-O" => parsed.optimization = 1,
        "-Os" | "-Oz" | "-Ofast" => {
            return Err(usage(format!("{name} is not known; use -O0, -O1, -O2 or -O3")));
        }
        _ if name.starts_with("-O") => {
            parsed.optimization = match &name[2..] {
                "0" => 0,
                "1" => 1,
                "2" => 2,
                "3" => 3,
                _ => return Err(usage(format!("{name} is not known; use -O0, -O1, -O2 or -O3"))),
            };
        }
        _ if name.starts_with("-o") => parsed.output = Some(name[2..].into()),
        _ if ["-MF", "-MT", "-MQ"].iter().any(|prefix| name.starts_with(prefix)) => {
            parsed.dependencies.push(argument);
        }
        _ if ["-I", "-D", "-U", "-W", "-f", "-std="].iter().any(|prefix| name.starts_with(prefix)) => {
            parsed.clang.push(argument);
        }
        _ => {
            return Err(usage(format!("unknown option {argument}; gpufas-cc --help lists the options")));
        }
    }
    Ok(())
}

fn target(text: &str) -> Result<Target> {
    match text {
        "cuda" => Ok(Target::Cuda),
        "host" => Ok(Target::Host),
        _ => Err(usage(format!("--target {text} is not known; it is cuda or host"))),
    }
}

fn emit(text: &str) -> Result<Emit> {
    Ok(match text {
        "llvm-ir" => Emit::LlvmIr,
        "bitcode" | "bc" => Emit::Bitcode,
        "ptx" => Emit::Ptx,
        "cubin" => Emit::Cubin,
        "asm" => Emit::Assembly,
        "object" | "obj" => Emit::Object,
        "fatbin" | "program" => Emit::Program,
        _ => {
            return Err(usage(format!(
                "--emit {text} is not known; it is llvm-ir, bitcode, ptx, cubin, asm, object or fatbin"
            )));
        }
    })
}

/// The number in `sm_90`; the architecture- and family-specific ones (`sm_90a`) give nothing that programs here use.
fn architecture_number(text: &str) -> Result<u32> {
    let known = || usage(format!("--gpu-arch {text} is not known; it is a list like sm_80,sm_90"));
    let number = text.strip_prefix("sm_").or_else(|| text.strip_prefix("compute_")).ok_or_else(known)?;
    let number: u32 = number.parse().map_err(|_| known())?;
    if !(50..=200).contains(&number) {
        return Err(known());
    }
    Ok(number)
}

/// Defaults, and what does not go together.
fn finish(mut parsed: Arguments) -> Result<Arguments> {
    if parsed.inputs.is_empty() {
        return Err(usage("no input files; gpufas-cc --help lists the options"));
    }
    if parsed.architectures.is_empty() {
        parsed.architectures = DEFAULT_ARCHITECTURES.to_vec();
    } else if parsed.target == Target::Host {
        return Err(usage("--gpu-arch means nothing with --target host"));
    }
    parsed.architectures.sort_unstable();
    parsed.architectures.dedup();
    if parsed.target == Target::Host && matches!(parsed.emit, Emit::Ptx | Emit::Cubin) {
        return Err(usage("PTX and cubins are made with --target cuda"));
    }
    if parsed.emit == Emit::Cubin && parsed.architectures.len() != 1 {
        return Err(usage("a cubin is for one architecture; name it with --gpu-arch"));
    }
    if parsed.stage == Stage::Compile && parsed.output.is_some() && parsed.inputs.len() > 1 {
        return Err(usage("-o names one file, and -c makes one for each input"));
    }
    if parsed.passes.is_some() && !matches!(parsed.emit, Emit::LlvmIr | Emit::Bitcode) {
        return Err(usage("--passes needs --emit llvm-ir or --emit bitcode"));
    }
    Ok(parsed)
}

impl Arguments {
    /// The file that is written: `-o`, or the first input's name with the extension of what is made.
    pub fn output_path(&self) -> PathBuf {
        if let Some(output) = &self.output {
            return output.clone();
        }
        let extension = match (self.stage, self.emit, self.target) {
            (Stage::Compile, _, _) => "o",
            (_, Emit::LlvmIr, _) => "ll",
            (_, Emit::Bitcode, _) => "bc",
            (_, Emit::Ptx, _) | (_, Emit::Assembly, Target::Cuda) => "ptx",
            (_, Emit::Cubin, _) | (_, Emit::Object, Target::Cuda) => "cubin",
            (_, Emit::Assembly, Target::Host) => "s",
            (_, Emit::Object, Target::Host) => "o",
            (_, Emit::Program, Target::Cuda) => "fatbin",
            (_, Emit::Program, Target::Host) => "so",
        };
        default_name(&self.inputs[0], extension)
    }
}

/// An input's file name with another extension, in the current folder.
pub fn default_name(input: &str, extension: &str) -> PathBuf {
    let stem = if input == "-" { Path::new("a") } else { Path::new(input) };
    PathBuf::from(stem.file_stem().unwrap_or(stem.as_os_str())).with_extension(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(words: &[&str]) -> Arguments {
        match parse(words.iter().map(|&word| word.to_owned())) {
            Ok(Request::Compile(arguments)) => *arguments,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn error(words: &[&str]) -> String {
        parse(words.iter().map(|&word| word.to_owned())).unwrap_err().to_string()
    }

    #[test]
    fn options_are_read_as_clang_reads_them() {
        let parsed = compile(&[
            "a.c",
            "-Ifoo",
            "-I",
            "bar",
            "-DX=1",
            "-D",
            "Y",
            "-o",
            "out",
            "-O3",
            "-MD",
            "-MF",
            "a.d",
            "-include",
            "x.h",
            "-Wall",
            "--kernel=6.1.0-1-amd64",
            "--gpu-arch",
            "sm_90,sm_80",
            "-g",
            "b.ll",
        ]);
        assert_eq!(parsed.inputs, ["a.c", "b.ll"]);
        assert_eq!(parsed.clang, ["-Ifoo", "-Ibar", "-DX=1", "-DY", "-include", "x.h", "-Wall"]);
        assert_eq!(parsed.dependencies, ["-MD", "-MF", "a.d"]);
        assert_eq!(parsed.output_path(), Path::new("out"));
        assert_eq!((parsed.optimization, parsed.debug), (3, true));
        assert_eq!(parsed.architectures, [80, 90]);
        assert_eq!(parsed.kernel.as_deref(), Some("6.1.0-1-amd64"));
    }

    #[test]
    fn outputs_are_named_after_the_first_input() {
        assert_eq!(compile(&["dir/kill.c"]).output_path(), Path::new("kill.fatbin"));
        assert_eq!(compile(&["kill.c", "--target", "host"]).output_path(), Path::new("kill.so"));
        assert_eq!(compile(&["kill.c", "-c"]).output_path(), Path::new("kill.o"));
        assert_eq!(compile(&["-", "--emit", "ptx"]).output_path(), Path::new("a.ptx"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        assert!(error(&[]).contains("no input"));
        assert!(error(&["a.c", "--frobnicate"]).contains("--frobnicate"));
        assert!(error(&["a.c", "-o"]).contains("needs a value"));
        assert!(error(&["a.c", "--gpu-arch", "gfx90a"]).contains("sm_80"));
        assert!(error(&["a.c", "--target", "opencl"]).contains("cuda or host"));
        assert!(error(&["a.c", "--emit", "cubin"]).contains("one architecture"));
        assert!(error(&["a.c", "b.c", "-c", "-o", "x"]).contains("-c"));
        assert!(error(&["@/nonexistent/response"]).contains("/nonexistent/response"));
        assert!(error(&["a.c", "-Os"]).contains("-O2"));
    }

    #[test]
    fn response_files_are_split_like_a_shell_does() {
        assert_eq!(
            split_words("a 'b c' \"d \\\" e\" f\\ g\n\th").unwrap(),
            ["a", "b c", "d \" e", "f g", "h"]
        );
        assert_eq!(split_words("'open"), None);
        assert_eq!(split_words("''").unwrap(), [""]);
    }
}
