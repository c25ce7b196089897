// SPDX-License-Identifier: MIT OR Apache-2.0

//! Installs Debian packages.

use std::io::IsTerminal;
use std::process::Command;

use anyhow::{Result, bail};
use gpufas_guest::kernels;

use crate::output::{capture, find_program, run};
use crate::setup::NeedsHelp;
use crate::ui::Step;

/// Installs packages, without those that they only recommend. The package lists are fetched only where one of
/// the packages is not in them, or the files that they name are gone.
///
/// # Errors
///
/// [`NeedsHelp`] where only a person can do it: no apt, or no rights.
pub fn install(packages: &[&str]) -> Result<()> {
    if find_program("apt-get").is_none() {
        bail!(NeedsHelp(format!(
            "these Debian packages are needed, and this machine has no apt-get: {}\n\
             Install what they hold, and see `cargo xtask doctor`.",
            packages.join(" ")
        )));
    }
    let rights = rights(packages)?;
    let step = Step::start(format!("installing {}", packages.join(", ")));
    let known = capture("apt-cache", &[&["show", "--no-all-versions"], packages].concat()).is_some();
    if !known {
        update(&step, rights)?;
    }
    let installed = match apt_get(&step, rights, &install_arguments(packages)) {
        // The lists may name files that newer ones have replaced.
        Err(_) if known => {
            update(&step, rights)?;
            apt_get(&step, rights, &install_arguments(packages))
        }
        other => other,
    };
    if let Err(reason) = installed {
        one_by_one(&step, rights, packages, reason)?;
    }
    step.done("");
    Ok(())
}

/// Installs packages that cannot be installed together. One that conflicts with what is on the machine comes from the
/// release's backports: they are where a newer version of something of the same source comes from, as of `qemu-utils`.
fn one_by_one(step: &Step, rights: &[&str], packages: &[&str], reason: anyhow::Error) -> Result<()> {
    let Some(backports) = backports() else { return Err(reason) };
    for package in packages {
        step.detail(package);
        let arguments = install_arguments(&[package]);
        if let Err(reason) = apt_get(step, rights, &arguments) {
            let Ok(options) =
                kernels::apt_options(&[&backports.release, &backports.security, &backports.suite])
            else {
                return Err(reason);
            };
            let options: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
            step.detail(&format!("{package}, from {}", backports.suite));
            // Where backports do not help either, the first reason is the one that counts.
            let newer = [&options[..], &["--target-release", &backports.suite], &arguments].concat();
            let helped = apt_get(step, rights, &[&options[..], &["update"]].concat())
                .and_then(|()| apt_get(step, rights, &newer));
            if helped.is_err() {
                return Err(reason);
            }
        }
    }
    Ok(())
}

/// Names of the suites of the Debian release that runs here.
struct Suites {
    release: String,
    security: String,
    suite: String,
}

fn backports() -> Option<Suites> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let release = codename(&text)?;
    Some(Suites {
        security: format!("{release}-security"),
        suite: format!("{release}-backports"),
        release: release.to_owned(),
    })
}

/// The code name of a Debian release, from os-release(5).
fn codename(text: &str) -> Option<&str> {
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"'))
    };
    value("VERSION_CODENAME").filter(|_| value("ID") == Some("debian"))
}

fn install_arguments<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    // Nothing of the machine's is removed to make room for ours.
    [&["install", "--yes", "--no-install-recommends", "--no-remove"], packages].concat()
}

fn update(step: &Step, rights: &[&str]) -> Result<()> {
    step.detail("fetching the package lists");
    apt_get(step, rights, &["update"])
}

/// Runs apt-get with its progress on a descriptor of its own: apt closes that one before it runs dpkg, so standard
/// output would not do. A shell makes it, because sudo passes none on.
const WITH_STATUS: &[&str] =
    &["sh", "-c", "exec \"$@\" 3>&1", "sh", "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"];

fn apt_get(step: &Step, rights: &[&str], arguments: &[&str]) -> Result<()> {
    let words = [rights, WITH_STATUS, &["apt-get", "-o", "APT::Status-Fd=3"], arguments].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"]);
    run(&mut command, |line| match parse_status(line) {
        Some(percent) => {
            step.percent(percent);
            false
        }
        None => true,
    })
}

/// How far apt is: half of the way downloading, half of it installing.
fn parse_status(line: &str) -> Option<f64> {
    let (kind, rest) = line.split_once(':')?;
    let percent: f64 = rest.split(':').nth(1)?.parse().ok()?;
    match kind {
        "dlstatus" => Some(percent / 2.0),
        "pmstatus" => Some(50.0 + percent / 2.0),
        _ => None,
    }
}

/// What to put before a command that needs the rights of root.
fn rights(packages: &[&str]) -> Result<&'static [&'static str]> {
    let user = capture("id", &["-u"]).unwrap_or_default();
    let may_sudo = || {
        find_program("sudo").is_some()
            && (std::io::stdin().is_terminal() || capture("sudo", &["-n", "true"]).is_some())
    };
    if user.trim() == "0" {
        Ok(&[])
    } else if may_sudo() {
        // It asks for the password on the terminal, before anything moves there.
        Command::new("sudo").arg("-v").status()?;
        Ok(&["sudo"])
    } else {
        bail!(NeedsHelp(format!(
            "packages are missing and this user may not install any; as root, run:\n\
             apt-get update && apt-get {}",
            install_arguments(packages).join(" ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_status_lines() {
        assert_eq!(parse_status("dlstatus:3:50.0000:Retrieving file 3 of 6"), Some(25.0));
        assert_eq!(parse_status("pmstatus:gcc:50.0000:Unpacking gcc (amd64)"), Some(75.0));
        assert_eq!(parse_status("Setting up gcc (4:12.2.0-3) ..."), None);
        assert_eq!(parse_status("media-change: no"), None);
    }

    #[test]
    fn only_debian_has_backports_here() {
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=bookworm\n"), Some("bookworm"));
        assert_eq!(codename("ID=ubuntu\nVERSION_CODENAME=noble\nID_LIKE=debian\n"), None);
        assert_eq!(codename("ID=debian\n"), None);
    }
}
