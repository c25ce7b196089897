// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::synthetic::BtfBuilder;

/// `struct task { int pid; unsigned int flags; struct { char comm[4]; long tail[]; }; }` of 16 bytes.
fn kernel() -> Types {
    let mut btf = BtfBuilder::new();
    let (int, unsigned) = (btf.int("int", 4), btf.int("unsigned int", 4));
    let (char, long) = (btf.int("char", 1), btf.int("long int", 8));
    let comm = btf.array(char, 4);
    let tail = btf.array(long, 0);
    let inner = btf.structure("", 8, &[("comm", comm, 0), ("tail", tail, 8)]);
    btf.structure("task", 16, &[("pid", int, 0), ("flags", unsigned, 4), ("", inner, 8)]);
    // Another file of the kernel's has a structure of that name.
    btf.structure("task", 4, &[("other", int, 0)]);
    let counter = btf.structure("", 4, &[("counter", int, 0)]);
    btf.typedef("atomic_t", counter);
    let transparent = btf.union("", 8, &[]);
    btf.typedef("transparent", transparent);
    Types::parse(btf.finish(None)).unwrap()
}

fn member(path: &str, ty: &str, offset: u64, size: u64) -> Member {
    Member { path: path.into(), ty: ty.into(), field: Field { offset, size, bits: None } }
}

fn compare(types: &Types, expected: &Structure) -> Comparison {
    types.compare(expected, &mut Budget::new(MAX_STEPS)).unwrap()
}

fn task(members: Vec<Member>) -> Structure {
    Structure { tag: Tag::Struct, name: "task".into(), size: 16, members }
}

#[test]
fn what_is_the_same_is_the_same() {
    let members = vec![
        member("pid", "int", 0, 4),
        member("flags", "unsigned int", 4, 4),
        member("comm", "char[4]", 8, 4),
        member("tail", "long[]", 16, 0),
        member("tail[0]", "long", 16, 8),
    ];
    assert_eq!(compare(&kernel(), &task(members)), Comparison::Same);
    let typedef = Structure {
        tag: Tag::Typedef,
        name: "atomic_t".into(),
        size: 4,
        members: vec![member("counter", "int", 0, 4)],
    };
    assert_eq!(compare(&kernel(), &typedef), Comparison::Same);
}

#[test]
fn types_of_one_name_are_found_by_their_numbers() {
    let other = |name: &str| Structure {
        tag: Tag::Struct,
        name: name.into(),
        size: 4,
        members: vec![member("other", "int", 0, 4)],
    };
    assert_eq!(compare(&kernel(), &other("task___2")), Comparison::Same);
    for name in ["task___", "task___x", "___2"] {
        assert_eq!(compare(&kernel(), &other(name)), Comparison::Absent, "{name}");
    }
}

#[test]
fn what_is_not_there_is_absent() {
    let types = kernel();
    for (tag, name) in [(Tag::Struct, "tasks"), (Tag::Union, "task"), (Tag::Typedef, "task")] {
        let structure = Structure { tag, name: name.into(), size: 16, members: Vec::new() };
        assert_eq!(compare(&types, &structure), Comparison::Absent, "{name}");
    }
    let members = vec![member("pages", "struct page **", 0, 8)];
    let transparent = Structure { tag: Tag::Typedef, name: "transparent".into(), size: 8, members };
    assert_eq!(compare(&types, &transparent), Comparison::Absent);
}

#[test]
fn the_structures_of_a_program_are_compared_by_their_names_in_c() {
    let types = kernel();
    let pid = ("pid", "int", 0, 4, None);
    // A bit that no field has is not taken for another one.
    let bit = ("flags", "unsigned int", 4, 4, Some((1 << 32, 1 << 32 | 32)));
    let expected = [
        ("struct task", 16, vec![pid]),
        ("struct task", 16, vec![pid, bit]),
        ("union task", 16, vec![pid]),
        ("atomic_t", 4, vec![("counter", "int", 0, 4, None)]),
        ("atomic_t", 8, vec![]),
    ];
    let parts =
        expected.into_iter().map(|(title, size, members)| (title.to_owned(), size, members.into_iter()));
    let comparison = types.compare_structures(parts).unwrap();
    assert_eq!((comparison.compared, comparison.absent.as_slice()), (4, &["union task".to_owned()][..]));
    assert_eq!(comparison.names(), "struct task, atomic_t");
    let tables = comparison.tables();
    assert!(tables.starts_with("\n  struct task as compiled") && tables.ends_with('4'), "{tables}");
}

#[test]
fn both_layouts_are_shown_and_what_differs_is_marked() {
    let members = vec![
        member("pid", "unsigned int", 0, 4),
        member("flags", "unsigned int", 4, 4),
        member("comm", "char[16]", 8, 16),
        member("gone", "struct task *", 24, 8),
    ];
    let expected = Structure { size: 32, ..task(members) };
    let Comparison::Different(difference) = compare(&kernel(), &expected) else { panic!() };
    assert_eq!(difference.title(), "struct task");
    let expected = "  struct task as compiled    offset     size  |   offset     size  in the kernel
* unsigned int pid                0        4  |        0        4  int
  unsigned int flags              4        4  |        4        4  unsigned int
* char comm[16]                   8       16  |        8        4  char[4]
* struct task *gone              24        8  |        -        -  no such member
* size in all                             32  |                16
";
    assert_eq!(difference.to_string(), expected);
}

/// Very many structures of one name, each with many members; or one whose anonymous members double with each level.
#[test]
fn hostile_types_are_given_up() {
    let mut many = BtfBuilder::new();
    let int = many.int("int", 4);
    let large: Vec<_> = (0..1000).map(|_| ("m", int, 0)).chain([("last", int, 4)]).collect();
    let large = many.structure("", 8, &large);
    for _ in 0..100_000 {
        many.structure("task", 16, &[("", large, 0)]);
    }
    let mut doubling = BtfBuilder::new();
    let mut inner = doubling.int("int", 4);
    for _ in 0..30 {
        inner = doubling.structure("", 16, &[("", inner, 0), ("", inner, 0)]);
    }
    doubling.structure("task", 16, &[("", inner, 0)]);
    for btf in [many, doubling] {
        let types = Types::parse(btf.finish(None)).unwrap();
        let members: Vec<_> =
            (0..200).map(|number| member(&format!("pid{number}"), "int", number * 4, 4)).collect();
        let mut budget = Budget::new(MAX_STEPS);
        budget.add_members(members.len());
        let compared = types.compare(&task(members), &mut budget).unwrap_err();
        // The same where a single question is asked.
        let asked = types.offset_of("task", "last").unwrap_err();
        for error in [compared, asked] {
            let is_given_up =
                matches!(error, Error::MalformedTypes { what, .. } if what.contains("too many"));
            assert!(is_given_up, "{error}");
        }
    }
}
