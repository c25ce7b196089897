// SPDX-License-Identifier: MIT OR Apache-2.0

//! The module comes and goes.

use anyhow::{Result, ensure};
use gpufas_guest::Error;
use gpufas_tests::machine::LIMIT;
use gpufas_tests::modules::SUPPORT;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;
use gpufas_tests::wait;

use crate::{SUPPORT_PROGRAM, TEST_PROGRAM, ask, case, check, counter, served_heavy};

/// `ENODEV`.
const NO_DEVICE: i64 = -19;
/// `ETIMEDOUT`.
const TIMED_OUT: i64 = -110;

pub fn add(group: &mut Group<'_, Repair>) {
    group.case("without the module a program says so", |repair| {
        is_missing(repair)?;
        repair.machine.check_unharmed()
    });
    group.case("a period that is none is refused", |repair| {
        let guest = repair.machine.guest();
        let baseline = guest.kernel_log(None)?.last();
        for period in ["0", "49", "1000001"] {
            let error = guest.load_module(SUPPORT.name, &format!("period_us={period}")).unwrap_err();
            ensure!(matches!(error, Error::Refused { .. }), "{error}");
        }
        let log = guest.kernel_log(baseline)?;
        let told = log.records.iter().filter(|record| record.text.contains("must be between"));
        ensure!(told.count() == 3, "{:?}", log.records);
        is_missing(repair)
    });
    group.case("it is loaded, unloaded and loaded again", |repair| {
        let guest = repair.machine.guest();
        let baseline = guest.kernel_log(None)?.last();
        for period in [100, 1000, 20_000] {
            guest.load_module(SUPPORT.name, &format!("period_us={period}"))?;
            check(repair, "words", &[])?;
            let report = ask(repair, SUPPORT_PROGRAM, "status", 0, &[])?;
            report.says(&format!("a look every {period} us"))?;
            report.says("refused: 0")?;
            guest.unload_module(SUPPORT.name)?;
            is_missing(repair)?;
        }
        let problems = guest.kernel_log(baseline)?.problems();
        ensure!(problems.is_empty(), "the kernel complains: {problems:#?}");
        Ok(())
    });
    group.case("it is unloaded while requests wait", |repair| {
        let guest = repair.machine.guest();
        let baseline = guest.kernel_log(None)?.last();
        // The next look is a second away.
        guest.load_module(SUPPORT.name, "period_us=1000000")?;
        let last = repair.machine.cpus() - 1;
        check(repair, "leave", &[("cpu", last.to_string()), ("announce", "false".into())])?;
        guest.unload_module(SUPPORT.name)?;
        is_missing(repair)?;
        let problems = guest.kernel_log(baseline)?.problems();
        ensure!(problems.is_empty(), "the kernel complains: {problems:#?}");
        Ok(())
    });
    case(group, "a guest that is paused answers nothing, and the program ends", |repair| {
        let report =
            repair.report_with(1, SUPPORT_PROGRAM, "wake", &["--pause", "always"], &["--tid", "1"])?;
        ensure!(report.result()? == TIMED_OUT, "{report:?}");
        report.says("--pause never")?;
        // It was left there, and is served now.
        let mut served = 0;
        for _ in 0..100 {
            served = served_heavy(repair)?;
            if served > 0 {
                break;
            }
        }
        ensure!(served == 1, "{served} were served");
        Ok(())
    });
    case(group, "a lock that nobody waits for any more is not taken", |repair| {
        let arguments = ["--ask", "true"];
        let report = repair.report_with(1, TEST_PROGRAM, "locked", &["--pause", "always"], &arguments)?;
        ensure!(report.result()? == TIMED_OUT, "{report:?}");
        wait::until("it is refused", LIMIT, || Ok(counter(repair, "refused")? == 1))?;
        let report = check(repair, "locked", &[("ask", "false".into())])?;
        ensure!(report.result()? == 0, "it was taken: {report:?}");
        Ok(())
    });
}

fn is_missing(repair: &Repair) -> Result<()> {
    let report = ask(repair, TEST_PROGRAM, "words", 1, &[])?;
    ensure!(report.result()? == NO_DEVICE, "{report:?}");
    report.has_written(false)?;
    ask(repair, SUPPORT_PROGRAM, "status", 1, &[])?.says("is not loaded")
}
