// SPDX-License-Identifier: MIT OR Apache-2.0

//! A list of processes that is corrupt ends a program in a report, whatever stands in it.

use anyhow::{Context, Result, ensure};
use gpufas_tests::command::{Ran, ps};
use gpufas_tests::repair::{KILL, PS, Repair, Report, number};
use gpufas_tests::suite::Group;
use libc::SIGKILL;

use crate::{SLEEPERS, case};

/// The sleeping process behind which the list is corrupt, by its number.
const BROKEN: usize = 500;

/// Where the direct map begins is in the kernel's layout; this is far beyond the end of the guest's memory, and
/// still in the region that is kept for the map (Documentation/x86/x86_64/mm.rst).
const BEYOND_MEMORY: u64 = 1 << 40;

/// Branches that a program may take here: more than it takes with a list that is whole, and on a GPU, where each waits for
/// the bus, not much time.
const BUDGET: &str = "1000000";

/// A pointer to put into a guest's memory.
type Pointer = fn(&Repair) -> Result<u64>;

pub fn add(group: &mut Group<'_, Repair>) {
    let pointers: [(&str, &str, Pointer); 5] = [
        ("a null pointer", "not-kernel", |_| Ok(0)),
        ("a user address", "not-kernel", |_| Ok(0x7f00_1234_5000)),
        // LIST_POISON1 of include/linux/poison.h.
        ("a poisoned pointer", "unmapped", |_| Ok(0xdead_0000_0000_0100)),
        ("an address that is not mapped", "unmapped", |_| Ok(0xffff_ffff_0000_0000)),
        ("an address beyond memory", "unmapped", |repair| {
            Ok(repair.machine.memory()?.kernel().layout().direct_map_start + BEYOND_MEMORY)
        }),
    ];
    for (what, kind, pointer) in pointers {
        case(group, &format!("{what} in the list ends a program in a fault"), move |repair| {
            let pointer = pointer(repair)?;
            let (program, text, list) = with_broken_list(repair, pointer, || {
                let report = repair.report(3, PS, "ps", &[])?;
                Ok((report, repair.run(PS, "ps", &[], &[])?.with_status(3)?, list(repair)?))
            })?;
            is_fault_at(repair, &program, kind, pointer)?;
            program.has_written(false)?;
            let last = repair.machine.sleepers()[BROKEN];
            program.says(&format!("{last} "))?;
            ensure!(!program.log().contains(" processes\n"), "it should not have come to its end");
            for part in ["fault: ", "ps.c:", "nothing was written"] {
                ensure!(text.output.contains(part), "{part:?} should be in:\n{}", text.output);
            }
            list_ends_early(&list, last)
        });
    }
    case(group, "a list that leads back into itself ends by the budget", |repair| {
        let memory = repair.machine.memory()?;
        let early =
            memory.task(repair.machine.sleepers()[100])? + memory.offset_of("task_struct", "tasks")?;
        let (program, list) = with_broken_list(repair, early, || {
            let arguments = ["--pid", "4194000", "--signal", "KILL"];
            let options = ["--budget", BUDGET];
            Ok((repair.report_with(3, KILL, "kill", &options, &arguments)?, list(repair)?))
        })?;
        program.fault("budget-spent")?;
        ensure!(program.0["budget_left"] == 0, "{program:?}");
        names_source(&program, "kill.c")?;
        program.has_written(false)?;
        list_ends_early(&list, repair.machine.sleepers()[BROKEN])
    });
    case(group, "what was written before a fault is told, and acts", |repair| {
        let guest = repair.machine.guest();
        let before = guest.spawn_runaway("marked")?;
        let decoy = guest.spawn_runaway("decoy")?;
        let after = guest.spawn_runaway("marked")?;
        let memory = repair.machine.memory()?;
        let next = memory.task(decoy)? + memory.offset_of("task_struct", "tasks")?;
        let poison = 0xdead_0000_0000_0100_u64;
        let (report, text) = repair.machine.while_paused(|_| {
            let broken = memory.overwrite(next, &poison.to_le_bytes())?;
            // After KILL it would be dying, and get nothing more.
            let arguments = |signal| ["--name", "marked", "--signal", signal];
            let text = repair.run(KILL, "killall", &[], &arguments("STOP"))?.with_status(3)?;
            let report = repair.report(3, KILL, "killall", &arguments("KILL"))?;
            broken.restore()?;
            Ok((report, text))
        })?;
        is_fault_at(repair, &report, "unmapped", poison)?;
        report.has_written(true)?;
        ensure!(report.0["stores_kept"] == true, "{report:?}");
        let task = memory.task(before).unwrap_or_default();
        let inside = |address| (task..task + 0x4000).contains(&address);
        let to_task = report.stores()?.iter().filter_map(|store| number(&store["address"]).ok()).any(inside);
        ensure!(task == 0 || to_task, "a store to {task:#x} should be reported: {report:?}");
        ensure!(text.output.contains("to the guest's memory:"), "{}", text.output);

        repair.was_killed(before, SIGKILL)?;
        repair.clean_up(decoy)?;
        repair.clean_up(after)
    });
}

/// Calls `action` while the list of processes leads to `pointer` behind one of the sleeping processes.
fn with_broken_list<T>(repair: &Repair, pointer: u64, action: impl FnOnce() -> Result<T>) -> Result<T> {
    let memory = repair.machine.memory()?;
    let pid = repair.machine.sleepers()[BROKEN];
    let next = memory.task(pid)? + memory.offset_of("task_struct", "tasks")?;
    repair.machine.while_paused(|_| {
        let broken = memory.overwrite(next, &pointer.to_le_bytes())?;
        let result = action()?;
        broken.restore()?;
        Ok(result)
    })
}

/// `gpufas ps --json`, which must tell of an error.
fn list(repair: &Repair) -> Result<Ran> {
    let mut command = repair.machine.with_source(|guest| ps(repair.machine.tools(), guest));
    command.arg("--json");
    Ran::of(command)?.with_one_error(2, &["list of tasks", "corrupt"])
}

/// The list must hold the processes up to the corruption, and say that it is not whole.
fn list_ends_early(list: &Ran, last: u32) -> Result<()> {
    let list = list.json()?;
    let processes = list["processes"].as_array().context("no list of processes")?;
    ensure!(processes.last().is_some_and(|process| process["pid"] == last), "{:?}", processes.last());
    ensure!(processes.len() < SLEEPERS as usize && list["error"].is_string(), "{}", list["error"]);
    Ok(())
}

/// The fault must be of that kind, at an address in the `task_struct` that the pointer leads to, and at a line of
/// the program's source.
fn is_fault_at(repair: &Repair, report: &Report, kind: &str, pointer: u64) -> Result<()> {
    let memory = repair.machine.memory()?;
    let fault = report.fault(kind)?;
    let task = pointer.wrapping_sub(memory.offset_of("task_struct", "tasks")?);
    let offset = number(&fault["address"])?.wrapping_sub(task);
    ensure!(offset < memory.size_of("task_struct")?, "{fault} should be in the task at {task:#x}");
    ensure!(fault["access"] == "load" && fault["size"].as_u64() > Some(0), "{fault}");
    let program = report.0["program"].as_str().unwrap_or_default();
    names_source(report, if program.contains("ps") { "ps.c" } else { "kill.c" })
}

/// The place in the source must be known down to a line of the program.
fn names_source(report: &Report, file: &str) -> Result<()> {
    let site = &report.0["end"]["site"];
    let callers = site["inlined_at"].as_array().into_iter().flatten();
    let in_file = |place: &serde_json::Value| {
        place["file"].as_str().is_some_and(|path| path.ends_with(file)) && place["line"].as_u64() > Some(0)
    };
    ensure!([site].into_iter().chain(callers).any(in_file), "a line of {file} should be named: {site}");
    Ok(())
}
