// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files that the kernel's build makes on the way and no header package has: tables that programs and scripts in the source
//! tree write. They are made here as the build makes them, in the user's cache folder.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::find_in_path;
use crate::error::{Error, Result};
use crate::output;
use gpufas_kernel::cache;

/// What writes a file; it is in the folder of the source that includes it.
enum Generator {
    /// A C program that prints it.
    Program(&'static str),
    /// A Perl script that takes the name of a file in the tree and that of the output.
    Script(&'static str, &'static str),
}

/// Files by the names under which sources include them (lib/Makefile, from 6.14 on lib/crc/Makefile).
const FILES: &[(&str, Generator)] = &[
    ("crc32table.h", Generator::Program("gen_crc32table.c")),
    ("crc64table.h", Generator::Program("gen_crc64table.c")),
    ("oid_registry_data.c", Generator::Script("build_OID_registry", "include/linux/oid_registry.h")),
];

/// Makes the files that the source at `path` of a tree includes, and says in which folder they are. `configured` is the folder
/// with the kernel's configuration.
///
/// # Errors
///
/// [`Error::Missing`] without a C compiler for this machine or Perl, [`Error::Tool`] with what these say.
pub fn make(tree: &Path, path: &Path, configured: &Path) -> Result<Option<PathBuf>> {
    let file = tree.join(path);
    let text = std::fs::read(&file).map_err(Error::read(&file))?;
    let text = String::from_utf8_lossy(&text);
    let mut found = None;
    for (name, generator) in FILES.iter().filter(|(name, _)| text.contains(&format!("\"{name}\""))) {
        let script = match generator {
            Generator::Program(script) | Generator::Script(script, _) => script,
        };
        let script = file.with_file_name(script);
        let input = match generator {
            Generator::Program(_) => configured.join("include/generated/autoconf.h"),
            Generator::Script(_, input) => tree.join(input),
        };
        let folder = folder(&[&script, &input])?;
        let target = folder.join(name);
        if !target.is_file() {
            let contents = match generator {
                Generator::Program(_) => run_program(&script, configured, &folder)?,
                Generator::Script(..) => run_script(&script, &input, &folder)?,
            };
            output::write(&target, &contents)?;
        }
        found = Some(folder);
    }
    Ok(found)
}

/// The folder for what is made of these files as they are now.
fn folder(inputs: &[&Path]) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for input in inputs {
        std::fs::read(input).map_err(Error::read(input))?.hash(&mut hasher);
    }
    let base = cache::folder().unwrap_or_else(|| std::env::temp_dir().join("gpufas"));
    let folder = base.join(format!("generated/{:016x}", hasher.finish()));
    std::fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
    Ok(folder)
}

/// Compiles a program for this machine and runs it; what it prints.
fn run_program(source: &Path, configured: &Path, folder: &Path) -> Result<Vec<u8>> {
    let compiler = std::env::var_os("HOSTCC").map(PathBuf::from);
    let compiler = compiler.or_else(|| find_in_path(&["cc", "gcc", "clang-22", "clang"])).ok_or_else(|| {
        Error::Missing(format!(
            "there is no C compiler for {}, whose output the kernel's sources include; install one (Debian: gcc and \
             libc6-dev), or name it in HOSTCC",
            source.display()
        ))
    })?;
    let program = folder.join(format!("generator-{}", std::process::id()));
    let mut command = Command::new(compiler);
    // It includes "../include/generated/autoconf.h", from lib or from a folder below that.
    for inside in ["include", "include/generated"] {
        command.arg("-I").arg(configured.join(inside));
    }
    ask(command.arg("-o").arg(&program).arg(source))?;
    let said = ask(&mut Command::new(&program));
    // The folder is the cache's; what is left over there does no harm.
    let _ = std::fs::remove_file(&program);
    said
}

/// Runs a script; what it writes.
fn run_script(script: &Path, input: &Path, folder: &Path) -> Result<Vec<u8>> {
    let made = folder.join(format!("script-{}", std::process::id()));
    ask(Command::new("perl").arg(script).arg(input).arg(&made))?;
    let contents = std::fs::read(&made).map_err(Error::read(&made))?;
    let _ = std::fs::remove_file(&made);
    Ok(contents)
}

/// Runs a command that must succeed; its standard output.
fn ask(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|source| {
        Error::Missing(format!(
            "cannot run {program}, which makes a file that the kernel's sources include: {source}"
        ))
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Tool { tool: program, output: format!("{} ({})", said.trim(), output.status) })
}
