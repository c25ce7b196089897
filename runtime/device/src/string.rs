// SPDX-License-Identifier: MIT OR Apache-2.0

//! Functions of the kernel's lib/string.c, with its results, over kernel or own memory.
//!
//! Reading counts against the budget byte by byte. What is written is checked wholly before the first byte.

use core::ptr::with_exposed_provenance_mut;

use crate::copy::{gpufas_copy, gpufas_fill};
use crate::reader::Reader;

/// `-E2BIG` of include/uapi/asm-generic/errno-base.h.
const TOO_BIG: i64 = -7;

/// `INT_MAX`, beyond which `strscpy` refuses a size.
const LARGEST_SIZE: u64 = i32::MAX as u64;

#[inline(always)]
fn address(pointer: *const u8) -> u64 {
    pointer.expose_provenance() as u64
}

#[inline(always)]
fn pointer(address: u64) -> *mut u8 {
    with_exposed_provenance_mut(address as usize)
}

/// Bytes before the first NUL, at most `most`.
#[inline]
fn length(string: u64, most: u64, site: u32) -> u64 {
    let mut reader = Reader::new(site);
    let mut length = 0u64;
    while length < most && reader.byte(string.wrapping_add(length)) != 0 {
        length = length.wrapping_add(1);
    }
    length
}

/// The first difference of two memories of `size` bytes, as numbers; equal if there is none. Ends at a NUL,
/// too, if `string`.
#[inline]
fn difference(a: *const u8, b: *const u8, size: u64, string: bool, site: u32) -> (u8, u8) {
    let (mut of_a, mut of_b) = (Reader::new(site), Reader::new(site));
    let mut index = 0u64;
    while index < size {
        let x = of_a.byte(address(a).wrapping_add(index));
        let y = of_b.byte(address(b).wrapping_add(index));
        if x != y || (string && x == 0) {
            return (x, y);
        }
        index = index.wrapping_add(1);
    }
    (0, 0)
}

/// `int memcmp(const void *, const void *, size_t)`: the difference of the first bytes that differ.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_memcmp(a: *const u8, b: *const u8, size: u64, site: u32) -> i32 {
    let (x, y) = difference(a, b, size, false, site);
    i32::from(x) - i32::from(y)
}

/// `int bcmp(const void *, const void *, size_t)`: 0 if equal.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_bcmp(a: *const u8, b: *const u8, size: u64, site: u32) -> i32 {
    gpufas_lib_memcmp(a, b, size, site)
}

/// `void *memchr(const void *, int, size_t)`: the first such byte, or NULL.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_memchr(memory: *const u8, byte: i32, size: u64, site: u32) -> *mut u8 {
    let mut reader = Reader::new(site);
    let mut index = 0u64;
    while index < size {
        let at = address(memory).wrapping_add(index);
        if reader.byte(at) == byte as u8 {
            return pointer(at);
        }
        index = index.wrapping_add(1);
    }
    pointer(0)
}

/// `size_t strlen(const char *)`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strlen(string: *const u8, site: u32) -> u64 {
    length(address(string), u64::MAX, site)
}

/// `size_t strnlen(const char *, size_t)`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strnlen(string: *const u8, most: u64, site: u32) -> u64 {
    length(address(string), most, site)
}

/// `int strcmp(const char *, const char *)`: -1, 0 or 1.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strcmp(a: *const u8, b: *const u8, site: u32) -> i32 {
    gpufas_lib_strncmp(a, b, u64::MAX, site)
}

/// `int strncmp(const char *, const char *, size_t)`: -1, 0 or 1.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strncmp(a: *const u8, b: *const u8, most: u64, site: u32) -> i32 {
    let (x, y) = difference(a, b, most, true, site);
    i32::from(x > y) - i32::from(x < y)
}

/// `char *strcpy(char *, const char *)`: the destination.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strcpy(to: *mut u8, from: *const u8, site: u32) -> *mut u8 {
    copy_string(address(to), address(from), length(address(from), u64::MAX, site), site);
    to
}

/// `char *strncpy(char *, const char *, size_t)`: fills up with NULs; the destination.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strncpy(to: *mut u8, from: *const u8, size: u64, site: u32) -> *mut u8 {
    let length = length(address(from), size, site);
    gpufas_copy(address(to), address(from), length, site);
    gpufas_fill(address(to).wrapping_add(length), 0, size.wrapping_sub(length), site);
    to
}

/// `ssize_t strscpy(char *, const char *, size_t)`: the length, or `-E2BIG` if it was cut.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strscpy(to: *mut u8, from: *const u8, size: u64, site: u32) -> i64 {
    if size == 0 || size > LARGEST_SIZE {
        return TOO_BIG;
    }
    let length = length(address(from), size, site);
    if length == size {
        copy_string(address(to), address(from), size.wrapping_sub(1), site);
        return TOO_BIG;
    }
    copy_string(address(to), address(from), length, site);
    length.cast_signed()
}

/// `char *strchr(const char *, int)`: the first such character, which may be the NUL, or NULL.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strchr(string: *const u8, character: i32, site: u32) -> *mut u8 {
    find(string, character, false, site)
}

/// `char *strrchr(const char *, int)`: the last such character, which may be the NUL, or NULL.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C-unwind" fn gpufas_lib_strrchr(string: *const u8, character: i32, site: u32) -> *mut u8 {
    find(string, character, true, site)
}

#[inline]
fn find(string: *const u8, character: i32, last: bool, site: u32) -> *mut u8 {
    let mut reader = Reader::new(site);
    let mut at = address(string);
    let mut found = 0;
    loop {
        let byte = reader.byte(at);
        if byte == character as u8 {
            found = at;
        }
        if byte == 0 || (found != 0 && !last) {
            return pointer(found);
        }
        at = at.wrapping_add(1);
    }
}

/// Copies `length` bytes and ends them with a NUL, whatever the target does with the source meanwhile.
#[inline(never)]
fn copy_string(to: u64, from: u64, length: u64, site: u32) {
    gpufas_copy(to, from, length, site);
    gpufas_fill(to.wrapping_add(length), 0, 1, site);
}
