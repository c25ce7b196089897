// SPDX-License-Identifier: MIT OR Apache-2.0

//! The layout of structures is compared with the kernel's type information.

use std::ffi::OsStr;
use std::path::Path;

use gpufas::program::Program;
use gpufas_guest::kernels;

use crate::scratch::{Outcome, Scratch, finish, kernel};

/// Reads a member of `task_struct`.
const PROGRAM: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/sched.h>\n\
    GPUFAS_ENTRY(go, \"test\", u64, task)\n\
    {\n\
    \treturn ((struct task_struct *)task)->pid;\n\
    }\n";

fn compile(scratch: &Scratch, headers: &Path, more: &[&OsStr]) -> Outcome {
    let mut command = scratch.bare(&["a.c", "--target", "host", "-o", "p.so", "--kernel-headers"]);
    finish(command.arg(headers).args(more), b"")
}

/// The same with a constant of an enumeration.
const CONSTANT: &str = "#include <gpufas/gpufas.h>\n\
    #include <linux/hrtimer.h>\n\
    #include <linux/sched.h>\n\
    #define RESTART HRTIMER_RESTART\n\
    static int restarts(int value) { return value == RESTART; }\n\
    GPUFAS_ENTRY(go, \"test\", u64, task)\n\
    {\n\
    \treturn restarts(((struct task_struct *)task)->pid);\n\
    }\n";

/// The headers of the kernel in a folder of their own, with one of the common ones changed.
fn with_changed(folder: &Path, header: &str, from: &str, to: &str) {
    use std::os::unix::fs::symlink;
    let link_all = |from: &Path, to: &Path, but: &[&str]| {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if !but.iter().any(|but| entry.file_name() == *but) {
                symlink(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    };
    let (common, changed) = (&kernel().common_headers, folder.join("source"));
    link_all(&kernel().headers, folder, &["Makefile", "source"]);
    link_all(common, &changed, &["include"]);
    link_all(&common.join("include"), &changed.join("include"), &["linux"]);
    link_all(&common.join("include/linux"), &changed.join("include/linux"), &[header]);
    let text = std::fs::read_to_string(common.join("include/linux").join(header)).unwrap();
    assert!(text.contains(from), "{header} has no {from}");
    std::fs::write(changed.join("include/linux").join(header), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_program_says_which_members_it_uses() {
    let scratch = Scratch::new();
    scratch.write("a.c", PROGRAM);
    compile(&scratch, &kernel().headers, &[]).succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let [task] = program.manifest().variants[0].structures.as_slice() else { panic!("{program:?}") };
    let [pid] = task.members.as_slice() else { panic!("{task:?}") };
    assert_eq!(
        (task.name.as_str(), pid.path.as_str(), pid.ty.as_str(), pid.size),
        ("task_struct", "pid", "pid_t", 4)
    );
    // As bitcode that is linked later, too.
    finish(&mut scratch.command(&["-c", "a.c", "-o", "a.o"]), b"").succeeds();
    finish(&mut scratch.bare(&["a.o", "--target", "host", "-o", "q.so"]), b"").succeeds();
    let linked = Program::read(&scratch.path().join("q.so")).unwrap();
    assert_eq!(linked.manifest().variants[0].structures, program.manifest().variants[0].structures);
}

/// What the compiler's own versions of kernel functions use counts as the program's: in another kernel the extents of a user
/// namespace lie elsewhere.
#[test]
fn what_kernel_functions_in_c_use_is_compared_and_relocated() {
    let scratch = Scratch::new();
    let text = "#include <gpufas/gpufas.h>\n\
        #include <linux/uidgid.h>\n\
        GPUFAS_ENTRY(go, \"test\", u32, id)\n\
        {\n\
        \treturn from_kuid(&init_user_ns, KUIDT_INIT(id));\n\
        }\n";
    scratch.write("a.c", text);
    compile(&scratch, &kernel().headers, &["--relocatable".as_ref()]).succeeds();
    let program = Program::read(&scratch.path().join("p.so")).unwrap();
    let structures = &program.manifest().variants[0].structures;
    let map = structures.iter().find(|structure| structure.name == "uid_gid_map");
    let map = map.unwrap_or_else(|| panic!("{structures:?}"));
    assert!(map.members.iter().any(|member| member.path == "nr_extents"), "{map:?}");
    let relocations = &program.manifest().variants[0].relocatable;
    assert!(format!("{relocations:?}").contains("nr_extents"), "{relocations:?}");
}

#[test]
fn a_structure_that_was_changed_is_refused_with_both_layouts() {
    let scratch = Scratch::new();
    scratch.write("a.c", PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    with_changed(folder.path(), "sched.h", "pid_t\t\t\t\tpid;", "long inserted;\n\tpid_t pid;");
    let outcome = compile(&scratch, folder.path(), &[]);
    outcome.fails(1, &["struct task_struct differently from kernel", "* pid_t pid ", "| "]);
    assert!(!scratch.path().join("p.so").exists());
}

#[test]
fn the_kernels_types_can_be_named() {
    let scratch = Scratch::new();
    scratch.write("a.c", PROGRAM);
    let headers = &kernel().headers;
    let btf = |file: &Path| compile(&scratch, headers, &["--btf".as_ref(), file.as_os_str()]);
    // A bootable image has them.
    btf(&kernel().vmlinuz).succeeds();
    let other = kernels::find("5.10").and_then(|kernel| kernel.fetch(&|_| {})).unwrap();
    btf(&other.vmlinuz).fails(1, &["struct task_struct differently", "pid_t pid"]);
    scratch.write("none", "nothing");
    btf(&scratch.path().join("none")).fails(1, &["none: ", "(BTF)", "magic"]);
    btf(&scratch.path().join("missing")).fails(1, &["cannot read", "missing"]);
    btf(Path::new("/bin/true")).fails(1, &["/bin/true: it has no type information"]);
}

#[test]
fn all_structures_of_headers_can_be_compared() {
    let scratch = Scratch::new();
    scratch.write("a.c", "#include <linux/sched.h>\n");
    let mut command = scratch.bare(&["a.c", "--check-layout", "all", "--kernel-headers"]);
    let outcome = finish(command.arg(&kernel().headers), b"").succeeds();
    let summary: serde_json::Value = serde_json::from_slice(&outcome.output).unwrap();
    assert_eq!(summary["kernel"], kernel().release.as_str());
    assert!(summary["compared"].as_u64().unwrap() > 200, "{summary}");
    assert_eq!(summary["different"], serde_json::json!([]));
    assert!(summary["constants"]["same"].as_u64().unwrap() > 300, "{summary}");
    let folder = tempfile::tempdir().unwrap();
    with_changed(folder.path(), "sched.h", "pid_t\t\t\t\tpid;", "long inserted;\n\tpid_t pid;");
    let mut command = scratch.bare(&["a.c", "--check-layout", "all", "--kernel-headers"]);
    let outcome = finish(command.arg(folder.path()), b"");
    let summary: serde_json::Value = serde_json::from_slice(&outcome.output).unwrap();
    assert_eq!(summary["different"], serde_json::json!(["struct task_struct"]));
    outcome.fails(1, &["long inserted", "no such member"]);
}

#[test]
fn a_constant_that_was_changed_is_refused_with_both_values_if_it_is_used() {
    let scratch = Scratch::new();
    scratch.write("a.c", CONSTANT);
    let constants = |name: &str| {
        let program = Program::read(&scratch.path().join(name)).unwrap();
        let constants = program.manifest().variants[0].enumerators.clone();
        constants.into_iter().map(|one| (one.enumeration, one.name, one.value)).collect::<Vec<_>>()
    };
    compile(&scratch, &kernel().headers, &[]).succeeds();
    let expected = ("hrtimer_restart".to_owned(), "HRTIMER_RESTART".to_owned(), 1);
    assert!(constants("p.so").contains(&expected), "{:?}", constants("p.so"));
    assert!(constants("p.so").iter().all(|(_, name, _)| name != "HRTIMER_NORESTART"));
    // As bitcode that is linked later, too, and from standard input.
    finish(&mut scratch.command(&["-c", "a.c", "-o", "a.o"]), b"").succeeds();
    finish(&mut scratch.bare(&["a.o", "--target", "host", "-o", "q.so"]), b"").succeeds();
    assert_eq!(constants("q.so"), constants("p.so"));
    let mut command = scratch.bare(&["-", "--target", "host", "-o", "r.so", "--kernel-headers"]);
    finish(command.arg(&kernel().headers), CONSTANT.as_bytes()).succeeds();
    assert_eq!(constants("r.so"), constants("p.so"));

    let folder = tempfile::tempdir().unwrap();
    with_changed(folder.path(), "hrtimer.h", "\tHRTIMER_NORESTART,", "\tHRTIMER_NEVER,\tHRTIMER_NORESTART,");
    std::fs::remove_file(scratch.path().join("p.so")).unwrap();
    compile(&scratch, folder.path(), &[]).fails(
        1,
        &[
            "other values than kernel",
            "`HRTIMER_RESTART` of `enum hrtimer_restart`",
            "* enum hrtimer_restart HRTIMER_RESTART",
            "2 | 1",
        ],
    );
    assert!(!scratch.path().join("p.so").exists());
    scratch.write("a.c", CONSTANT.replace("RESTART HRTIMER_RESTART", "RESTART 1"));
    compile(&scratch, folder.path(), &[]).succeeds();
}
