// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept of a module between its passes, and how a pass is run on it.

use gpufas_abi::manifest::Site;
use passes::diagnostic::{Diagnostic, Remark, Severity};
use passes::llvm::Module;
use passes::llvm::machine;
use passes::pipeline::{Error, Pipeline, STEPS};
use passes::program::Program;
use passes::warning::Warning;
use passes::{entry_points, kernel_asm, relocate};

use crate::settings::Settings;

/// A pass that fails, so that tests see what becomes of it. It is in no pipeline.
const FAILING: &str = "gpufas-failing";

/// Its number: the last one that registration.cpp has a class for.
const FAILING_NUMBER: usize = 31;

const _: () = assert!(STEPS.len() <= FAILING_NUMBER, "registration.cpp has no class for some step");

/// The name of a step.
pub fn name_of(step: usize) -> Option<&'static str> {
    if step == FAILING_NUMBER { Some(FAILING) } else { STEPS.get(step).copied() }
}

/// How a pass ended: `GpufasOutcome` of plugin.h.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has run.
    Done,
    /// It has not, since an error was found in the module before, or it is none of its business.
    Skipped,
    /// It has found errors.
    Refused,
    /// It, or LLVM, has failed and may have left anything in the module.
    Broken,
}

/// What passes know of a module from those before them.
#[derive(Debug, Default)]
pub struct State {
    program: Program,
    /// How many of the program's diagnostics were taken.
    taken: usize,
    failed: bool,
    /// In the default pipeline: whether the module has entry points, and so is a whole program.
    is_program: Option<bool>,
}

impl State {
    /// Runs a step, and gives what it has to say: `remarks` are the kinds of remarks that are wanted.
    pub fn run(
        &mut self,
        step: usize,
        settings: &Settings,
        remarks: &[Remark],
        module: &Module<'_>,
    ) -> (Outcome, Vec<Diagnostic>) {
        let Some(name) = name_of(step) else { return (Outcome::Skipped, Vec::new()) };
        if self.failed {
            return (Outcome::Skipped, Vec::new());
        }
        let objection = if settings.is_default_pipeline() {
            match self.in_default_pipeline(name, settings, module) {
                Ok(true) => None,
                Ok(false) => return (Outcome::Skipped, self.take()),
                Err(objection) => Some(objection),
            }
        } else {
            None
        };
        if let Some(message) = objection.or_else(|| other_target(name, module)) {
            self.program.diagnostics.push(Diagnostic::error(name, Site::default(), message));
            self.failed = true;
            return (Outcome::Refused, self.take());
        }
        self.program.remarks = remarks.iter().map(|kind| (*kind, name)).collect();
        // What panics leaves it so.
        self.failed = true;
        let result = self.step(name, settings, module);
        let failure = result.err().map(|error| error.to_string());
        let outcome = match failure {
            Some(reason) => {
                self.program.diagnostics.push(Diagnostic::error(name, Site::default(), reason));
                Outcome::Broken
            }
            None if self.program.has_errors() => Outcome::Refused,
            None => Outcome::Done,
        };
        self.failed = outcome != Outcome::Done;
        (outcome, self.take())
    }

    /// What a step does to the module.
    fn step(&mut self, name: &str, settings: &Settings, module: &Module<'_>) -> Result<(), Error> {
        let machine =
            machine::create(settings.target(), "", "", settings.optimization()).map_err(Error::Llvm)?;
        let pipeline = Pipeline {
            target: settings.target(),
            data_layout: machine::data_layout(&machine),
            optimization: settings.optimization(),
        };
        assert!(name != FAILING, "this pass fails, for tests");
        if name == relocate::NAME && settings.is_relocatable() {
            // In gpufas-cc it is done for each file, before they are linked.
            relocate::mark(module);
        }
        pipeline.step(name, module, &mut self.program)
    }

    /// Whether a step is to run in the default pipeline. What needs to see the whole program does so only if this is it.
    ///
    /// # Errors
    ///
    /// Why the program cannot be made that way.
    fn in_default_pipeline(
        &mut self,
        name: &'static str,
        settings: &Settings,
        module: &Module<'_>,
    ) -> Result<bool, String> {
        let known = self.is_program;
        let is_program = *self.is_program.get_or_insert_with(|| has_entries(module));
        if !is_program {
            if known.is_none() {
                self.program.diagnostics.push(Diagnostic::warning(
                    Warning::NoEntryPoint,
                    name,
                    Site::default(),
                    "the file has no entry point (GPUFAS_ENTRY), so it is no whole program: only kernel-asm is run on it",
                ));
            }
            return Ok(name == kernel_asm::NAME);
        }
        if settings.optimization() == 0 {
            return Err(
                "kernel headers rely on constant folding and inlining: compile with -O1 at least".into()
            );
        }
        Ok(true)
    }

    /// The diagnostics since the last call.
    fn take(&mut self) -> Vec<Diagnostic> {
        let new = self.program.diagnostics[self.taken..].to_vec();
        self.taken = self.program.diagnostics.len();
        // opt ends at the first error: what is less comes before.
        let (errors, mut others): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        others.extend(errors);
        others
    }
}

fn has_entries(module: &Module<'_>) -> bool {
    module.globals().into_iter().any(|global| global.section() == entry_points::SECTION)
}

/// Why a module is not for these passes.
fn other_target(name: &str, module: &Module<'_>) -> Option<String> {
    let triple = module.triple();
    let fits = triple.is_empty() || triple.starts_with("x86_64-");
    (!fits).then(|| {
        format!(
            "{name} runs on code as the kernel's is compiled, for x86_64-linux-gnu; this is for {triple}, and \
             retarget<...> brings it to another target"
        )
    })
}

/// What is said of a pass that has panicked.
pub fn internal_error(pass: &str, panic: &(dyn std::any::Any + Send)) -> String {
    format!(
        "internal error of the pass {pass}: {}; nothing of the module is left; please report it with the module",
        text_of(panic)
    )
}

/// What a panic says.
fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}
