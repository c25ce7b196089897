// SPDX-License-Identifier: MIT OR Apache-2.0

//! `printk`.

use core::ffi::CStr;

use gpufas_abi::FaultKind;
use gpufas_abi::symbols::runtime::{OWN_VARIABLE_CONSTANT, OwnVariable};

use super::machine::{Machine, Mapping, VMALLOC};
use super::memory::PAGE;
use super::program::Program;
use crate::print::gpufas_print;

fn machine() -> Machine {
    let mut machine = Machine::new(&[(0, 32 * PAGE)], 4, 0);
    assert!(machine.map(Mapping { va: VMALLOC, physical: 20 * PAGE, size: PAGE }, 0));
    machine.memory.set(20 * PAGE, b"systemd\0");
    machine
}

fn constant(text: &CStr) -> OwnVariable {
    let address = text.as_ptr() as u64;
    OwnVariable { address, size: (text.count_bytes() as u64 + 1) | OWN_VARIABLE_CONSTANT }
}

fn print(format: &CStr, arguments: &[u64]) -> i64 {
    // SAFETY: a slice holds so many.
    unsafe { gpufas_print(format.as_ptr() as u64, arguments.as_ptr(), arguments.len() as u32, 9).into() }
}

/// Prints one message in a program of its own.
fn printed(format: &CStr, arguments: &[u64]) -> String {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.variables = vec![constant(format), constant(WORD)];
    let length = program.outcome(|| print(format, arguments));
    let text = String::from_utf8_lossy(program.text()).into_owned();
    assert_eq!(length, Ok(text.len() as i64), "{format:?}");
    text
}

const WORD: &CStr = c"hello";

fn word() -> u64 {
    WORD.as_ptr() as u64
}

#[test]
fn conversions() {
    const MINUS: u64 = -5i64 as u64;
    // What the kernel prints; glibc prints the same but where a comment says otherwise.
    let table: &[(&CStr, &[u64], &str)] = &[
        (c"", &[], ""),
        (c"plain\n", &[], "plain\n"),
        (c"100%%", &[], "100%"),
        (c"%d", &[42], "42"),
        (c"%d", &[0], "0"),
        (c"%d", &[MINUS], "-5"),
        (c"%i", &[0xffff_fffb], "-5"),
        (c"%d", &[0x1_0000_0007], "7"),
        (c"%d", &[0x8000_0000], "-2147483648"),
        (c"%u", &[MINUS], "4294967291"),
        (c"%x %X", &[0xbeef, 0xbeef], "beef BEEF"),
        (c"%o", &[8], "10"),
        (c"%hhd %hhu", &[0x1ff, 0x1ff], "-1 255"),
        (c"%hd %hu", &[0x1_8000, 0x1_8000], "-32768 32768"),
        (c"%ld %lu", &[MINUS, MINUS], "-5 18446744073709551611"),
        (c"%lld %llu", &[i64::MIN as u64, u64::MAX], "-9223372036854775808 18446744073709551615"),
        (c"%zu %zd %td %jd %Lx", &[7, MINUS, MINUS, MINUS, 255], "7 -5 -5 -5 ff"),
        (c"[%5d][%-5d][%05d]", &[42, 42, 42], "[   42][42   ][00042]"),
        (c"[%5d][%-5d][%05d]", &[MINUS, MINUS, MINUS], "[   -5][-5   ][-0005]"),
        (c"[%-05d]", &[42], "[42   ]"),
        (c"[%+d][% d][%+d][% d]", &[3, 3, MINUS, MINUS], "[+3][ 3][-5][-5]"),
        (c"[%+5d][%-+5d][%+05d]", &[3, 3, 3], "[   +3][+3   ][+0003]"),
        (c"[%.3d][%6.3d][%-6.3d]", &[7, 7, 7], "[007][   007][007   ]"),
        // glibc: the flag 0 is ignored if there is a precision.
        (c"[%06.3d]", &[7], "[000007]"),
        // glibc: nothing.
        (c"[%.0d]", &[0], "[0]"),
        (c"[%#x][%#X][%#o][%#8x][%#08x]", &[255, 255, 8, 255, 255], "[0xff][0XFF][010][    0xff][0x0000ff]"),
        // glibc: 0.
        (c"[%#x][%#o]", &[0, 0], "[0x0][0]"),
        (c"[%*d][%-*d][%*d]", &[4, 1, 4, 2, -4i32 as u32 as u64, 3], "[   1][2   ][3   ]"),
        (c"[%.*d][%.*d]", &[3, 5, -1i64 as u64, 5], "[005][5]"),
        (c"[%*.*d]", &[6, 3, 5], "[   005]"),
        (c"[%c][%3c][%-3c]", &[65, 66, 67], "[A][  B][C  ]"),
        (c"[%s][%8s][%-8s]", &[VMALLOC, VMALLOC, VMALLOC], "[systemd][ systemd][systemd ]"),
        (
            c"[%.3s][%5.2s][%-5.2s][%.*s]",
            &[VMALLOC, VMALLOC, VMALLOC, 4, VMALLOC],
            "[sys][   sy][sy   ][syst]",
        ),
        (c"[%.0s][%.s]", &[VMALLOC, VMALLOC], "[][]"),
        (c"[%s]", &[0], "[(null)]"),
        (c"[%s][%s]", &[1, -2i64 as u64], "[(efault)][(efault)]"),
        (c"[%10s]", &[0], "[    (null)]"),
        (c"%p", &[0xffff_8880_0000_1234], "ffff888000001234"),
        (c"%px %p", &[0x1234, 0], "0000000000001234 0000000000000000"),
        (c"[%20px][%-20px]", &[0x1234, 0x1234], "[                1234][1234                ]"),
        // What the kernel makes of the letters is not made.
        (c"%pS|%pK|%pISpc.", &[1, 2, 3], "0000000000000001|0000000000000002|0000000000000003."),
        // Unknown, without argument, cut.
        (c"%y %d", &[1], "%y 1"),
        (c"%-5q|%n|%f", &[], "%-5q|%n|%f"),
        (c"%d %d", &[1], "1 %d"),
        (c"%*d|", &[], "%*d|"),
        (c"%", &[], "%"),
        (c"a%5", &[], "a%5"),
        (c"%l", &[], "%l"),
        // Levels.
        (c"\x016pid %d\n", &[7], "pid 7\n"),
        (c"\x01c\x014text", &[], "text"),
        (c"\x01zoo", &[], "\x01zoo"),
        (c"\x01", &[], "\x01"),
        (c"a\x016b", &[], "a\x016b"),
        (c"%c6x", &[1], "x"),
    ];
    for (format, arguments, expected) in table {
        assert_eq!(printed(format, arguments), *expected, "{format:?} {arguments:x?}");
    }
    assert_eq!(printed(c"<%s>", &[word()]), "<hello>");
    assert_eq!(printed(c"%5000d|", &[1]).len(), 5001);
}

#[test]
fn messages_follow_each_other() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    program.variables = vec![constant(c"%d\n")];
    let format = program.variables[0].address;
    let report = program.run(|| {
        for number in 8..12u64 {
            // SAFETY: that is one argument.
            unsafe { gpufas_print(format, &raw const number, 1, 1) };
        }
        0
    });
    assert_eq!(program.text(), b"8\n9\n10\n11\n");
    assert_eq!((report.log_used, report.log_lost), (10, 0));
}

#[test]
fn message_is_logged_wholly_or_not() {
    let machine = machine();
    for room in 0..20 {
        let mut program = Program::new(machine.space);
        let (long, short) = (c"twelve: %5d", c"%%\n");
        program.variables = vec![constant(long), constant(short)];
        program.log.truncate(room);
        let report = program.run(|| {
            let length = print(long, &[1]);
            print(short, &[]);
            length
        });
        let expected: &[u8] = match room {
            0..2 => b"",
            2..13 => b"%\n",
            13..15 => b"twelve:     1",
            _ => b"twelve:     1%\n",
        };
        assert_eq!(program.text(), expected, "{room} bytes");
        assert_eq!(report.result, if room < 13 { 0 } else { 13 });
        assert_eq!(report.log_lost, u64::from(room < 13) + u64::from(room < 2 || (13..15).contains(&room)));
    }
}

#[test]
fn bad_pointers_fault() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let format = c"%s";
    program.variables = vec![constant(format)];
    let fault = program.run_to_fault(|| print(format, &[VMALLOC + PAGE]));
    assert_eq!(fault, (FaultKind::Unmapped, VMALLOC + PAGE));
    assert_eq!(program.report.log_used, 0);
    assert_eq!(program.report.fault.site, 9);
    let fault = program.run_to_fault(|| print(format, &[0x40_0000]));
    assert_eq!(fault, (FaultKind::NotKernel, 0x40_0000));
}

#[test]
fn huge_padding_ends() {
    let machine = machine();
    let mut program = Program::new(machine.space);
    let format = c"%*d";
    program.variables = vec![constant(format)];
    program.log = vec![0; 1 << 20];
    let fault = program.run_to_fault(|| print(format, &[i32::MAX as u64, 1]));
    assert_eq!(fault.0, FaultKind::BudgetSpent);
    program.log.truncate(100);
    let report = program.run(|| print(format, &[i32::MAX as u64, 1]));
    assert_eq!((report.log_used, report.log_lost), (0, 1));
}
