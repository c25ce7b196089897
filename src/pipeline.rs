// SPDX-License-Identifier: MIT OR Apache-2.0

//! The order of the passes.
//!
//! ```text
//! kernel-asm, kernel-symbols, entry-points    on IR as clang emits it: an optimiser must not fold the initial values of
//!                                             variables that live in the running kernel
//! optimize (LLVM's)                           for x86-64 on either target: so both get the same program, and inlining is what it
//!                                             is in the kernel, not the eleven times of it that LLVM allows itself on GPUs
//! reachability, symbol-table                  on what is left of the program
//! llview, budget                              as late as a sanitizer's instrumentation
//! retarget
//! the device runtime is linked in, internalised, and optimised with the program
//! ```

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols;
use gpufas_passes::llvm::diagnostics::DiagnosticLog;
use gpufas_passes::llvm::{Linkage, Module, pipeline as llvm_passes};
use gpufas_passes::program::Program;
use gpufas_passes::{budget, entry_points, kernel_asm, kernel_symbols, llview, reachability, retarget};
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::targets::TargetMachine;

use crate::arguments::Arguments;
use crate::error::{Error, Result};
use crate::{crash, target};

/// The device runtime for each target, made by the build script.
const DEVICE_CUDA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/device-cuda.bc"));
const DEVICE_HOST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/device-host.bc"));

/// The compiler that made it.
pub const DEVICE_RUSTC: &str = env!("GPUFAS_DEVICE_RUSTC");

/// Names of all steps, in order.
pub const STEPS: &[&str] = &[
    kernel_asm::NAME,
    kernel_symbols::NAME,
    entry_points::NAME,
    "optimize",
    reachability::NAME,
    "symbol-table",
    llview::NAME,
    budget::NAME,
    retarget::NAME,
];

/// What steps need to know.
pub struct Pipeline<'a> {
    target: Target,
    machine: &'a TargetMachine,
    optimization: u8,
}

impl<'a> Pipeline<'a> {
    /// For what the command line asks for, and the machine that code is generated for.
    pub fn new(arguments: &Arguments, machine: &'a TargetMachine) -> Self {
        Self { target: arguments.target, machine, optimization: arguments.optimization }
    }

    /// Runs all steps up to the link with the device runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a pass left invalid IR. What is wrong with the program is in its diagnostics.
    pub fn run(&self, module: &Module<'_>, program: &mut Program) -> Result<()> {
        for step in STEPS {
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
    /// [`Error::Usage`] for an unknown name, else as [`Pipeline::run`].
    pub fn step(&self, step: &str, module: &Module<'_>, program: &mut Program) -> Result<()> {
        crash::doing(&format!("running the pass {step}"));
        match step {
            kernel_asm::NAME => kernel_asm::run(module),
            kernel_symbols::NAME => kernel_symbols::run(module, program),
            entry_points::NAME => {
                entry_points::run(module, program);
                internalise(module, |name| name.starts_with(symbols::ENTRY_PREFIX));
            }
            "optimize" => self.optimise(module, &target::machine(Target::Host, 0, self.optimization)?)?,
            reachability::NAME => reachability::run(module, program),
            "symbol-table" => kernel_symbols::define_table(module, program),
            llview::NAME => llview::run(module, program),
            budget::NAME => budget::run(module, program),
            retarget::NAME => retarget::run(
                module,
                self.target,
                target::triple(self.target),
                &target::data_layout(self.machine),
            ),
            _ => {
                return Err(Error::Usage(format!("no pass is called {step}; they are {}", STEPS.join(", "))));
            }
        }
        module.verify().map_err(|reason| Error::Internal(format!("pass {step} left invalid IR: {reason}")))
    }

    fn optimise(&self, module: &Module<'_>, machine: &TargetMachine) -> Result<()> {
        // Kernel headers rely on constant folding and inlining (BUILD_BUG_ON), so there is no less than -O1.
        let passes = format!("globaldce,default<O{}>", self.optimization.max(1));
        llvm_passes::run(module, &passes, machine).map_err(Error::Internal)
    }

    /// Links the device runtime in and optimises the whole.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if something is left undefined, which neither PTX nor its assembler would say.
    pub fn link_runtime<'c>(
        &self,
        module: &Module<'c>,
        log: &DiagnosticLog<'_>,
        keep_debug: bool,
    ) -> Result<()> {
        crash::doing("linking the device runtime");
        let bitcode = match self.target {
            Target::Cuda => DEVICE_CUDA,
            Target::Host => DEVICE_HOST,
        };
        let buffer = MemoryBuffer::create_from_memory_range_copy(bitcode, "device runtime");
        let runtime = inkwell::module::Module::parse_bitcode_from_buffer(&buffer, module.context())
            .map_err(|error| Error::Internal(format!("LLVM cannot read the device runtime: {error:?}")))?;
        let runtime = Module::new(module.context(), runtime);
        // Its Rust target may differ in detail from the machine's.
        runtime.set_triple(target::triple(self.target));
        runtime.set_data_layout(&target::data_layout(self.machine));
        retarget::remove_cpu_attributes(&runtime);
        if !module.link(runtime) {
            return Err(Error::Internal(format!(
                "the device runtime does not link: {}",
                log.take_errors().join("; ")
            )));
        }
        internalise(module, |name| {
            name.starts_with(symbols::ENTRY_PREFIX)
                || name == symbols::CONTEXT
                || name == symbols::SYMBOL_TABLE
        });
        if !keep_debug {
            module.strip_debug();
        }
        settle_calls(module);
        self.optimise(module, self.machine)?;
        module
            .verify()
            .map_err(|reason| Error::Internal(format!("the linked program is invalid: {reason}")))?;
        let undefined = undefined(module);
        if !undefined.is_empty() {
            return Err(Error::Internal(format!("undefined after the link: {}", undefined.join(", "))));
        }
        Ok(())
    }
}

/// Makes everything internal that `keep` does not name.
fn internalise(module: &Module<'_>, keep: impl Fn(&str) -> bool) {
    let functions = module.defined_functions();
    let globals = module.globals().into_iter().filter(|global| !global.is_declaration());
    for global in functions.into_iter().chain(globals) {
        if keep(&global.name()) {
            global.set_default_visibility();
        } else if global.linkage() != Linkage::LLVMPrivateLinkage && !global.name().starts_with("llvm.") {
            global.set_default_visibility();
            global.set_linkage(Linkage::LLVMInternalLinkage);
        }
    }
}

/// Keeps functions apart that the first optimisation has left apart, but for what must be inlined of the runtime.
///
/// LLVM takes calls on a GPU for so expensive that it would inline nearly everything. But what a program waits for is
/// memory at the other end of a bus, and ptxas gives each entry point a copy of all code as it is.
fn settle_calls(module: &Module<'_>) {
    for function in module.defined_functions() {
        if !function.has_attribute("alwaysinline") {
            function.add_attribute(module.context(), "noinline");
        }
    }
}

/// Names that are used and defined nowhere.
fn undefined(module: &Module<'_>) -> Vec<String> {
    let functions = module.functions().into_iter().filter(|function| function.intrinsic_id() == 0);
    functions
        .chain(module.globals())
        .filter(|global| global.is_declaration() && global.is_used())
        .map(|global| global.name())
        .collect()
}
