// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept for the case that LLVM, or this compiler, fails in a way that no input excuses.
//!
//! LLVM ends the process where it meets something that it cannot do, and may crash on something that nobody thought of. So
//! the compiler works in a child process ([`crate::supervisor`]), and writes down as it goes what it is doing and on what:
//! if it ends early, that is the reproducer.

use std::ffi::{CStr, OsStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use inkwell::support::error_handling::install_fatal_error_handler;

/// The folder that becomes the reproducer.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// The file with what was being done, for the message.
const STAGE: &str = "stage";

/// The file with the reason, if it is known.
const REASON: &str = "reason";

/// The file with the command line.
const COMMAND: &str = "command";

/// The script that does it again.
const REPRODUCE: &str = "reproduce";

/// The linked program.
const PROGRAM: &str = "program.bc";

/// An input as it was read: bitcode, or text.
const INPUTS: [&str; 2] = ["input.bc", "input.ll"];

/// The file with the name of bitcode that is being read.
const SUSPECT: &str = "suspect";

/// Begins to keep a record in a folder, and catches what would end the process without one.
///
/// # Errors
///
/// The folder cannot be made.
pub fn begin(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    let words: Vec<String> = std::env::args_os().map(|word| crate::command::quoted(&word)).collect();
    std::fs::write(folder.join(COMMAND), words.join(" ") + "\n")?;
    // There is one record in a process.
    let _ = FOLDER.set(folder.to_owned());
    std::panic::set_hook(Box::new(|panic| because(&panic.to_string())));
    // SAFETY: the handler is a function that does not unwind and does not return.
    unsafe { install_fatal_error_handler(fatal) };
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action of a signal. Rust's own handler would say that a stack is used up and abort; the parent
        // says it in our words.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

extern "C" fn fatal(reason: *const c_char) {
    // SAFETY: LLVM passes a NUL-terminated string.
    let reason = unsafe { CStr::from_ptr(reason) }.to_string_lossy();
    because(&format!("LLVM: {}", reason.trim()));
    std::process::abort()
}

/// Writes how to do it again from what is kept. `options` are those of the command line that matter for it.
pub fn options(options: &[String]) {
    let words: Vec<_> = options.iter().map(|word| crate::command::quoted(OsStr::new(word))).collect();
    let compiler = std::env::current_exe().unwrap_or_else(|_| "gpufas-cc".into());
    let text = format!(
        "#!/bin/sh\n\
         # Does again what has ended gpufas-cc, from the files beside this one: the linked program, or the input that was read.\n\
         folder=$(dirname \"$0\")\n\
         for file in {PROGRAM} {}; do\n\
         \x20   if test -f \"$folder/$file\"; then\n\
         \x20       exec {} {} -o \"$folder/out\" \"$folder/$file\"\n\
         \x20   fi\n\
         done\n\
         echo \"nothing was read yet; the command line is in $folder/{COMMAND}\" >&2\n\
         exit 1\n",
        INPUTS.join(" "),
        crate::command::quoted(compiler.as_os_str()),
        words.join(" ")
    );
    note(REPRODUCE, text.as_bytes());
}

/// Keeps an input as it was read, under a name that says what it is.
pub fn keep_input(contents: &[u8]) {
    let [bitcode, text] = INPUTS;
    let (name, other) = if contents.starts_with(b"BC") { (bitcode, text) } else { (text, bitcode) };
    if let Some(folder) = FOLDER.get() {
        // Of the inputs it is the last one that matters.
        let _ = std::fs::remove_file(folder.join(other));
    }
    note(name, contents);
}

/// Notes that bitcode which somebody else may have made is being read. LLVM's reader trusts it, and may crash on what a disk or
/// a network has damaged; then that is what is wrong.
pub fn suspect(name: &str) {
    note(SUSPECT, name.as_bytes());
}

/// Notes that it was read.
pub fn clear_suspect() {
    if let Some(folder) = FOLDER.get() {
        let _ = std::fs::remove_file(folder.join(SUSPECT));
    }
}

/// The bitcode of a record that was being read at the end.
pub fn read_suspect(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join(SUSPECT)).ok()
}

/// Keeps the program as it was linked of the inputs.
pub fn keep_program(contents: &[u8]) {
    note(PROGRAM, contents);
}

/// Notes what is being done from here on.
pub fn doing(what: &str) {
    note(STAGE, what.as_bytes());
}

/// Keeps a file that helps to find out what is wrong.
pub fn keep(name: &str, contents: &[u8]) {
    note(name, contents);
}

/// Notes why the compiler ends.
pub fn because(reason: &str) {
    note(REASON, reason.as_bytes());
}

fn note(name: &str, contents: &[u8]) {
    if let Some(folder) = FOLDER.get() {
        // Without a record there is still the message of what happened.
        let _ = std::fs::write(folder.join(name), contents);
    }
}

/// Whether a record has what it takes to do it again.
pub fn is_reproducible(folder: &Path) -> bool {
    INPUTS.iter().chain([&PROGRAM]).any(|file| folder.join(file).is_file())
}

/// The script of a record that does it again.
pub fn script(folder: &Path) -> PathBuf {
    folder.join(REPRODUCE)
}

/// What a record says: what was being done, and why it ended, as far as that is known.
pub fn read(folder: &Path) -> (String, Option<String>) {
    let text = |name| std::fs::read_to_string(folder.join(name)).ok().filter(|text| !text.is_empty());
    (text(STAGE).unwrap_or_else(|| "starting".to_owned()), text(REASON))
}
