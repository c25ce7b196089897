// SPDX-License-Identifier: MIT OR Apache-2.0

//! Light requests, several at once, and those that are malformed.

use anyhow::ensure;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::Group;

use crate::{case, check, counter};

/// Requests of the tests' program that are malformed, but for numbers that are not the next.
const MALFORMED: u64 = 29;

pub fn add(group: &mut Group<'_, Repair>) {
    for (name, entry) in [
        ("words of every width are read and changed in one step", "words"),
        ("words of every kind of memory are read", "places"),
        ("a lock is taken and released", "locks"),
        ("as many requests as there are slots wait at once", "several"),
    ] {
        case(group, name, move |repair| {
            check(repair, entry, &[])?;
            ensure!(counter(repair, "refused")? == 0, "something was refused");
            ensure!(counter(repair, "served 0")? > 0, "nothing was served in hard interrupts");
            Ok(())
        });
    }
    case(group, "the ring goes round", |repair| {
        check(repair, "wrap", &[("times", "5".into())])?;
        check(repair, "several", &[])?;
        ensure!(counter(repair, "served 0")? == 5 * 64 + 65, "another number was served");
        Ok(())
    });
    case(group, "interrupts are sent to every processor", |repair| {
        let cpus = repair.machine.cpus();
        check(repair, "interrupts", &[("cpus", cpus.to_string())])?;
        // The last may be on its way.
        let mut nmis = 0;
        for _ in 0..100 {
            nmis = counter(repair, "nmis")?;
            if nmis == u64::from(cpus) {
                break;
            }
        }
        ensure!(nmis == u64::from(cpus), "{nmis} NMIs came");
        Ok(())
    });
    case(group, "malformed requests are refused and counted, and nothing changes", |repair| {
        let report = check(repair, "malformed", &[])?;
        report.says(&format!("{MALFORMED} were refused"))?;
        ensure!(counter(repair, "refused")? == MALFORMED, "another number was counted");
        for context in 0..3 {
            ensure!(counter(repair, &format!("served {context}"))? == 0, "something was served");
        }
        check(repair, "words", &[]).unwrap_err();
        Ok(())
    });
    case(group, "requests with numbers that are not the next are none", |repair| {
        check(repair, "sequences", &[])?;
        ensure!(counter(repair, "refused")? == 4, "another number was counted");
        check(repair, "several", &[])?;
        Ok(())
    });
}
