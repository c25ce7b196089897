// SPDX-License-Identifier: MIT OR Apache-2.0

//! `libgpufas_passes.so`: the passes as a plugin of `opt` (`-load-pass-plugin`) and `clang` (`-fpass-plugin`).
//!
//! LLVM's interface for plugins is C++: registration.cpp registers the passes and calls the functions here, diagnostic.cpp
//! hands what passes say to LLVM. No panic leaves this library, and no exception enters it: LLVM is built without.

mod settings;
mod state;

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use gpufas_abi::manifest::Site;

use passes::chain::Chain;
use passes::diagnostic::{Diagnostic, Remark, Severity};
use passes::llvm::{LLVMModuleRef, Module, debug};

use settings::Settings;
use state::{Outcome, State};

/// LLVM's `PassPluginLibraryInfo` (llvm/Plugins/PassPlugin.h).
#[repr(C)]
pub struct PluginInfo {
    api_version: u32,
    name: *const c_char,
    version: *const c_char,
    register: Option<unsafe extern "C" fn(pass_builder: *mut c_void)>,
    before_code_generation: Option<unsafe extern "C" fn()>,
}

/// `LLVM_PLUGIN_API_VERSION` of LLVM 22.
const API_VERSION: u32 = 2;

const NAME: &CStr = c"gpufas";
const NAME_OF_ALL: &str = "gpufas";
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

unsafe extern "C" {
    fn gpufas_plugin_register(pass_builder: *mut c_void, passes: *const Passes);
}

/// What registration.cpp calls: `GpufasPasses` of plugin.h.
#[repr(C)]
struct Passes {
    step: extern "C" fn(usize) -> Text,
    parse: unsafe extern "C" fn(usize, Text, *mut Settings) -> Text,
    parameters: unsafe extern "C" fn(usize, *const Settings) -> Text,
    default_pipeline: unsafe extern "C" fn(u32, *mut Settings),
    new_state: extern "C" fn() -> *mut State,
    delete_state: unsafe extern "C" fn(*mut State),
    run: unsafe extern "C" fn(usize, *const Settings, u32, LLVMModuleRef, *mut State, Report) -> Outcome,
}

static PASSES: Passes = Passes { step, parse, parameters, default_pipeline, new_state, delete_state, run };

unsafe extern "C" fn register(pass_builder: *mut c_void) {
    // SAFETY: LLVM gives a PassBuilder that it goes on to use.
    unsafe { gpufas_plugin_register(pass_builder, &PASSES) }
}

/// What LLVM asks a plugin for.
#[unsafe(no_mangle)]
pub extern "C" fn llvmGetPassPluginInfo() -> PluginInfo {
    PluginInfo {
        api_version: API_VERSION,
        name: NAME.as_ptr(),
        version: VERSION.as_ptr(),
        register: Some(register),
        before_code_generation: None,
    }
}

/// Text that its giver owns: `GpufasText` of plugin.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    bytes: *const u8,
    length: usize,
}

impl Text {
    fn of(text: &str) -> Self {
        Self { bytes: text.as_ptr(), length: text.len() }
    }

    /// # Safety
    ///
    /// The giver's bytes must be alive.
    unsafe fn read(&self) -> String {
        if self.length == 0 {
            return String::new();
        }
        // SAFETY: the caller's promise.
        let bytes = unsafe { std::slice::from_raw_parts(self.bytes, self.length) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// What a pass says: `GpufasMessage` of plugin.h.
#[repr(C)]
struct Message {
    severity: u32,
    remark: u32,
    line: u32,
    column: u32,
    pass: Text,
    file: Text,
    function: Text,
    text: Text,
    notes: Text,
}

type Report = unsafe extern "C" fn(module: LLVMModuleRef, message: *const Message);

extern "C" fn step(step: usize) -> Text {
    Text::of(state::name_of(step).unwrap_or_default())
}

/// # Safety
///
/// `parameters` must be alive, and `settings` a place for them.
unsafe extern "C" fn parse(step: usize, parameters: Text, settings: *mut Settings) -> Text {
    thread_local! {
        static WRONG: RefCell<String> = const { RefCell::new(String::new()) };
    }
    // SAFETY: the caller's promise.
    let parameters = unsafe { parameters.read() };
    let (found, wrong) = match Settings::parse(step, &parameters) {
        Ok(found) => (found, String::new()),
        Err(wrong) => (Settings::default(), wrong),
    };
    // SAFETY: the caller's promise.
    unsafe { settings.write(found) };
    WRONG.with(|kept| {
        let mut kept = kept.borrow_mut();
        *kept = wrong;
        Text::of(&kept)
    })
}

/// # Safety
///
/// `settings` must be alive.
unsafe extern "C" fn parameters(step: usize, settings: *const Settings) -> Text {
    // SAFETY: the caller's promise.
    Text::of(unsafe { &*settings }.parameters(step))
}

/// # Safety
///
/// `settings` must be a place for them.
unsafe extern "C" fn default_pipeline(optimization: u32, settings: *mut Settings) {
    // SAFETY: the caller's promise.
    unsafe { settings.write(Settings::default_pipeline(optimization)) };
}

extern "C" fn new_state() -> *mut State {
    Box::into_raw(Box::default())
}

/// # Safety
///
/// `state` must come from [`new_state`] and not be used again.
unsafe extern "C" fn delete_state(state: *mut State) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(state) });
}

/// # Safety
///
/// All pointers must be good; nobody else uses the module or the state meanwhile.
unsafe extern "C" fn run(
    step: usize,
    settings: *const Settings,
    remarks: u32,
    module: LLVMModuleRef,
    state: *mut State,
    report: Report,
) -> Outcome {
    // Of the state, which has failed by then, nothing is looked at afterwards.
    let ran = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promises.
        let (settings, state) = unsafe { (&*settings, &mut *state) };
        // SAFETY: the same.
        unsafe {
            Module::with_borrowed(module, |module| {
                let (outcome, diagnostics) = state.run(step, settings, &wanted(remarks), module);
                let files = if diagnostics.is_empty() { Vec::new() } else { debug::source_files(module) };
                (outcome, diagnostics, files)
            })
        }
    }));
    let (outcome, diagnostics, files) = ran.unwrap_or_else(|panic| {
        let name = state::name_of(step).unwrap_or(NAME_OF_ALL);
        let error = Diagnostic::error(name, Site::default(), state::internal_error(name, &*panic));
        (Outcome::Broken, vec![error], Vec::new())
    });
    for diagnostic in &diagnostics {
        // SAFETY: the caller's function, with the caller's module.
        unsafe { tell(diagnostic, &files, module, report) };
    }
    outcome
}

/// A kind of remarks: `GpufasRemark` of plugin.h.
fn bit(kind: Remark) -> u32 {
    match kind {
        Remark::Passed => 1,
        Remark::Missed => 2,
        Remark::Analysis => 4,
    }
}

/// The kinds of remarks whose bits are set.
fn wanted(bits: u32) -> Vec<Remark> {
    Remark::ALL.into_iter().filter(|kind| bits & bit(*kind) != 0).collect()
}

/// Hands a diagnostic to LLVM, which may end the process. `files` are the user's own.
///
/// # Safety
///
/// `report` must be good for `module`.
unsafe fn tell(diagnostic: &Diagnostic, files: &[String], module: LLVMModuleRef, report: Report) {
    let chain = Chain::new(&diagnostic.site, |file| files.iter().any(|own| own == file));
    let place = chain.place();
    let mut notes: Vec<String> = Vec::new();
    if !diagnostic.help.is_empty() {
        notes.push(format!("note: {}", diagnostic.help));
    }
    notes.extend(chain.notes().map(|(frame, message)| {
        let position = format!("{}:{}:{}: ", frame.file, frame.line, frame.column);
        format!("{}note: {message}", if frame.file.is_empty() { "" } else { &position })
    }));
    let notes = notes.join("\n");
    let reason =
        if diagnostic.reason.is_empty() { String::new() } else { format!(" [{}]", diagnostic.reason) };
    let text = format!("{}{reason}", diagnostic.message);
    let message = Message {
        severity: match diagnostic.severity {
            Severity::Remark(_) => 0,
            Severity::Warning(_) => 1,
            Severity::Error => 2,
        },
        remark: match diagnostic.severity {
            Severity::Remark(kind) => bit(kind),
            _ => 0,
        },
        line: place.line,
        column: place.column,
        pass: Text::of(diagnostic.pass),
        file: Text::of(&place.file),
        function: Text::of(&place.function),
        text: Text::of(&text),
        notes: Text::of(&notes),
    };
    // SAFETY: the caller's promise; the texts outlive the call.
    unsafe { report(module, &message) };
}
