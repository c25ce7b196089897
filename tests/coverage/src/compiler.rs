// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs gpufas-cc on one file, and keeps what came of it until the compiler or the file changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::UNIX_EPOCH;

use gpufas_guest::Kernel;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::functions::Functions;

/// The GPU architecture that cubins are made for.
const ARCHITECTURE: &str = "sm_90";

/// Exit status of gpufas-cc for an input that is at fault: here, for what clang rejects.
const REJECTED: i32 = 1;

/// Keeps gpufas-cc from changing the kernel's configuration: `gpufas/kernel_config.h` looks empty then.
const CONFIGURATION_AS_IT_IS: &str = "-D_GPUFAS_KERNEL_CONFIG_H";

/// Where Debian's packages have the clang whose IR the passes take.
const CLANG: &str = "/usr/lib/llvm-22/bin/clang";

/// The compiler, and the folder where results are kept.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// `gpufas-cc`.
    pub path: PathBuf,
    /// Where files between and results go.
    pub folder: PathBuf,
}

/// What came of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// Why clang does not take it with the kernel's own configuration: its first error. Nothing else is tried then.
    pub rejected: Option<String>,
    /// Why no x86-64 object was made of it.
    pub object_failed: Option<String>,
    /// Why no cubin was made of it.
    pub cubin_failed: Option<String>,
    /// The summary of its functions, as JSON.
    summary: String,
}

impl Compiled {
    /// Whether there is code for both targets.
    pub fn is_whole(&self) -> bool {
        self.rejected.is_none() && self.object_failed.is_none() && self.cubin_failed.is_none()
    }

    /// Its functions; none if it was not compiled.
    pub fn functions(&self) -> Functions {
        Functions::parse(self.summary.as_bytes()).unwrap_or_default()
    }
}

/// Types that headers define, compared with the kernel's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Types {
    /// How many were compared.
    pub compared: usize,
    /// Those that the kernel's type information does not have.
    pub absent: Vec<String>,
    /// Those that differ.
    pub different: Vec<String>,
}

/// A result with what it depends on.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    key: String,
    result: T,
}

impl Compiler {
    /// Compiles a file for a kernel, with more options for its front end. With `with_code`, code is generated for both targets.
    ///
    /// # Errors
    ///
    /// [`Error::Start`], [`Error::File`].
    pub fn compile(
        &self,
        kernel: &Kernel,
        file: &Path,
        options: &[&str],
        with_code: bool,
    ) -> Result<Compiled> {
        let name = file.display().to_string().replace('/', "_");
        let bitcode = self.folder.join(&kernel.release).join(format!("{name}.bc"));
        let key = format!("{} {} {options:?} {with_code}", changed(&self.path)?, changed(file)?);
        self.kept(kernel, &name, &key, || {
            let compiled = self.compile_anew(kernel, file, options, with_code, &bitcode);
            // Nobody needs it any more, and there are hundreds.
            let _ = fs::remove_file(&bitcode);
            compiled
        })
    }

    /// A result that is made anew only if what it depends on has changed.
    fn kept<T: Serialize + DeserializeOwned>(
        &self,
        kernel: &Kernel,
        name: &str,
        key: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder.join(&kernel.release);
        fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        let path = folder.join(format!("{name}.json"));
        let known = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Kept<T>>(&text).ok());
        if let Some(known) = known.filter(|known| known.key == key) {
            return Ok(known.result);
        }
        let kept = Kept { key: key.to_owned(), result: make()? };
        fs::write(&path, serde_json::to_vec(&kept)?).map_err(Error::file("write", &path))?;
        Ok(kept.result)
    }

    fn compile_anew(
        &self,
        kernel: &Kernel,
        file: &Path,
        options: &[&str],
        with_code: bool,
        bitcode: &Path,
    ) -> Result<Compiled> {
        let mut compiled = Compiled::default();
        let mut front_end = self.command(kernel);
        front_end.args(options).args(["-w", "-c"]).arg(file).arg("-o").arg(bitcode);
        match run(front_end)? {
            Ok(_) => {}
            Err((Some(REJECTED), said)) => {
                // Is it our fault?
                let mut plain = self.command(kernel);
                plain.args(options).args(["-w", "-fsyntax-only", CONFIGURATION_AS_IT_IS]).arg(file);
                match run(plain)? {
                    Ok(_) => {
                        let said = format!("{said} (clang takes it with the kernel's own configuration)");
                        (compiled.object_failed, compiled.cubin_failed) = (Some(said.clone()), Some(said));
                    }
                    Err((_, said)) => compiled.rejected = Some(said),
                }
                return Ok(compiled);
            }
            Err((_, said)) => {
                // No fault of the source's.
                (compiled.object_failed, compiled.cubin_failed) = (Some(said.clone()), Some(said));
                return Ok(compiled);
            }
        }
        let back_end = |arguments: &[&str], output: &Path| {
            let mut command = self.command(kernel);
            command.args(["-c", "-w"]).args(arguments).arg(bitcode).arg("-o").arg(output);
            run(command)
        };
        let standard_output = Path::new("-");
        match back_end(&["--emit", "summary", "--target", "host"], standard_output)? {
            Ok(summary) => compiled.summary = String::from_utf8_lossy(&summary).into_owned(),
            Err((_, said)) => {
                (compiled.object_failed, compiled.cubin_failed) = (Some(said.clone()), Some(said));
                return Ok(compiled);
            }
        }
        if with_code {
            let nowhere = Path::new("/dev/null");
            let object = back_end(&["--emit", "object", "--target", "host"], nowhere)?;
            compiled.object_failed = object.err().map(|(_, said)| said);
            let cubin = back_end(&["--emit", "cubin", "--gpu-arch", ARCHITECTURE], nowhere)?;
            compiled.cubin_failed = cubin.err().map(|(_, said)| said);
        }
        Ok(compiled)
    }

    /// A file as IR before any of our passes. `kernel` has the headers; a file that needs none is compiled for this machine.
    ///
    /// # Errors
    ///
    /// [`Error::Start`], [`Error::Compile`].
    pub fn ir(&self, kernel: Option<&Kernel>, file: &Path, options: &[&str]) -> Result<String> {
        let mut command = match kernel {
            Some(kernel) => {
                let mut command = self.command(kernel);
                command.args(["-c", "--emit", "llvm-ir"]);
                command
            }
            None => {
                let clang = Path::new(CLANG);
                let mut command = Command::new(if clang.is_file() { clang } else { Path::new("clang-22") });
                command.args(["-O2", "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-S"]);
                command
            }
        };
        command.args(options).arg(file).args(["-o", "-"]).stdin(Stdio::null());
        let ir = run(command)?.map_err(|(_, said)| Error::Compile { path: file.to_owned(), said })?;
        Ok(String::from_utf8_lossy(&ir).into_owned())
    }

    /// Compares all named types that a file's headers define with the kernel's type information (BTF), which its image has.
    ///
    /// # Errors
    ///
    /// [`Error::Start`], [`Error::Compile`].
    pub fn types(&self, kernel: &Kernel, file: &Path) -> Result<Types> {
        let key = format!("{} {}", changed(&self.path)?, changed(file)?);
        self.kept(kernel, "types", &key, || {
            let mut command = self.command(kernel);
            command.args(["-w", "--check-layout", "all", "--btf"]).arg(&kernel.vmlinuz);
            command.arg(file).args(["-o", "-"]);
            let output = output(command)?;
            // What differs is an error, which comes after the list of it.
            serde_json::from_slice(&output.stdout).map_err(|_| {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.lines().next().unwrap_or_default().to_owned();
                Error::Compile { path: file.to_owned(), said }
            })
        })
    }

    fn command(&self, kernel: &Kernel) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--kernel-headers").arg(&kernel.headers).stdin(Stdio::null());
        command
    }
}

/// Standard output, or the exit status and the first error.
type Outcome = std::result::Result<Vec<u8>, (Option<i32>, String)>;

fn output(mut command: Command) -> Result<Output> {
    let path = PathBuf::from(command.get_program());
    command.output().map_err(|source| Error::Start { path, source })
}

fn run(command: Command) -> Result<Outcome> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let error = text.lines().find(|line| line.contains("error:")).or(text.lines().next());
    let said = error.map_or_else(|| output.status.to_string(), str::to_owned);
    Ok(Err((output.status.code(), said)))
}

/// A file's size and time of change.
fn changed(path: &Path) -> Result<String> {
    let metadata = path.metadata().map_err(Error::file("read", path))?;
    let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} {}", metadata.len(), time.unwrap_or_default().as_nanos()))
}
