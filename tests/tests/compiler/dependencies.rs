// SPDX-License-Identifier: MIT OR Apache-2.0

//! Dependency files, as make uses them.

use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::scratch::{Scratch, compiler, finish, kernel};

#[test]
fn make_rebuilds_what_a_header_changes() {
    let scratch = Scratch::with_program();
    scratch.write("local.h", "#define STEP 1\n");
    scratch
        .write("b.c", "#include \"local.h\"\nint helper(int x);\nint helper(int x) { return x + STEP; }\n");
    scratch.write(
        "Makefile",
        format!(
            "FLAGS = --kernel-headers {} --target host\n\
             p.so: a.o b.o\n\t{compiler} $(FLAGS) a.o b.o -o $@\n\
             %.o: %.c\n\t{compiler} $(FLAGS) -c -MD -MF $*.dep -o $@ $<\n\
             -include a.dep b.dep\n",
            kernel().headers.display(),
            compiler = compiler().display(),
        ),
    );
    let make = || {
        let outcome = finish(Command::new("make").args(["-s", "--debug=b"]).current_dir(scratch.path()), b"");
        assert_eq!(outcome.status, Some(0), "{}{}", outcome.text(), outcome.messages);
        let made = outcome.text();
        ["a.o", "b.o", "p.so"].map(|name| made.contains(&format!("Must remake target '{name}'")))
    };
    assert_eq!(make(), [true; 3]);
    assert_eq!(make(), [false; 3]);
    // Newer than what was made of it, whatever the clock's steps.
    let header = std::fs::File::options().write(true).open(scratch.path().join("local.h")).unwrap();
    header.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    assert_eq!(make(), [false, true, true]);
}

/// The prerequisites of the first rule, and the other rules.
fn rules(text: &str) -> (String, Vec<String>, Vec<String>) {
    let joined = text.replace("\\\n", " ");
    let mut lines = joined.lines().filter(|line| !line.trim().is_empty());
    let (target, prerequisites) = lines.next().unwrap().split_once(": ").unwrap();
    let words = prerequisites.split_whitespace().map(str::to_owned).collect();
    (target.to_owned(), words, lines.map(str::to_owned).collect())
}

#[test]
fn all_headers_are_listed_and_the_output_is_the_target() {
    let scratch = Scratch::with_program();
    scratch.for_host(&["a.c", "b.c", "-o", "p.so", "-MD"]).succeeds();
    let text = String::from_utf8(scratch.read("p.d")).unwrap();
    let (target, files, others) = rules(&text);
    assert_eq!(target, "p.so");
    let has = |ending: &str| files.iter().any(|file| file.ends_with(ending));
    assert!(
        has("a.c")
            && has("/gpufas/gpufas.h")
            && has("/include/linux/printk.h")
            && has("/generated/autoconf.h"),
        "{text}"
    );
    assert!(files.iter().all(|file| scratch.path().join(file).is_file()), "{text}");
    assert!(others.iter().any(|rule| rule.starts_with("p.so: b.c")), "{text}");
    // make must not fail if another version of the compiler keeps its own headers elsewhere.
    assert!(others.iter().any(|rule| rule.ends_with("/gpufas/gpufas.h:")), "{text}");
    assert!(!others.iter().any(|rule| rule.ends_with("/printk.h:")), "{text}");
}

#[test]
fn options_choose_target_file_and_extent() {
    let scratch = Scratch::with_program();
    scratch.compile(&["-c", "b.c", "--emit", "bitcode", "-o", "b.bc"]).succeeds();
    let options = ["-MMD", "-MF", "my rules", "-MT", "one", "-MQ", "a$b", "-MP", "-o", "p.so"];
    scratch.for_host(&[&["a.c", "b.bc"], &options[..]].concat()).succeeds();
    let text = String::from_utf8(scratch.read("my rules")).unwrap();
    let (target, files, others) = rules(&text);
    assert_eq!(target, "one a$$b");
    assert!(
        !files.iter().any(|file| file.ends_with("/linux/printk.h")),
        "-MMD leaves out the kernel's: {text}"
    );
    assert!(others.contains(&"one a$$b: b.bc".to_owned()), "{text}");
    let printed = scratch.compile(&["-M", "a.c"]).succeeds().text();
    assert!(printed.starts_with("a.o: a.c"), "{printed}");
    scratch.compile(&["-MM", "-MF", "printed", "a.c"]).succeeds();
    assert!(scratch.read("printed").starts_with(b"a.o: a.c"));
}

#[test]
fn nothing_is_written_if_nothing_is_made() {
    let scratch = Scratch::with_program();
    scratch.for_host(&["a.c", "-MD"]).fails(1, &["helper"]);
    scratch.write("c.c", "int f(void) { return x; }\n");
    scratch.for_host(&["c.c", "-c", "-MD"]).fails(1, &["c.c:1:22"]);
    assert_eq!(scratch.files(), ["a.c", "b.c", "c.c"]);
}
