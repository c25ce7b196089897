// SPDX-License-Identifier: MIT OR Apache-2.0

//! The order of the passes.
//!
//! ```text
//! layout                                      first of all: it needs each access as clang wrote it
//! relocate                                    likewise, for programs that run on kernels that they were not compiled for
//! kernel-asm, kernel-symbols, entry-points    on IR as clang emits it: an optimiser must not fold the initial values of
//!                                             variables that live in the running kernel
//! labels, variadic, aliases                   what C has and no target but the CPU; before it is optimised, so that it is inlined
//! callable-functions                          what pointers in the kernel's memory may lead to is kept
//! optimize (LLVM's)                           for x86-64 on either target: so both get the same program, and inlining is what it
//!                                             is in the kernel, not the eleven times of it that LLVM allows itself on GPUs
//! function-pointers                           what calls through pointers are left go to functions by name
//! reachability, symbol-table, relocation-table
//!                                             on what is left of the program
//! llview, translate-once, budget              as late as a sanitizer's instrumentation
//! retarget
//! ```
//!
//! Then the compiler links the device runtime in, as a sanitizer's is linked by clang and not by its pass.

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols;
use inkwell::targets::TargetMachine;

use crate::llvm::{Module, machine, pipeline as llvm_passes};
use crate::program::{Linking, Program};
use crate::{
    aliases, budget, entry_points, function_pointers, kernel_asm, kernel_symbols, labels, layout, llview,
    reachability, relocate, retarget, translate_once, variadic,
};

/// Name of the step that is LLVM's own optimisation.
pub const OPTIMIZE: &str = "optimize";

/// Names of all steps, in order.
pub const STEPS: &[&str] = &[
    layout::NAME,
    relocate::NAME,
    kernel_asm::NAME,
    kernel_symbols::NAME,
    entry_points::NAME,
    labels::NAME,
    variadic::NAME,
    aliases::NAME,
    function_pointers::KEEP_NAME,
    OPTIMIZE,
    function_pointers::NAME,
    reachability::NAME,
    kernel_symbols::TABLE_NAME,
    relocate::TABLE_NAME,
    llview::NAME,
    translate_once::NAME,
    budget::NAME,
    retarget::NAME,
];

/// Steps that differ from target to target.
pub const TARGETED: &[&str] = &[aliases::NAME, translate_once::NAME, retarget::NAME];

/// Why a step could not be run. What is wrong with the program is in its diagnostics.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no step of this name.
    #[error("no pass is called {0}; they are {names}", names = STEPS.join(", "))]
    UnknownPass(String),
    /// A pass made a mistake.
    #[error("pass {pass} left invalid IR: {reason}")]
    InvalidIr {
        /// The pass.
        pass: String,
        /// What LLVM's verifier says.
        reason: String,
    },
    /// LLVM does not do its part.
    #[error("{0}")]
    Llvm(String),
}

/// What steps need to know.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// What the program is for.
    pub target: Target,
    /// The data layout of the machine that code is generated for.
    pub data_layout: String,
    /// How much LLVM optimises, 0 to 3.
    pub optimization: u8,
}

impl Pipeline {
    /// Runs all steps. `begin` is told the name of each before it runs.
    ///
    /// # Errors
    ///
    /// Those of [`Pipeline::step`], which are never the program's fault here.
    pub fn run(&self, module: &Module<'_>, program: &mut Program, begin: impl Fn(&str)) -> Result<(), Error> {
        for step in STEPS {
            begin(step);
            self.step(step, module, program)?;
            // What follows relies on what was checked before.
            if program.has_errors() {
                break;
            }
        }
        Ok(())
    }

    /// Runs one step.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn step(&self, step: &str, module: &Module<'_>, program: &mut Program) -> Result<(), Error> {
        match step {
            layout::NAME => layout::run(module, program),
            relocate::NAME => relocate::run(module, program),
            kernel_asm::NAME => kernel_asm::run(module, program),
            kernel_symbols::NAME => kernel_symbols::run(module, program),
            entry_points::NAME => {
                entry_points::run(module, program);
                if program.linking == Linking::Whole {
                    module.internalise(|name| name.starts_with(symbols::ENTRY_PREFIX));
                }
            }
            labels::NAME => labels::run(module, program),
            variadic::NAME => variadic::run(module, program),
            aliases::NAME => aliases::run(module, program, self.target),
            function_pointers::KEEP_NAME => function_pointers::keep(module, program),
            function_pointers::NAME => function_pointers::run(module, program),
            OPTIMIZE => {
                let machine = machine::optimizer(self.optimization).map_err(Error::Llvm)?;
                optimise(module, &machine, self.optimization)?;
            }
            reachability::NAME => reachability::run(module, program),
            kernel_symbols::TABLE_NAME => kernel_symbols::define_table(module, program),
            relocate::TABLE_NAME => relocate::define_table(module, program),
            llview::NAME => llview::run(module, program),
            translate_once::NAME if program.translates_every => {}
            translate_once::NAME => translate_once::run(module, program, self.target),
            budget::NAME => budget::run(module, program),
            retarget::NAME => {
                let triple = machine::triple(self.target);
                retarget::run(module, program, self.target, triple, &self.data_layout);
            }
            _ => return Err(Error::UnknownPass(step.to_owned())),
        }
        module.verify().map_err(|reason| Error::InvalidIr { pass: step.to_owned(), reason })
    }
}

/// LLVM's optimisation for a machine.
///
/// # Errors
///
/// [`Error::Llvm`].
pub fn optimise(module: &Module<'_>, machine: &TargetMachine, optimization: u8) -> Result<(), Error> {
    // Kernel headers rely on constant folding and inlining (BUILD_BUG_ON), so there is no less than -O1.
    let passes = format!("globaldce,default<O{}>", optimization.max(1));
    llvm_passes::run(module, &passes, machine).map_err(Error::Llvm)
}
