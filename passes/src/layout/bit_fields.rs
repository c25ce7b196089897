// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of the bit-fields that share a word is meant.
//!
//! clang loads the whole word, and takes the field out with a mask or two shifts; to write it, it puts the new bits between the
//! others and stores the word (clang, CodeGenFunction::EmitLoadOfBitfieldLValue and EmitStoreThroughBitfieldLValue).

use std::ops::Range;

use super::places::Candidate;
use crate::llvm::{Module, Opcode, Value};

/// Leaves only the members that are really read or written through `address`, as far as that is plain.
pub fn narrow<'c>(module: &Module<'c>, address: Value<'c>, members: &mut Vec<Candidate>) {
    let Some(ranges) = ranges(module, address).filter(|ranges| !ranges.is_empty()) else { return };
    let is_range = |member: &Candidate, range: &Range<u64>| {
        let first = member.bit_offset.checked_sub(member.unit_offset);
        let bits = member.bits.unwrap_or(member.size.saturating_mul(8));
        first == Some(range.start) && bits == range.end - range.start
    };
    if ranges.iter().all(|range| members.iter().any(|member| is_range(member, range))) {
        members.retain(|member| ranges.iter().any(|range| is_range(member, range)));
    }
}

/// The bits of the word at `address` that the program uses; none if that is not plain.
fn ranges<'c>(module: &Module<'c>, address: Value<'c>) -> Option<Vec<Range<u64>>> {
    let mut found = Vec::new();
    for user in address.users() {
        match user.opcode()? {
            Opcode::LLVMLoad => {
                let width = user.ty().store_size(module)? * 8;
                for use_of_word in user.users() {
                    found.push(taken(user, use_of_word, width)?);
                }
            }
            Opcode::LLVMStore if user.operand(1) == Some(address) => {
                let value = user.operand(0)?;
                if !is_mixed(value, address) {
                    found.push(0..value.ty().store_size(module)? * 8);
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The bits that an instruction takes out of a word of `width` bits, or those that it leaves room for.
fn taken<'c>(word: Value<'c>, user: Value<'c>, width: u64) -> Option<Range<u64>> {
    if user.operand(0) != Some(word) || !user.is_instruction() {
        return None;
    }
    let constant = |value: Value<'c>| value.operand(1)?.as_unsigned();
    let only_user = |value: Value<'c>, opcode| {
        let users = value.users();
        users.first().copied().filter(|user| users.len() == 1 && user.is(opcode))
    };
    let all = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    match user.opcode()? {
        Opcode::LLVMAnd => {
            let mask = constant(user)?;
            // The others stay as they are while this field is written.
            let is_written =
                user.users().iter().all(|user| user.is(Opcode::LLVMOr) || user.is(Opcode::LLVMStore));
            run_of_ones(if is_written && user.is_used() { !mask & all } else { mask })
        }
        Opcode::LLVMLShr => {
            let shift = constant(user)?;
            match only_user(user, Opcode::LLVMAnd).and_then(constant) {
                Some(mask) => run_of_ones(mask.checked_shl(u32::try_from(shift).ok()?)? & all),
                None => (shift < width).then_some(shift..width),
            }
        }
        Opcode::LLVMAShr => constant(user).filter(|&shift| shift < width).map(|shift| shift..width),
        Opcode::LLVMShl => {
            let left = constant(user)?;
            let right = constant(only_user(user, Opcode::LLVMAShr)?)?;
            (left <= right && right < width).then(|| right - left..width - left)
        }
        _ => None,
    }
}

fn run_of_ones(mask: u64) -> Option<Range<u64>> {
    let start = u64::from(mask.trailing_zeros());
    let count = u64::from(mask.count_ones());
    (mask != 0 && start + count == 64 - u64::from(mask.leading_zeros())).then_some(start..start + count)
}

/// Whether a value that is stored has bits of what was there before.
fn is_mixed<'c>(value: Value<'c>, address: Value<'c>) -> bool {
    let is_rest = |value: Value<'c>| {
        value.is(Opcode::LLVMAnd)
            && value
                .operand(0)
                .is_some_and(|word| word.is(Opcode::LLVMLoad) && word.operand(0) == Some(address))
    };
    is_rest(value) || value.is(Opcode::LLVMOr) && value.operands().into_iter().any(is_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_runs() {
        assert_eq!(run_of_ones(0), None);
        assert_eq!(run_of_ones(0b1110), Some(1..4));
        assert_eq!(run_of_ones(0b1010), None);
        assert_eq!(run_of_ones(u64::MAX), Some(0..64));
        assert_eq!(run_of_ones(1 << 63), Some(63..64));
    }
}
