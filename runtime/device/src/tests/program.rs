// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs a closure as the entry point of a recovery program.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use gpufas_abi::symbols::runtime::OwnVariable;
use gpufas_abi::{
    ABI_VERSION, AddressSpace, Buffer, Context, FaultKind, InterruptRequest, JournalEntry, Report, Status,
};

use crate::context::gpufas_context;
use crate::lifecycle::{gpufas_finish, gpufas_start};
use crate::target::Terminated;

/// What the compiler defines.
#[unsafe(no_mangle)]
static mut gpufas_own_variables: [OwnVariable; 4] = [OwnVariable { address: 0, size: 0 }; 4];
/// What the compiler defines.
#[unsafe(no_mangle)]
static mut gpufas_own_variable_count: u32 = 0;

/// What the compiler defines.
#[unsafe(no_mangle)]
static gpufas_translate_every: u8 = 0;

/// The runtime's state is that of one program.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A program and what it shares with its host.
pub struct Program {
    /// What the host tells; the buffers are filled in by `new`.
    pub context: Context,
    /// The program's own variables.
    pub variables: Vec<OwnVariable>,
    /// The state before and after a run.
    pub report: Report,
    /// The log's memory.
    pub log: Vec<u8>,
    /// The journal's memory.
    pub journal: Vec<JournalEntry>,
    /// The memory for requests of interrupts.
    pub interrupts: Vec<InterruptRequest>,
}

impl Program {
    /// A program with an ample log, journal and budget.
    pub fn new(space: AddressSpace) -> Self {
        let context = Context {
            version: ABI_VERSION,
            space,
            budget: 1_000_000,
            stack_size: 64 << 10,
            ..Context::default()
        };
        Self {
            context,
            variables: Vec::new(),
            report: Report::default(),
            log: vec![0; 1 << 16],
            journal: vec![JournalEntry::default(); 1 << 14],
            interrupts: vec![InterruptRequest::default(); 4],
        }
    }

    /// Runs `entry` to its end, regular or not.
    pub fn run(&mut self, entry: impl FnOnce() -> i64) -> Report {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let report = &raw mut self.report;
        let buffer = |address: usize, size: usize| Buffer { address: address as u64, size: size as u64 };
        self.context.report = buffer(report.expose_provenance(), size_of::<Report>());
        self.context.log = buffer(self.log.as_mut_ptr().expose_provenance(), self.log.len());
        self.context.journal =
            buffer(self.journal.as_mut_ptr().expose_provenance(), size_of_val(self.journal.as_slice()));
        let interrupts = self.interrupts.as_mut_ptr().expose_provenance();
        self.context.interrupts = buffer(interrupts, size_of_val(self.interrupts.as_slice()));
        // SAFETY: the lock keeps other programs away, and this one has not begun.
        unsafe {
            gpufas_context = self.context;
            gpufas_own_variables = std::array::from_fn(|index| {
                self.variables.get(index).copied().unwrap_or(OwnVariable { address: 0, size: 0 })
            });
            gpufas_own_variable_count = self.variables.len() as u32;
        }
        launch(entry);
        // SAFETY: it is ours, and the program has ended.
        unsafe { report.read_volatile() }
    }

    /// Runs `entry`, which must fault, and returns the kind and address of the fault.
    pub fn run_to_fault(&mut self, entry: impl FnOnce() -> i64) -> (FaultKind, u64) {
        let report = self.run(entry);
        assert_eq!(Status::from_number(report.status), Some(Status::Faulted), "{report:?}");
        (FaultKind::from_number(report.fault.kind).expect("a known kind"), report.fault.address)
    }

    /// Runs `entry`: its result, or the fault.
    pub fn outcome(&mut self, entry: impl FnOnce() -> i64) -> Result<i64, FaultKind> {
        let report = self.run(entry);
        match Status::from_number(report.status) {
            Some(Status::Finished) => Ok(report.result),
            Some(Status::Faulted) => Err(FaultKind::from_number(report.fault.kind).expect("a known kind")),
            status => panic!("{status:?}: {report:?}"),
        }
    }

    /// What was printed.
    pub fn text(&self) -> &[u8] {
        &self.log[..self.report.log_used as usize]
    }

    /// What was recorded.
    pub fn entries(&self) -> &[JournalEntry] {
        &self.journal[..self.report.journal_used as usize]
    }
}

/// The entry as the compiler makes it: a frame that holds nothing but the mark of the stack.
#[inline(never)]
fn launch(entry: impl FnOnce() -> i64) {
    let mut mark = 0u8;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        gpufas_start(&raw mut mark);
        gpufas_finish(call(entry));
    }));
    if let Err(payload) = ended
        && !payload.is::<Terminated>()
    {
        resume_unwind(payload);
    }
}

#[inline(never)]
fn call(entry: impl FnOnce() -> i64) -> i64 {
    entry()
}
