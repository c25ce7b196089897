// SPDX-License-Identifier: MIT OR Apache-2.0

//! A guest of another user's is left alone, with a word on what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use gpufas_tests::command::{Ran, Source, ps, run};
use gpufas_tests::repair::{KILL, Repair};
use gpufas_tests::suite::{Group, Skipped};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::untouched_case;

/// The user without rights: `nobody` on Debian.
const NOBODY: u32 = 65534;

pub fn add(group: &mut Group<'_, Repair>) {
    untouched_case(group, "a monitor that one may not use is told", |repair| {
        let stranger = Stranger::new(repair)?;
        let parts = ["cannot connect", "as root or as the user that runs QEMU"];
        stranger.list()?.with_one_error(2, &parts)?;
        stranger.kill()?.with_one_error(2, &parts)?;
        stranger.could_be_root()
    });
    untouched_case(
        group,
        "memory that one may only read is shown, and a program that writes is refused",
        |repair| {
            let stranger = Stranger::new(repair)?.with_monitor()?;
            let _memory = Mode::set(&memory_file(repair)?, 0o644)?;
            ensure!(stranger.list()?.with_status(0)?.output.contains("sleeper"));
            let parts = ["the program writes", "may only be read", "as the user that runs QEMU"];
            stranger.kill()?.with_one_error(2, &parts)?;
            Ok(())
        },
    );
    untouched_case(group, "memory that one may not open is told", |repair| {
        let stranger = Stranger::new(repair)?.with_monitor()?;
        let _memory = Mode::set(&memory_file(repair)?, 0o600)?;
        let parts = ["cannot open", "Permission denied", "as root or as the user that runs QEMU"];
        stranger.list()?.with_one_error(2, &parts)?;
        stranger.kill()?.with_one_error(2, &parts)?;
        Ok(())
    });
}

fn memory_file(repair: &Repair) -> Result<PathBuf> {
    repair.machine.guest().memory_file().context("a guest whose memory is no file")
}

/// A user without rights who has `gpufas` and a program.
struct Stranger<'a> {
    repair: &'a Repair,
    socket: PathBuf,
    folder: TempDir,
    /// Modes of the guest's files that were changed.
    modes: Vec<Mode>,
}

impl<'a> Stranger<'a> {
    fn new(repair: &'a Repair) -> Result<Self> {
        if !geteuid().is_root() {
            bail!(Skipped("only root can act as another user".into()));
        }
        let socket = repair.machine.socket();
        // Not everything may be readable where it was built.
        let stranger = Self { repair, socket, folder: tempfile::tempdir()?, modes: Vec::new() };
        let tools = repair.machine.tools();
        for (from, to, mode) in [
            (tools.gpufas(), stranger.gpufas(), 0o755),
            (&tools.compile(KILL, repair.target)?, stranger.program(), 0o644),
        ] {
            fs::copy(from, &to)?;
            fs::set_permissions(&to, Permissions::from_mode(mode))?;
        }
        fs::set_permissions(stranger.folder.path(), Permissions::from_mode(0o755))?;
        Ok(stranger)
    }

    /// The same with the guest's monitor open to all.
    fn with_monitor(mut self) -> Result<Self> {
        self.modes.push(Mode::set(self.repair.machine.guest().folder(), 0o755)?);
        self.modes.push(Mode::set(&self.socket, 0o777)?);
        Ok(self)
    }

    fn gpufas(&self) -> PathBuf {
        self.folder.path().join("gpufas")
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("kill.so")
    }

    fn list(&self) -> Result<Ran> {
        self.ran(&ps(self.repair.machine.tools(), Source::Qmp(&self.socket)))
    }

    fn kill(&self) -> Result<Ran> {
        let arguments = ["--pid", "1", "--signal", "KILL"];
        let (program, source) = (self.program(), Source::Qmp(&self.socket));
        let tools = self.repair.machine.tools();
        self.ran(&run(tools, (&program, self.repair.target), "kill", source, &[], &arguments))
    }

    /// Runs a command as that user.
    fn ran(&self, command: &Command) -> Result<Ran> {
        let mut as_stranger = Command::new(self.gpufas());
        as_stranger.args(command.get_args()).uid(NOBODY).gid(NOBODY).current_dir("/");
        Ran::of(as_stranger)
    }

    /// The copy of `gpufas` is not what fails: it works as root.
    fn could_be_root(&self) -> Result<()> {
        let mut command = Command::new(self.gpufas());
        command.arg("ps").arg("--qmp").arg(&self.socket);
        ensure!(Ran::of(command)?.with_status(0)?.output.contains("sleeper"));
        Ok(())
    }
}

/// A mode of a file, until this is dropped.
struct Mode {
    path: PathBuf,
    before: Permissions,
}

impl Mode {
    fn set(path: &Path, mode: u32) -> Result<Self> {
        let before = fs::metadata(path)?.permissions();
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok(Self { path: path.to_owned(), before })
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        // A guest that is gone needs it no more.
        let _ = fs::set_permissions(&self.path, self.before.clone());
    }
}
