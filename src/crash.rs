// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept for the case that LLVM, or this compiler, fails in a way that no input excuses.
//!
//! LLVM ends the process where it meets something that it cannot do, and may crash on something that nobody thought of. So
//! the compiler works in a child process ([`crate::supervisor`]), and writes down as it goes what it is doing and on what:
//! if it ends early, that is the reproducer.

use std::ffi::{CStr, OsStr, c_char};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// The folder with the inputs as they were read, in their order: bitcode, or text.
const INPUTS: &str = "inputs";

/// The file with the names of inputs that are not kept.
const LEFT_OUT: &str = "inputs-left-out";

/// Most bytes of inputs that are kept: what is read of a kernel's headers comes with each.
const MOST_KEPT: u64 = 256 << 20;

/// How many inputs were read, and their bytes.
static READ: Mutex<(usize, u64)> = Mutex::new((0, 0));

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
         # Does again what has ended gpufas-cc, from the files beside this one: the linked program, or the inputs that were read.\n\
         folder=$(dirname \"$0\")\n\
         for files in {PROGRAM} '{INPUTS}/*'; do\n\
         \x20   set -- \"$folder\"/$files\n\
         \x20   if test -f \"$1\"; then\n\
         \x20       exec {} {} -o \"$folder/out\" \"$@\"\n\
         \x20   fi\n\
         done\n\
         echo \"nothing was read yet; the command line is in $folder/{COMMAND}\" >&2\n\
         exit 1\n",
        crate::command::quoted(compiler.as_os_str()),
        words.join(" ")
    );
    note(REPRODUCE, text.as_bytes());
}

/// Begins with the inputs of another output, or for another kernel.
pub fn begin_inputs() {
    if let Some(folder) = FOLDER.get() {
        // What is not there needs no removal.
        let _ = std::fs::remove_dir_all(folder.join(INPUTS));
        let _ = std::fs::remove_file(folder.join(LEFT_OUT));
        let _ = std::fs::remove_file(folder.join(PROGRAM));
    }
    *READ.lock().unwrap_or_else(PoisonError::into_inner) = (0, 0);
}

/// Keeps an input as it was read, under a name that says which one, and what it is.
pub fn keep_input(name: &str, contents: &[u8]) {
    let Some(folder) = FOLDER.get().map(|folder| folder.join(INPUTS)) else { return };
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let (count, bytes) = &mut *read;
    *count += 1;
    *bytes = bytes.saturating_add(contents.len() as u64);
    let stem: String = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let stem: String = stem.chars().filter(|letter| is_plain(*letter)).take(64).collect();
    let extension = if contents.starts_with(b"BC") { "bc" } else { "ll" };
    // Numbers of one width are in order as names.
    let file = format!("{count:06}-{stem}.{extension}");
    if *bytes > MOST_KEPT {
        let left_out = folder.with_file_name(LEFT_OUT);
        let list = std::fs::OpenOptions::new().create(true).append(true).open(left_out);
        let _ = list.and_then(|mut list| writeln!(list, "{name}"));
        return;
    }
    // Without a record there is still the message of what happened.
    let _ = std::fs::create_dir(&folder);
    let _ = std::fs::write(folder.join(file), contents);
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
    folder.join(PROGRAM).is_file() || folder.join(INPUTS).is_dir() && !folder.join(LEFT_OUT).exists()
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
