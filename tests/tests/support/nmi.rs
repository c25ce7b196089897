// SPDX-License-Identifier: MIT OR Apache-2.0

//! A processor that has interrupts off is reached by an NMI: from outside, or from another processor.

use std::sync::Arc;

use anyhow::{Result, ensure};
use gpufas_tests::deadlock::Deadlock;
use gpufas_tests::machine::{LIMIT, Model};
use gpufas_tests::modules::SUPPORT;
use gpufas_tests::repair::Repair;
use gpufas_tests::suite::{Group, Suite};
use gpufas_tests::tools::{Target, Tools};
use gpufas_tests::wait;

use crate::deadlocks::{release, release_by_nmi};
use crate::{CPUS, case, check, counter};

pub fn add(group: &mut Group<'_, Repair>, cpus: u32) {
    case(group, "an NMI that was announced is taken, and one for nobody told of", |repair| {
        check(repair, "leave", &[("cpu", "0".into()), ("announce", "true".into())])?;
        repair.machine.monitor()?.human("nmi")?;
        ensure!(counter(repair, "nmis")? > 0, "no NMI came");
        Ok(())
    });
    case(group, "requests are served on a processor that has interrupts off: NMI from outside", |repair| {
        // The monitor's NMI comes through LINT1, which Linux opens on the boot processor alone.
        is_served_by_nmi(repair, 0, 0, &|| {
            repair.machine.monitor()?.human("nmi")?;
            Ok(())
        })
    });
    if cpus > 1 {
        case(
            group,
            "requests are served on a processor that has interrupts off: NMI from another",
            |repair| {
                is_served_by_nmi(repair, 2, 1, &|| check(repair, "nmi", &[("cpu", "2".into())]).map(drop))
            },
        );
    }
}

/// What kernels say of an NMI that nobody knows (`unknown_nmi_error()`); 5.10 says all of it.
const UNKNOWN: [&str; 3] = [
    "NMI received for unknown reason",
    "Dazed and confused",
    "Do you have a strange power saving mode enabled?",
];

/// Adds a case with a guest whose processors all take NMIs from outside.
pub fn add_everywhere(suite: &mut Suite, kernel: &'static str, tools: Arc<Tools>) {
    suite.case(
        format!("guest {kernel}: as many NMIs are taken as were announced, and others told of"),
        move || {
            let model = Model {
                cpus: CPUS,
                sleepers: 20,
                modules: &[SUPPORT],
                kernel_arguments: &["apic_extnmi=all"],
                ..Model::default()
            };
            announced(&Repair::new(&tools, Target::Host, model)?)
        },
    );
}

fn announced(repair: &Repair) -> Result<()> {
    let guest = repair.machine.guest();
    let baseline = guest.kernel_log(None)?.last();
    let unknown = || -> Result<usize> {
        let log = guest.kernel_log(baseline)?;
        Ok(log.records.iter().filter(|record| record.text.contains(UNKNOWN[0])).count())
    };
    let send = |announced: u32| -> Result<()> {
        check(repair, "announce", &[("count", announced.to_string())])?;
        repair.machine.monitor()?.human("nmi")?;
        Ok(())
    };
    guest.load_module(SUPPORT.name, "")?;
    let cpus = u64::from(CPUS);
    send(CPUS)?;
    wait::until("each processor takes one", LIMIT, || Ok(counter(repair, "nmis")? == cpus))?;
    ensure!(unknown()? == 0, "an NMI that was announced is told of");
    send(1)?;
    wait::until("the others are told of", LIMIT, || Ok(unknown()? == CPUS as usize - 1))?;
    ensure!(counter(repair, "nmis")? == cpus + 1, "another number was taken");
    guest.unload_module(SUPPORT.name)?;
    repair.machine.check_unharmed_but(|problem| UNKNOWN.iter().any(|said| problem.record.text.contains(said)))
}

/// Leaves a request for a processor that spins with interrupts off, and sees that it is not served before an NMI comes.
/// Sending it makes so many requests of its own.
fn is_served_by_nmi(repair: &Repair, cpu: u32, own: u32, send: &dyn Fn() -> Result<()>) -> Result<()> {
    let answer = |back: u32| check(repair, "answer", &[("back", back.to_string())]);
    let deadlock = Deadlock::start(repair, "raw", false, Some(cpu))?;
    // From outside: the guest itself may need the processor to answer.
    deadlock.wait_until_started(1)?;
    check(repair, "leave", &[("cpu", cpu.to_string()), ("announce", "true".into())])?;
    for _ in 0..10 {
        answer(0)?.says("no answer")?;
    }
    send()?;
    let mut said = String::new();
    for _ in 0..100 {
        said = answer(own)?.log().to_owned();
        if !said.contains("no answer") {
            break;
        }
    }
    ensure!(said.contains(&format!("status 0, CPU {cpu}, context 1")), "{said}");
    match repair.machine.cpus() {
        1 => release_by_nmi(repair, deadlock.lock())?,
        _ => release(repair, deadlock.lock())?,
    }
    deadlock.has_ended(1)
}
