// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the passes as a plugin of `opt` and `clang`: they do what they do in `gpufas-cc`, and errors end the tool with
//! a message instead of a crash.
//!
//! `cargo xtask test` sets what they need; alone, after `cargo build -p gpufas-cc -p gpufas-plugin`:
//! `GPUFAS_CC=target/debug/gpufas-cc GPUFAS_PLUGIN=target/debug/libgpufas_passes.so cargo test -p gpufas-tests --test plugin`.

#[path = "plugin/clang.rs"]
mod clang;
#[path = "plugin/opt.rs"]
mod opt;
#[path = "plugin/run.rs"]
mod run;
#[path = "passes/tools.rs"]
mod tools;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = match opt::cases() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("cannot list the tests of the passes: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<_> = cases
        .into_iter()
        .map(|case| Trial::test(case.name.clone(), move || case.check().map_err(failed)))
        .collect();
    for (name, test) in opt::TESTS.iter().chain(clang::TESTS) {
        trials.push(Trial::test(*name, move || test().map_err(failed)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The whole chain of causes.
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}
