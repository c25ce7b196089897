// SPDX-License-Identifier: MIT OR Apache-2.0

//! What LLVM itself says about a module.

use std::cell::RefCell;
use std::ffi::c_void;
use std::rc::Rc;

use inkwell::llvm_sys::LLVMDiagnosticSeverity;
use inkwell::llvm_sys::core::*;
use inkwell::llvm_sys::prelude::LLVMDiagnosticInfoRef;

use super::{Context, owned_message};

/// Collects LLVM's errors and warnings in a context from its creation until it is dropped.
///
/// inkwell's `link_in_module` leaves a handler behind that points into a dead stack frame; nothing here
/// calls it.
pub struct DiagnosticLog<'c> {
    context: &'c Context,
    collected: Rc<RefCell<Vec<(LLVMDiagnosticSeverity, String)>>>,
}

extern "C" fn collect(info: LLVMDiagnosticInfoRef, log: *mut c_void) {
    // SAFETY: `log` is the cell that `DiagnosticLog` keeps alive while the handler is set.
    let log = unsafe { &*log.cast::<RefCell<Vec<(LLVMDiagnosticSeverity, String)>>>() };
    // SAFETY: LLVM passes a valid record.
    let (severity, text) =
        unsafe { (LLVMGetDiagInfoSeverity(info), owned_message(LLVMGetDiagInfoDescription(info))) };
    if let Ok(mut log) = log.try_borrow_mut() {
        log.push((severity, text));
    }
}

impl<'c> DiagnosticLog<'c> {
    /// Starts collecting.
    pub fn new(context: &'c Context) -> Self {
        let collected = Rc::new(RefCell::new(Vec::new()));
        let pointer = Rc::as_ptr(&collected).cast_mut().cast::<c_void>();
        // SAFETY: the cell outlives the handler, which `drop` takes away.
        unsafe { LLVMContextSetDiagnosticHandler(context.raw(), Some(collect), pointer) }
        Self { context, collected }
    }

    /// Takes the errors that came since the last call, without warnings and remarks.
    pub fn take_errors(&self) -> Vec<String> {
        self.collected
            .take()
            .into_iter()
            .filter(|(severity, _)| matches!(severity, LLVMDiagnosticSeverity::LLVMDSError))
            .map(|(_, text)| text)
            .collect()
    }
}

impl Drop for DiagnosticLog<'_> {
    fn drop(&mut self) {
        // SAFETY: no handler is set from here on.
        unsafe { LLVMContextSetDiagnosticHandler(self.context.raw(), None, std::ptr::null_mut()) }
    }
}
