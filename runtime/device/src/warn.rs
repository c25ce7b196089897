// SPDX-License-Identifier: MIT OR Apache-2.0

//! `WARN()`.

use crate::log::Message;
use crate::print::Output;

/// Puts a text of `length` bytes into the log. `done`, unless it is null, is a byte that is 0 the first time; only then the
/// text is put there.
///
/// # Safety
///
/// `text` points to as many bytes, and `done` to one that only this function changes.
#[unsafe(no_mangle)]
#[cold]
#[inline(never)]
pub unsafe extern "C-unwind" fn gpufas_warn(text: *const u8, length: u64, done: *mut u8, site: u32) {
    if !done.is_null() {
        // SAFETY: the caller's promise.
        if unsafe { done.read_volatile() } != 0 {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { done.write_volatile(1) };
    }
    let mut message = Message::new(site);
    let mut index = 0u64;
    while index < length && !message.is_full() {
        // SAFETY: the index is below the length.
        message.put(unsafe { text.add(index as usize).read() });
        index = index.wrapping_add(1);
    }
    message.finish();
}
