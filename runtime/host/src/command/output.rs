// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writing to standard output and standard error. If nobody reads any more (`| head`), the work goes on:
//! a guest must not stay half repaired because of that.

use std::io::Write;

/// Writes to standard output at once.
pub fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    // See the module.
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Writes an error message.
pub fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "gpufas: error: {text}");
}

/// Writes a warning.
pub fn warning(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "gpufas: warning: {text}");
}

/// Writes out what is still held back.
pub fn flush() {
    let _ = std::io::stdout().lock().flush();
    let _ = std::io::stderr().lock().flush();
}
