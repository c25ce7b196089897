// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the relocations of a program are on the kernel that runs, from its own type information (BTF).

use gpufas_abi::manifest::Enumerator;
use gpufas_abi::relocation::{MemberKind, Place, Relocatable, RelocatedMember, Relocation, RelocationKind};
use gpufas_abi::symbols::MISSING_MEMBER;
use gpufas_kernel::{ConstantDifference, Error as KernelError, MemberKind as FoundKind, Types};

/// Most problems that are shown.
const MOST_SHOWN: usize = 8;

/// The relocation table of a program, on the kernel that it was compiled for or on another one. `enumerators` are the constants that
/// it has in it as numbers.
///
/// # Errors
/// What the program relies on and is otherwise, in words.
pub fn resolve(
    relocatable: &Relocatable,
    enumerators: &[Enumerator],
    types: &Types,
    is_compiled_for: bool,
) -> Result<Vec<u64>, Vec<String>> {
    let mut problems = Vec::new();
    let mut table = Vec::with_capacity(relocatable.table.len());
    for relocation in &relocatable.table {
        match value(relocation, types) {
            Ok(value) => table.push(value),
            Err(problem) => problems.push(problem),
        }
    }
    if !is_compiled_for {
        problems.extend(other_constants(enumerators, types));
        problems.extend(relocatable.same_place.iter().filter_map(|place| moved(place, types)));
        for structure in &relocatable.same_size {
            let name = structure.keyword.title(&structure.name);
            problems.extend(match types.size_of(&name) {
                Ok(size) if size == structure.size => None,
                Ok(size) => Some(format!(
                    "`{name}` has {size} bytes and not {}, and the program has variables of it or copies it",
                    structure.size
                )),
                Err(error) => Some(error.to_string()),
            });
        }
    }
    problems.dedup();
    if problems.is_empty() { Ok(table) } else { Err(shorten(problems)) }
}

/// Constants that have other values than the program was compiled with.
fn other_constants(enumerators: &[Enumerator], types: &Types) -> Vec<String> {
    let comparison = match types.compare_constants(enumerators.iter().map(Enumerator::parts)) {
        Ok(comparison) => comparison,
        Err(error) => return vec![error.to_string()],
    };
    let problem = |ConstantDifference { expected, found }: &ConstantDifference| match found {
        Some(found) => {
            format!("{expected} is {found} and not {}, and the program has it as a number", expected.value)
        }
        None => format!("`enum {}` has no constant `{}`", expected.enumeration, expected.name),
    };
    comparison.different.iter().map(problem).collect()
}

/// The first problems, and how many others there are.
fn shorten(mut problems: Vec<String>) -> Vec<String> {
    if problems.len() > MOST_SHOWN {
        let others = problems.len() - MOST_SHOWN;
        problems.truncate(MOST_SHOWN);
        problems.push(format!("{others} more"));
    }
    problems
}

fn value(relocation: &Relocation, types: &Types) -> Result<u64, String> {
    let place = &relocation.place;
    let name = place.keyword.title(&place.structure);
    if relocation.kind == RelocationKind::Size {
        return types.size_of(&name).map_err(|error| error.to_string());
    }
    if relocation.kind == RelocationKind::Enumerator {
        return constant(relocation, types);
    }
    if relocation.kind == RelocationKind::MemberSize {
        return size(&name, &place.members, types);
    }
    // Of a member that is used only where it is as it was, it does not matter what else it may be.
    let located = |member| {
        offset(&name, member, types).or_else(|problem| match relocation.sized {
            true => Ok(None),
            false => Err(problem),
        })
    };
    let found = place.members.iter().map(located).collect::<Result<Vec<_>, _>>()?;
    let mut offsets: Vec<u64> = found.into_iter().flatten().collect();
    offsets.sort_unstable();
    offsets.dedup();
    match (relocation.kind, offsets.as_slice()) {
        (RelocationKind::Exists, offsets) => Ok(u64::from(!offsets.is_empty())),
        (_, [offset]) => Ok(*offset),
        (_, []) if relocation.guarded || relocation.sized => Ok(MISSING_MEMBER),
        (_, []) => Err(format!("`{name}` has no member `{}`", paths(&place.members))),
        _ => Err(format!("the members `{}` of `{name}` no longer lie at one place", paths(&place.members))),
    }
}

/// The size of the first of some members that is there, in bytes.
fn size(name: &str, members: &[RelocatedMember], types: &Types) -> Result<u64, String> {
    for member in members {
        match types.offset_of(name, &member.path) {
            Ok(field) if field.bits.is_some() => {
                return Err(format!(
                    "`{}` of `{name}` is a bit-field, which has no size in bytes",
                    member.path
                ));
            }
            Ok(field) => return Ok(field.size),
            Err(KernelError::NoMember { .. } | KernelError::NoType { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(0)
}

/// The value of a constant of an enumeration.
fn constant(relocation: &Relocation, types: &Types) -> Result<u64, String> {
    let Place { structure: tag, members, .. } = &relocation.place;
    let path = paths(members);
    let found = members.first().map_or(Ok(None), |member| {
        if tag.is_empty() {
            return types.enumerator(&member.path).map(Some);
        }
        let constants = types.enumerators(&format!("enum {tag}"))?;
        let constant = constants.into_iter().find(|constant| constant.name == member.path);
        Ok(constant.map(|constant| constant.value))
    });
    let found = match found {
        Ok(Some(found)) => found,
        Err(KernelError::NoEnumerator { .. } | KernelError::AmbiguousType { .. }) if tag.is_empty() => {
            return Err(format!(
                "it is not known which value `{path}` has: no enumeration has it, or several with different values"
            ));
        }
        Ok(None) | Err(KernelError::NoType { .. }) => {
            return Err(format!("`enum {tag}` has no constant `{path}`"));
        }
        Err(error) => return Err(error.to_string()),
    };
    // Old type information does not say whether constants of 32 bits have a sign.
    let was_negative = relocation.compiled.cast_signed() < 0;
    let is_narrow = u32::try_from(found).is_ok();
    Ok(if was_negative && is_narrow { i64::from(found as i32) } else { found }.cast_unsigned())
}

fn paths(members: &[RelocatedMember]) -> String {
    let paths: Vec<_> = members.iter().map(|member| member.path.as_str()).collect();
    paths.join("` or `")
}

/// Where the word begins in which a member is accessed, in bytes; none if there is no such member.
fn offset(name: &str, member: &RelocatedMember, types: &Types) -> Result<Option<u64>, String> {
    let path = &member.path;
    let (field, kind) =
        match types.offset_of(name, path).and_then(|field| Ok((field, types.kind_of(name, path)?))) {
            Ok(found) => found,
            Err(KernelError::NoMember { .. } | KernelError::NoType { .. }) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
    let other =
        |found: String, compiled: String| Err(format!("`{name}` has {found} `{path}`, and not {compiled}"));
    // What the target says may be anything.
    let found_bits = field.bits.map_or(field.size.saturating_mul(8), |bits| bits.count.into());
    let first_bit =
        field.offset.saturating_mul(8).saturating_add(field.bits.map_or(0, |bits| bits.first.into()));
    let is_kind = match (member.kind, kind) {
        (MemberKind::BitField, FoundKind::Integer) => field.bits.is_some(),
        (MemberKind::Integer, FoundKind::Integer) => field.bits.is_none(),
        (MemberKind::Pointer, FoundKind::Pointer)
        | (MemberKind::Structure, FoundKind::Structure)
        | (MemberKind::Other, _) => true,
        (MemberKind::Array, FoundKind::Array { element_size }) => {
            member.element_bits == 0 || Some(member.element_bits) == element_size.checked_mul(8)
        }
        _ => false,
    };
    if !is_kind {
        return other(in_words(kind, field.bits.is_some(), found_bits), compiled_in_words(member));
    }
    let has_size = match member.kind {
        // Their own members are looked up.
        MemberKind::Structure => true,
        MemberKind::Array => found_bits >= member.bits,
        _ => found_bits == member.bits,
    };
    if !has_size {
        return other(in_words(kind, field.bits.is_some(), found_bits), compiled_in_words(member));
    }
    match first_bit.checked_sub(member.bits_into_word).filter(|bit| bit.is_multiple_of(8)) {
        Some(bit) => Ok(Some(bit / 8)),
        None => Err(format!("the bit-field `{path}` of `{name}` begins at another bit of its word")),
    }
}

/// Whether a member is where it was when the program was compiled.
fn moved(place: &Place, types: &Types) -> Option<String> {
    let name = place.keyword.title(&place.structure);
    place.members.iter().find_map(|member| match offset(&name, member, types) {
        Ok(Some(offset))
            if offset.checked_mul(8).and_then(|bits| bits.checked_add(member.bits_into_word))
                == Some(member.bit_offset) =>
        {
            None
        }
        Ok(Some(_)) => Some(format!(
            "the member `{}` of `{name}` has moved in a way that cannot be followed",
            member.path
        )),
        Ok(None) => Some(format!("`{name}` has no member `{}`", member.path)),
        Err(problem) => Some(problem),
    })
}

fn in_words(kind: FoundKind, is_bit_field: bool, bits: u64) -> String {
    match kind {
        FoundKind::Integer if is_bit_field => format!("a bit-field of {bits} bits"),
        FoundKind::Integer => format!("an integer of {} bytes", bits / 8),
        FoundKind::Pointer => "a pointer".into(),
        FoundKind::Structure => "a structure".into(),
        FoundKind::Array { element_size } => array(bits / 8, element_size),
        FoundKind::Other => format!("something of {} bytes", bits / 8),
    }
}

fn compiled_in_words(member: &RelocatedMember) -> String {
    let kind = match member.kind {
        MemberKind::Integer | MemberKind::BitField => FoundKind::Integer,
        MemberKind::Pointer => FoundKind::Pointer,
        MemberKind::Structure => FoundKind::Structure,
        MemberKind::Array => FoundKind::Array { element_size: member.element_bits / 8 },
        MemberKind::Other => FoundKind::Other,
    };
    in_words(kind, member.kind == MemberKind::BitField, member.bits)
}

fn array(size: u64, element: u64) -> String {
    match size.checked_div(element) {
        Some(count) => format!("an array of {count} elements of {element} bytes"),
        None => "an array of structures".into(),
    }
}

#[cfg(test)]
mod tests;
