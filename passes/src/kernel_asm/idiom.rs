// SPDX-License-Identifier: MIT OR Apache-2.0

//! Templates whose meaning lies in what the kernel does with the tables that they fill, not in their
//! instructions.

use crate::llvm::{Builder, Module, Predicate, Type};
use crate::marker;

use super::Outcome;
use super::machine::{Machine, Slot};
use super::refusal::{Class, Refusal};
use super::template::{ALTERNATIVES, AUXILIARY, BUG_TABLE, EXCEPTION_TABLE, Operand, REPLACEMENTS, Template};

/// `BUGFLAG_WARNING` (include/linux/bug.h).
const BUGFLAG_WARNING: u64 = 1;

/// Sections that say nothing about what the instructions mean: tables for tools of the kernel's build, prefixes and
/// instructions that are replaced by others of the same meaning.
const HARMLESS_SECTIONS: &[&str] = &[".smp_locks", ALTERNATIVES, REPLACEMENTS, AUXILIARY];

/// Calls that become other ones by the boot parameter preempt=; nothing preempts a recovery program.
const PREEMPTION: &[&str] = &[
    "preempt_schedule",
    "preempt_schedule_notrace",
    "preempt_schedule_thunk",
    "preempt_schedule_notrace_thunk",
    "__preempt_schedule",
    "__preempt_schedule_notrace",
    "might_resched",
    "cond_resched",
];

/// Recognises a template by the sections that it writes to.
///
/// # Errors
///
/// What the template's meaning is not, if it depends on what the kernel does with those sections.
pub fn recognise<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    template: &Template,
) -> Result<Option<Outcome<'c>>, Refusal> {
    if template.writes_to("__jump_table") {
        return static_key(machine).map(Some);
    }
    if template.writes_to(BUG_TABLE) {
        return bug(module, machine, template).map(Some);
    }
    if template.writes_to(".parainstructions") {
        return Err(Refusal::new(
            Class::Patched,
            "it calls the hypervisor through the kernel's paravirtualisation table",
        ));
    }
    if template.writes_to(EXCEPTION_TABLE) {
        return Err(Refusal::unknown(
            "it relies on the kernel's exception table: it accesses memory that may not be there, such as that of a \
             user process",
        ));
    }
    let unknown = template.sections[1..]
        .iter()
        .find(|section| !HARMLESS_SECTIONS.contains(&section.as_str()) && !section.starts_with(".discard."));
    if let Some(section) = unknown {
        return Err(Refusal::new(
            Class::Patched,
            format!("it is listed in section `{section}`, by which the running kernel may have changed it"),
        ));
    }
    let calls_preemption = matches!(template.instructions().as_slice(), [call] if call.mnemonic == "call"
        && matches!(call.operands.as_slice(), [Operand::Text(name)]
            if PREEMPTION.contains(&name.trim_start_matches("__SCT__"))));
    if calls_preemption {
        return Ok(Some(Outcome { outputs: machine.outputs()?, jumps: Vec::new() }));
    }
    if template.writes_to(ALTERNATIVES) {
        check_alternative(machine, template)?;
    }
    Ok(None)
}

/// The instructions of an alternative are those for the oldest CPU. What the running kernel made of them can mean something
/// else (`TASK_SIZE_MAX` with five levels of page tables), so only those are known whose meaning stays.
fn check_alternative(machine: &Machine<'_, '_>, template: &Template) -> Result<(), Refusal> {
    let is_weight =
        |operand: &Operand| matches!(operand, Operand::Text(name) if name.starts_with("__sw_hweight"));
    let has_outputs = !machine.outputs_are_empty();
    let instructions = template.instructions();
    let known = instructions.iter().all(|instruction| {
        let mnemonic = instruction.mnemonic.as_str();
        match mnemonic {
            "call" => instruction.operands.iter().all(is_weight),
            // To where static_cpu_has() asks the processor's data, which all its replacements agree with.
            "jmp" => template.writes_to(AUXILIARY),
            "lfence" | "sfence" | "mfence" | "nop" | "pause" => !has_outputs,
            // smp_mb() and its like.
            "add" | "addl" => instruction.lock && !has_outputs,
            _ => mnemonic.starts_with("prefetch") && !has_outputs,
        }
    });
    if known && !(instructions.is_empty() && has_outputs) {
        return Ok(());
    }
    Err(Refusal::new(
        Class::Patched,
        "the kernel replaces its instructions by others, according to the CPU that it runs on",
    ))
}

/// A static key: the branch is taken if the key is enabled, inverted if the branch was compiled as likely taken
/// (`jump_label_type()` in kernel/jump_label.c). Instead of patched code the key itself is read.
fn static_key<'c>(machine: &mut Machine<'_, 'c>) -> Result<Outcome<'c>, Refusal> {
    let [Slot::Register(Some(key), _), Slot::Register(Some(branch), _), ..] = machine.slots.as_slice() else {
        return Err(Refusal::unknown("its jump table entry has a form that is not known to gpufas-cc"));
    };
    let builder = machine.builder;
    // `enabled` is the first member of struct static_key; -1 means that it is being enabled, which
    // static_key_enabled() takes as enabled.
    let enabled = builder.load(builder.integer(32), builder.to_pointer(*key), 4);
    enabled.set_volatile();
    let enabled = builder.compare(Predicate::LLVMIntNE, enabled, builder.integer(32).zero());
    // Bit 1 of the operand marks code that the kernel patches only at start-up.
    let branch = builder.to_unsigned(*branch, 1);
    let taken = builder.xor(enabled, branch);
    Ok(Outcome { outputs: Vec::new(), jumps: vec![(taken, 0)] })
}

/// `BUG()` ends the program; `WARN()` is dropped, as the kernel goes on after it.
fn bug<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    template: &Template,
) -> Result<Outcome<'c>, Refusal> {
    // The last `.word` of the entry is its flags (arch/x86/include/asm/bug.h, _BUG_FLAGS).
    let flags =
        template.bug_words().last().and_then(|operand| machine.constant(operand)).ok_or_else(|| {
            Refusal::unknown("its bug table entry has a form that is not known to gpufas-cc")
        })?;
    if flags & BUGFLAG_WARNING == 0 {
        call_bug(module, machine.builder);
    }
    // From 6.19 on WARN() with a text asks for the address of its entry in the table, for whoever prints the text.
    for slot in &mut machine.slots {
        if let Slot::Register(value @ None, ty) = slot {
            *value = Some(ty.zero());
        }
    }
    Ok(Outcome { outputs: machine.outputs()?, jumps: Vec::new() })
}

/// Ends the program where the builder stands, as `BUG()` does.
pub fn call_bug<'c>(module: &Module<'c>, builder: &Builder<'c>) {
    let context = module.context();
    let ty = Type::void(context).function(&[]);
    let function = module.declare_function(marker::BUG, ty);
    // Each keeps its own place in the source.
    for attribute in ["noreturn", "nounwind", "cold", "nomerge"] {
        function.add_attribute(context, attribute);
    }
    builder.call(ty, function, &[]);
}
