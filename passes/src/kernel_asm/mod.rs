// SPDX-License-Identifier: MIT OR Apache-2.0

//! kernel-asm: inline assembly of x86-64 kernel headers becomes IR of the same meaning.
//!
//! Runs on IR as clang emits it. A template is read into instructions, and the instructions are executed over IR values
//! ([`machine`], [`instruction`]), so what counts is mnemonics, operands and constraints, not the exact text. What has
//! no meaning outside the CPU becomes a [`crate::marker::REFUSED`] call with the reason.

mod address_space;
mod alternative;
mod constraint;
mod exception;
mod flags;
mod flow;
mod idiom;
mod instruction;
mod interrupts;
mod machine;
pub mod refusal;
mod segment;
mod stack_pointer;
mod template;
mod unreachable;

use crate::diagnostic::Remark;
use crate::llvm::{Builder, InlineAsm, Linkage, Module, Ordering, Type, Value, debug, ty};
use crate::marker;
use crate::program::Program;

pub(crate) use idiom::call_bug;

use alternative::Choice;
use constraint::Constraints;
use machine::{Binding, Machine, Slot};
use refusal::Refusal;
use template::{ALTERNATIVES, Content, Instruction, Operand, Template};

/// Name of the pass.
pub const NAME: &str = "kernel-asm";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    // Symbol tables, export entries and the like of the kernel's own link.
    module.clear_inline_asm();
    address_space::rename_variables(module, program);
    address_space::convert_constants(module);
    for function in module.defined_functions() {
        for call in function.instructions() {
            if let Some(asm) = call.callee().and_then(InlineAsm::of) {
                translate(module, program, call, &asm);
            }
        }
        address_space::resolve(module, function);
        stack_pointer::forget(function);
        unreachable::guard(module, function);
    }
}

/// Replaces one asm statement.
fn translate<'c>(module: &Module<'c>, program: &mut Program, call: Value<'c>, asm: &InlineAsm) {
    let site = program.wants_remarks(NAME).then(|| debug::site(module.context(), call));
    let builder = Builder::before(module.context(), call);
    // Everything is built right before the call.
    let before = call.previous_instruction();
    let (kind, remark) = match meaning(module, &builder, call, asm) {
        Ok(outcome) => {
            finish(&builder, call, outcome);
            (Remark::Passed, "became plain operations".to_owned())
        }
        Err(refusal) => {
            // What was built up to the point of refusal must not stay.
            while let Some(built) = call.previous_instruction().filter(|&built| Some(built) != before) {
                built.erase();
            }
            refuse(module, &builder, call, asm, &refusal);
            (Remark::Missed, format!("is an error where it can be reached: {}", refusal.reason))
        }
    };
    if let Some(site) = site {
        let words = asm.text.split_whitespace().collect::<Vec<_>>().join(" ");
        program.remark(kind, NAME, || (site, format!("inline assembly `{words}` {remark}")));
    }
}

/// What is left of an asm statement: its outputs, and for `asm goto` the conditions on which it jumps and the numbers of the
/// labels. The first condition that holds counts.
struct Outcome<'c> {
    outputs: Vec<Value<'c>>,
    jumps: Vec<(Value<'c>, usize)>,
}

fn meaning<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    call: Value<'c>,
    asm: &InlineAsm,
) -> Result<Outcome<'c>, Refusal> {
    if !asm.is_att {
        return Err(Refusal::unknown("assembly in Intel syntax is not known to gpufas-cc"));
    }
    let mut template = Template::parse(&asm.text);
    let constraints = Constraints::parse(&asm.constraints);
    let result = call.called_type().result().unwrap_or_else(|| Type::void(module.context()));
    let output_types = match result {
        ty if ty.is_void() => Vec::new(),
        ty if ty.is_structure() => ty.fields(),
        ty => vec![ty],
    };
    let arguments = call.arguments();
    let elements: Vec<_> =
        (0..arguments.len()).map(|index| call.argument_type_attribute(index as u32, "elementtype")).collect();
    let binding = Binding { outputs: &output_types, arguments: &arguments, elements: &elements };
    let mut machine = Machine::new(module, builder, &constraints, &binding)?;
    machine.has_side_effects = asm.has_side_effects;

    for line in &mut template.lines {
        if let Content::Instruction(instruction) = &mut line.content {
            instruction.mnemonic = instruction::calls::expand(&machine, &instruction.mnemonic);
        }
    }

    if let Some(outcome) = idiom::recognise(module, &mut machine, &template)? {
        machine.store_variables()?;
        return Ok(outcome);
    }
    if template.writes_to(ALTERNATIVES) {
        match alternative::choose(&machine, &template)? {
            Choice::Original => {}
            Choice::Nothing => {
                alternative::set_unspecified(&mut machine);
                machine.store_variables()?;
                return Ok(Outcome { outputs: machine.outputs()?, jumps: Vec::new() });
            }
            Choice::FiveLevels(replacement) => {
                return choose_by_levels(module, machine, &template, &replacement);
            }
        }
    }
    let entries = exception::entries(&template)?;
    // Locked instructions order all memory by themselves; for the others the compiler must not move accesses across.
    let instructions = template.effective();
    let fenced = constraints.clobbers_memory && !instructions.iter().all(|one| one.lock);
    if instructions.is_empty() {
        if constraints.clobbers_memory {
            // barrier(): on x86 a compiler barrier is an acquire-release fence, since the CPU keeps the order of loads
            // and of stores. A GPU does not, so the fence is system-wide; on x86 it costs no instruction.
            builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, false);
        }
    } else if fenced {
        builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, true);
    }
    let is_idiom = interrupts::execute(&mut machine, &instructions)?
        || segment::exchange_loop(&mut machine, &instructions)?;
    let outcome = if is_idiom {
        in_a_row(module, &mut machine, &[])?
    } else if flow::is_needed(&template, &entries) {
        flow::execute(module, &machine, &template, &entries)?
    } else {
        in_a_row(module, &mut machine, &instructions)?
    };
    if fenced && !instructions.is_empty() {
        builder.fence(Ordering::LLVMAtomicOrderingAcquireRelease, true);
    }
    Ok(outcome)
}

/// Executes instructions one after the other, with jumps at most at their end.
fn in_a_row<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    instructions: &[&Instruction],
) -> Result<Outcome<'c>, Refusal> {
    let mut jumps = Vec::new();
    for instruction in instructions {
        match jump_target(machine, instruction)? {
            Some(jump) => jumps.push(jump),
            None => instruction::execute(machine, module, instruction)?,
        }
    }
    machine.store_variables()?;
    Ok(Outcome { outputs: machine.outputs()?, jumps })
}

/// The outputs of a template's only instruction, or those of its replacement for five levels of page tables.
fn choose_by_levels<'c>(
    module: &Module<'c>,
    mut machine: Machine<'_, 'c>,
    template: &Template,
    replacement: &Instruction,
) -> Result<Outcome<'c>, Refusal> {
    let builder = machine.builder;
    let mut other = machine.inside(builder, machine.slots.clone(), machine.flags);
    for instruction in template.instructions() {
        instruction::execute(&mut machine, module, instruction)?;
    }
    instruction::execute(&mut other, module, replacement)?;
    let five = alternative::has_five_levels(&machine, module);
    let outputs = other.outputs()?.into_iter().zip(machine.outputs()?);
    Ok(Outcome {
        outputs: outputs.map(|(then, or)| builder.select(five, then, or)).collect(),
        jumps: Vec::new(),
    })
}

/// The condition and label number of a jump to a label of `asm goto`.
fn jump_target<'c>(
    machine: &Machine<'_, 'c>,
    instruction: &Instruction,
) -> Result<Option<(Value<'c>, usize)>, Refusal> {
    let Some((code, Operand::Argument(index, _))) = flow::jump(instruction) else { return Ok(None) };
    if !matches!(machine.slots.get(*index), Some(Slot::Label)) {
        return Err(Refusal::unknown("it jumps to what is no label"));
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
    // clang takes the outputs apart at once.
    for user in call.users() {
        let output = user.extracted_field().and_then(|index| outcome.outputs.get(index as usize));
        if let Some(&output) = output.filter(|output| output.ty() == user.ty()) {
            user.replace_all_uses_with(output);
            user.erase();
        }
    }
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
    jump(builder, call, &outcome.jumps);
    call.erase();
}

/// Puts a branch in the place of an `asm goto`. It has the same successors as the `callbr`, whatever is known of the
/// conditions, since phis there name this block once for each edge.
fn jump<'c>(builder: &Builder<'c>, call: Value<'c>, jumps: &[(Value<'c>, usize)]) {
    let Some((fall_through, labels)) = call.callbr_destinations() else { return };
    let (word, no) = (builder.integer(32), builder.integer(1).zero());
    match labels.as_slice() {
        [] => _ = builder.branch(fall_through),
        [label] => {
            let condition = jumps.iter().map(|(condition, _)| *condition);
            let condition = condition.reduce(|one, other| builder.or(one, other)).unwrap_or(no);
            builder.conditional_branch(condition, *label, fall_through);
        }
        labels => {
            let chosen = jumps.iter().rev().fold(word.zero(), |other, &(condition, label)| {
                builder.select(condition, word.constant(label as u64 + 1), other)
            });
            let cases: Vec<_> =
                labels.iter().zip(1..).map(|(&label, number)| (word.constant(number), label)).collect();
            builder.switch(chosen, fall_through, &cases);
        }
    }
}

/// Puts a marker in the place of the call.
///
/// A statement without effects beyond its result (`current`) may be dropped where nothing uses the result, and so may its
/// marker.
fn refuse<'c>(
    module: &Module<'c>,
    builder: &Builder<'c>,
    call: Value<'c>,
    asm: &InlineAsm,
    refusal: &Refusal,
) {
    let context = module.context();
    let text = ty::constant_bytes(context, refusal.text().as_bytes(), true);
    let global = module.add_global("gpufas.reason", text.ty());
    global.set_initializer(text);
    global.set_constant_variable(true);
    global.set_linkage(Linkage::LLVMPrivateLinkage);
    let ty = call.ty();
    if !asm.has_side_effects && (ty.is_integer() || ty.is_pointer()) {
        let name = format!(
            "{}.{}",
            marker::REFUSED,
            if ty.is_pointer() { "ptr".into() } else { format!("i{}", ty.bits()) }
        );
        let marker_type = ty.function(&[Type::pointer(context)]);
        let marker = module.declare_function(&name, marker_type);
        for attribute in ["nounwind", "willreturn", "nosync", "nofree", "nomerge"] {
            marker.add_attribute(context, attribute);
        }
        marker.set_accesses_no_memory(context);
        call.replace_all_uses_with(builder.call(marker_type, marker, &[global]));
    } else {
        let marker_type = Type::void(context).function(&[Type::pointer(context)]);
        let marker = module.declare_function(marker::REFUSED, marker_type);
        for attribute in ["noreturn", "nounwind", "cold", "nomerge"] {
            marker.add_attribute(context, attribute);
        }
        builder.call(marker_type, marker, &[global]);
        if call.is_used() {
            call.replace_all_uses_with(ty.poison());
        }
    }
    jump(builder, call, &[]);
    call.erase();
}
