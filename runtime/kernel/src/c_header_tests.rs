// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::synthetic::BtfBuilder;
use proptest::prelude::*;

fn types(btf: BtfBuilder) -> Types {
    Types::parse(btf.finish(None)).unwrap()
}

/// What stands between the macros and the end.
fn body(btf: BtfBuilder) -> String {
    let header = types(btf).c_header("test", &[]).unwrap();
    let start = header.find(MACROS).unwrap() + MACROS.len() + 1;
    header[start..header.find(END).unwrap()].trim_end().to_owned()
}

fn error(btf: BtfBuilder) -> String {
    match types(btf).c_header("test", &[]).unwrap_err() {
        Error::MalformedTypes { what, .. } => what.to_owned(),
        other => panic!("{other}"),
    }
}

/// A function type.
fn function(btf: &mut BtfBuilder, returns: u32, parameters: &[u32]) -> u32 {
    let words: Vec<u32> = parameters.iter().flat_map(|ty| [0, *ty]).collect();
    btf.raw("", kind::FUNC_PROTO << 24 | parameters.len() as u32, returns, &words)
}

fn bits(width: u32, offset: u32) -> u32 {
    width << 24 | offset
}

#[test]
fn what_is_needed_comes_first() {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4);
    // Ids 2 to 6: each refers to later ones.
    btf.structure("outer", 24, &[("inner", 3, 0), ("next", 4, 8), ("self", 5, 16)]);
    btf.typedef("inner_t", 6);
    btf.pointer(3);
    btf.pointer(2);
    btf.structure("inner", 8, &[("other", 7, 0)]);
    let other = btf.pointer(8);
    btf.raw("other", kind::FWD << 24 | 1 << 31, 0, &[]);
    assert_eq!((int, other), (1, 7));
    assert_eq!(
        body(btf),
        "struct inner;\n\ntypedef struct inner inner_t;\n\nunion other;\n\n\
         struct inner {\n\tunion other *other;\n} __gpufas_kernel_type;\n\n\
         struct outer {\n\tinner_t inner;\n\tinner_t *next;\n\tstruct outer *self;\n} __gpufas_kernel_type;"
    );
}

#[test]
fn declarations_are_as_c_has_them() {
    let mut btf = BtfBuilder::new();
    let int = btf.int("long unsigned int", 8);
    let void_pointer = btf.pointer(0);
    let returns_pointer = function(&mut btf, void_pointer, &[int, 0]);
    let callback = btf.pointer(returns_pointer);
    btf.typedef("callback_t", callback);
    let getter = function(&mut btf, callback, &[]);
    let getter = btf.pointer(getter);
    btf.typedef("getter_t", getter);
    let row = btf.array(int, 3);
    let matrix = btf.array(row, 2);
    btf.typedef("matrix_t", matrix);
    let to_matrix = btf.pointer(matrix);
    btf.typedef("to_matrix_t", to_matrix);
    let constant = btf.raw("", kind::CONST << 24, int, &[]);
    let to_constant = btf.pointer(constant);
    let constant_pointer = btf.raw("", kind::CONST << 24, to_constant, &[]);
    let pointers = btf.array(constant_pointer, 2);
    let again = btf.raw("", kind::CONST << 24, pointers, &[]);
    btf.typedef("pointers_t", again);
    let user = btf.raw("user", kind::TYPE_TAG << 24, int, &[]);
    let user = btf.pointer(user);
    let restrict = btf.raw("", kind::RESTRICT << 24, user, &[]);
    let volatile = btf.raw("", kind::VOLATILE << 24, restrict, &[]);
    btf.typedef("user_t", volatile);
    let unknown = function(&mut btf, 0, &[0]);
    btf.typedef("unknown_t", unknown);
    let float = btf.raw("double", kind::FLOAT << 24, 8, &[]);
    btf.typedef("float_t", float);
    let odd = btf.int("__int24", 4);
    btf.typedef("odd_t", odd);
    btf.typedef("__builtin_va_list", void_pointer);
    btf.typedef("bool", int);
    let expected = [
        "typedef void *(*callback_t)(unsigned long, ...);",
        "typedef void *(*(*getter_t)(void))(unsigned long, ...);",
        "typedef unsigned long matrix_t[2][3];",
        "typedef unsigned long (*to_matrix_t)[2][3];",
        "typedef const unsigned long *const pointers_t[2];",
        "typedef __gpufas_type_tag(\"user\") unsigned long *__restrict volatile user_t;",
        "typedef void unknown_t();",
        "typedef double float_t;",
        "typedef unsigned int __int24;",
        "typedef __int24 odd_t;",
        "typedef unsigned long bool;",
    ];
    assert_eq!(body(btf), expected.join("\n\n"));
}

#[test]
fn layouts_come_out_as_the_table_says() {
    let mut btf = BtfBuilder::new();
    let (char, int, long) = (btf.int("char", 1), btf.int("int", 4), btf.int("long int", 8));
    btf.structure("gap", 24, &[("a", char, 0), ("b", long, 16)]);
    btf.structure("packed", 12, &[("a", int, 0), ("b", long, 4)]);
    btf.structure("tail", 32, &[("a", long, 0), ("b", char, 8)]);
    let fields =
        [("a", int, bits(3, 0)), ("", int, bits(2, 4)), ("b", int, bits(20, 12)), ("c", int, bits(32, 32))];
    btf.compound(kind::STRUCT, true, "fields", 8, &fields);
    btf.compound(kind::STRUCT, true, "crossing", 5, &[("a", int, bits(20, 0)), ("b", int, bits(20, 20))]);
    let old = btf.raw("int", kind::INT << 24, 4, &[5]);
    btf.structure("old", 4, &[("a", old, 1)]);
    let none = btf.array(char, 0);
    btf.structure("flexible", 8, &[("a", int, 0), ("data", none, 4)]);
    btf.structure("flexible_aligned", 16, &[("a", int, 0), ("data", none, 4)]);
    btf.structure("flexible_only", 0, &[("data", none, 0)]);
    btf.union("padded", 16, &[("a", int), ("b", char)]);
    btf.union("odd", 24, &[("a", long), ("b", none)]);
    btf.union("opaque", 8, &[]);
    btf.structure("private", 16, &[]);
    let anonymous = btf.structure("", 8, &[("x", int, 0)]);
    let named = btf.structure("named", 4, &[("y", int, 0)]);
    btf.structure("nameless_members", 16, &[("", anonymous, 0), ("", named, 8)]);
    let text = body(btf);
    for expected in [
        "struct gap {\n\tchar a;\n\tunsigned char : 8;\n\tunsigned short : 16;\n\tunsigned int : 32;\n\
         \tunsigned long : 64;\n\tlong b;\n} __gpufas",
        "struct packed {\n\tint a;\n\tlong b;\n} __attribute__((packed)) __gpufas",
        "struct fields {\n\tint a: 3;\n\tunsigned char : 1;\n\tint : 2;\n\tunsigned char : 2;\n\
         \tunsigned char : 4;\n\tint b: 20;\n\tint c: 32;\n} __gpufas",
        "struct crossing {\n\tint a: 20;\n\tint b: 20;\n} __attribute__((packed)) __gpufas",
        "struct old {\n\tunsigned char : 8;\n\tint a: 5;\n} __gpufas",
        "struct flexible {\n\tint a;\n\tchar data[];\n\
         } __attribute__((aligned(8))) __gpufas",
        "struct flexible_aligned {\n\tint a;\n\tchar data[];\n} __attribute__((aligned(16))) __gpufas",
        "struct flexible_only {\n\tchar data[0];\n} __gpufas",
        "union padded {\n\tint a;\n\tchar b;\n} __attribute__((aligned(16))) __gpufas",
        "union odd {\n\tlong a;\n\tchar b[0];\n\tunsigned char __padding[24];\n} __gpufas",
        "union opaque {\n\tunsigned long __unknown[1];\n} __gpufas",
        "struct private {\n\tunsigned long : 64;\n\tunsigned long : 64;\n} __gpufas",
        "struct nameless_members {\n\tstruct {\n\t\tint x;\n\t\tunsigned int : 32;\n\t};\n\
         \tstruct {\n\t\tint y;\n\t};\n\tunsigned int : 32;\n} __gpufas",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    let tail = &text[text.find("struct tail").unwrap()..];
    assert!(
        tail.contains("char b;\n\tunsigned char : 8;")
            && tail.contains("unsigned long : 64;\n\tunsigned long : 64;\n}")
    );
}

#[test]
fn enumerations_have_their_sizes_and_values() {
    let mut btf = BtfBuilder::new();
    btf.enumeration("signed", true, &[("MINUS", -1)]);
    btf.enumeration("large", false, &[("LARGE", -1)]);
    btf.raw("tiny", kind::ENUM << 24 | 1, 1, &[0, 200]);
    btf.raw("wide", kind::ENUM64 << 24 | 1, 8, &[1, 1, 0]);
    btf.raw("least", kind::ENUM64 << 24 | 1 << 31 | 1, 8, &[1, 0, 0x8000_0000]);
    btf.raw("empty", kind::ENUM << 24, 4, &[]);
    let nameless = btf.enumeration("", false, &[("ONCE", 3)]);
    btf.structure("one", 4, &[("a", nameless, 0)]);
    btf.structure("two", 4, &[("a", nameless, 0)]);
    btf.enumeration("", false, &[("false", 0), ("true", 1)]);
    let text = body(btf);
    for expected in [
        "enum signed_ {\n\tMINUS = -1,\n};",
        "enum large {\n\tLARGE = 4294967295U,\n};",
        "= 200,\n} __attribute__((mode(QI)));",
        "= 1ULL,\n} __attribute__((mode(DI)));",
        "= (-9223372036854775807LL - 1),\n};",
        "enum empty {\n\t__empty_unknown,\n};",
        "struct one {\n\tenum {\n\t\tONCE = 3,\n\t} a;\n}",
        "struct two {\n\tunsigned int a;\n}",
        "\n\nenum {\n\tfalse = 0,\n\ttrue = 1,\n};",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    // Tables of before 2022 call all of them unsigned.
    let mut old = BtfBuilder::new();
    old.enumeration("large", false, &[("LARGE", -1)]);
    assert!(body(old).contains("LARGE = -1,"));
}

#[test]
fn names_are_given_once_and_tags_are_kept() {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4);
    btf.enumeration("same", false, &[("A", 0), ("x", 1)]);
    btf.structure("same", 4, &[("a", int, 0)]);
    btf.structure("same", 4, &[("register", int, 0)]);
    btf.typedef("x", int);
    btf.typedef("x", 4);
    btf.raw("say \"it\"", kind::DECL_TAG << 24, 3, &[u32::MAX]);
    btf.raw("member", kind::DECL_TAG << 24, 3, &[0]);
    let text = body(btf);
    for expected in [
        "enum same___3 {\n\tA = 0,\n\tx___3 = 1,\n};",
        "struct same {\n\tint a __gpufas_decl_tag(\"member\");\n} __gpufas_decl_tag(\"say \\\"it\\\"\") __gpufas",
        "struct same___2 {\n\tint register_;\n}",
        "typedef int x;",
        "typedef struct same___2 x___2;",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
}

#[test]
fn only_what_is_named_is_defined() {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4);
    btf.typedef("number_t", int);
    btf.structure("held", 4, &[("a", int, 0)]);
    btf.structure("pointed", 4, &[("a", int, 0)]);
    let pointer = btf.pointer(4);
    btf.structure("rq", 16, &[("n", 2, 0), ("held", 3, 4), ("p", pointer, 8)]);
    let types = types(btf);
    let header = types.c_header("a */ b", &["struct rq".into()]).unwrap();
    for expected in [
        "is a * / b;",
        " *   number_t\n *   struct held\n",
        "#ifndef GPUFAS_KERNEL_TYPES_struct_rq\n",
        "struct pointed;\n\nstruct rq {\n\tnumber_t n;\n\tstruct held held;\n\tstruct pointed *p;\n}",
        "_Static_assert(sizeof(struct rq) == 16,",
    ] {
        assert!(header.contains(expected), "no {expected} in {header}");
    }
    assert!(!header.contains("struct held {") && !header.contains("typedef"), "{header}");
    let both = types.c_header("", &["rq".into(), "held".into()]).unwrap();
    assert!(both.contains("struct held {") && !both.contains(" *   struct held"), "{both}");
    assert!(matches!(types.c_header("", &["none".into()]), Err(Error::NoType { .. })));
}

#[test]
fn what_c_cannot_express_is_an_error() {
    let with = |add: &dyn Fn(&mut BtfBuilder)| {
        let mut btf = BtfBuilder::new();
        btf.int("int", 4);
        add(&mut btf);
        error(btf)
    };
    let structure = |members: &[(&str, u32, u32)]| {
        with(&|btf| {
            btf.structure("s", 8, members);
        })
    };
    assert_eq!(structure(&[("a", 2, 0)]), "a type contains itself");
    assert_eq!(structure(&[("a", 0, 0)]), "a type refers to one that is not there");
    assert_eq!(structure(&[("a", 1, 0), ("b", 1, 2)]), "members of a structure overlap");
    assert_eq!(structure(&[("a", 1, 8)]), "a member of a structure is outside of it");
    let declared = with(&|btf| {
        btf.raw("declared", kind::FWD << 24, 0, &[]);
        btf.structure("s", 8, &[("a", 2, 0)]);
    });
    assert_eq!(declared, "a structure that is not defined is used by value");
    let typedef = with(&|btf| {
        btf.typedef("endless", 2);
    });
    assert_eq!(typedef, "a type contains itself");
    let pointer = with(&|btf| {
        btf.pointer(2);
        btf.typedef("endless", 2);
    });
    assert_eq!(pointer, "a type contains itself");
    // Each has the one before twice.
    let doubling = with(&|btf| {
        btf.structure("", 0, &[]);
        for inner in 2..50 {
            btf.structure("", 0, &[("", inner, 0), ("", inner, 0)]);
        }
        btf.typedef("all", 50);
    });
    assert_eq!(doubling, "structures repeat one another without end");
}

proptest! {
    #[test]
    fn damaged_tables_are_survived(
        words in prop::collection::vec((any::<prop::sample::Index>(), 0u32..24), 0..12),
        bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut btf = BtfBuilder::new();
        let int = btf.int("int", 4);
        let pointer = btf.pointer(5);
        let array = btf.array(int, 3);
        let proto = function(&mut btf, int, &[pointer, 0]);
        btf.structure("one", 24, &[("a", int, 0), ("p", pointer, 8), ("b", int, 16)]);
        let anonymous = btf.union("", 16, &[("x", int), ("y", array)]);
        btf.typedef("t", anonymous);
        let callback = btf.pointer(proto);
        btf.compound(kind::STRUCT, true, "two", 32, &[("", anonymous, 0), ("f", int, bits(3, 128)), ("c", callback, 192)]);
        btf.enumeration("e", true, &[("A", -1)]);
        btf.raw("tag", kind::DECL_TAG << 24, 5, &[1]);
        let mut data = btf.finish(None);
        // Small numbers are ids of other types, so that cycles come about.
        for (index, word) in words {
            let at = 24 + index.index((data.len() - 24) / 4) * 4;
            if let Some(bytes) = data.get_mut(at..at + 4) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
        }
        for (index, byte) in bytes {
            let at = index.index(data.len());
            data[at] = byte;
        }
        if let Ok(types) = Types::parse(data) {
            let _ = (types.c_header("", &[]), types.c_header("", &["two".into()]), types.structures());
        }
    }
}
