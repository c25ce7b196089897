// SPDX-License-Identifier: MIT OR Apache-2.0

//! The early end of a program.

use gpufas_abi::{Access, FaultKind, FaultRecord};

use crate::log::Message;
use crate::print::Output;
use crate::report::report;
use crate::target::terminate;

/// Ends the program with a fault: `kind` and `access` are numbers of [`FaultKind`] and [`Access`].
///
/// It returns to nobody; "C-unwind" here and in the other exported functions lets the tests of this crate
/// catch the end and is the same as "C" in a crate that aborts on panic.
#[unsafe(no_mangle)]
#[cold]
#[inline(never)]
pub extern "C-unwind" fn gpufas_fault(kind: u32, access: u32, address: u64, size: u64, site: u32) -> ! {
    if let Some(report) = report() {
        report.fault(&FaultRecord { kind, access, address, size, site, reserved: 0 });
    }
    terminate()
}

/// Ends the program where something was reached that has no meaning in it, which `text` says, for example
/// `gpufas_unsupported("kernel/fork.c:7: instruction `cli`\n", 3)`.
///
/// # Safety
///
/// `text` is NUL-terminated.
#[unsafe(no_mangle)]
#[cold]
#[inline(never)]
pub unsafe extern "C-unwind" fn gpufas_unsupported(text: *const u8, site: u32) -> ! {
    let mut message = Message::new(site);
    let mut next = text;
    while !message.is_full() {
        // SAFETY: up to the NUL, as the caller promises.
        match unsafe { next.read_volatile() } {
            0 => break,
            byte => message.put(byte),
        }
        next = next.wrapping_add(1);
    }
    message.finish();
    fault(FaultKind::Unsupported, Access::None, 0, 0, site)
}

/// Ends the program with a fault.
#[cold]
#[inline(always)]
pub fn fault(kind: FaultKind, access: Access, address: u64, size: u64, site: u32) -> ! {
    gpufas_fault(kind as u32, access as u32, address, size, site)
}
