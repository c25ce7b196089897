// SPDX-License-Identifier: MIT OR Apache-2.0

//! The process that runs a program on the host: it loads the shared object, gives it its context and
//! calls the entry point on a stack of its own. Whatever happens here, the parent lives on.
//!
//! After `fork` only the calling thread is left, so that a lock that another thread held is never released.
//! What is done here beside system calls is `dlopen`, which the C library makes usable again after a
//! `fork` (its own locks are reset), and nothing of Rust's that allocates.

use super::note::{EXIT_MEMORY_LOST, EXIT_NOT_STARTED, SharedNote};
use super::shadow::{FillError, Shadow};
use crate::interrupt;
use crate::memory::mapping::Mapping;
use gpufas_abi::Context;
use std::ffi::{CStr, CString};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Signals by which a faulty program ends.
const SIGNALS: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGSYS];

/// What the process needs, prepared by the parent.
pub(super) struct Plan<'a> {
    /// Path of the shared object.
    pub(super) library: CString,
    pub(super) context_symbol: CString,
    pub(super) entry_symbol: CString,
    pub(super) context: Context,
    /// Names of tables, and what goes into them.
    pub(super) tables: [(CString, &'a [u64]); 2],
    pub(super) stack: Mapping,
    pub(super) signal_stack: Mapping,
    pub(super) note: SharedNote,
    pub(super) shadow: Option<&'a Shadow>,
    pub(super) parent: libc::pid_t,
}

/// The plan of this process, for the signal handler.
static PLAN: AtomicPtr<Plan<'static>> = AtomicPtr::new(null_mut());

/// The entry point, for the first function on the new stack.
static ENTRY: AtomicUsize = AtomicUsize::new(0);

/// Runs the program; to be called in a new process, which it ends.
pub(super) fn run(plan: &Plan<'_>) -> ! {
    // SAFETY: these calls take no pointers that outlive them. The parent may have ended before prctl.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != plan.parent {
            libc::_exit(EXIT_NOT_STARTED);
        }
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
    }
    // Ctrl-C is for the parent, which then asks the program to end. Until here the parent's handlers were
    // in force, which change nothing but a flag.
    // SAFETY: takes no pointers.
    unsafe { libc::setpgid(0, 0) };
    interrupt::restore_default();
    PLAN.store(std::ptr::from_ref(plan).cast::<Plan<'static>>().cast_mut(), Ordering::Release);
    install_handlers(plan);
    let entry = load(plan);
    // SAFETY: takes no pointers. No core dump: it would hold the guest's memory. Not earlier, since it takes
    // away the right to open the program's file by way of /proc/self.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
    ENTRY.store(entry as usize, Ordering::Release);
    plan.note.change(|note| note.entered = 1);
    switch_stack(plan);
    not_started(plan, &[b"its stack could not be set up"]);
}

fn not_started(plan: &Plan<'_>, why: &[&[u8]]) -> ! {
    plan.note.change(|note| note.set_message(why));
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(EXIT_NOT_STARTED) }
}

/// Loads the shared object and writes context and tables; returns the address of the entry point.
fn load(plan: &Plan<'_>) -> *mut libc::c_void {
    // SAFETY: the path is NUL-terminated. What the file's constructors do can hurt this process only.
    let library = unsafe { libc::dlopen(plan.library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        // SAFETY: dlopen has just failed, so that dlerror returns a string.
        let message = unsafe { CStr::from_ptr(libc::dlerror()) };
        not_started(plan, &[message.to_bytes()]);
    }
    let find = |name: &CStr| {
        // SAFETY: the handle is open and the name NUL-terminated.
        let address = unsafe { libc::dlsym(library, name.as_ptr()) };
        if address.is_null() {
            not_started(plan, &[b"it does not define ", name.to_bytes()]);
        }
        address
    };
    let context = find(&plan.context_symbol);
    // SAFETY: the symbol was checked to be data of a context's size when the program was read; if the file
    // lied, the damage is to this process. dladdr takes an address of the library.
    unsafe {
        context.cast::<Context>().write_unaligned(plan.context);
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(context, &raw mut info) != 0 {
            plan.note.change(|note| note.load_address = info.dli_fbase as u64);
        }
    }
    for (name, contents) in plan.tables.iter().filter(|(_, contents)| !contents.is_empty()) {
        let table = find(name).cast::<u64>();
        for (index, value) in contents.iter().enumerate() {
            // SAFETY: the table was checked to have as many entries; else as above.
            unsafe { table.add(index).write_unaligned(*value) };
        }
    }
    find(&plan.entry_symbol)
}

/// Calls the entry point on the program's stack. Returns only if that cannot be done.
fn switch_stack(plan: &Plan<'_>) {
    // SAFETY: a zeroed ucontext_t is overwritten by getcontext. The stack is a mapping that nobody else
    // uses and that is never unmapped in this process; `on_stack` does not return.
    unsafe {
        let mut context: libc::ucontext_t = std::mem::zeroed();
        if libc::getcontext(&raw mut context) != 0 {
            return;
        }
        context.uc_stack.ss_sp = plan.stack.base().as_ptr().cast();
        context.uc_stack.ss_size = plan.stack.size();
        context.uc_link = null_mut();
        libc::makecontext(&raw mut context, on_stack, 0);
        libc::setcontext(&raw const context);
    }
}

extern "C" fn on_stack() {
    let entry = ENTRY.load(Ordering::Acquire);
    // SAFETY: it is the address of a function `void (*)(void)` by the contract of `ENTRY_PREFIX`.
    let entry: extern "C" fn() = unsafe { std::mem::transmute(entry) };
    entry();
    // SAFETY: ends the process without running what the parent has registered for its end.
    unsafe { libc::_exit(0) }
}

fn install_handlers(plan: &Plan<'_>) {
    // SAFETY: the stack is a mapping that lives as long as the process; zeroed structures are valid; the
    // handler has the signature that SA_SIGINFO asks for.
    unsafe {
        let stack = libc::stack_t {
            ss_sp: plan.signal_stack.base().as_ptr().cast(),
            ss_flags: 0,
            ss_size: plan.signal_stack.size(),
        };
        libc::sigaltstack(&raw const stack, null_mut());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in SIGNALS {
            libc::sigaction(signal, &raw const action, null_mut());
        }
        // The parent's mask may block them, in which case the kernel would kill without asking.
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, null_mut());
    }
}

/// First access to a page of the copy: fills it. Anything else is noted, and then kills as if there were no
/// handler.
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let plan = PLAN.load(Ordering::Acquire);
    // SAFETY: the plan lives as long as this process (`run` does not return), and it is only read.
    let Some(plan) = (unsafe { plan.as_ref() }) else { return };
    // SAFETY: the kernel hands over valid structures.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as u64) };
    // Sent by a process and not raised by an instruction: no address.
    let has_address = code > 0 && signal != libc::SIGSYS;
    if let (libc::SIGSEGV, true, Some(shadow)) = (signal, has_address, plan.shadow) {
        match shadow.fill(address) {
            Ok(()) => return,
            Err(FillError::NotOurs) => {}
            Err(FillError::Unreadable { physical, errno }) => {
                plan.note.change(|note| (note.memory_error, note.address) = (errno, physical));
                // SAFETY: ends the process at once.
                unsafe { libc::_exit(EXIT_MEMORY_LOST) }
            }
        }
    }
    plan.note.change(|note| {
        note.signal = signal;
        note.has_address = has_address.into();
        note.address = address;
        note.instruction = instruction(context);
    });
    // SAFETY: the default action is a valid one; null is no old action wanted.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const action, null_mut());
        // Delivered on return from here.
        libc::kill(libc::getpid(), signal);
    }
}

/// Address of the instruction that raised a signal; 0 if it is not known on this processor.
fn instruction(context: *const libc::c_void) -> u64 {
    let context: *const libc::ucontext_t = context.cast();
    if context.is_null() {
        return 0;
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel hands a ucontext_t to a handler with SA_SIGINFO.
    let address = unsafe { (*context).uc_mcontext.gregs[libc::REG_RIP as usize] as u64 };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    let address = unsafe { (*context).uc_mcontext.pc };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let address = 0;
    address
}
