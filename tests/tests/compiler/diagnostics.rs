// SPDX-License-Identifier: MIT OR Apache-2.0

//! Warnings by class, remarks, and messages for programs.

use serde_json::Value;

use crate::scratch::{Outcome, Scratch, finish};

/// A program of which each class of warnings about programs has something to say, on a line of its own.
const DOUBTFUL: &str = "#include <gpufas/gpufas.h>\n\
    GPUFAS_ENTRY(go, \"test\", u64, x)\n\
    {\n\
    \tint own[4] = { 1, 2, 3, (int)x };\n\
    \tconst volatile int *p = own;\n\
    \n\
    \tgpufas_log(\"%pd\\n\", p);\n\
    \treturn p[3] + p[7]\n\
    \t\t+ *(const volatile int *)0x10;\n\
    }\n";

/// The classes with the lines above.
const CLASSES: [(&str, &str); 3] = [
    ("c.c:7:2", "gpufas-log-format"),
    ("c.c:8:16", "gpufas-out-of-bounds"),
    ("c.c:9:5", "gpufas-invalid-address"),
];

fn doubtful() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("c.c", DOUBTFUL);
    scratch
}

/// The places, kinds and classes of all messages that have a class.
fn classes(outcome: &Outcome) -> Vec<(String, String)> {
    let lines = outcome.messages.lines().filter(|line| line.contains("[-W"));
    lines
        .map(|line| {
            let (place, rest) = line.split_once(": ").unwrap();
            let (kind, _) = rest.split_once(": ").unwrap();
            let class = &rest[rest.rfind("[-W").unwrap()..];
            (place.to_owned(), format!("{kind} {class}"))
        })
        .collect()
}

#[test]
fn each_warning_names_its_class() {
    let scratch = doubtful();
    let outcome = scratch.for_host(&["c.c"]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.messages);
    let expected = CLASSES.map(|(place, class)| (place.to_owned(), format!("warning [-W{class}]")));
    assert_eq!(classes(&outcome), expected, "{}", outcome.messages);
    assert!(
        outcome.messages.contains("    7 |         gpufas_log(\"%pd\\n\", p);\n"),
        "{}",
        outcome.messages
    );
    assert!(outcome.messages.ends_with("3 warnings generated.\n"), "{}", outcome.messages);
}

#[test]
fn a_format_of_text_in_memory_is_looked_at_where_it_is_given() {
    let scratch = Scratch::new();
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\n#include <linux/kernel.h>\nGPUFAS_ENTRY(go, \"test\", u64, x)\n{\n\tchar own[40];\n\n\
         \tsnprintf(own, sizeof(own), \"%llu %pM\", x, &x);\n\treturn own[1];\n}\n",
    );
    let outcome = scratch.for_host(&["c.c"]);
    let expected = ("c.c:7:2".to_owned(), "warning [-Wgpufas-log-format]".to_owned());
    assert_eq!(classes(&outcome), [expected], "{}", outcome.messages);
}

#[test]
fn options_say_what_becomes_of_a_class() {
    let scratch = doubtful();
    for (place, class) in CLASSES {
        let with = |option: &str| scratch.for_host(&["c.c", "-Wno-gpufas", option]);
        with("-Wall").succeeds();
        assert_eq!(
            classes(&with(&format!("-W{class}"))),
            [(place.to_owned(), format!("warning [-W{class}]"))]
        );
        let outcome = with(&format!("-Werror={class}")).fails(1, &["1 error generated."]);
        assert_eq!(classes(&outcome), [(place.to_owned(), format!("error [-Werror,-W{class}]"))]);
        let outcome = scratch.for_host(&["c.c", "-Werror", &format!("-Wno-error={class}"), "-o", "none.so"]);
        let outcome = outcome.fails(1, &["1 warning and 2 errors generated."]);
        assert!(classes(&outcome).contains(&(place.to_owned(), format!("warning [-W{class}]"))));
    }
    scratch.for_host(&["c.c", "-w"]).succeeds();
    assert!(!scratch.files().contains(&"none.so".to_owned()));
    scratch.for_host(&["c.c", "-Wno-gpufas-nothing"]).fails(1, &["-Wno-gpufas-nothing", "--help-warnings"]);
    // What neither knows is clang's to say.
    let outcome = scratch.for_host(&["c.c", "-Wno-gpufas", "-Wgpufaz"]);
    assert!(outcome.messages.contains("warning: unknown warning option '-Wgpufaz"), "{}", outcome.messages);
}

#[test]
fn the_classes_are_listed() {
    let scratch = Scratch::new();
    let text = finish(&mut scratch.bare(&["--help-warnings"]), b"").succeeds().text();
    for (_, class) in CLASSES {
        assert!(text.contains(&format!("  {class}\n")), "{text}");
    }
}

#[test]
fn remarks_say_what_passes_did() {
    let scratch = Scratch::new();
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\n\
         #include <linux/sched/signal.h>\n\
         GPUFAS_ENTRY(go, \"test\", u64, x)\n\
         {\n\
         \tstruct task_struct *task;\n\
         \tint count = 0;\n\
         \n\
         \tfor_each_process(task)\n\
         \t\tcount += test_and_set_bit(3, (unsigned long *)x);\n\
         \treturn count;\n\
         }\n",
    );
    scratch.for_host(&["c.c"]).succeeds();
    let with = |options: &[&str]| {
        let outcome = scratch.compile(&[&["c.c", "--emit", "ptx"], options].concat());
        assert_eq!(outcome.status, Some(0), "{}", outcome.messages);
        outcome.messages
    };
    for (option, expected) in [
        ("-Rpass=kernel-asm", "arch/x86/include/asm/bitops.h:138:9: remark: inline assembly `"),
        (
            "-Rpass=kernel-symbols",
            "c.c:8:2: remark: the address of `init_task` comes from the symbol table [-Rpass=kernel-symbols]\n",
        ),
        (
            "-Rpass=entry-points",
            "c.c:5:2: remark: `go` is exported as `gpufas_entry_go` [-Rpass=entry-points]\n",
        ),
        ("-Rpass=llview", "c.c:8:2: remark: load of 8 bytes is translated [-Rpass=llview]\n"),
        (
            "-Rpass-missed=llview",
            "c.c:9:12: remark: the atomic operation has a translation of its own: the journal has to know the place of each [-Rpass-missed=llview]\n",
        ),
        ("-Rpass=budget", "c.c:8:2: remark: each turn of the loop counts [-Rpass=budget]\n"),
        (
            "-Rpass=retarget",
            "c.c:9:12: remark: the atomic operation becomes a load and a store: the system's CPUs may come between [-Rpass=retarget]\n",
        ),
    ] {
        let messages = with(&[option]);
        assert!(messages.contains(expected), "{option}: {messages}");
        assert!(
            messages.lines().filter(|line| line.contains(": remark: ")).all(|line| line.contains(option)),
            "{messages}"
        );
        assert!(!messages.contains("generated"), "{messages}");
    }
    assert_eq!(with(&["-Rpass=nothing", "-Rpass-missed=labels"]), "");
}

/// What C has and no target but a CPU; each on a line of its own.
const UNUSUAL: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/stdarg.h>\n\
    #include <linux/sched.h>\n\
    static noinline int sum(int count, ...)\n\
    {\n\
    \tva_list list;\n\tint all = 0;\n\n\
    \tva_start(list, count);\n\twhile (count--)\n\t\tall += va_arg(list, int);\n\tva_end(list);\n\
    \treturn all;\n\
    }\n\
    int one(int x) { return x + 1; }\n\
    int two(int x) { return x + PIDTYPE_TGID; }\n\
    int twin(int x) __attribute__((alias(\"one\")));\n\
    int (*const volatile either[2])(int) = { one, two };\n\
    GPUFAS_ENTRY(go, \"test\", u64, x)\n\
    {\n\
    \tstatic void *const labels[2] = { &&first, &&second };\n\
    \tint pid = ((struct task_struct *)x)->pid + twin(3);\n\n\
    \tgoto *labels[x & 1];\n\
    first:\n\
    \tpid += sum(2, pid, 4);\n\
    second:\n\
    \treturn either[x & 1](pid);\n\
    }\n";

#[test]
fn passes_say_what_they_make_of_what_only_cpus_have() {
    let scratch = Scratch::new();
    scratch.write("c.c", UNUSUAL);
    let with = |option: &str| {
        let outcome = scratch.for_host(&["c.c", option]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.messages);
        outcome.messages
    };
    for (option, expected) in [
        (
            "-Rpass=labels",
            "c.c:24:2: remark: the computed goto becomes a switch over 2 labels [-Rpass=labels]\n",
        ),
        (
            "-Rpass=variadic",
            "c.c:26:9: remark: 2 variable arguments are passed in an array [-Rpass=variadic]\n",
        ),
        (
            "-Rpass=variadic",
            "c.c:4:1: remark: `sum` takes its variable arguments from an array of the caller's [-Rpass=variadic]\n",
        ),
        ("-Rpass=aliases", "c.c:22:45: remark: `twin` is an alias, and becomes `one` [-Rpass=aliases]\n"),
        (
            "-Rpass=function-pointers",
            "c.c:28:9: remark: the call through a pointer becomes a call of `one` or `two` [-Rpass=function-pointers]\n",
        ),
        (
            "-Rpass-analysis=callable-functions",
            "c.c:16:1: remark: a call through a pointer may lead to `two` [-Rpass-analysis=callable-functions]\n",
        ),
        (
            "-Rpass-analysis=layout",
            "c.c:19:1: remark: `gpufas_program_go` uses `pid` of `struct task_struct` [-Rpass-analysis=layout]\n",
        ),
        (
            "-Rpass-analysis=layout",
            "c.c:16:1: remark: `two` mentions the constants `PIDTYPE_TGID` [-Rpass-analysis=layout]\n",
        ),
    ] {
        let messages = with(option);
        assert!(messages.contains(expected), "{option}: {messages}");
    }
    // Nothing takes the address of a function.
    let alias = "int twin(int x) __attribute__((alias(\"one\")));";
    let source = UNUSUAL.replace("{ one, two }", "{ (void *)1ul }").replace(alias, "#define twin(x) one(x)");
    scratch.write("d.c", source);
    let messages = scratch.for_host(&["d.c", "-Rpass-missed=function-pointers"]).messages;
    assert!(messages.contains("d.c:28:9: remark: the call through a pointer can only fault"), "{messages}");
}

#[test]
fn warnings_of_inputs_have_classes_too() {
    let scratch = Scratch::new();
    scratch.write("x.ll", "define i32 @f(ptr %p) {\n  %v = load i32, ptr %p\n  ret i32 %v\n}\n");
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\nint f(const int *p);\nGPUFAS_ENTRY(go, \"test\", u64, x)\n{\n\treturn f((const int *)x);\n}\n",
    );
    let inputs = ["c.c", "x.ll"];
    for class in ["gpufas-unmarked-input", "gpufas-unchecked-layout"] {
        let with =
            |options: &[&str]| scratch.for_host(&[inputs.as_slice(), &["-Wno-gpufas"], options].concat());
        with(&[]).succeeds();
        let outcome = with(&[&format!("-W{class}")]);
        assert_eq!(outcome.status, Some(0), "{}", outcome.messages);
        assert!(outcome.messages.contains("warning: "), "{}", outcome.messages);
        assert!(outcome.messages.contains(&format!("[-W{class}]")), "{}", outcome.messages);
        with(&[&format!("-Werror={class}")]).fails(1, &[&format!("[-Werror,-W{class}]")]);
        let found = objects(&with(&[&format!("-Werror={class}"), "--diagnostics", "json"]));
        assert!(
            found.iter().any(|object| object["class"] == class && object["severity"] == "error"),
            "{found:?}"
        );
        let found = objects(&with(&[&format!("-W{class}"), "--diagnostics", "json"]));
        assert!(
            found.iter().any(|object| object["class"] == class && object["severity"] == "warning"),
            "{found:?}"
        );
    }
}

/// The objects that a run has written, each of them with all of the members.
#[track_caller]
fn objects(outcome: &Outcome) -> Vec<Value> {
    outcome
        .messages
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let members: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
            let all = ["class", "column", "file", "line", "message", "notes", "pass", "rendered", "severity"];
            assert_eq!(members, all, "{line}");
            value
        })
        .collect()
}

#[test]
fn programs_get_objects() {
    let scratch = doubtful();
    let text = scratch.for_host(&["c.c"]).messages;
    let outcome = scratch.for_host(&["c.c", "--diagnostics", "json", "-fcolor-diagnostics"]);
    assert_eq!(outcome.status, Some(0));
    let found = objects(&outcome);
    for (value, (place, class)) in found.iter().zip(CLASSES) {
        assert_eq!(value["severity"], "warning");
        assert_eq!(value["class"], class);
        assert_eq!(value["pass"], "llview");
        assert_eq!(
            format!("{}:{}:{}", value["file"].as_str().unwrap(), value["line"], value["column"]),
            place
        );
    }
    let rendered: String = found.iter().map(|value| value["rendered"].as_str().unwrap()).collect();
    assert_eq!(format!("{rendered}3 warnings generated.\n"), text);
}

#[test]
fn programs_get_notes_and_reasons() {
    let scratch = Scratch::new();
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\n#include <asm/special_insns.h>\n#include <linux/sched.h>\n\
         static noinline void use(void) { schedule(); wbinvd(); }\n\
         GPUFAS_ENTRY(go, \"test\") { use(); return 0; }\n",
    );
    let outcome = scratch.for_host(&["c.c", "--diagnostics=json"]);
    assert_eq!(outcome.status, Some(1));
    let [function, assembly] = &objects(&outcome)[..] else { panic!("{}", outcome.messages) };
    assert_eq!(
        (&assembly["severity"], &assembly["class"]),
        (&"error".into(), &"privileged-instruction".into())
    );
    let notes = assembly["notes"].as_array().unwrap();
    assert!(
        notes.iter().any(|note| note["message"] == "it is in `native_wbinvd`, here"
            && note["file"].as_str().unwrap().ends_with("special_insns.h")),
        "{assembly}"
    );
    assert!(notes.iter().any(|note| note["file"] == "c.c" && note["line"] == 5), "{assembly}");
    assert_eq!((&function["pass"], &function["line"]), (&"reachability".into(), &4.into()));
    assert!(function["notes"][0]["message"].as_str().unwrap().contains("a recovery program is no task"));
}

#[test]
fn programs_get_what_clang_says() {
    let scratch = Scratch::new();
    scratch.write("c.c", "#include \"h.h\"\nint f(int x);\nlong f(int x) { return y; }\n");
    scratch.write("h.h", "static inline void g(void) { int unused; }\n");
    let text = scratch.for_host(&["c.c", "-Wall"]).messages;
    let outcome = scratch.for_host(&["c.c", "-Wall", "--diagnostics", "json"]);
    assert_eq!(outcome.status, Some(1));
    let found = objects(&outcome);
    let [unused, conflict, undeclared] = &found[..] else { panic!("{}", outcome.messages) };
    assert_eq!((&unused["severity"], &unused["class"]), (&"warning".into(), &"unused-variable".into()));
    assert_eq!((&unused["line"], &unused["pass"]), (&1.into(), &"clang".into()));
    assert!(unused["file"].as_str().unwrap().ends_with("h.h"));
    assert_eq!((&conflict["severity"], &conflict["line"]), (&"error".into(), &3.into()));
    assert_eq!((&conflict["notes"][0]["line"], &conflict["notes"][0]["column"]), (&2.into(), &5.into()));
    assert_eq!((&undeclared["line"], &undeclared["column"]), (&3.into(), &24.into()));
    let rendered: String = found.iter().map(|value| value["rendered"].as_str().unwrap()).collect();
    assert_eq!(format!("{rendered}1 warning and 2 errors generated.\n"), text);
}

#[test]
fn programs_get_errors_of_every_other_kind() {
    let scratch = Scratch::new();
    scratch.write("bad.ll", "define i32 @f() {\n  ret i64 0\n}\n");
    for (arguments, status, file, message) in [
        (&["none.c"][..], 1, None, "cannot read none.c"),
        (&["c.c", "--frobnicate"], 1, None, "unknown option --frobnicate"),
        (&["bad.ll"], 1, Some("bad.ll"), "value doesn't match function result type"),
    ] {
        let outcome = scratch.for_host(&[arguments, &["--diagnostics", "json"]].concat());
        assert_eq!(outcome.status, Some(status), "{}", outcome.messages);
        let [value] = &objects(&outcome)[..] else { panic!("{}", outcome.messages) };
        assert_eq!(value["severity"], "error", "{value}");
        assert_eq!(value["file"].as_str(), file, "{value}");
        assert!(value["message"].as_str().unwrap().contains(message), "{value}");
    }
}

#[test]
fn parts_that_do_not_say_their_kernel_are_doubtful() {
    let scratch = Scratch::with_program();
    scratch.write("b.ll", "define i32 @helper(i32 %x) {\n  ret i32 %x\n}\n");
    let outcome = scratch.for_host(&["a.c", "b.ll"]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.messages);
    assert!(outcome.messages.starts_with("b.ll: warning: it does not say"), "{}", outcome.messages);
    scratch.for_host(&["a.c", "b.ll", "-Wno-gpufas-unmarked-input"]).succeeds();
    scratch.for_host(&["a.c", "b.ll", "-Werror"]).fails(1, &["[-Werror,-Wgpufas-unmarked-input]"]);
}
