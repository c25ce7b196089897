// SPDX-License-Identifier: MIT OR Apache-2.0

//! On types that clang writes as BTF, which it does for BPF programs.

use super::*;
use gpufas_abi::manifest::Keyword;
use gpufas_abi::relocation::StructureSize;
use object::{Object, ObjectSection};
use std::path::Path;
use std::process::Command;

/// The types of C declarations.
fn types(declarations: &str) -> Types {
    let folder = tempfile::tempdir().unwrap();
    let (source, object) = (folder.path().join("types.c"), folder.path().join("types.o"));
    std::fs::write(&source, declarations).unwrap();
    let clang = Path::new("/usr/lib/llvm-22/bin/clang");
    let output = Command::new(if clang.is_file() { clang } else { Path::new("clang-22") })
        .args(["--target=bpf", "-g", "-c", "-o"])
        .args([&object, &source])
        .output()
        .expect("these tests need clang 22");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = std::fs::read(object).unwrap();
    let file = object::File::parse(file.as_slice()).unwrap();
    Types::parse(file.section_by_name(".BTF").expect("no BTF").data().unwrap().to_vec()).unwrap()
}

/// `struct task` with these members.
fn task(members: &str) -> Types {
    types(&format!("struct task {{ {members} }} task;"))
}

fn member(path: &str, kind: MemberKind, bits: u64) -> RelocatedMember {
    RelocatedMember { path: path.into(), kind, bit_offset: 64, bits, element_bits: 0, bits_into_word: 0 }
}

fn place(members: Vec<RelocatedMember>) -> Place {
    Place { keyword: Keyword::Struct, structure: "task".into(), members }
}

fn relocation(kind: RelocationKind, members: Vec<RelocatedMember>) -> Relocation {
    Relocation { kind, place: place(members), compiled: 8, guarded: false, sized: false }
}

fn offset_of(member: RelocatedMember, types: &Types) -> Result<u64, String> {
    value(&relocation(RelocationKind::Offset, vec![member]), types)
}

const INTEGER: MemberKind = MemberKind::Integer;

#[test]
fn members_are_found_where_they_are_also_in_structures_without_a_name() {
    let types =
        task("long first; int pid; union { long word; struct { short low, high; }; }; char comm[16];");
    assert_eq!(offset_of(member("pid", INTEGER, 32), &types), Ok(8));
    assert_eq!(offset_of(member("high", INTEGER, 16), &types), Ok(18));
    let array = RelocatedMember { element_bits: 8, ..member("comm", MemberKind::Array, 128) };
    assert_eq!(offset_of(array, &types), Ok(24));
    assert_eq!(value(&relocation(RelocationKind::Size, vec![]), &types), Ok(40));
}

#[test]
fn a_member_that_is_gone_is_named_or_where_the_program_asks_a_fault() {
    let types = task("long state;");
    let mut gone = relocation(RelocationKind::Offset, vec![member("__state", INTEGER, 32)]);
    assert_eq!(value(&gone, &types), Err("`struct task` has no member `__state`".into()));
    gone.guarded = true;
    assert_eq!(value(&gone, &types), Ok(MISSING_MEMBER));
    gone.kind = RelocationKind::Exists;
    assert_eq!(value(&gone, &types), Ok(0));
    let there = relocation(RelocationKind::Exists, vec![member("state", INTEGER, 64)]);
    assert_eq!(value(&there, &types), Ok(1));
    gone.place.structure = "no_such".into();
    assert_eq!(value(&gone, &types), Ok(0));
}

#[test]
fn a_member_of_another_width_or_kind_is_refused() {
    let types = task("char on_cpu; void *mm; int numbers[4]; struct { int a; } inner; int bits : 3;");
    let refused = |member: RelocatedMember, parts: &[&str]| {
        let message = offset_of(member, &types).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    };
    refused(
        member("on_cpu", INTEGER, 32),
        &["`struct task`", "`on_cpu`", "an integer of 1 bytes", "not an integer of 4 bytes"],
    );
    refused(member("mm", INTEGER, 64), &["a pointer `mm`", "an integer of 8 bytes"]);
    refused(member("inner", MemberKind::Pointer, 64), &["a structure", "a pointer"]);
    refused(member("bits", INTEGER, 32), &["a bit-field of 3 bits"]);
    let array =
        |bits, element_bits| RelocatedMember { element_bits, ..member("numbers", MemberKind::Array, bits) };
    refused(array(160, 32), &["an array of 4 elements of 4 bytes", "an array of 5 elements of 4 bytes"]);
    refused(array(64, 16), &["an array of 4 elements of 4 bytes", "an array of 4 elements of 2 bytes"]);
    assert_eq!(offset_of(array(64, 32), &types), Ok(16), "a longer array has all elements");
    assert_eq!(offset_of(member("inner", MemberKind::Structure, 999), &types), Ok(32));
}

#[test]
fn bit_fields_move_by_whole_bytes() {
    let field = |into| RelocatedMember { bits_into_word: into, ..member("wanted", MemberKind::BitField, 3) };
    // Bits 2 to 4 of the word that begins at byte 0, as compiled.
    let types = task("int before; int some : 10; int wanted : 3;");
    assert_eq!(offset_of(field(2), &types), Ok(5));
    assert_eq!(offset_of(field(10), &types), Ok(4));
    assert!(offset_of(field(3), &types).unwrap_err().contains("another bit"));
    let types = task("int wanted : 4;");
    assert!(offset_of(field(0), &types).unwrap_err().contains("a bit-field of 4 bits"));
    let types = task("int wanted;");
    assert!(offset_of(field(0), &types).unwrap_err().contains("an integer of 4 bytes"));
    // It would begin before the structure.
    let types = task("int wanted : 3;");
    assert!(offset_of(field(8), &types).unwrap_err().contains("another bit"));
}

#[test]
fn members_of_a_union_lie_together_or_the_program_is_refused() {
    let two =
        || relocation(RelocationKind::Offset, vec![member("one", INTEGER, 32), member("two", INTEGER, 32)]);
    assert_eq!(value(&two(), &task("long a; union { int one, two; };")), Ok(8));
    assert_eq!(value(&two(), &task("long a, b; int two;")), Ok(16));
    let message = value(&two(), &task("int one, two;")).unwrap_err();
    assert!(message.contains("`one` or `two`") && message.contains("no longer"), "{message}");
    let message = value(&two(), &task("int three;")).unwrap_err();
    assert!(message.contains("has no member `one` or `two`"), "{message}");
}

#[test]
fn what_the_code_relies_on_must_be_as_it_was_but_on_the_kernel_itself() {
    let relies = Relocatable {
        same_place: vec![place(vec![member("second", INTEGER, 64)])],
        same_size: vec![StructureSize { keyword: Keyword::Struct, name: "task".into(), size: 16 }],
        ..Relocatable::default()
    };
    let same = task("long first, second;");
    assert_eq!(resolve(&relies, &[], &same, false), Ok(vec![]));
    let moved = task("int first; long between, second;");
    let problems = resolve(&relies, &[], &moved, false).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`second` of `struct task` has moved"), "{problems:?}");
    assert!(problems[1].contains("24 bytes and not 16"), "{problems:?}");
    assert_eq!(resolve(&relies, &[], &moved, true), Ok(vec![]), "layouts are compared elsewhere there");
}

#[test]
fn all_that_is_wrong_is_said_but_not_without_end() {
    let gone = |number: usize| {
        relocation(RelocationKind::Offset, vec![member(&format!("gone_{number}"), INTEGER, 32)])
    };
    let relocatable = Relocatable { table: (0..20).map(gone).collect(), ..Relocatable::default() };
    let problems = resolve(&relocatable, &[], &task("int here;"), false).unwrap_err();
    assert_eq!(problems.len(), MOST_SHOWN + 1);
    assert!(problems[0].contains("gone_0") && problems[7].contains("gone_7"));
    assert_eq!(problems[8], "12 more");
}

#[test]
fn a_program_that_asks_for_a_members_size_is_run_whatever_it_is() {
    let wide = member("on_cpu", INTEGER, 32);
    let size = |types: &Types| value(&relocation(RelocationKind::MemberSize, vec![wide.clone()]), types);
    assert_eq!(size(&task("long first; int on_cpu;")), Ok(4));
    assert_eq!(size(&task("long first; char on_cpu;")), Ok(1));
    assert_eq!(size(&task("long first;")), Ok(0));
    assert!(size(&task("int on_cpu : 1;")).unwrap_err().contains("a bit-field, which has no size"));
    let mut used = relocation(RelocationKind::Offset, vec![wide.clone()]);
    let narrow = task("long first; char on_cpu;");
    assert!(value(&used, &narrow).unwrap_err().contains("an integer of 1 bytes `on_cpu`, and not"));
    used.sized = true;
    assert_eq!(value(&used, &narrow), Ok(MISSING_MEMBER));
    assert_eq!(value(&used, &task("long first; int on_cpu;")), Ok(8));
    assert_eq!(value(&used, &task("long first;")), Ok(MISSING_MEMBER));
}

#[test]
fn constants_are_looked_up_by_enumeration_and_name() {
    // Another enumeration of one name is in a scope of its own.
    let types = types(
        "enum color { RED = 3, BLUE = -2 } color; enum { LONE = 5 } lone; enum twice { ONE } twice;
         int scope(enum twice { TWO } parameter) { return parameter; }",
    );
    let value_of = |tag: &str, name: &str, compiled: i64| {
        let place = Place {
            keyword: Keyword::Enum,
            structure: tag.into(),
            members: vec![member(name, MemberKind::Integer, 64)],
        };
        let compiled = compiled.cast_unsigned();
        value(
            &Relocation { kind: RelocationKind::Enumerator, place, compiled, guarded: false, sized: false },
            &types,
        )
    };
    assert_eq!(value_of("color", "RED", 1), Ok(3));
    assert_eq!(value_of("color", "BLUE", -1), Ok(-2_i64 as u64));
    assert_eq!(value_of("", "LONE", 0), Ok(5));
    assert_eq!(value_of("color", "LONE", 0), Err("`enum color` has no constant `LONE`".into()));
    assert_eq!(value_of("gone", "RED", 0), Err("`enum gone` has no constant `RED`".into()));
    assert!(value_of("twice", "ONE", 0).unwrap_err().contains("several types enum twice that differ"));
    assert!(value_of("", "NONE", 0).unwrap_err().contains("which value `NONE` has"));
}

#[test]
fn constants_that_the_code_has_as_numbers_must_be_what_they_were() {
    let types = types("enum color { RED = 3 } color;");
    let constant = |name: &str, value| Enumerator { enumeration: "color".into(), name: name.into(), value };
    let of = |constant| resolve(&Relocatable::default(), &[constant], &types, false);
    assert_eq!(of(constant("RED", 3)), Ok(vec![]));
    assert_eq!(
        of(constant("RED", 2)),
        Err(vec!["`RED` of `enum color` is 3 and not 2, and the program has it as a number".into()])
    );
    assert_eq!(of(constant("BLUE", 2)), Err(vec!["`enum color` has no constant `BLUE`".into()]));
}
