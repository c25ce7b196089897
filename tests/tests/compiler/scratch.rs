// SPDX-License-Identifier: MIT OR Apache-2.0

//! A folder in which the compiler is run.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use gpufas_guest::{Kernel, kernels};
use tempfile::TempDir;

/// An entry point `go` that calls `helper()`, in two files.
pub const ENTRY: &str = "#include <gpufas/gpufas.h>\n\
    int helper(int x);\n\
    static int same(int x) { return x + 1; }\n\
    GPUFAS_ENTRY(go, \"test\", int, x)\n\
    {\n\
    \tgpufas_log(\"%d\\n\", same(x));\n\
    \treturn helper(same(x));\n\
    }\n";

/// The other file, with a static function of the same name.
pub const HELPER: &str = "static int same(int x) { return x + 2; }\n\
    int helper(int x);\n\
    int helper(int x) { return same(x) * 3; }\n";

/// The compiler under test.
pub fn compiler() -> PathBuf {
    let named = std::env::var_os("GPUFAS_CC").expect("GPUFAS_CC is not set; run cargo xtask test");
    let path = PathBuf::from(named);
    assert!(path.is_file(), "GPUFAS_CC={} is no file; run cargo xtask test", path.display());
    std::path::absolute(path).expect("the current folder is gone")
}

/// The kernel that programs are compiled for.
pub fn kernel() -> &'static Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    KERNEL.get_or_init(|| kernels::find("6.1").and_then(|kernel| kernel.fetch(&|_| {})).expect("no kernel"))
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub messages: String,
}

impl Outcome {
    /// Checks that it went well, and that nothing was said.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!((self.status, self.messages.as_str()), (Some(0), ""));
        self
    }

    /// Checks that it failed with a status and a message that holds all of these texts.
    #[track_caller]
    pub fn fails(self, status: i32, texts: &[&str]) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.messages);
        for text in texts {
            assert!(self.messages.contains(text), "no {text:?} in: {}", self.messages);
        }
        self
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// A folder.
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("no temporary folder") }
    }

    /// A folder with the two files of [`ENTRY`] and [`HELPER`], `a.c` and `b.c`.
    pub fn with_program() -> Self {
        let scratch = Self::new();
        scratch.write("a.c", ENTRY);
        scratch.write("b.c", HELPER);
        scratch
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), contents).expect("cannot write");
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Names of all files, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("cannot list");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("cannot list").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A run of the compiler in this folder with these arguments, and no others.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(compiler());
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// The same with the kernel's headers named.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--kernel-headers").arg(&kernel().headers);
        command
    }

    /// Compiles.
    pub fn compile(&self, arguments: &[&str]) -> Outcome {
        finish(&mut self.command(arguments), b"")
    }

    /// Compiles for the host.
    pub fn for_host(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command(arguments);
        finish(command.args(["--target", "host"]), b"")
    }
}

/// Runs a command to its end, with something on standard input.
pub fn finish(command: &mut Command, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Colours and caches are as a test says.
    for variable in ["NO_COLOR", "GPUFAS_INCLUDE", "GPUFAS_CLANG"] {
        if !command.get_envs().any(|(name, _)| name == OsStr::new(variable)) {
            command.env_remove(variable);
        }
    }
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A compiler that has failed does not read its input.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().expect("cannot wait");
    Outcome {
        status: output.status.code(),
        output: output.stdout,
        messages: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs one of LLVM's tools and returns what it prints.
#[track_caller]
pub fn llvm(tool: &str, arguments: &[&OsStr]) -> String {
    let path = Path::new("/usr/lib/llvm-22/bin").join(tool);
    let output = Command::new(&path).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{tool}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
