// SPDX-License-Identifier: MIT OR Apache-2.0

//! reachability: what cannot be part of a recovery program and is still there after optimisation is an error, with the place
//! of it and the calls that lead there. In relocatable code, of which nobody knows yet what will be reached, it ends the
//! program at run time, and so it does in functions that only pointers in the kernel's memory may lead to.

mod advice;
mod callee;
mod speculative;
mod unsupported;

use gpufas_abi::manifest::{Frame, Site};
use gpufas_abi::symbols::{ENTRY_PREFIX, runtime};

use crate::diagnostic::Diagnostic;
use crate::intrinsic;
use crate::kernel_asm::refusal::{Class, Refusal};
use crate::llvm::{InlineAsm, Module, Opcode, Value, debug};
use crate::marker;
use crate::program::{Linking, Program};

/// Name of the pass.
pub const NAME: &str = "reachability";

/// How the names of sections begin in which the kernel's linker finds per-CPU variables (include/linux/percpu-defs.h).
const PER_CPU_SECTION: &str = ".data..percpu";

/// Runs the check.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let linking = program.linking;
    let speculative = speculative::functions(module);
    for function in &speculative {
        function.add_text_attribute(module.context(), marker::SPECULATIVE_ATTRIBUTE);
    }
    for function in module.defined_functions() {
        // The exported functions are the compiler's own, and call the program through a pointer.
        if function.name().starts_with(ENTRY_PREFIX) {
            continue;
        }
        let may_stay = linking == Linking::Relocatable || speculative.contains(&function);
        for instruction in function.instructions() {
            match linking {
                _ if may_stay && is_assertion(instruction) => {
                    unsupported::replace_assertion(module, instruction);
                }
                Linking::Relocatable if calls_elsewhere(instruction) => {}
                Linking::Relocatable if callee::is_pointer(instruction) => {
                    callee::ask(module, program, instruction);
                }
                _ => {
                    let Some(diagnostic) = check(module, function, instruction) else { continue };
                    if !may_stay || instruction.is_terminator() {
                        program.diagnostics.push(diagnostic);
                    } else {
                        unsupported::replace(module, program, function, instruction, diagnostic);
                    }
                }
            }
        }
    }
    for alias in module.aliases().into_iter().chain(module.ifuncs()) {
        program.diagnostics.push(Diagnostic::error(
            NAME,
            Site::default(),
            format!("`{}` is an alias, which a GPU program cannot have", alias.name()),
        ));
    }
    for variable in module.globals() {
        if matches!(variable.name().as_str(), "llvm.global_ctors" | "llvm.global_dtors") {
            program.diagnostics.push(Diagnostic::error(
                NAME,
                Site::default(),
                "a function that runs before or after the entry point cannot be part of a recovery program",
            ));
        } else if variable.is_thread_local() {
            program.diagnostics.push(Diagnostic::error(
                NAME,
                Site::default(),
                format!("`{}` is thread-local, which nothing in the kernel is", variable.name()),
            ));
        } else if variable.section().starts_with(PER_CPU_SECTION)
            && !variable.is_declaration()
            && variable.is_used()
        {
            // The distance from one CPU's copy to the next is the kernel's, and leads from a variable of the program's to anywhere.
            program.diagnostics.push(
                Diagnostic::error(
                    NAME,
                    Site::default(),
                    format!(
                        "`{}` is a per-CPU variable of the program's own, of which no CPU has a copy",
                        variable.name()
                    ),
                )
                .with_help("make it an ordinary variable; one of the kernel's is named with --kernel-symbol"),
            );
        }
    }
}

/// Whether it calls a function whose call the kernel's build does not let through.
fn is_assertion(call: Value<'_>) -> bool {
    call.callee().is_some_and(|callee| {
        callee.is_function() && callee.is_declaration() && callee.text_attribute("dontcall-error").is_some()
    })
}

/// Whether it calls a function that other code may define.
fn calls_elsewhere(call: Value<'_>) -> bool {
    let callee = call.callee().filter(|callee| callee.is_function() && callee.is_declaration());
    callee.is_some_and(|callee| {
        let name = callee.name();
        !name.starts_with("llvm.") && !name.starts_with(marker::REFUSED)
    })
}

fn check<'c>(module: &Module<'c>, function: Value<'c>, instruction: Value<'c>) -> Option<Diagnostic> {
    let site = || place(module, function, instruction);
    if let Some((reason, message)) = impossible(function, instruction) {
        return Some(Diagnostic::error(NAME, site(), message).with_reason(reason));
    }
    let callee = instruction.callee()?;
    if InlineAsm::of(callee).is_some() {
        let message = "inline assembly that kernel-asm has not seen";
        return Some(Diagnostic::error(NAME, site(), message).with_reason(Class::Unknown.name()));
    }
    if !callee.is_function() {
        return Some(
            Diagnostic::error(NAME, site(), "a call through a function pointer cannot be followed")
                .with_reason("function-pointer")
                .with_help(
                    "call the function by its name; functions of the running kernel cannot be called at all",
                ),
        );
    }
    if !callee.is_declaration() {
        return None;
    }
    let name = callee.name();
    if let Some(message) = callee.text_attribute("dontcall-error") {
        let text =
            if message.is_empty() { format!("call of `{name}`, which must not be called") } else { message };
        return Some(Diagnostic::error(NAME, site(), text));
    }
    if name.starts_with(marker::REFUSED) {
        let refusal = Refusal::parse(&instruction.operand(0).and_then(reason).unwrap_or_default());
        return Some(
            Diagnostic::error(
                NAME,
                site(),
                format!("inline assembly that has no meaning in a recovery program: {}", refusal.reason),
            )
            .with_reason(refusal.class.name()),
        );
    }
    if name.starts_with("llvm.read_register.") || name.starts_with("llvm.write_register.") {
        let message = "a recovery program has no register of the failing system's CPUs";
        return Some(Diagnostic::error(NAME, site(), message).with_reason(Class::Stack.name()));
    }
    if ["llvm.returnaddress", "llvm.frameaddress", "llvm.addressofreturnaddress"]
        .iter()
        .any(|known| name.starts_with(known))
    {
        let message = "a recovery program has no stack frame of the kernel";
        return Some(Diagnostic::error(NAME, site(), message).with_reason(Class::Stack.name()));
    }
    if name.starts_with("llvm.va_") {
        return Some(
            Diagnostic::error(
                NAME,
                site(),
                "a function with variable arguments cannot be defined in a recovery program",
            )
            .with_help("a macro with variable arguments around gpufas_log() does the same"),
        );
    }
    if name.starts_with("llvm.") {
        return (!intrinsic::is_known(&name)).then(|| {
            Diagnostic::error(
                NAME,
                site(),
                format!("`{name}` is an operation that a recovery program cannot have"),
            )
            .with_reason("operation")
        });
    }
    let known = name.starts_with("gpufas.")
        || runtime::FUNCTIONS.contains(&name.as_str())
        || runtime::LIBRARY.contains(&name.as_str())
        || intrinsic::MEMORY_FUNCTIONS.contains(&name.as_str());
    (!known).then(|| {
        let diagnostic =
            Diagnostic::error(NAME, site(), format!("call of `{name}`, which is not defined"));
        if let Some(advice) = advice::instead_of(&name) {
            return diagnostic.with_help(advice);
        }
        let help = match advice::source_of(&name) {
            Some(file) => format!("compile {file} of the kernel's sources along: --kernel-source DIR DIR/{file}"),
            None => "functions of the running kernel cannot be called from outside; compile a source file that defines it along, \
                     or do without it"
                .to_owned(),
        };
        diagnostic.about_undefined(&name).with_help(help)
    })
}

/// The text that a refusal points to. Where the optimiser made one call of two, the first of their reasons.
fn reason(pointer: Value<'_>) -> Option<String> {
    let mut pending = vec![pointer];
    for _ in 0..16 {
        let value = pending.pop()?;
        if value.is_global_variable() {
            let bytes = value.initializer()?.as_bytes()?;
            return Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned());
        }
        pending.extend(value.operands().into_iter().rev().filter(|operand| operand.ty().is_pointer()));
    }
    None
}

/// Why an instruction cannot be in a recovery program at all.
///
/// The kind of reason, and the reason.
fn impossible<'c>(function: Value<'c>, instruction: Value<'c>) -> Option<(&'static str, &'static str)> {
    match instruction.opcode()? {
        Opcode::LLVMIndirectBr => Some(("operation", "a computed goto cannot be part of a recovery program")),
        Opcode::LLVMInvoke | Opcode::LLVMResume | Opcode::LLVMLandingPad => {
            Some(("operation", "exceptions cannot be part of a recovery program"))
        }
        Opcode::LLVMVAArg => {
            Some(("operation", "a function with variable arguments cannot be defined in a recovery program"))
        }
        Opcode::LLVMAlloca => {
            let is_fixed = instruction.operand(0).is_some_and(|count| count.as_unsigned().is_some())
                && instruction.block() == function.blocks().first().copied();
            let message = "an array whose size is known only at run time would overflow the stack";
            (!is_fixed).then_some(("variable-length-array", message))
        }
        Opcode::LLVMUDiv | Opcode::LLVMSDiv | Opcode::LLVMURem | Opcode::LLVMSRem => {
            let message = "a division of vectors cannot be checked";
            (!instruction.ty().is_integer()).then_some(("operation", message))
        }
        _ => {
            // What is stored may well be such a pointer.
            let addresses = match instruction.opcode()? {
                _ if instruction.is_call() => instruction.operands(),
                Opcode::LLVMStore => instruction.operand(1).into_iter().collect(),
                _ if instruction.is_memory_access() => instruction.operand(0).into_iter().collect(),
                _ => Vec::new(),
            };
            let elsewhere = addresses.into_iter().any(|operand| operand.ty().address_space() != 0);
            elsewhere.then_some((
                "address-space",
                "memory of an address space of its own, as per-CPU variables of \"this CPU\", is not the kernel's",
            ))
        }
    }
}

/// Where an instruction comes from. Where its function was not inlined, the place of a call of it follows.
fn place<'c>(module: &Module<'c>, function: Value<'c>, instruction: Value<'c>) -> Site {
    let context = module.context();
    let mut site = debug::site(context, instruction);
    let mut function = function;
    for _ in 0..16 {
        let Some(call) = function.users().into_iter().find(|user| user.callee() == Some(function)) else {
            break;
        };
        let outer = debug::site(context, call);
        let Some(caller) = call.function() else { break };
        if caller == function || caller.name().starts_with(ENTRY_PREFIX) {
            break;
        }
        site.inlined_at.push(Frame {
            file: outer.file,
            line: outer.line,
            column: outer.column,
            function: outer.function,
        });
        site.inlined_at.extend(outer.inlined_at);
        function = caller;
    }
    site
}
