// SPDX-License-Identifier: MIT OR Apache-2.0

//! Instructions of the CPU's own business: of what kind each is, and what to use instead.

use crate::kernel_asm::refusal::{Class, Refusal};
use crate::kernel_asm::template::{Instruction, Operand};

/// Mnemonics, and what there is to say of them.
type Entry = (&'static [&'static str], Class, &'static str);

const CONTROL: &str =
    "it controls the CPU that executes it, and a recovery program runs on none of the failing system";

const FLAGS: &str = "it changes the CPU's flags by more than masking interrupts";

const DEVICES: &str = "ports and devices of the failing system cannot be reached";

const STATE: &str =
    "it concerns the CPU that executes it, and a recovery program runs on none of the failing system";

const REFUSED: &[Entry] = &[
    (&["pushf", "popf", "pushfq", "popfq"], Class::CpuState, FLAGS),
    (
        &["wrmsr", "rdmsr", "wrmsrns", "wrmsrlist", "rdmsrlist"],
        Class::Privileged,
        "model-specific registers are those of the CPU that executes it; of some the kernel keeps a copy in memory",
    ),
    (
        &["invlpg", "invpcid", "invlpga", "tlbsync", "invlpgb"],
        Class::Privileged,
        "translations that the failing system's CPUs keep cannot be dropped from outside",
    ),
    (
        &[
            "hlt",
            "monitor",
            "mwait",
            "monitorx",
            "mwaitx",
            "swapgs",
            "clts",
            "lgdt",
            "lidt",
            "lldt",
            "ltr",
            "lmsw",
            "lkgs",
            "wbinvd",
            "wbnoinvd",
            "invd",
            "xsetbv",
            "iret",
            "iretq",
            "iretl",
            "sysretq",
            "sysexit",
            "eretu",
            "erets",
            "wrussq",
            "wrussd",
            "setssbsy",
            "xsaves",
            "xsaves64",
            "xrstors64",
            "xrstors",
            "vmcall",
            "vmmcall",
            "vmlaunch",
            "vmresume",
            "vmread",
            "vmwrite",
            "vmptrld",
            "vmptrst",
            "vmclear",
            "vmxon",
            "vmxoff",
            "tdcall",
            "seamcall",
            "pvalidate",
            "rmpadjust",
            "encls",
            "enclu",
            "rsm",
        ],
        Class::Privileged,
        CONTROL,
    ),
    (
        &[
            "in",
            "inb",
            "inw",
            "inl",
            "out",
            "outb",
            "outw",
            "outl",
            "insb",
            "insw",
            "insl",
            "outsb",
            "outsw",
            "outsl",
            "movdir64b",
            "enqcmd",
            "enqcmds",
        ],
        Class::Device,
        DEVICES,
    ),
    (
        &["cpuid"],
        Class::CpuState,
        "it asks the CPU that executes it; what the kernel found out is in boot_cpu_data and cpu_info",
    ),
    (
        &["rdtsc", "rdtscp", "rdpmc"],
        Class::CpuState,
        "the counters are those of the CPU that executes it; the kernel's clocks (jiffies, the timekeeper) are in memory",
    ),
    (
        &["rdpkru", "wrpkru"],
        Class::CpuState,
        "protection keys are those of the thread that runs; what was saved of others is in their task_struct's thread",
    ),
    (
        &["rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase"],
        Class::CpuState,
        "segment bases are those of the thread that runs; of others they are in their task_struct's thread",
    ),
    (
        &["rdrand", "rdseed"],
        Class::CpuState,
        "a recovery program has no source of random numbers, so that it does the same each time",
    ),
    (
        &[
            "serialize",
            "verw",
            "verr",
            "lsl",
            "lar",
            "rdpid",
            "sgdt",
            "sidt",
            "sldt",
            "str",
            "smsw",
            "tilerelease",
            "xgetbv",
            "rdsspq",
            "rdsspd",
            "incsspq",
            "incsspd",
            "saveprevssp",
            "rstorssp",
            "fxsave",
            "fxsave64",
            "fxsaveq",
            "fxrstor",
            "fxrstor64",
            "fxrstorq",
            "xsave",
            "xsave64",
            "xsaveopt",
            "xsaveopt64",
            "xsavec",
            "xsavec64",
            "xrstor",
            "xrstor64",
            "fnsave",
            "frstor",
            "fninit",
            "finit",
            "fnclex",
            "fnstcw",
            "fnstsw",
            "fldcw",
            "fwait",
            "emms",
            "ldmxcsr",
            "stmxcsr",
            "umonitor",
            "umwait",
            "tpause",
        ],
        Class::CpuState,
        STATE,
    ),
    (&["ud1", "ud2", "int3", "int"], Class::KernelCode, "it stops the CPU"),
    (
        &["call", "callq", "jmp", "jmpq", "ret", "retq", "syscall"],
        Class::KernelCode,
        "it leaves the program for code of the running kernel",
    ),
    (
        &["push", "pushq", "pop", "popq", "pushl", "popl", "leave", "enter"],
        Class::Stack,
        "a recovery program has no stack of the kernel",
    ),
];

/// Why an instruction cannot be executed.
pub fn refusal(instruction: &Instruction) -> Refusal {
    let mnemonic = instruction.mnemonic.as_str();
    known(mnemonic)
        .or_else(|| instruction.operands.iter().find_map(register))
        .unwrap_or_else(|| Refusal::unknown(format!("instruction `{mnemonic}` is not known to gpufas-cc")))
}

/// The refusal of an instruction that is known to be of the CPU's own business.
pub fn known(mnemonic: &str) -> Option<Refusal> {
    let (_, class, what) = REFUSED.iter().find(|(names, ..)| names.contains(&mnemonic))?;
    Some(Refusal::new(*class, format!("instruction `{mnemonic}`: {what}")))
}

/// The refusal of a register that is not a general-purpose one.
pub fn register(operand: &Operand) -> Option<Refusal> {
    let Operand::Register(name) = operand else { return None };
    let (class, what) = match name.as_str() {
        "cr2" => (Class::Privileged, "the address of the last page fault of a CPU"),
        "cr3" => (
            Class::Privileged,
            "the page tables that a CPU uses; those of a process are in its mm_struct's pgd, the kernel's in init_mm",
        ),
        "cs" | "ds" | "es" | "fs" | "gs" | "ss" => (Class::CpuState, "a segment of the CPU that executes it"),
        "rsp" | "esp" | "sp" => {
            (Class::Stack, "the stack pointer, and a recovery program has no stack of the kernel")
        }
        _ if is_numbered(name, &["cr", "db", "dr", "tr"]) => {
            (Class::Privileged, "a control or debug register of the CPU that executes it")
        }
        _ if is_numbered(name, &["xmm", "ymm", "zmm", "mm", "st", "k", "tmm"]) => {
            (Class::CpuState, "a register of the FPU, which kernel code saves and restores around its use")
        }
        _ => return None,
    };
    Some(Refusal::new(class, format!("register `{name}`: {what}")))
}

fn is_numbered(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| {
        name.strip_prefix(prefix).is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mnemonic_is_listed_twice() {
        let mut names: Vec<_> = REFUSED.iter().flat_map(|(names, ..)| names.iter()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn registers_of_the_cpu_are_told_from_operands() {
        let class = |name: &str| register(&Operand::Register(name.into())).map(|refusal| refusal.class);
        assert_eq!(class("cr3"), Some(Class::Privileged));
        assert_eq!(class("cr8"), Some(Class::Privileged));
        assert_eq!(class("db7"), Some(Class::Privileged));
        assert_eq!(class("ds"), Some(Class::CpuState));
        assert_eq!(class("xmm3"), Some(Class::CpuState));
        assert_eq!(class("rax"), None);
        assert_eq!(class("r10"), None);
    }
}
