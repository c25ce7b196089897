// SPDX-License-Identifier: MIT OR Apache-2.0

//! Templates whose meaning lies in what the kernel does with the tables that they fill, not in their
//! instructions.

use crate::llvm::{Builder, Linkage, Module, Opcode, Predicate, Type};
use crate::marker;

use super::Outcome;
use super::machine::{Machine, Slot};
use super::refusal::{Class, Refusal};
use super::template::{ALTERNATIVES, AUXILIARY, BUG_TABLE, EXCEPTION_TABLE, FIXUP, REPLACEMENTS, Template};

/// `BUGFLAG_WARNING` (include/linux/bug.h).
const BUGFLAG_WARNING: u64 = 1;

/// `BUGFLAG_ONCE`.
const BUGFLAG_ONCE: u64 = 2;

/// Sections that say nothing about what the instructions mean: tables for tools of the kernel's build, prefixes and
/// instructions that are replaced by others of the same meaning.
const HARMLESS_SECTIONS: &[&str] =
    &[".smp_locks", ALTERNATIVES, REPLACEMENTS, AUXILIARY, EXCEPTION_TABLE, FIXUP];

/// What precedes the name of a variable in the names of sections that list where its value is in the code.
const RUNTIME_POINTER: &str = "runtime_ptr_";
const RUNTIME_SHIFT: &str = "runtime_shift_";
const RUNTIME_CONSTANT: &str = "runtime_";

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
    if let Some(section) = template.sections.iter().find(|name| name.starts_with(RUNTIME_CONSTANT)) {
        runtime_constant(module, machine, template, section)?;
        return Ok(Some(Outcome { outputs: machine.outputs()?, jumps: Vec::new() }));
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
    Ok(None)
}

/// A constant that the kernel writes into the code at start-up (arch/x86/include/asm/runtime-const.h): the value of the
/// variable that its section names.
fn runtime_constant<'c>(
    module: &Module<'c>,
    machine: &mut Machine<'_, 'c>,
    template: &Template,
    section: &str,
) -> Result<(), Refusal> {
    let builder = machine.builder;
    let instructions = template.instructions();
    let malformed =
        || Refusal::unknown("a constant of the running kernel has a form that is not known to gpufas-cc");
    let [instruction] = instructions.as_slice() else { return Err(malformed()) };
    let read = |bits: u32, name: &str| {
        let variable = module.declare_global(name, builder.integer(bits));
        let load = builder.load(builder.integer(bits), variable, bits / 8);
        load.set_volatile();
        load
    };
    match (instruction.mnemonic.as_str(), instruction.operands.as_slice()) {
        ("mov" | "movq", [_, to]) if section.starts_with(RUNTIME_POINTER) => {
            let value = read(64, &section[RUNTIME_POINTER.len()..]);
            machine.write(to, value)
        }
        ("shrl", [_, to]) if section.starts_with(RUNTIME_SHIFT) => {
            let count = read(32, &section[RUNTIME_SHIFT.len()..]);
            let value = machine.read(to, 32)?;
            // The CPU takes the count modulo the width.
            let count = builder.and(count, builder.integer(32).constant(31));
            machine.write(to, builder.binary(Opcode::LLVMLShr, value, count))
        }
        _ => Err(malformed()),
    }
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

/// `BUG()` ends the program; after `WARN()` the kernel goes on, and so does the program, with a line in its log.
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
    } else {
        call_warn(module, machine.builder, flags & BUGFLAG_ONCE != 0);
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

/// Says where the builder stands that something is wrong there, as `WARN()` does.
fn call_warn<'c>(module: &Module<'c>, builder: &Builder<'c>, once: bool) {
    let context = module.context();
    let pointer = Type::pointer(context);
    let done = if once {
        // One for the place in the source, however often it is inlined and its loop unrolled.
        let byte = builder.integer(8);
        let done = module.add_global("gpufas.warned", byte);
        done.set_initializer(byte.zero());
        done.set_linkage(Linkage::LLVMInternalLinkage);
        done
    } else {
        pointer.zero()
    };
    let ty = Type::void(context).function(&[pointer]);
    let function = module.declare_function(marker::WARN, ty);
    // Each keeps its own place in the source.
    for attribute in ["nounwind", "willreturn", "cold", "nomerge"] {
        function.add_attribute(context, attribute);
    }
    builder.call(ty, function, &[done]);
}
