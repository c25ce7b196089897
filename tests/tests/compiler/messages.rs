// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the compiler says about a program that is wrong: clang's own words, and those of the passes in the same form.

use std::process::Command;

use crate::scratch::{Scratch, compiler, finish, kernel};

/// Operations that make no sense outside the failing system's CPUs: what must be included for them, the statement, the
/// column of the use, and what the error says.
const REFUSED: &[(&str, &str, u32, &str)] = &[
    ("linux/slab.h", "x += *(int *)kmalloc(100, GFP_KERNEL);", 15, "kmalloc"),
    ("linux/slab.h", "kfree((void *)(long)x);", 2, "`kfree`"),
    ("linux/sched.h", "schedule();", 2, "`schedule`"),
    ("linux/slab.h", "kfree((void *)(long)x);", 2, "or --allocation own"),
    ("linux/sched.h", "schedule();", 2, "return -EAGAIN from the entry point"),
    ("linux/slab.h", "kfree((void *)(long)x);", 2, "use variables of the program's own"),
    ("asm/special_insns.h", "wbinvd();", 2, "`wbinvd`"),
    ("linux/io.h", "outb(1, 0x80);", 2, "inline assembly"),
    ("linux/io.h", "x += inl(0x80);", 7, "inline assembly"),
    ("linux/mm.h", "x += access_process_vm(current, 16, &x, 4, 0);", 7, "not reached by their addresses"),
    ("linux/seq_file.h", "seq_printf((struct seq_file *)(long)x, \"%d\", x);", 2, "gpufas_log()"),
    ("linux/rbtree.h", "rb_erase((struct rb_node *)(long)x, NULL);", 2, "DIR/lib/rbtree.c"),
    ("asm/msr.h", "{ u64 value; rdmsrl(0x1b, value); x += value; }", 15, "inline assembly"),
    ("linux/sched.h", "wake_up_process((struct task_struct *)(long)x);", 2, "`wake_up_process`"),
];

/// A program with one statement on line 5, in a function that the entry point calls on line 10.
fn program(header: &str, statement: &str) -> String {
    format!(
        "#include <gpufas/gpufas.h>\n#include <{header}>\nstatic noinline int use(int x)\n{{\n\t{statement}\n\treturn x;\n}}\n\
         GPUFAS_ENTRY(go, \"test\", int, x)\n{{\n\treturn use(x);\n}}\n"
    )
}

#[test]
fn what_has_no_meaning_outside_is_an_error_at_the_line_that_uses_it() {
    let scratch = Scratch::new();
    for &(header, statement, column, reason) in REFUSED {
        scratch.write("c.c", program(header, statement));
        scratch.write("c.so", "an older program");
        let outcome = scratch.for_host(&["c.c"]);
        let messages = &outcome.messages;
        assert_eq!(outcome.status, Some(1), "{statement}: {messages}");
        let first = messages.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("c.c:5:{column}: error: ")), "{statement}: {messages}");
        assert!(messages.contains(reason), "{statement}: {messages}");
        let excerpt =
            format!("    5 |         {statement}\n      |         {}^\n", " ".repeat(column as usize - 2));
        assert!(messages.contains(&excerpt), "{statement}: {messages}");
        assert!(
            messages.contains("c.c:10:9: note: in `use`, called from `go` here\n"),
            "{statement}: {messages}"
        );
        assert!(messages.ends_with(" generated.\n"), "{statement}: {messages}");
        assert_eq!(scratch.read("c.so"), b"an older program", "{statement}");
        assert_eq!(scratch.files(), ["c.c", "c.so"], "{statement}");
    }
}

#[test]
fn notes_lead_to_the_place_in_the_headers() {
    let scratch = Scratch::new();
    scratch.write("c.c", program("asm/special_insns.h", "wbinvd();"));
    let messages = scratch.for_host(&["c.c"]).messages;
    let positions: Vec<_> = messages.lines().filter(|line| line.contains(": note: ")).collect();
    let header = kernel().common_headers.join("arch/x86/include/asm/special_insns.h").display().to_string();
    assert!(positions[0].starts_with(&header) && positions[0].contains("by way of `wbinvd`"), "{messages}");
    assert!(
        positions[1].starts_with(&header) && positions[1].contains("it is in `native_wbinvd`"),
        "{messages}"
    );
    assert!(messages.contains("asm volatile(\"wbinvd\""), "{messages}");
}

#[test]
fn one_place_is_named_once_however_often_it_is_reached() {
    let scratch = Scratch::new();
    scratch.write(
        "c.c",
        "#include <gpufas/gpufas.h>\n#include <linux/sched.h>\n\
         static __always_inline void use(void) { schedule(); }\n\
         GPUFAS_ENTRY(one, \"test\") { use(); return 0; }\n\
         GPUFAS_ENTRY(two, \"test\") { use(); use(); return 0; }\n",
    );
    let messages = scratch.for_host(&["c.c"]).fails(1, &["c.c:3:41: error: "]).messages;
    assert_eq!(messages.matches(": error: ").count(), 1, "{messages}");
    assert!(messages.ends_with("\n1 error generated.\n"), "{messages}");
}

/// What a shell command prints to a terminal.
fn in_terminal(scratch: &Scratch, command: &str, terminal: &str) -> String {
    let mut script = Command::new("script");
    script.args(["-qec", command, "/dev/null"]).current_dir(scratch.path()).env("TERM", terminal);
    finish(&mut script, b"").text().replace('\r', "")
}

const WRONG: &str = "int f(int x);\nint f(int x)\n{\n\tint unused;\n\treturn x + y;\n}\n";

#[test]
fn clangs_messages_come_as_clang_wrote_them() {
    let scratch = Scratch::new();
    scratch.write("c.c", WRONG);
    let ours = scratch.for_host(&["-Wall", "c.c"]).fails(1, &["c.c:5:13: error: "]).messages;
    let mut clang = Command::new("clang-22");
    clang.args(["-Wall", "-fsyntax-only", "c.c"]).current_dir(scratch.path());
    assert_eq!(ours, finish(&mut clang, b"").messages);

    let headers = kernel().headers.display().to_string();
    let command = format!("{} --kernel-headers {headers} -Wall c.c", compiler().display());
    let ours = in_terminal(&scratch, &command, "xterm");
    assert!(ours.contains("\x1b["), "a terminal has colours: {ours}");
    assert_eq!(ours, in_terminal(&scratch, "clang-22 -Wall -fsyntax-only c.c", "xterm"));
}

#[test]
fn messages_of_passes_have_colours_where_clangs_have() {
    let scratch = Scratch::new();
    scratch.write("c.c", program("linux/sched.h", "schedule();"));
    let headers = kernel().headers.display().to_string();
    let command = format!("{} --kernel-headers {headers} --target host c.c", compiler().display());
    let coloured = in_terminal(&scratch, &command, "xterm");
    assert!(coloured.contains("\x1b[1mc.c:5:2: \x1b[0m\x1b[0;1;31merror: \x1b[0m\x1b[1m"), "{coloured:?}");
    assert!(coloured.contains("\x1b[0;1;32m        ^\x1b[0m"), "{coloured:?}");
    let plain = scratch.for_host(&["c.c"]).messages;
    assert_eq!(in_terminal(&scratch, &command, "dumb"), plain);
    assert_eq!(in_terminal(&scratch, &format!("{command} -fno-color-diagnostics"), "xterm"), plain);
    let asked = scratch.for_host(&["c.c", "-fcolor-diagnostics"]).messages;
    assert_eq!(asked, coloured);
}

#[test]
fn warnings_follow_the_users_options() {
    let scratch = Scratch::with_program();
    scratch.write("w.c", "int g(void);\nint g(void)\n{\n\tint unused;\n\treturn 0;\n}\n");
    let inputs = ["a.c", "b.c", "w.c", "-o", "w.so"];
    let with = |options: &[&str]| scratch.for_host(&[&inputs, options].concat());
    with(&[]).succeeds();
    let warned = with(&["-Wall"]);
    assert_eq!(warned.status, Some(0));
    assert!(warned.messages.contains("w.c:4:6: warning: unused variable"), "{}", warned.messages);
    assert!(
        !warned.messages.contains("linux/"),
        "headers of the kernel are not the user's: {}",
        warned.messages
    );
    with(&["-Wall", "-Werror"]).fails(1, &["w.c:4:6: error: unused variable"]);
    with(&["-Wall", "-Werror", "-w"]).succeeds();
    with(&["-Wall", "-Wextra", "-Wno-unused-variable"]).succeeds();
}
