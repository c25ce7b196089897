// SPDX-License-Identifier: MIT OR Apache-2.0

//! With programs that are made by hand, so that they can misbehave as no compiled one should.

mod sections;
mod taking_back;

use super::*;
use crate::arguments::Value;
use crate::cpu::Cpu;
use crate::launch::{StopReason, Store};
use crate::memory::Extent;
use crate::program::Program;
use gpufas_abi::context::{FLAG_COPY, FLAG_JOURNAL_COMPLETE, FLAG_READ_ONLY};
use gpufas_abi::manifest::{Argument, ArgumentType, Entry, Variant};
use gpufas_abi::{FaultKind, FaultRecord, InterruptRequest};
use gpufas_kernel::Layout;
use proptest::prelude::*;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const HEADER: &str = include_str!("program.h");

const LAYOUT: Layout = Layout {
    direct_map_start: 0xffff_8880_0000_0000,
    direct_map_end: 0xffff_8880_1000_0000,
    image_start: 0xffff_ffff_8100_0000,
    image_end: 0xffff_ffff_8200_0000,
    image_physical: 0x100_0000,
    page_table_root: 0x261_0000,
    page_table_levels: 4,
    kaslr_offset: 0,
    phys_base: 0,
};

const PAGE: u64 = 4096;

/// Compiles C code that defines the entry point `test`.
fn program(code: &str) -> Program {
    let mut manifest = crate::program::tests::manifest();
    let argument = |name: &str, kind| Argument { name: name.into(), kind };
    manifest.entries = vec![Entry {
        name: "test".into(),
        description: String::new(),
        arguments: vec![argument("number", ArgumentType::I64), argument("text", ArgumentType::String)],
    }];
    manifest.variants[0].symbols = vec!["first".into(), "second".into()];
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("test.c"), folder.path().join("test.so"));
    // A JSON text of this crate's is a C string but for the quotes.
    let text = serde_json::to_string(&manifest).unwrap().replace('\\', "\\\\").replace('"', "\\\"");
    let section = gpufas_abi::symbols::MANIFEST_SECTION;
    let manifest =
        format!("__attribute__((section(\"{section}\"), used)) static const char manifest[] = \"{text}\";");
    std::fs::write(&source, format!("{HEADER}\n{manifest}\n{code}\n")).unwrap();
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib", "-O1", "-w", "-fno-stack-protector", "-o"])
        .args([&output, &source])
        .status()
        .expect("these tests need a C compiler (cc)");
    assert!(status.success(), "cc failed");
    Program::read(&output).unwrap()
}

/// Memory of 16 pages at 0 and 4 pages at 4 GiB, byte `n` of page `p` being `p * 16 + n`, modulo 256.
fn memory(backing: Backing) -> (GuestMemory, Arc<File>) {
    let bytes: Vec<u8> = (0..20 * PAGE).map(|at| (at / PAGE * 16 + at % PAGE) as u8).collect();
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let file = Arc::new(file);
    let extent = |physical, offset| Extent { physical, offset, file: Arc::clone(&file) };
    let extents = vec![extent(0..16 * PAGE, 0), extent(1 << 32..(1 << 32) + 4 * PAGE, 16 * PAGE)];
    (GuestMemory::new(backing, extents, None, "test".into()).unwrap(), file)
}

fn content(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; (20 * PAGE) as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

struct Ran {
    result: Result<Outcome>,
    log: Vec<u8>,
}

fn run_for(code: &str, memory: &GuestMemory, timeout: Duration) -> Ran {
    run_with(code, memory, timeout, false)
}

fn run_with(code: &str, memory: &GuestMemory, timeout: Duration, interrupts: bool) -> Ran {
    run_as(code, memory, timeout, interrupts, |_| {})
}

/// Runs a program that says something else of itself.
fn run_as(
    code: &str,
    memory: &GuestMemory,
    timeout: Duration,
    interrupts: bool,
    change: impl FnOnce(&mut Variant),
) -> Ran {
    let program = program(code);
    let mut variant = program.manifest().variants[0].clone();
    change(&mut variant);
    let arguments = [Value::Number(-5i64 as u64), Value::String(b"hello".to_vec())];
    let launch = Launch {
        code: program.code(0),
        variant: &variant,
        entry: &program.manifest().entries[0],
        arguments: &arguments,
        memory,
        layout: &LAYOUT,
        symbols: &[0xffff_ffff_8100_0010, 0xffff_ffff_8100_0020],
        cpu: Cpu { number: 1, offset: 0xffff_8880_0000_3000 },
        tries: 2,
        interrupts,
        relocations: &[],
        budget: 1000,
        timeout,
    };
    let mut log = Vec::new();
    let result = run(&launch, &mut |bytes| log.extend_from_slice(bytes));
    Ran { result, log }
}

fn run_on(code: &str, memory: &GuestMemory) -> Ran {
    run_for(code, memory, Duration::from_secs(60))
}

fn end_of(code: &str) -> End {
    run_on(code, &memory(Backing::Shared).0).result.unwrap().end
}

#[test]
fn a_program_gets_its_context_and_is_heard() {
    let code = r#"
        ENTRY(test)
        {
            volatile struct context *c = CONTEXT;
            int good = c->version == 9 && c->flags == 0 && c->direct_map_start == 0xffff888000000000
                && c->page_table_levels == 4 && c->image_physical == 0x1000000 && c->budget == 1000
                && c->segment_count == 2 && c->segments[1].start == 1ul << 32
                && c->segments[1].end == (1ul << 32) + 4 * 4096
                && gpufas_symbol_table[0] == 0xffffffff81000010 && gpufas_symbol_table[1] == 0xffffffff81000020
                && c->windows[0].start == 0xffff888000000000 && c->windows[0].size == 16 * 4096
                && c->windows[0].offset == c->segments[0].base - 0xffff888000000000
                && c->cpu == 1 && c->tries == 2 && c->cpu_offset == 0xffff888000003000
                && REPORT->status == 0 && c->strings.size == 6;
            print((char *)c->arguments[1]);
            print("\n");
            finish(good ? (i64)c->arguments[0] : 1);
        }"#;
    let ran = run_on(code, &memory(Backing::Shared).0);
    let outcome = ran.result.unwrap();
    assert_eq!(outcome.end, End::Finished(-5));
    assert_eq!(ran.log, b"hello\n");
    assert!(outcome.stop_reason.is_none() && outcome.stores.is_empty());
}

#[test]
fn all_of_memory_is_there_however_it_is_backed() {
    let code = "ENTRY(test) {
        u64 sum = 0;
        for (u64 at = 0; at < 16 * 4096; at++) sum = sum * 31 + get(at, 1);
        for (u64 at = 1ul << 32; at < (1ul << 32) + 4 * 4096; at++) sum = sum * 31 + get(at, 1);
        finish(sum);
    }";
    let expected = |file: &File| {
        let sum =
            content(file).iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        End::Finished(sum as i64)
    };
    for backing in [Backing::Shared, Backing::Private, Backing::Dump] {
        let (memory, file) = memory(backing);
        assert_eq!(run_on(code, &memory).result.unwrap().end, expected(&file), "{backing:?}");
    }
}

#[test]
fn a_large_private_memory_is_copied_only_where_it_is_used() {
    // Far apart, so that the pieces that are filled at a time change, and some of them repeatedly.
    let code = "ENTRY(test) {
        for (u64 at = 0; at < 1ul << 30; at += 70000) if (get(at, 1)) store(at, 1, 1 + get(at, 1));
        u64 sum = 0;
        for (u64 at = 0; at < 1ul << 30; at += 35000) sum += get(at, 1);
        finish(sum);
    }";
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 30).unwrap();
    for index in [0u64, 3, 400, 7000, 15338] {
        file.write_all_at(&[1], index * 70_000).unwrap();
        file.write_all_at(&[3], index * 70_000 + 35_000).unwrap();
    }
    let file = Arc::new(file);
    let extents = vec![Extent { physical: 0..1 << 30, offset: 0, file: Arc::clone(&file) }];
    let memory = GuestMemory::new(Backing::Private, extents, None, "test".into()).unwrap();
    let outcome = run_on(code, &memory).result.unwrap();
    // 15338 * 70000 + 35000 is inside; each changed byte counts 2, its neighbour 3.
    assert_eq!(outcome.end, End::Finished(5 * 2 + 5 * 3));
    assert_eq!(outcome.stores.len(), 5);
    let mut byte = [0];
    file.read_exact_at(&mut byte, 7000 * 70_000).unwrap();
    assert_eq!(byte, [2]);
}

const STORES: &str = "
    store(8, 1, 0xaa);
    store(8, 1, 0xbb);
    store((1ul << 32) + 4096, 8, 0x1122334455667788);
";

#[test]
fn stores_reach_the_guest_and_are_reported() {
    for backing in [Backing::Shared, Backing::Private] {
        let (memory, file) = memory(backing);
        let mut expected = content(&file);
        let old = u64::from_le_bytes(expected[17 * 4096..17 * 4096 + 8].try_into().unwrap());
        expected[8] = 0xbb;
        expected[17 * 4096..17 * 4096 + 8].copy_from_slice(&0x1122_3344_5566_7788_u64.to_le_bytes());
        let outcome = run_on(&format!("ENTRY(test) {{ {STORES} finish(0); }}"), &memory).result.unwrap();
        assert!(content(&file) == expected, "{backing:?}: exactly what was stored is in memory");
        let values: Vec<_> =
            outcome.stores.iter().map(|Store { entry, new, .. }| (entry.old, *new)).collect();
        let third = (old, Some(0x1122_3344_5566_7788));
        assert_eq!(values, [(8, Some(0xaa)), (0xaa, Some(0xbb)), third], "{backing:?}");
        assert!(outcome.stores_kept && outcome.stores_lost == 0);
    }
}

#[test]
fn interrupts_that_are_asked_for_are_told_if_they_can_be_sent() {
    let code = "ENTRY(test) {
        struct interrupt_request one = { 2, 5, 0xfb, 1, 0xffff888000001000, 7, 4 };
        INTERRUPTS[0] = one; REPORT->interrupts_used = 1; finish(CONTEXT->flags);
    }";
    let ran = run_with(code, &memory(Backing::Shared).0, Duration::from_secs(60), true);
    let outcome = ran.result.unwrap();
    assert_eq!(outcome.end, End::Finished(i64::from(gpufas_abi::context::FLAG_INTERRUPTS)));
    let address = 0xffff_8880_0000_1000;
    let expected = InterruptRequest {
        cpu: 2,
        apic_id: 5,
        vector: 0xfb,
        site: 1,
        address,
        value: 7,
        size: 4,
        reserved: 0,
    };
    assert_eq!(outcome.interrupts, [expected]);
}

#[test]
fn of_private_memory_nothing_is_written_after_a_fault() {
    let code = format!("ENTRY(test) {{ {STORES} fault(1, 0x1234); }}");
    for backing in [Backing::Shared, Backing::Private] {
        let (memory, file) = memory(backing);
        let before = content(&file);
        let outcome = run_on(&code, &memory).result.unwrap();
        let fault = FaultRecord {
            kind: FaultKind::Unmapped as u32,
            address: 0x1234,
            site: 1,
            ..FaultRecord::default()
        };
        assert_eq!(outcome.end, End::Fault(fault));
        assert_eq!(outcome.stores.len(), 3);
        assert_eq!(outcome.stores[1].new, Some(0xbb), "what the program meant to store is told");
        assert_eq!(outcome.stores_kept, backing == Backing::Shared);
        assert_eq!(content(&file) == before, backing == Backing::Private);
    }
}

#[test]
fn private_memory_is_written_only_where_the_journal_says() {
    let (memory, file) = memory(Backing::Private);
    let mut expected = content(&file);
    expected[8] = 0xbb;
    let code = "ENTRY(test) { store(8, 1, 0xbb); put(9, 1, 0xcc); put(4096, 8, 0); finish(0); }";
    run_on(code, &memory).result.unwrap();
    assert!(content(&file) == expected);
}

#[test]
fn a_journal_that_cannot_be_right_changes_nothing() {
    for record in [
        "record(1ul << 40, 1, 0)",
        "record(16 * 4096 - 1, 2, 0)",
        "record(0, ~0u, 0)",
        "REPORT->journal_lost = 1",
    ] {
        let (memory, file) = memory(Backing::Private);
        let before = content(&file);
        let code = format!("ENTRY(test) {{ store(8, 1, 0xbb); {record}; finish(0); }}");
        let error = run_on(&code, &memory).result.unwrap_err();
        assert!(matches!(error, Error::Journal { .. }), "{record}: {error}");
        assert!(content(&file) == before, "{record}");
    }
}

#[test]
fn memory_that_must_not_be_written_says_so() {
    let flags = |backing| end_of_flags(&memory(backing).0);
    let private = i64::from(FLAG_COPY | FLAG_JOURNAL_COMPLETE);
    let dump = i64::from(FLAG_READ_ONLY);
    assert_eq!((flags(Backing::Shared), flags(Backing::Private), flags(Backing::Dump)), (0, private, dump));
    let (_, file) = memory(Backing::Shared);
    let extents = vec![Extent { physical: 0..PAGE, offset: 0, file }];
    let reason = Some(io::ErrorKind::PermissionDenied);
    assert_eq!(end_of_flags(&GuestMemory::new(Backing::Shared, extents, reason, "test".into()).unwrap()), 1);
}

fn end_of_flags(memory: &GuestMemory) -> i64 {
    match run_on("ENTRY(test) { finish(CONTEXT->flags + (get(1, 1) != 1)); }", memory).result.unwrap().end {
        End::Finished(flags) => flags,
        end => panic!("{end:?}"),
    }
}

#[test]
fn a_crash_is_told_and_survived() {
    let crash = |code: &str| match end_of(code) {
        End::Crash { signal, address, offset } => (signal, address, offset),
        end => panic!("{code}: {end:?}"),
    };
    let (signal, address, offset) = crash("ENTRY(test) { *(volatile int *)0x10 = 1; }");
    assert_eq!((signal.as_str(), address), ("SIGSEGV", Some(0x10)));
    assert!(offset.is_some_and(|offset| offset < 0x10000), "{offset:?}");
    assert_eq!(crash("ENTRY(test) { __builtin_trap(); }").0, "SIGILL");
    assert_eq!(crash("ENTRY(test) { volatile int one = 1, zero = 0; zero = one / zero; }").0, "SIGFPE");
    assert_eq!(crash("ENTRY(test) { void (*volatile f)(void) = (void *)0x1000; f(); }").0, "SIGSEGV");
    let recursion =
        "int deep(volatile int *n) { volatile int here[100]; here[0] = *n; return deep(here) + here[0]; }
        ENTRY(test) { volatile int n = 1; finish(deep(&n)); }";
    assert_eq!(crash(recursion).0, "SIGSEGV", "the stack ends in a guard");
    let (signal, address, _) = crash(
        "static long call(long number, long first, long second) {
            long result;
            __asm__ volatile(\"syscall\" : \"=a\"(result) : \"a\"(number), \"D\"(first), \"S\"(second) : \"rcx\", \"r11\");
            return result;
        }
        ENTRY(test) { call(62, call(39, 0, 0), 6); for (;;); }", // kill(getpid(), SIGABRT)
    );
    assert_eq!((signal.as_str(), address), ("SIGABRT", None));
}

#[test]
fn the_whole_stack_can_be_used() {
    let code = "ENTRY(test) {
        volatile u8 *bottom = (u8 *)__builtin_alloca(CONTEXT->stack_size);
        u64 sum = 0;
        for (u64 i = 0; i < CONTEXT->stack_size; i += 512) bottom[i] = 1;
        for (u64 i = 0; i < CONTEXT->stack_size; i += 512) sum += bottom[i];
        finish(sum);
    }";
    assert_eq!(end_of(code), End::Finished(2048));
}

#[test]
fn a_crash_after_the_end_does_not_hide_it() {
    assert_eq!(end_of("ENTRY(test) { finish(7); __builtin_trap(); }"), End::Finished(7));
}

#[test]
fn an_end_without_a_report_is_told() {
    assert_eq!(end_of("ENTRY(test) { end_process(42); }"), End::Vanished { status: 42 });
    assert_eq!(end_of("ENTRY(test) { }"), End::Vanished { status: 0 });
    assert_eq!(end_of("ENTRY(test) { REPORT->status = 77; }"), End::Vanished { status: 0 });
}

#[test]
fn what_a_program_claims_is_not_believed() {
    let code = "ENTRY(test) {
        REPORT->log_used = ~0ul; REPORT->journal_used = ~0ul; REPORT->log_lost = 3; REPORT->interrupts_used = ~0ul;
        JOURNAL[0].size = ~0u; JOURNAL[0].physical = ~0ul; JOURNAL[1].physical = 1; JOURNAL[1].size = 1;
        finish(0);
    }";
    let ran = run_on(code, &memory(Backing::Shared).0);
    let outcome = ran.result.unwrap();
    assert_eq!((outcome.end, outcome.log_lost), (End::Finished(0), 3));
    assert_eq!(ran.log.len(), 1 << 20);
    assert_eq!(outcome.stores.len(), 1 << 16);
    assert_eq!(outcome.stores[1].new, Some(1));
    assert_eq!(outcome.interrupts.len(), 1 << 14);
}

#[test]
fn a_program_is_asked_to_end_when_its_time_is_over() {
    let code = "ENTRY(test) { print(\"on\"); while (!REPORT->stop); fault(STOPPED, 0); }";
    let ran = run_for(code, &memory(Backing::Shared).0, Duration::from_millis(50));
    let outcome = ran.result.unwrap();
    assert!(matches!(outcome.end, End::Fault(fault) if fault.kind == FaultKind::Stopped as u32));
    assert_eq!(outcome.stop_reason, Some(StopReason::Timeout));
    assert_eq!(ran.log, b"on");
}

#[test]
fn a_program_that_does_not_listen_is_killed() {
    let code = "ENTRY(test) { store(8, 1, 0xbb); for (;;); }";
    let (memory, _) = memory(Backing::Shared);
    let outcome = run_for(code, &memory, Duration::from_millis(50)).result.unwrap();
    assert_eq!(outcome.end, End::Unresponsive);
    assert_eq!(outcome.stop_reason, Some(StopReason::Timeout));
    assert_eq!(outcome.stores.len(), 1, "what it did before is known");
}

#[test]
fn text_is_handed_on_while_the_program_runs() {
    let program = program("ENTRY(test) { print(\"waiting\\n\"); while (!get(0, 1)); finish(0); }");
    let (memory, file) = memory(Backing::Shared);
    let launch = Launch {
        code: program.code(0),
        variant: &program.manifest().variants[0],
        entry: &program.manifest().entries[0],
        arguments: &[],
        memory: &memory,
        layout: &LAYOUT,
        symbols: &[],
        cpu: Cpu::default(),
        tries: 0,
        interrupts: false,
        relocations: &[],
        budget: 0,
        timeout: Duration::from_secs(60),
    };
    // The program waits for what only happens once its text has come.
    let outcome = run(&launch, &mut |text| {
        assert_eq!(text, b"waiting\n");
        file.write_all_at(&[1], 0).unwrap();
    });
    assert_eq!(outcome.unwrap().end, End::Finished(0));
}

#[test]
fn memory_that_goes_away_is_an_error() {
    let code = "ENTRY(test) { finish(get(12 * 4096 + 5, 1)); }";
    for backing in [Backing::Shared, Backing::Private, Backing::Dump] {
        let (memory, file) = memory(backing);
        file.set_len(8 * PAGE).unwrap();
        let error = run_on(code, &memory).result.unwrap_err();
        let Error::MemoryLost { address, .. } = error else { panic!("{backing:?}: {error}") };
        assert_eq!(address / PAGE, 12, "{backing:?}");
        // What is still there can be used, although its neighbours are gone.
        let end = run_on("ENTRY(test) { finish(get(7 * 4096 + 5, 1)); }", &memory).result.unwrap().end;
        assert_eq!(end, End::Finished(7 * 16 + 5), "{backing:?}");
    }
}

#[test]
fn a_program_that_cannot_be_loaded_is_an_error() {
    let start_error = |code: &str| match run_on(code, &memory(Backing::Shared).0).result {
        Err(Error::Start { what }) => what,
        result => panic!("{result:?}"),
    };
    let what = start_error("extern void nowhere(void); ENTRY(test) { nowhere(); }");
    assert!(what.contains("nowhere"), "{what}");
    let what =
        start_error("__attribute__((constructor)) void early(void) { __builtin_trap(); } ENTRY(test) { }");
    assert!(what.contains("SIGILL"), "{what}");
}

#[test]
fn memory_in_too_many_pieces_is_refused() {
    let (_, file) = memory(Backing::Dump);
    let extent = |index: u64| Extent {
        physical: index * 2 * PAGE..(index * 2 + 1) * PAGE,
        offset: 0,
        file: Arc::clone(&file),
    };
    let pieces = |count| {
        let memory =
            GuestMemory::new(Backing::Dump, (0..count).map(extent).collect(), None, "test".into()).unwrap();
        run_on("ENTRY(test) { finish(CONTEXT->segment_count); }", &memory).result.map(|outcome| outcome.end)
    };
    assert_eq!(pieces(16).unwrap(), End::Finished(16));
    assert!(matches!(pieces(17).unwrap_err(), Error::TooManySegments { count: 17, most: 16 }));
}

#[test]
fn a_damaged_program_is_survived_when_it_is_read() {
    let good = program("ENTRY(test) { }").code(0).to_vec();
    proptest!(|(at in prop::collection::vec((0..good.len(), any::<u8>()), 1..8), keep in 0..good.len())| {
        let mut file = good.clone();
        for (at, byte) in at {
            file[at] = byte;
        }
        let _ = Program::parse(Path::new("x"), file[..keep].to_vec());
        let _ = Program::parse(Path::new("x"), file);
    });
    // The headers are where a reader goes wrong.
    proptest!(|(at in 0..64usize, value: [u8; 8])| {
        let mut file = good.clone();
        file[at..at + 8].copy_from_slice(&value);
        let _ = Program::parse(Path::new("x"), file);
    });
}

#[test]
fn the_symbols_of_a_program_are_checked_when_it_is_read() {
    let good = program("ENTRY(test) { }");
    let change = |name: &str| {
        let mut file = good.code(0).to_vec();
        let name = name.as_bytes();
        let places: Vec<_> =
            (0..file.len() - name.len()).filter(|at| file[*at..].starts_with(name)).collect();
        assert!(!places.is_empty());
        for at in places {
            file[at] = b'G';
        }
        Program::parse(Path::new("x"), file).unwrap_err().to_string()
    };
    assert!(change("gpufas_context").contains("does not export gpufas_context"));
    assert!(change("gpufas_symbol_table").contains("does not export gpufas_symbol_table"));
    assert!(change("gpufas_entry_test").contains("does not export gpufas_entry_test"));
}
