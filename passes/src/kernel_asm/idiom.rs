// SPDX-License-Identifier: MIT OR Apache-2.0

//! Templates whose meaning lies in what the kernel does with the tables that they fill, not in their
//! instructions.

use crate::llvm::{Module, Predicate, Type};
use crate::marker;

use super::Outcome;
use super::machine::{Machine, Refusal, Slot};
use super::template::Template;

/// `BUGFLAG_WARNING` (include/linux/bug.h).
const BUGFLAG_WARNING: u64 = 1;

/// Recognises a template by the sections that it writes to.
pub fn recognise<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    template: &Template,
) -> Result<Option<Outcome<'c>>, Refusal> {
    let writes = |name: &str| template.sections.iter().any(|section| section == name);
    if writes("__jump_table") {
        return static_key(machine).map(Some);
    }
    if writes("__bug_table") {
        return bug(module, machine, template).map(Some);
    }
    if writes(".parainstructions") {
        return Err(Refusal::new("it calls the hypervisor through the kernel's paravirtualisation table"));
    }
    // A call that becomes another one by the boot parameter preempt=; nothing preempts a recovery program.
    let calls_preemption = template.instructions.iter().any(|instruction| {
        instruction.mnemonic == "call"
            && matches!(instruction.operands.as_slice(), [super::template::Operand::Text(name)]
                if matches!(name.trim_start_matches("__SCT__"), "preempt_schedule" | "preempt_schedule_notrace"
                    | "__preempt_schedule" | "__preempt_schedule_notrace" | "preempt_schedule_thunk"
                    | "preempt_schedule_notrace_thunk" | "might_resched" | "cond_resched"))
    });
    if calls_preemption {
        return Ok(Some(Outcome { outputs: machine.outputs()?, jump: None }));
    }
    Ok(None)
}

/// A static key: the branch is taken if the key is enabled, inverted if the branch was compiled as likely taken
/// (`jump_label_type()` in kernel/jump_label.c). Instead of patched code the key itself is read.
fn static_key<'c>(machine: &mut Machine<'_, 'c>) -> Result<Outcome<'c>, Refusal> {
    let [Slot::Register(Some(key), _), Slot::Register(Some(branch), _), ..] = machine.slots.as_slice() else {
        return Err(Refusal::new("its jump table entry has a form that is not known to gpufas-cc"));
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
    Ok(Outcome { outputs: Vec::new(), jump: Some((taken, 0)) })
}

/// `BUG()` ends the program; `WARN()` is dropped, as the kernel goes on after it.
fn bug<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    template: &Template,
) -> Result<Outcome<'c>, Refusal> {
    // The last `.word` of the entry is its flags (arch/x86/include/asm/bug.h, _BUG_FLAGS).
    let flags = template
        .words
        .last()
        .and_then(|operand| machine.read(operand, 32).ok())
        .and_then(|flags| flags.as_unsigned())
        .ok_or_else(|| Refusal::new("its bug table entry has a form that is not known to gpufas-cc"))?;
    if flags & BUGFLAG_WARNING == 0 {
        let context = module.context();
        let ty = Type::void(context).function(&[]);
        let function = module.declare_function(marker::BUG, ty);
        function.add_attribute(context, "noreturn");
        function.add_attribute(context, "nounwind");
        function.add_attribute(context, "cold");
        machine.builder.call(ty, function, &[]);
    }
    Ok(Outcome { outputs: machine.outputs()?, jump: None })
}
