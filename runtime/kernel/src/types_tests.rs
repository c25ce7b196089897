// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::synthetic::BtfBuilder;
use proptest::prelude::*;

/// Types of every kind that matters.
fn builder() -> BtfBuilder {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4);
    let long = btf.int("long int", 8);
    let pointer = btf.pointer(int);
    let constant = btf.raw("", kind::CONST << 24, int, &[]);
    let pid_t = btf.typedef("pid_t", constant);
    let count = btf.array(long, 4);
    let rss_stat = btf.structure("mm_rss_stat", 32, &[("count", count, 0)]);
    let stats = btf.array(rss_stat, 3);
    let in_union = btf.structure("", 8, &[("low", int, 0), ("high", int, 4)]);
    let anonymous = btf.union("", 8, &[("whole", long), ("", in_union)]);
    btf.structure(
        "task_struct",
        0x200,
        &[
            ("pid", pid_t, 0),
            ("", anonymous, 8),
            ("signal", pointer, 16),
            ("rss_stat", rss_stat, 24),
            ("stats", stats, 56),
        ],
    );
    let bits = &[
        ("first", int, 3 << 24),
        ("second", int, 7 << 24 | 3),
        ("plain", int, 32),
        ("last", int, 1 << 24 | 71),
    ];
    btf.compound(kind::STRUCT, true, "with_bits", 12, bits);
    let old = btf.raw("", kind::INT << 24, 4, &[5 | 2 << 16]);
    btf.compound(kind::STRUCT, false, "with_old_bits", 4, &[("a", old, 0), ("b", old, 8)]);
    btf.enumeration("pid_type", false, &[("PIDTYPE_PID", 0), ("PIDTYPE_MAX", 4)]);
    btf.enumeration("", true, &[("MINUS", -7), ("SAME", 1)]);
    btf.enumeration("twice", false, &[("SAME", 1), ("OTHER", 1)]);
    btf.enumeration("thrice", false, &[("OTHER", 2)]);
    btf.raw("wide", kind::ENUM64 << 24 | 1, 8, &[0, 0xffff_ffff, 0x7fff_ffff]);
    btf.structure("page", 8, &[("flags", long, 0), ("same", int, 0)]);
    btf.structure("page", 16, &[("flags", long, 8), ("same", int, 0)]);
    btf.typedef("page", int);
    btf.raw("declared", kind::FWD << 24, 0, &[]);
    // A function and a tag, which are read over.
    btf.raw("do_exit", 12 << 24 | 1, 0, &[]);
    btf.raw("tag", 17 << 24, 1, &[u32::MAX]);
    btf
}

fn types() -> Types {
    Types::parse(builder().finish(None)).unwrap()
}

#[test]
fn sizes_are_those_of_what_a_name_stands_for() {
    let types = types();
    let names = [
        ("task_struct", 0x200),
        ("struct task_struct", 0x200),
        ("pid_t", 4),
        ("long int", 8),
        ("enum pid_type", 4),
    ];
    for (name, size) in names {
        assert_eq!(types.size_of(name).unwrap(), size, "{name}");
    }
    for absent in ["task", "union task_struct", "enum task_struct", "struct pid_t", "", "declared", "do_exit"]
    {
        assert!(matches!(types.size_of(absent), Err(Error::NoType { .. })), "{absent}");
    }
}

#[test]
fn members_are_found_as_c_finds_them() {
    let types = types();
    let cases = [
        ("pid", 0, 4),
        ("whole", 8, 8),
        ("low", 8, 4),
        ("high", 12, 4),
        ("signal", 16, 8),
        ("rss_stat.count", 24, 32),
        ("rss_stat.count[3]", 48, 8),
        ("stats[2]", 120, 32),
        ("stats[2].count[1]", 128, 8),
    ];
    for (path, offset, size) in cases {
        assert_eq!(
            types.offset_of("task_struct", path).unwrap(),
            Field { offset, size, bits: None },
            "{path}"
        );
    }
}

#[test]
fn wrong_paths_say_what_is_wrong() {
    let types = types();
    let message = |path| types.offset_of("task_struct", path).unwrap_err().to_string();
    assert_eq!(message("tid"), "type task_struct has no member tid");
    assert_eq!(message("rss_stat.total"), "type task_struct.rss_stat has no member total");
    assert_eq!(message("stats[3]"), "type task_struct.stats has no member [3]");
    assert_eq!(message("pid.x"), "type task_struct.pid is neither a structure nor a union");
    assert_eq!(message("pid[0]"), "type task_struct.pid is not an array");
    assert_eq!(
        message("signal.oom_score_adj"),
        "type task_struct.signal is a pointer: ask for the members of what it points to"
    );
    assert_eq!(message(""), "type task_struct has no member ");
    assert_eq!(message("stats[-1]"), "type task_struct.stats has no member stats[-1]");
}

#[test]
fn bit_fields_of_both_forms_are_found() {
    let types = types();
    let field = |name, member| {
        let field = types.offset_of(name, member).unwrap();
        (field.offset, field.size, field.bits.map(|bits| (bits.first, bits.count)))
    };
    assert_eq!(field("with_bits", "first"), (0, 1, Some((0, 3))));
    assert_eq!(field("with_bits", "second"), (0, 2, Some((3, 7))), "it crosses a byte");
    assert_eq!(field("with_bits", "plain"), (4, 4, None));
    assert_eq!(field("with_bits", "last"), (8, 1, Some((7, 1))));
    assert_eq!(field("with_old_bits", "a"), (0, 1, Some((2, 5))));
    assert_eq!(field("with_old_bits", "b"), (1, 1, Some((2, 5))));
}

#[test]
fn enumeration_constants_have_their_values() {
    let types = types();
    let constants = types.enumerators("pid_type").unwrap();
    let constants: Vec<_> = constants.iter().map(|constant| (constant.name, constant.value)).collect();
    assert_eq!(constants, [("PIDTYPE_PID", 0), ("PIDTYPE_MAX", 4)]);
    assert_eq!(types.enumerator("MINUS").unwrap(), -7);
    assert_eq!(types.enumerators("wide").unwrap()[0].value, i64::MAX);
    assert_eq!(types.enumerator("SAME").unwrap(), 1, "twice with the same value");
    assert!(matches!(types.enumerator("OTHER"), Err(Error::AmbiguousType { .. })));
    assert!(matches!(types.enumerator("NONE"), Err(Error::NoEnumerator { .. })));
    assert!(matches!(types.enumerators("task_struct"), Err(Error::WrongType { .. })));
}

#[test]
fn types_of_one_name_must_agree() {
    let types = types();
    assert!(matches!(types.size_of("page"), Err(Error::AmbiguousType { .. })));
    assert!(matches!(types.offset_of("page", "flags"), Err(Error::AmbiguousType { .. })));
    assert_eq!(types.offset_of("page", "same").unwrap().offset, 0);
}

#[test]
fn unknown_kinds_are_read_over_only_if_their_size_is_said() {
    let unknown = |words: &[u32]| {
        let mut btf = builder();
        btf.raw("new", 40 << 24 | 2, 0, words);
        btf.int("after", 2);
        btf
    };
    let error = Types::parse(unknown(&[1, 2, 3]).finish(None)).unwrap_err();
    assert!(matches!(error, Error::UnknownKind { kind: 40 }), "{error}");
    // 4 bytes once and 4 for each of 2 elements.
    let mut layout = [0; 4 * 41];
    layout[160..].copy_from_slice(&[4, 4, 0, 0]);
    let types = Types::parse(unknown(&[1, 2, 3]).finish(Some(&layout))).unwrap();
    assert_eq!(types.size_of("after").unwrap(), 2);
    let error = Types::parse(unknown(&[1, 2, 3]).finish(Some(&layout[..160]))).unwrap_err();
    assert!(matches!(error, Error::UnknownKind { kind: 40 }), "{error}");
}

#[test]
fn types_that_contain_themselves_end_in_an_error() {
    let mut btf = BtfBuilder::new();
    btf.typedef("endless", 1);
    btf.array(2, 1);
    btf.typedef("endless_array", 2);
    // Each structure has the next ones as anonymous members, many times.
    let members = vec![("", 4, 0); 60_000];
    btf.structure("endless_struct", 8, &members);
    let types = Types::parse(btf.finish(None)).unwrap();
    for name in ["endless", "endless_array"] {
        assert!(matches!(types.size_of(name), Err(Error::MalformedTypes { .. })), "{name}");
    }
    assert!(matches!(types.offset_of("endless_struct", "x"), Err(Error::MalformedTypes { .. })));
}

/// A name that very many types have, each of which takes long to look at; and structures that double with each level.
#[test]
fn what_would_take_long_is_given_up() {
    let mut btf = BtfBuilder::new();
    let mut deep = btf.int("int", 4);
    for _ in 0..30 {
        deep = btf.array(deep, 1);
        for _ in 0..30 {
            deep = btf.typedef("", deep);
        }
    }
    let constants = vec![("A", 1); 50_000];
    let large = btf.enumeration("", false, &constants);
    for _ in 0..100_000 {
        btf.typedef("deep", deep);
    }
    for _ in 0..100 {
        btf.typedef("large", large);
    }
    let types = Types::parse(btf.finish(None)).unwrap();
    let mut doubling = BtfBuilder::new();
    let mut inner = doubling.structure("", 16, &[]);
    for _ in 0..28 {
        inner = doubling.structure("", 16, &[("", inner, 0), ("", inner, 0)]);
    }
    doubling.structure("outer", 16, &[("", inner, 0)]);
    let doubling = Types::parse(doubling.finish(None)).unwrap();
    let errors = [
        types.size_of("deep").unwrap_err(),
        types.enumerators("large").map(|constants| constants.len()).unwrap_err(),
        doubling.structures().map(|structures| structures.len()).unwrap_err(),
    ];
    for error in errors {
        let is_given_up = matches!(error, Error::MalformedTypes { what, .. } if what.contains("too many"));
        assert!(is_given_up, "{error}");
    }
}

#[test]
fn what_is_cut_off_is_an_error() {
    let data = builder().finish(None);
    for length in 0..data.len() {
        assert!(Types::parse(data[..length].to_vec()).is_err(), "{length} of {} bytes", data.len());
    }
}

proptest! {
    #[test]
    fn damaged_types_are_read_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..16),
        words in prop::collection::vec((any::<prop::sample::Index>(), 0u32..40), 0..8),
    ) {
        let mut data = builder().finish(None);
        for (index, byte) in damage {
            let index = index.index(data.len());
            data[index] = byte;
        }
        // Small numbers are ids of other types, so that cycles come about.
        for (index, word) in words {
            let index = 24 + index.index((data.len() - 24) / 4) * 4;
            if let Some(bytes) = data.get_mut(index..index + 4) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
        }
        let Ok(types) = Types::parse(data) else { return Ok(()) };
        for name in ["task_struct", "with_bits", "with_old_bits", "page", "pid_t", "pid_type", "wide"] {
            let _ = (types.size_of(name), types.enumerators(name));
            for path in ["pid", "high", "stats[2].count[1]", "second", "b", "flags"] {
                let _ = types.offset_of(name, path);
            }
        }
        let _ = types.enumerator("OTHER");
    }
}
