// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::synthetic::Machine;
use crate::synthetic::machine::{Options, TASKS, VMALLOC};

fn list_in(machine: &Machine) -> ProcessTable {
    let memory = machine.memory();
    let kernel = Kernel::find(&memory).unwrap();
    list(&kernel, &memory, &kernel.types(&memory).unwrap()).unwrap()
}

fn pids(table: &ProcessTable) -> Vec<i32> {
    table.processes.iter().map(|process| process.pid).collect()
}

#[test]
fn states_have_the_letters_of_ps() {
    let cases = [
        (0, 0, 'R'),
        (1, 0, 'S'),
        (0x2001, 0, 'S'), // TASK_FREEZABLE
        (2, 0, 'D'),
        (0x102, 0, 'D'), // TASK_KILLABLE
        (0x402, 0, 'I'),
        (0x104, 0, 'T'), // TASK_STOPPED
        (0x108, 0, 't'), // TASK_TRACED
        (0x80, 0x20, 'Z'),
        (0x80, 0x10, 'X'),
        (0x40, 0, 'P'),
        (0x200, 0, 'R'),  // TASK_WAKING
        (0x1000, 0, 'D'), // TASK_RTLOCK_WAIT
        (0x8000, 0, 'D'), // TASK_FROZEN
        (u32::MAX, u32::MAX, 'D'),
    ];
    for (state, exit_state, letter) in cases {
        assert_eq!(state_letter(state, exit_state), letter, "{state:#x} {exit_state:#x}");
    }
}

#[test]
fn processes_are_listed_with_all_that_is_known_of_them() {
    for (levels, per_cpu_counters) in [(4, false), (4, true), (5, true)] {
        let machine = Machine::new(Options { levels, per_cpu_counters, ..Options::default() });
        let table = list_in(&machine);
        assert!(table.error.is_none() && table.incomplete.is_empty(), "{table:?}");
        let process = |index: u64, ppid, comm: &str, state, resident, kernel_thread, threads| Process {
            task: machine.task_va(index),
            pid: index as i32,
            tgid: index as i32,
            ppid,
            comm: comm.into(),
            state,
            resident,
            kernel_thread,
            threads,
        };
        let expected = [
            process(1, 0, "systemd", 'S', 60 * 4096, false, 1),
            process(2, 0, "kthreadd", 'S', 0, true, 1),
            process(3, 1, "fifteen-letters", 'T', 60 * 4096, false, 3),
            process(4, 1, "gone", 'Z', 0, false, 1),
        ];
        assert_eq!(table.processes, expected);
    }
}

#[test]
fn a_corrupt_list_gives_the_processes_before_it() {
    let healthy = Machine::new(Options::default());
    let cases = [
        ("to itself", healthy.task_va(3) + TASKS, "leads back"),
        ("to one before", healthy.task_va(2) + TASKS, "leads back"),
        ("to null", 0, "cannot be read"),
        ("to user memory", 0x7fff_1234_5678, "cannot be read"),
        ("to poison", 0xdead_0000_0000_0100, "cannot be read"),
        ("to a hole", healthy.direct_map + 0xff00_0000, "cannot be read"),
        ("to a device", VMALLOC + 0x2000 + TASKS, "cannot be read"),
        ("to zeros", healthy.direct_map + 0xe0_0000, "process id"),
        ("to odd", healthy.task_va(4) + TASKS + 1, "no task can have"),
        ("to the end", u64::MAX - 7, "cannot be read"),
    ];
    for (name, next, expected) in cases {
        let mut machine = healthy.clone();
        machine.put_u64(machine.task(3) + TASKS, next);
        let table = list_in(&machine);
        assert_eq!(pids(&table), [1, 2, 3], "{name}");
        let error = table.error.unwrap().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn a_corrupt_detail_does_not_hide_the_process() {
    let mut machine = Machine::new(Options::default());
    let task = machine.task(3);
    machine.put_u64(task + 0x50, 0x1234);
    machine.put_u64(task + 0x68, u64::MAX);
    machine.put_u64(task + 0x80, 0);
    machine.put(task + 0x70, &[0xff; 16]);
    let table = list_in(&machine);
    assert_eq!(pids(&table), [1, 2, 3, 4]);
    assert!(table.error.is_none());
    let whats: Vec<_> = table.incomplete.iter().map(ToString::to_string).collect();
    assert_eq!(whats.len(), 3, "{whats:?}");
    let process = &table.processes[2];
    assert_eq!((process.ppid, process.threads, process.resident), (0, 0, 0));
    assert_eq!(process.comm, "\u{fffd}".repeat(16));
}

#[test]
fn tasks_may_lie_where_only_the_page_tables_lead() {
    let mut machine = Machine::new(Options::default());
    let task = machine.task(4);
    let bytes = machine.low[task as usize..][..0x100].to_vec();
    machine.put(task, &[0; 0x100]);
    machine.put(0x70_0800, &bytes);
    machine.put_u64(machine.task(3) + TASKS, VMALLOC + 0x800 + TASKS);
    let table = list_in(&machine);
    assert!(table.error.is_none(), "{table:?}");
    assert_eq!(table.processes[3].task, VMALLOC + 0x800);
    assert_eq!(table.processes[3].comm, "gone");
}
