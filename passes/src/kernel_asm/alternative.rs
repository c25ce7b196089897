// SPDX-License-Identifier: MIT OR Apache-2.0

//! Alternatives: instructions that the kernel replaces by others at start-up, according to the CPU (`.altinstructions`).
//!
//! The original instructions are those for the oldest CPU, and what replaces them mostly means the same, only faster. So the
//! original is executed where that is known to be so. Where it is not, the choice is made as the running kernel made it.

use crate::llvm::{Module, Predicate, Value};

use super::instruction::{calls, is_without_meaning, refused, string};
use super::machine::{Machine, Slot};
use super::refusal::{Class, Refusal};
use super::template::{
    ALTERNATIVES, AUXILIARY, Content, Instruction, Operand, REPLACEMENTS, Template, evaluate,
};

/// `X86_FEATURE_LA57` (arch/x86/include/asm/cpufeatures.h): five levels of page tables.
const LA57: i64 = 16 * 32 + 16;

/// An entry of the table of alternatives.
struct Alternative<'t> {
    /// The feature with its flags, if it is a number.
    feature: Option<i64>,
    /// What the original is replaced by.
    instructions: Vec<&'t Instruction>,
}

/// How a template with alternatives is executed.
pub enum Choice {
    /// By its original instructions.
    Original,
    /// Its outputs are unspecified: nothing that it does can be seen.
    Nothing,
    /// By the original instruction, or by this one where the kernel runs with five levels of page tables.
    FiveLevels(Instruction),
}

/// What kind of thing instructions do, as far as alternatives differ in how they do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Order accesses, or nothing at all.
    Order,
    /// Count bits.
    Weight,
    /// Fill memory.
    Fill,
    /// Copy from or to a user process.
    CopyUser,
}

/// Chooses how a template is executed.
///
/// # Errors
///
/// If a replacement has no meaning in a recovery program, or another than the original by a feature that is not known here.
pub fn choose(machine: &Machine<'_, '_>, template: &Template) -> Result<Choice, Refusal> {
    let original = template.instructions();
    let has_outputs = !machine.outputs_are_empty();
    // static_cpu_has() asks the processor's data beside the code, which all its replacements agree with.
    if template.writes_to(AUXILIARY) {
        return Ok(Choice::Original);
    }
    let alternatives = alternatives(template)?;
    if original.iter().all(|one| is_access_right(one)) && has_outputs {
        // smap_save(): the original leaves its output as it is, so that any value is right.
        let replaced = alternatives.iter().flat_map(|alternative| &alternative.instructions);
        if replaced.into_iter().all(|one| is_access_right(one)) {
            return Ok(Choice::Nothing);
        }
    }
    let family = family(machine, &original).filter(|family| *family != Family::Order || !has_outputs);
    for alternative in &alternatives {
        let is_same = family.is_some() && self::family(machine, &alternative.instructions) == family;
        // amd_clear_divider() divides for nothing but the time that it takes.
        let is_nothing = !has_outputs
            && original.is_empty()
            && matches!(alternative.instructions.as_slice(), [one] if one.mnemonic == "div");
        let is_right = alternative.instructions.iter().all(|one| is_access_right(one)) && !has_outputs;
        if is_same || is_nothing || is_right && original.iter().all(|one| is_access_right(one)) {
            continue;
        }
        let replacement = alternative.instructions.as_slice();
        if let Some(refusal) = original.iter().chain(replacement).find_map(|one| own_business(machine, one)) {
            return Err(refusal);
        }
        return match (original.as_slice(), replacement, alternative.feature) {
            // Flags beside the feature (`ALT_FLAG_NOT`) or further alternatives mean something else.
            ([old], [new], Some(LA57))
                if old.mnemonic == "movq" && new.mnemonic == "movq" && alternatives.len() == 1 =>
            {
                Ok(Choice::FiveLevels((*new).clone()))
            }
            _ => Err(Refusal::new(
                Class::Patched,
                "the kernel replaces its instructions by others, according to the CPU that it runs on",
            )),
        };
    }
    Ok(Choice::Original)
}

/// Why an instruction has no meaning, if it is one of the CPU's own business or a call of the kernel's code.
fn own_business(machine: &Machine<'_, '_>, instruction: &Instruction) -> Option<Refusal> {
    match instruction.operands.as_slice() {
        [function] if instruction.mnemonic == "call" => {
            let name = calls::name(machine, function)?;
            calls::meaning(&name).is_none().then(|| {
                Refusal::new(
                    Class::KernelCode,
                    format!("it calls `{name}` in the running kernel, on some CPUs, and no code of it can run in a recovery program"),
                )
            })
        }
        _ => refused::known(&instruction.mnemonic),
    }
}

/// Whether an instruction only saves, changes or restores whether the kernel may access the memory of user processes.
fn is_access_right(instruction: &Instruction) -> bool {
    let is_skip = instruction.mnemonic == "jmp" && instruction.operands == [Operand::Text("1f".into())];
    is_skip
        || matches!(
            instruction.mnemonic.as_str(),
            "clac" | "stac" | "push" | "pop" | "pushf" | "popf" | "pushfq" | "popfq"
        )
}

fn family(machine: &Machine<'_, '_>, instructions: &[&Instruction]) -> Option<Family> {
    let mut found = None;
    for instruction in instructions {
        let one =
            match instruction.operands.as_slice() {
                [function] if instruction.mnemonic == "call" => {
                    match calls::meaning(&calls::name(machine, function)?)? {
                        calls::Meaning::Weight(_) => Family::Weight,
                        calls::Meaning::ClearPage | calls::Meaning::ClearPages => Family::Fill,
                        calls::Meaning::RepeatedStore => Family::Fill,
                        calls::Meaning::CopyUser | calls::Meaning::RepeatedMove => Family::CopyUser,
                        _ => return None,
                    }
                }
                _ => {
                    match instruction.mnemonic.as_str() {
                        "lfence" | "sfence" | "mfence" => Family::Order,
                        mnemonic if is_without_meaning(mnemonic) => Family::Order,
                        "popcnt" | "popcntl" | "popcntq" => Family::Weight,
                        // smp_mb() and its like.
                        "add" | "addl"
                            if instruction.lock
                                && matches!(instruction.operands.first(), Some(Operand::Immediate(0))) =>
                        {
                            Family::Order
                        }
                        // Of a count of bytes it makes one of words.
                        "shrq" => continue,
                        mnemonic if string::operation(instruction).is_some() => {
                            if mnemonic.starts_with("stos") { Family::Fill } else { Family::CopyUser }
                        }
                        _ => return None,
                    }
                }
            };
        if found.is_some_and(|found| found != one) {
            return None;
        }
        found = Some(one);
    }
    Some(found.unwrap_or(Family::Order))
}

/// The alternatives of a template.
fn alternatives(template: &Template) -> Result<Vec<Alternative<'_>>, Refusal> {
    let malformed =
        || Refusal::unknown("its table of alternatives has a form that is not known to gpufas-cc");
    let mut found = Vec::new();
    // Each entry has the places of both, the feature, and their lengths (struct alt_instr, asm/alternative.h).
    let mut places: Vec<(usize, &str)> = Vec::new();
    for (index, line) in template.lines.iter().enumerate() {
        let Content::Directive(word, rest) = &line.content else { continue };
        if template.sections[line.section] != ALTERNATIVES {
            continue;
        }
        match word.as_str() {
            ".long" => places.push((index, rest.as_str())),
            ".word" | ".4byte" => {
                let [_, (from, name)] = places.as_slice() else { return Err(malformed()) };
                let label = name.split('-').next().unwrap_or_default().trim();
                let start = template.label(label, *from).ok_or_else(malformed)?;
                let feature = evaluate(rest);
                found.push(Alternative { feature, instructions: replacement(template, start) });
                places.clear();
            }
            _ => {}
        }
    }
    if found.is_empty() { Err(malformed()) } else { Ok(found) }
}

/// The instructions from a label in the section of replacements to the next one.
fn replacement(template: &Template, start: usize) -> Vec<&Instruction> {
    let section = template.lines[start].section;
    template.lines[start + 1..]
        .iter()
        .filter(|line| line.section == section && template.sections[section] == REPLACEMENTS)
        .take_while(|line| !matches!(line.content, Content::Label(_)))
        .filter_map(|line| line.instruction())
        .collect()
}

/// Whether the running kernel uses five levels of page tables, and with that the feature: `pgdir_shift` is 48 then, else 39
/// (arch/x86/include/asm/pgtable_64_types.h).
pub fn has_five_levels<'c>(machine: &Machine<'_, 'c>, module: &Module<'c>) -> Value<'c> {
    let builder = machine.builder;
    let word = builder.integer(32);
    let shift = builder.load(word, module.declare_global("pgdir_shift", word), 4);
    shift.set_volatile();
    builder.compare(Predicate::LLVMIntUGT, shift, word.constant(39))
}

/// Gives outputs that are unspecified a value.
pub fn set_unspecified<'c>(machine: &mut Machine<'_, 'c>) {
    for slot in &mut machine.slots {
        if let Slot::Register(value @ None, ty) = slot {
            *value = Some(ty.zero());
        }
    }
}
