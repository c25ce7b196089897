// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong between a compiled program, a guest and this machine.

use crate::launch::NotTakenBack;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an error; it decides the exit status of the `gpufas` command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What the user gave is at fault: the program's file, its arguments, the kernel it is made for.
    Input,
    /// The machine, the installation, or the connection to the guest is at fault.
    Machine,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the user named could not be opened or read.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried, as in "open".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A system call failed that has no reason to.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },

    /// There is no monitor at the given path.
    #[error("cannot connect to the QMP socket {socket}: {source}; {remedy}")]
    Connect {
        /// Path of the socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Something answers at the socket, but not in QMP.
    #[error(
        "{socket} is not a QMP server: it said {said:?}; give the socket of QEMU's option -qmp unix:PATH,server=on,wait=off"
    )]
    NotQmp {
        /// Path of the socket.
        socket: PathBuf,
        /// The beginning of what came instead of a greeting.
        said: String,
    },
    /// QEMU greets nobody: it serves one client of a monitor at a time.
    #[error(
        "{socket} accepted the connection but sent no QMP greeting within {} s: another program (libvirt?) holds this \
         monitor, QEMU is stopped, or it is no QMP socket; give QEMU a second -qmp socket", waited.as_secs_f32()
    )]
    NoGreeting {
        /// Path of the socket.
        socket: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// QEMU did not answer a command in time.
    #[error("QEMU did not answer the QMP command {command} within {} s: it hangs, is stopped or overloaded", waited.as_secs_f32())]
    QmpTimeout {
        /// The command.
        command: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// QEMU closed the connection.
    #[error(
        "QEMU closed the QMP connection during {during}: it has ended or was killed; start the guest again"
    )]
    QmpClosed {
        /// What was going on.
        during: &'static str,
    },
    /// The connection to QEMU broke.
    #[error("the QMP connection broke during {command}: {source}")]
    QmpBroken {
        /// The command.
        command: &'static str,
        /// What the system, or the decoder of answers, said.
        source: io::Error,
    },
    /// QEMU answered with an error.
    #[error("QEMU refused the QMP command {command}: {message}")]
    QmpRefused {
        /// The command.
        command: &'static str,
        /// QEMU's words.
        message: String,
    },
    /// QEMU answered something that this version of GPUfas does not understand.
    #[error("QEMU's answer to {command} is not understood: {what}; this QEMU may be newer than GPUfas knows")]
    QmpAnswer {
        /// The command.
        command: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// The guest runs again although it should be paused, or the other way round.
    #[error("the guest could not be {wanted}: its state is {state:?}")]
    GuestState {
        /// What was wanted.
        wanted: &'static str,
        /// `status` of query-status.
        state: String,
    },

    /// Somebody else debugs the guest.
    #[error(
        "QEMU's gdb stub is in use (its option -gdb or -s, or a debugger), so no interrupt can be sent to the guest's CPUs; say \
         gdbserver none in QEMU's monitor"
    )]
    GdbStubInUse,
    /// QEMU's gdb stub does not do what it should.
    #[error(
        "no interrupt can be sent to the guest's CPUs through QEMU's gdb stub: {what}; QEMU 4.1 or later is needed"
    )]
    GdbStub {
        /// What is wrong.
        what: String,
    },
    /// Interrupts that the program asked for were not sent.
    #[error(
        "the interrupts that the program asked for were not sent: {source}; what it wrote {}",
        match kept {
            None => "was taken back".to_owned(),
            Some(reason) => format!(
                "is there still, since {reason}, and a task that it has woken may not run before its CPU gets another such \
                 interrupt"
            ),
        }
    )]
    InterruptsNotSent {
        /// Why not.
        source: Box<Error>,
        /// Why what the program wrote is still in the guest's memory; none if that is as it was before.
        kept: Option<NotTakenBack>,
    },

    /// QEMU has no memory backend, so it is not known what is the guest's memory.
    #[error(
        "QEMU reports no RAM in the guest's physical address space; only x86 machines such as q35 and pc are known"
    )]
    NoRam,
    /// The memory has more pieces than a program can be given.
    #[error("the guest's memory has {count} separate ranges, more than the {most} that a program can use")]
    TooManySegments {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Memory does not have the size it must have.
    #[error(
        "{what} has {found:#x} bytes where QEMU says {expected:#x}: it is not this guest's memory, or was truncated"
    )]
    MemorySize {
        /// The file or process.
        what: String,
        /// Its size.
        found: u64,
        /// What QEMU says.
        expected: u64,
    },
    /// The memory that was found is not the guest's.
    #[error(
        "{what} does not hold what QEMU says is in the guest's memory (physical address {address:#x}): the file was \
         replaced, or belongs to another guest; restart the guest, or run gpufas as the user that runs QEMU"
    )]
    WrongMemory {
        /// The file or process.
        what: String,
        /// A physical address where they differ.
        address: u64,
    },
    /// Which process QEMU is could not be found out.
    #[error(
        "cannot tell which process runs the guest (QMP peer {peer:?}): it is in another PID namespace; run gpufas where \
         QEMU's /proc is visible, or start QEMU with -object memory-backend-file,...,share=on"
    )]
    NoProcess {
        /// Process id of the other end of the socket, if the kernel named one.
        peer: Option<i32>,
    },
    /// QEMU's process may not be looked into.
    #[error(
        "no permission to {action} of QEMU (process {pid}): {source}; run gpufas as root or as the user that runs QEMU, \
         or start QEMU with -object memory-backend-file,...,share=on in a file that you may open"
    )]
    ProcessAccess {
        /// What was tried.
        action: &'static str,
        /// The process.
        pid: i32,
        /// What the system said.
        source: io::Error,
    },
    /// QEMU's address space is not what QEMU says.
    #[error(
        "the memory {region} of the guest is not mapped at {address:#x} in QEMU (process {pid}) as QEMU says"
    )]
    NotMapped {
        /// Name of QEMU's memory region.
        region: String,
        /// Host virtual address in QEMU.
        address: u64,
        /// The process.
        pid: i32,
    },
    /// The file of the guest's memory could not be opened.
    #[error(
        "cannot {action} the guest's memory file {path}: {source}; run gpufas as root or as the user that runs QEMU, and \
         where QEMU's files are visible"
    )]
    MemoryFile {
        /// What was tried, as in "open".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Private memory cannot be given to a GPU.
    #[error(
        "the guest's memory is private to QEMU, so a GPU cannot be given it; start QEMU with -object \
         memory-backend-memfd,id=ram0,size=SIZE,share=on -machine ...,memory-backend=ram0, or use --device host"
    )]
    PrivateMemory,
    /// The memory may only be read, and the program writes.
    #[error(
        "the program writes, but {what} may only be read: {source}; run gpufas as the user that runs QEMU, or as root"
    )]
    NotWritable {
        /// The file.
        what: String,
        /// What the system said.
        source: io::Error,
    },

    /// A memory dump is in a format that cannot be used.
    #[error("{path} is not a memory dump that GPUfas reads: {what}")]
    DumpFormat {
        /// The dump.
        path: PathBuf,
        /// What is wrong, and the remedy.
        what: String,
    },

    /// The file is no compiled recovery program.
    #[error("{path} is not a recovery program: {what}")]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The program was made by a compiler of another version.
    #[error(
        "{path} was compiled for version {found} of GPUfas's binary interface, this gpufas has version {expected}; \
         recompile it with the gpufas-cc that came with this gpufas"
    )]
    AbiVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u64,
        /// Version of this host.
        expected: u32,
    },
    /// The program's arguments do not fit.
    #[error("{message}\n{usage}")]
    Arguments {
        /// What does not fit.
        message: String,
        /// How the program is to be called.
        usage: String,
    },
    /// The program cannot run on the device that was asked for.
    #[error("{message}")]
    Device {
        /// Why, and what to do.
        message: String,
    },

    /// The kernel was not found or cannot be understood.
    #[error(transparent)]
    Kernel(#[from] gpufas_kernel::Error),
    /// The kernel was not found in a raw dump, perhaps because its memory is not where it is taken to be.
    #[error(
        "{source}; if the dump is a copy of the file of a memory backend, say where the guest's memory is split: \
         --memory-split 2G (q35) or 3G (pc); info mtree -f in QEMU's monitor shows it"
    )]
    KernelInRawDump {
        /// What was found instead.
        source: gpufas_kernel::Error,
    },
    /// The running kernel is another one than the program was compiled for.
    #[error(
        "the program was compiled for another kernel: {what} is {expected:?} in the program and {found:?} in the guest; \
         nothing was written; recompile with gpufas-cc --kernel {release}"
    )]
    OtherKernel {
        /// What differs: release, version or build id.
        what: &'static str,
        /// What the program was compiled for.
        expected: String,
        /// What runs.
        found: String,
        /// Release of the running kernel.
        release: String,
    },
    /// The running kernel is none of those that the program was compiled for.
    #[error(
        "{path} was compiled for {}, and the guest's kernel is none of them: {running}; nothing was written; recompile \
         with one more --kernel {release}", kernels.join(", ")
    )]
    OtherKernels {
        /// The program.
        path: PathBuf,
        /// The kernels that it was compiled for.
        kernels: Vec<String>,
        /// What runs.
        running: String,
        /// Release of the running kernel.
        release: String,
    },
    /// Structures that the program uses are laid out differently in the running kernel.
    #[error(
        "the running kernel {release} lays out {names} differently from what the program was compiled with; nothing was \
         written; recompile with the headers of this very kernel{tables}"
    )]
    OtherLayout {
        /// Release of the running kernel.
        release: String,
        /// The structures.
        names: String,
        /// Both layouts of each, side by side; begins with an end of line.
        tables: String,
    },
    /// Constants of enumerations that the program uses have other values in the running kernel.
    #[error(
        "the running kernel {release} has other values of {names} than the program was compiled with; nothing was written; \
         recompile with the headers of this very kernel{table}"
    )]
    OtherConstants {
        /// Release of the running kernel.
        release: String,
        /// The constants.
        names: String,
        /// Both values of each, side by side; begins with an end of line.
        table: String,
    },
    /// The running kernel has no type information, and it is not known that it is the very build of the program's headers.
    #[error(
        "the running kernel {release} has no type information in memory (CONFIG_DEBUG_INFO_BTF), so the layout of its \
         structures cannot be checked, and it is not known to be the build that the program was compiled for; recompile \
         where the kernel's vmlinux or vmlinuz can be found, so that the program knows its build id"
    )]
    UncheckedLayout {
        /// Release of the running kernel.
        release: String,
    },
    /// A relocatable program relies on something that is otherwise in the running kernel.
    #[error(
        "the program was compiled for kernel {compiled} and does not fit kernel {release}, which runs: {}; nothing was written; \
         recompile with gpufas-cc --kernel {release}", problems.join("; ")
    )]
    NotRelocatable {
        /// Release of the kernel that it was compiled for.
        compiled: String,
        /// Release of the running kernel.
        release: String,
        /// What is otherwise.
        problems: Vec<String>,
    },
    /// The running kernel lacks symbols that the program needs.
    #[error(
        "the running kernel {release} lacks symbols that the program needs: {}; nothing was written; what a kernel source \
         defines and this kernel does not have can be the program's own: gpufas-cc --own NAME", names.join(", ")
    )]
    MissingSymbols {
        /// Release of the running kernel.
        release: String,
        /// The symbols.
        names: Vec<String>,
    },
    /// The guest has no CPU of the number that the user gave.
    #[error("the guest has no CPU {number}; its possible CPUs are {possible}")]
    NoSuchCpu {
        /// The number.
        number: u32,
        /// Those that there are, as in `0-3`.
        possible: String,
    },

    /// The running kernel has symbols of which it cannot be told whether they are what the program means.
    #[error(
        "the running kernel {release} has symbols of these names, and it cannot be told which the program means, if any: {}; \
         nothing was written; give the program its own with gpufas-cc --own FILE:NAME, if that serves",
        names.join(", ")
    )]
    AmbiguousSymbols {
        /// Release of the running kernel.
        release: String,
        /// The symbols, as `FILE:NAME`.
        names: Vec<String>,
    },

    /// The program could not be started.
    #[error("cannot start the program: {what}")]
    Start {
        /// Why.
        what: String,
    },
    /// The guest's memory went away under the program.
    #[error(
        "the guest's memory at physical address {address:#x} could not be read while the program ran: {source}; QEMU has ended, or its memory file was truncated"
    )]
    MemoryLost {
        /// Physical address.
        address: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The program's stores could not be written to the guest.
    #[error(
        "the program's store to physical address {address:#x} could not be made ({made} of {total} were made): {source}"
    )]
    WriteBack {
        /// Physical address.
        address: u64,
        /// Stores that were made.
        made: usize,
        /// Stores in all.
        total: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be right.
    #[error("the program's record of its stores is corrupt ({what}); nothing was written to the guest")]
    Journal {
        /// What is wrong with it.
        what: &'static str,
    },

    /// The guest has another kernel than a moment ago.
    #[error("the guest was restarted while its kernel was looked at; nothing was written; run gpufas again")]
    GuestRestarted,
    /// The guest's kernel has called `panic()`: none of its CPUs does anything more.
    #[error(
        "the guest's kernel has panicked, on CPU {cpu}, and runs nothing any more that could be repaired; nothing was written; \
         restart the guest"
    )]
    GuestPanicked {
        /// The number of the CPU.
        cpu: i32,
    },
    /// The user ended the run before the program was started.
    #[error("interrupted by {signal}")]
    Interrupted {
        /// The signal.
        signal: &'static str,
    },

    /// There is no CUDA driver.
    #[error(
        "no NVIDIA driver: libcuda.so.1 was not found; install the driver, or compile the program with gpufas-cc --target host"
    )]
    NoDriver,
    /// The CUDA driver reported an error.
    #[error("CUDA: {call} failed: {name} ({text}){hint}")]
    Cuda {
        /// The driver's function.
        call: &'static str,
        /// `cuGetErrorName`.
        name: String,
        /// `cuGetErrorString`.
        text: String,
        /// What may help: begins with "; " or is empty.
        hint: String,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::File { .. }
            | Self::NotAProgram { .. }
            | Self::AbiVersion { .. }
            | Self::Arguments { .. }
            | Self::Device { .. }
            | Self::OtherKernel { .. }
            | Self::OtherKernels { .. }
            | Self::OtherLayout { .. }
            | Self::OtherConstants { .. }
            | Self::UncheckedLayout { .. }
            | Self::NotRelocatable { .. }
            | Self::MissingSymbols { .. }
            | Self::NoSuchCpu { .. }
            | Self::AmbiguousSymbols { .. }
            | Self::DumpFormat { .. } => Fault::Input,
            _ => Fault::Machine,
        }
    }

    /// The error of the last system call, with what was tried.
    pub(crate) fn last(action: &'static str) -> Self {
        Self::System { action, source: io::Error::last_os_error() }
    }
}
