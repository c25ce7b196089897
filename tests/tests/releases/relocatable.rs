// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program that was compiled for 6.1, and accepts other series.

use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use gpufas_guest::kernels::KERNELS;
use gpufas_tests::listing::{compare, of_program};
use gpufas_tests::machine::SLEEPER;
use gpufas_tests::repair::{PS, Repair};
use gpufas_tests::suite::Group;
use gpufas_tests::tools::{Target, Tools};

use crate::{case, compile, run_program};

const TASKS: &str = "tests/programs/tasks.c";
const CONSTANTS: &str = "tests/programs/constants.c";
const FOR_6_1: &[&str] = &["6.1"];
const RELOCATABLE: &[&str] = &["--relocatable"];

/// Options of a program that accepts every other series as well.
static FOR_ALL: LazyLock<[&str; 3]> = LazyLock::new(|| {
    let mut series: Vec<_> =
        KERNELS.iter().map(|spec| spec.series).filter(|series| !FOR_6_1.contains(series)).collect();
    series.dedup();
    ["--relocatable", "--accept", series.join(",").leak()]
});

/// The same, with the constant looked up in the kernel that the program meets.
static FOR_ALL_LOOKED_UP: LazyLock<[&str; 4]> = LazyLock::new(|| {
    let [relocatable, accept, series] = *FOR_ALL;
    [relocatable, accept, series, "-DLOOKED_UP"]
});

/// How often the guest is asked again if processes started or ended meanwhile.
const ATTEMPTS: u32 = 20;

/// Compiles the programs, for a bundle.
pub fn compile_all(tools: &Tools, target: Target) -> Result<()> {
    let (all, looked_up) = (FOR_ALL.as_slice(), FOR_ALL_LOOKED_UP.as_slice());
    for (source, options) in
        [(PS, RELOCATABLE), (PS, all), (TASKS, all), (CONSTANTS, all), (CONSTANTS, looked_up)]
    {
        tools.compile_for(source, target, FOR_6_1, options)?;
    }
    Ok(())
}

pub fn add(group: &mut Group<'_, Repair>, guest: &'static str) {
    case(group, "a relocatable program lists what the guest lists", list_tasks);
    case(group, "a member that is an int here and a byte there is read as what it is", |repair| {
        let program = compile(repair, TASKS, FOR_6_1, &*FOR_ALL)?;
        let report = run_program(repair, &program, "running")?.with_status(0)?.json()?;
        let log = report["log"].as_str().context("no log")?;
        let counts: Vec<u32> = log.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [running, tasks] = counts[..] else { bail!("{report}") };
        // More than these bytes would make other numbers than 0 and 1.
        ensure!(tasks > 50 && running < 10, "{log}");
        Ok(())
    });
    // The values of kernel/sched/sd_flags.h of each; of a release that is new here nobody has looked it up.
    let numa = match guest {
        "5.10" => Some("4096"),
        "6.1" | "7.2" => Some("8192"),
        "6.12" => Some("16384"),
        _ => None,
    };
    case(group, "a constant is looked up, or a program with another number is not run", move |repair| {
        let program = compile(repair, CONSTANTS, FOR_6_1, &*FOR_ALL_LOOKED_UP)?;
        let report = run_program(repair, &program, "numa")?.with_status(0)?.json()?;
        let log = report["log"].as_str().context("no log")?;
        let found = log.trim();
        ensure!(numa.is_none_or(|numa| numa == found) && found.parse::<u32>().is_ok(), "{report}");
        let program = compile(repair, CONSTANTS, FOR_6_1, &*FOR_ALL)?;
        let ran = repair.machine.while_unchanged(|| run_program(repair, &program, "numa"))?;
        if found == "8192" {
            ensure!(ran.with_status(0)?.json()?["log"] == "8192\n");
            return Ok(());
        }
        let said = format!("`SD_NUMA` is {found} and not 8192");
        ran.with_one_error(1, &[&said, "nothing was written"]).map(drop)
    });
    match guest {
        "6.1" => case(group, "ps.c, relocatable, lists what the guest lists", |repair| {
            compare(repair, || {
                let program = compile(repair, PS, FOR_6_1, RELOCATABLE)?;
                let report = run_program(repair, &program, "ps")?.with_status(0)?.json()?;
                of_program(report["log"].as_str().context("no log")?)
            })
        }),
        _ => case(group, "a relocatable program says which kernels it is for", |repair| {
            let release = repair.machine.guest().ready().release.clone();
            refused(repair, RELOCATABLE, &["compiled for kernel 6.1", &release, "is for 6.1.", "--accept"])
        }),
    }
    match guest {
        "5.10" => {
            case(group, "a relocatable program is not run where a member is gone", |repair| {
                refused(repair, &*FOR_ALL, &["`struct task_struct` has no member `__state`", "6.1.", "5.10."])
            });
            case(group, "a member that the program asks for is a fault where it is used without", |repair| {
                let program = compile(repair, TASKS, FOR_6_1, &*FOR_ALL)?;
                let report = run_program(repair, &program, "gone")?.with_status(3)?.json()?;
                let end = &report["end"];
                ensure!(end["kind"] == "fault" && end["fault"] == "not-kernel", "{end}");
                ensure!(end["site"]["function"] == "gpufas_program_gone", "{end}");
                Ok(())
            });
        }
        // It counts resident pages in another type there.
        "6.12" | "7.2" => {
            case(group, "a relocatable program is not run where a member is of another kind", |repair| {
                refused(repair, &*FOR_ALL, &["`struct mm_struct`", "`rss_stat`", "a structure"])
            });
        }
        _ => {}
    }
}

/// ps.c is refused, and nothing is written.
fn refused(repair: &Repair, options: &[&str], parts: &[&str]) -> Result<()> {
    let program = compile(repair, PS, FOR_6_1, options)?;
    let ran = repair.machine.while_unchanged(|| run_program(repair, &program, "ps"))?;
    let parts = [parts, &["nothing was written"]].concat();
    ran.with_one_error(1, &parts).map(drop)
}

fn list_tasks(repair: &Repair) -> Result<()> {
    let program = compile(repair, TASKS, FOR_6_1, &*FOR_ALL)?;
    let guest = repair.machine.guest();
    for _ in 0..ATTEMPTS {
        let before = guest.processes()?;
        let report = run_program(repair, &program, "tasks")?.with_status(0)?.json()?;
        let after = guest.processes()?;
        if !before.iter().map(|process| process.pid).eq(after.iter().map(|process| process.pid)) {
            continue;
        }
        let log = report["log"].as_str().context("no log")?;
        let mut seen = log
            .lines()
            .map(|line| {
                let words: Vec<_> = line.splitn(4, ' ').collect();
                let [pid, parent, state, name] = words[..] else { bail!("{line}") };
                let state = u32::from_str_radix(state, 16)?;
                Ok((pid.parse::<u32>()?, parent.parse::<u32>()?, state, name))
            })
            .collect::<Result<Vec<_>>>()?;
        seen.sort_unstable();
        let listed: Vec<_> = seen.iter().map(|&(pid, parent, _, name)| (pid, parent, name)).collect();
        let inside: Vec<_> =
            before.iter().map(|process| (process.pid, process.ppid, process.comm.as_str())).collect();
        // The guest knows longer names of its own threads, and what its workers are working on.
        let same = |(one, two): (&(u32, u32, &str), &(u32, u32, &str))| {
            (one.0, one.1) == (two.0, two.1) && !two.2.is_empty() && one.2.starts_with(two.2)
        };
        let equal = inside.len() == listed.len() && inside.iter().zip(&listed).all(same);
        ensure!(equal, "inside: {inside:?}\noutside: {listed:?}");
        // TASK_INTERRUPTIBLE is 1 in all of them.
        let asleep = seen.iter().filter(|(.., state, name)| *name == SLEEPER && state & 1 == 1).count();
        ensure!(asleep == repair.machine.sleepers().len(), "{asleep} sleepers: {log}");
        return Ok(());
    }
    bail!("processes of the guest start and end all the time")
}
