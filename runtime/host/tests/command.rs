// SPDX-License-Identifier: MIT OR Apache-2.0

//! The `gpufas` command as a user sees it where there is no guest: errors, exit statuses, what goes where.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};

fn gpufas(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gpufas")).args(arguments).output().unwrap()
}

/// Runs it, checks the exit status, and that exactly one error is on standard error; returns that.
fn fails(status: i32, arguments: &[&str]) -> String {
    let output = gpufas(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert_eq!(error.matches("error: ").count(), 1, "{error}");
    error
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--version"][..], &["--help"], &["run", "--help"], &["ps", "-h"], &["inspect", "-h"]]
    {
        let output = gpufas(arguments);
        assert!(
            output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(),
            "{arguments:?}"
        );
    }
    assert!(String::from_utf8(gpufas(&["--version"]).stdout).unwrap().starts_with("gpufas "));
}

#[test]
fn a_wrong_command_line_is_the_users_fault() {
    fails(1, &["run"]);
    fails(1, &["ps"]);
    fails(1, &["ps", "--qmp", "a", "--memory", "b"]);
    fails(1, &["run", "x", "--qmp", "a", "--device", "gpu"]);
    fails(1, &["run", "x", "--qmp", "a", "--timeout", "0"]);
}

#[test]
fn a_program_that_is_none_is_the_users_fault() {
    let error = fails(1, &["run", "/does/not/exist", "--qmp", "/nowhere"]);
    assert!(error.contains("/does/not/exist"), "{error}");
    let error = fails(1, &["inspect", "/bin/sh"]);
    assert!(error.contains("gpufas-cc"), "{error}");
    let error = fails(1, &["run", "/dev/null", "--qmp", "/nowhere"]);
    assert!(error.contains("regular file"), "{error}");
}

#[test]
fn a_guest_that_cannot_be_reached_is_the_machines_fault() {
    let error = fails(2, &["ps", "--qmp", "/nowhere/qmp"]);
    assert!(error.contains("/nowhere/qmp") && error.contains("-qmp unix:PATH"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("qmp");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
        // Until it hangs up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = fails(2, &["ps", "--qmp", socket.to_str().unwrap()]);
    assert!(error.contains("not a QMP server") && error.contains("SSH-2.0"), "{error}");
    server.join().unwrap();
}

#[test]
fn a_dump_without_a_kernel_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump");
    std::fs::write(&dump, vec![0; 1 << 20]).unwrap();
    let error = fails(2, &["ps", "--memory", dump.to_str().unwrap()]);
    assert!(error.contains("no Linux kernel"), "{error}");
    std::fs::File::create(&dump).unwrap().set_len(3 << 30).unwrap();
    let error = fails(2, &["ps", "--memory", dump.to_str().unwrap()]);
    assert!(error.contains("--memory-split"), "{error}");
    std::fs::write(&dump, "KDUMP   ").unwrap();
    let error = fails(1, &["ps", "--memory", dump.to_str().unwrap()]);
    assert!(error.contains("kdump"), "{error}");
    fails(1, &["ps", "--memory", "/does/not/exist"]);
}

#[test]
fn machines_get_one_object_whatever_happens() {
    for (status, arguments) in [
        (2, &["ps", "--qmp", "/nowhere/qmp", "--json"][..]),
        (1, &["run", "/dev/null", "--qmp", "/nowhere/qmp", "--json"]),
    ] {
        let output = gpufas(arguments);
        assert_eq!(output.status.code(), Some(status));
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["status"], status);
        assert!(object["error"].is_string());
    }
}
