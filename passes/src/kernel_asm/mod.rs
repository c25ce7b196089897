// SPDX-License-Identifier: MIT OR Apache-2.0

//! kernel-asm: inline assembly of x86-64 kernel headers becomes IR of the same meaning.
//!
//! Runs on IR as clang emits it. A template is read into instructions, and the instructions are executed over IR values
//! ([`machine`], [`instruction`]), so what counts is mnemonics, operands and constraints, not the exact text. What has
//! no meaning outside the CPU becomes a [`crate::marker::REFUSED`] call with the reason.

mod constraint;
mod idiom;
mod instruction;
mod machine;
mod segment;
mod template;

use crate::llvm::{Builder, InlineAsm, Module, Opcode, Ordering, Type, Value, ty};
use crate::marker;

use constraint::Constraints;
use machine::{Machine, Refusal, Slot};
use template::{Instruction, Operand, Template};

/// Name of the pass.
pub const NAME: &str = "kernel-asm";

/// Runs the pass.
pub fn run(module: &Module<'_>) {
    // Symbol tables, export entries and the like of the kernel's own link.
    module.clear_inline_asm();
    for function in module.defined_functions() {
        for call in function.instructions() {
            if let Some(asm) = call.callee().and_then(InlineAsm::of) {
                translate(module, call, &asm);
            }
        }
    }
}

/// Replaces one asm statement.
fn translate<'c>(module: &Module<'c>, call: Value<'c>, asm: &InlineAsm) {
    let builder = Builder::before(module.context(), call);
    let before: Vec<Value<'c>> = call.block().map(|block| block.instructions()).unwrap_or_default();
    match meaning(module, &builder, call, asm) {
        Ok(jump) => finish(&builder, call, jump),
        Err(refusal) => {
            // What was built up to the point of refusal must not stay.
            let built: Vec<_> = call
                .block()
                .map(|block| block.instructions())
                .unwrap_or_default()
                .into_iter()
                .filter(|instruction| !before.contains(instruction))
                .collect();
            for instruction in built.into_iter().rev() {
                instruction.erase();
            }
            refuse(module, &builder, call, &refusal.0);
        }
    }
}

/// What is left of an asm statement: its outputs, and for `asm goto` when it jumps.
struct Outcome<'c> {
    outputs: Vec<Value<'c>>,
    jump: Option<(Value<'c>, usize)>,
}

fn meaning<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    call: Value<'c>,
    asm: &InlineAsm,
) -> Result<Outcome<'c>, Refusal> {
    if !asm.is_att {
        return Err(Refusal::new("assembly in Intel syntax is not known to gpufas-cc"));
    }
    let template = Template::parse(&asm.text);
    let constraints = Constraints::parse(&asm.constraints);
    let result = call.called_type().result().unwrap_or_else(|| Type::void(module.context()));
    let output_types = match result {
        ty if ty.is_void() => Vec::new(),
        ty if ty.is_structure() => ty.fields(),
        ty => vec![ty],
    };
    let arguments: Vec<_> = call
        .arguments()
        .into_iter()
        .zip(0..)
        .map(|(argument, index)| (argument, call.argument_type_attribute(index, "elementtype")))
        .collect();
    let mut machine = Machine::new(builder, &constraints, &output_types, &arguments)?;

    if let Some(outcome) = idiom::recognise(module, &mut machine, &template)? {
        return Ok(outcome);
    }
    if template.sections.iter().any(|section| section == "__ex_table") {
        return Err(Refusal::new(
            "it relies on the kernel's exception table: it accesses memory that may not be there, such as that of a \
             user process",
        ));
    }
    // Locked instructions order all memory by themselves; for the others the compiler must not move accesses across.
    let fenced = constraints.clobbers_memory && !template.instructions.iter().all(|one| one.lock);
    if template.instructions.is_empty() {
        if constraints.clobbers_memory {
            // barrier(): on x86 a compiler barrier is an acquire-release fence, since the CPU keeps the order of loads
            // and of stores. A GPU does not, so the fence is system-wide; on x86 it costs no instruction.
            builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, false);
        }
    } else if fenced {
        builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, true);
    }
    let mut jump = None;
    for instruction in &template.instructions {
        if let Some(target) = jump_target(&machine, instruction)? {
            if jump.is_none() {
                jump = Some(target);
            }
            continue;
        }
        if jump.is_some() {
            return Err(Refusal::new("it goes on after a jump"));
        }
        instruction::execute(&mut machine, module, &constraints, instruction)?;
    }
    if fenced && !template.instructions.is_empty() {
        builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, true);
    }
    Ok(Outcome { outputs: machine.outputs()?, jump })
}

/// The condition and label number of a jump to a label of `asm goto`.
fn jump_target<'c>(
    machine: &Machine<'_, 'c>,
    instruction: &Instruction,
) -> Result<Option<(Value<'c>, usize)>, Refusal> {
    let (Some(code), [Operand::Argument(index, _)]) =
        (instruction.mnemonic.strip_prefix('j'), instruction.operands.as_slice())
    else {
        return Ok(None);
    };
    if !matches!(machine.slots.get(*index), Some(Slot::Label)) {
        return Err(Refusal::new("it jumps to what is no label"));
    }
    let label = machine.slots[..*index].iter().filter(|slot| matches!(slot, Slot::Label)).count();
    let condition = match code {
        "mp" => machine.builder.integer(1).constant(1),
        code => machine.condition(code)?,
    };
    Ok(Some((condition, label)))
}

/// Puts the outcome in the place of the call.
fn finish<'c>(builder: &Builder<'c>, call: Value<'c>, outcome: Outcome<'c>) {
    if call.is_used() {
        let ty = call.ty();
        let value = if ty.is_structure() {
            outcome
                .outputs
                .iter()
                .zip(0..)
                .fold(ty.poison(), |whole, (&output, index)| builder.insert(whole, output, index))
        } else {
            outcome.outputs.first().copied().unwrap_or_else(|| ty.poison())
        };
        call.replace_all_uses_with(value);
    }
    if let Some((fall_through, labels)) = call.callbr_destinations() {
        match outcome.jump.and_then(|(condition, label)| Some((condition, *labels.get(label)?))) {
            Some((condition, label)) => builder.conditional_branch(condition, label, fall_through),
            None => builder.branch(fall_through),
        };
    }
    call.erase();
}

/// Puts a marker in the place of the call.
fn refuse<'c>(module: &Module<'c>, builder: &Builder<'c>, call: Value<'c>, reason: &str) {
    let context = module.context();
    let text = ty::constant_bytes(context, reason.as_bytes(), true);
    let global = module.add_global("gpufas.reason", text.ty());
    global.set_initializer(text);
    global.set_constant_variable();
    global.set_linkage(crate::llvm::Linkage::LLVMPrivateLinkage);
    let marker_type = Type::void(context).function(&[Type::pointer(context)]);
    let marker = module.declare_function(marker::REFUSED, marker_type);
    marker.add_attribute(context, "noreturn");
    marker.add_attribute(context, "nounwind");
    marker.add_attribute(context, "cold");
    builder.call(marker_type, marker, &[global]);
    if call.is_used() {
        call.replace_all_uses_with(call.ty().poison());
    }
    if let Some((fall_through, _)) = call.callbr_destinations() {
        builder.branch(fall_through);
    }
    debug_assert!(call.is(Opcode::LLVMCall) || call.is(Opcode::LLVMCallBr));
    call.erase();
}
