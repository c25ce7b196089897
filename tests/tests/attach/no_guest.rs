// SPDX-License-Identifier: MIT OR Apache-2.0

//! A machine in its firmware: QEMU answers, but there is no kernel yet.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gpufas::qmp::{Pause, Qmp};
use gpufas_tests::command::{Ran, Source, ps, run};
use gpufas_tests::machine::LIMIT;
use gpufas_tests::repair::KILL;
use gpufas_tests::suite::Suite;
use gpufas_tests::tools::{Target, Tools};

use crate::sockets::is_reported;

const MEMORY: &str = "64M";

pub fn add(suite: &mut Suite, tools: &Arc<Tools>) {
    let tools = Arc::clone(tools);
    suite.case("firmware without a kernel: it is told, and nothing written", move || {
        let folder = tempfile::tempdir()?;
        let _qemu = Firmware::start(folder.path())?;
        let mut monitor = Qmp::connect(&folder.path().join("second"))?;
        let socket = folder.path().join("qmp");
        let memory = folder.path().join("memory");
        let source = Source::Qmp(&socket);
        let parts = ["no Linux kernel found", "wait"];

        Ran::of(ps(&tools, source))?.with_one_error(2, &parts)?;
        let pause = Pause::new(&mut monitor)?;
        let before = fs::read(&memory)?;
        ensure!(before.iter().any(|byte| *byte != 0), "the firmware has not run yet");
        let program = tools.compile(KILL, Target::Host)?;
        let arguments = ["--pid", "1", "--signal", "KILL"];
        let program = (program.as_path(), Target::Host);
        let ran = Ran::of(run(&tools, program, "kill", source, &["--json"], &arguments))?;
        is_reported(&ran.with_one_error(2, &parts)?, 2)?;
        ensure!(fs::read(&memory)? == before, "its memory was changed");
        pause.resume()?;
        Ok(())
    });
}

/// A machine with nothing to boot from.
struct Firmware(Child);

impl Firmware {
    /// Starts it and waits until its firmware has found nothing to boot from.
    fn start(folder: &Path) -> Result<Self> {
        let path = |name: &str| folder.join(name).display().to_string();
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-m", MEMORY]);
        qemu.args(["-M", "q35,memory-backend=memory", "-object"]);
        qemu.arg(format!("memory-backend-file,id=memory,size={MEMORY},share=on,mem-path={}", path("memory")));
        for name in ["qmp", "second"] {
            qemu.args(["-qmp", &format!("unix:{},server=on,wait=off", path(name))]);
        }
        // Where SeaBIOS tells what it does.
        qemu.args(["-chardev", &format!("file,id=log,path={}", path("log"))]);
        qemu.args(["-device", "isa-debugcon,iobase=0x402,chardev=log"]);
        qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut firmware = Self(qemu.spawn().context("cannot run qemu-system-x86_64")?);
        let start = Instant::now();
        let said = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        while !said().contains("No bootable device") {
            ensure!(firmware.0.try_wait()?.is_none(), "QEMU has ended");
            ensure!(start.elapsed() < LIMIT, "the firmware said only: {}", said());
            sleep(Duration::from_millis(20));
        }
        Ok(firmware)
    }
}

impl Drop for Firmware {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
