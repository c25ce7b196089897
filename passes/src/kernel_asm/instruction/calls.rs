// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls of the kernel's own assembly functions, which take and return values in registers that they name.

use crate::kernel_asm::machine::{Machine, Slot};
use crate::kernel_asm::refusal::{Class, Refusal};
use crate::kernel_asm::template::Operand;
use crate::llvm::Module;

use super::{intrinsic, string};

/// `-EFAULT`.
const EFAULT: i64 = -14;

/// `PAGE_SIZE`.
const PAGE_SIZE: u64 = 4096;

/// Functions of one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The number of bits that are set (arch/x86/lib/hweight.S).
    Weight(u32),
    /// A page becomes zero (arch/x86/lib/clear_page_64.S).
    ClearPage,
    /// So many bytes become zero.
    ClearPages,
    /// A copy from or to a user process, which faults at its first byte, with the count in the third argument
    /// (arch/x86/lib/copy_user_64.S).
    CopyUser,
    /// `rep movsb` from or to a user process, in its registers.
    RepeatedMove,
    /// `rep stosb` to a user process, in its registers.
    RepeatedStore,
    /// `get_user()`, which faults (arch/x86/lib/getuser.S).
    GetUser,
    /// `put_user()`, which faults (arch/x86/lib/putuser.S).
    PutUser,
    /// Gives the CPU to another task; a recovery program is none.
    Preemption,
}

/// The meaning of a function, if it is known.
pub fn meaning(function: &str) -> Option<Meaning> {
    let is_sized = |prefix: &str| {
        let size = function.strip_prefix(prefix)?;
        matches!(size, "1" | "2" | "4" | "8").then_some(())
    };
    Some(match function.trim_start_matches("__SCT__") {
        "__sw_hweight32" => Meaning::Weight(32),
        "__sw_hweight64" => Meaning::Weight(64),
        "clear_page_orig" | "clear_page_rep" | "clear_page_erms" => Meaning::ClearPage,
        "__clear_pages_unrolled" => Meaning::ClearPages,
        "copy_user_generic_unrolled" | "copy_user_generic_string" | "copy_user_enhanced_fast_string" => {
            Meaning::CopyUser
        }
        "rep_movs_alternative" => Meaning::RepeatedMove,
        "rep_stos_alternative" | "clear_user_original" | "clear_user_rep_good" | "clear_user_erms" => {
            Meaning::RepeatedStore
        }
        // By the boot parameter preempt= these become other ones.
        "preempt_schedule"
        | "preempt_schedule_notrace"
        | "preempt_schedule_thunk"
        | "preempt_schedule_notrace_thunk"
        | "__preempt_schedule"
        | "__preempt_schedule_notrace"
        | "might_resched"
        | "cond_resched" => Meaning::Preemption,
        _ if ["__get_user_", "__get_user_nocheck_"].into_iter().find_map(is_sized).is_some() => {
            Meaning::GetUser
        }
        _ if ["__put_user_", "__put_user_nocheck_"].into_iter().find_map(is_sized).is_some() => {
            Meaning::PutUser
        }
        _ => return None,
    })
}

/// The name of the function that is called.
pub fn name(machine: &Machine<'_, '_>, function: &Operand) -> Option<String> {
    match function {
        Operand::Text(text) => Some(expand(machine, text)),
        Operand::Argument(..) => match machine.slot(function)? {
            Slot::Register(Some(value), _) if value.is_function() => Some(value.name()),
            _ => None,
        },
        _ => None,
    }
}

/// `__get_user_${4:c}`, or `cmpxchg${5:c}b`, with the operand's number in its place.
pub fn expand(machine: &Machine<'_, '_>, text: &str) -> String {
    let expanded = text.split_once("${").and_then(|(before, rest)| {
        let (operand, after) = rest.split_once('}')?;
        let (number, modifier) = operand.split_once(':')?;
        let operand = Operand::Argument(number.parse().ok()?, modifier.chars().next());
        Some(format!("{before}{}{after}", machine.constant(&operand)?))
    });
    expanded.unwrap_or_else(|| text.to_owned())
}

/// Executes a call.
pub fn execute<'c>(
    machine: &mut Machine<'_, 'c>,
    module: &Module<'c>,
    function: &Operand,
) -> Result<(), Refusal> {
    let register = |name: &str| Operand::Register(name.to_owned());
    let builder = machine.builder;
    let name = name(machine, function);
    let Some(meaning) = name.as_deref().and_then(meaning) else {
        let name = name.unwrap_or_else(|| "a function".to_owned());
        return Err(Refusal::new(
            Class::KernelCode,
            format!(
                "it calls `{name}` in the running kernel, and no code of it can run in a recovery program"
            ),
        ));
    };
    match meaning {
        Meaning::Preemption => Ok(()),
        Meaning::Weight(bits) => {
            let value = machine.read(&register("rdi"), bits)?;
            let result = intrinsic(machine, module, "llvm.ctpop", &[value]);
            machine.write(&register("rax"), result)
        }
        Meaning::ClearPage => {
            let start = machine.read(&register("rdi"), 64)?;
            string::clear(machine, module, start, builder.u64(PAGE_SIZE));
            machine.write(&register("rdi"), builder.add(start, builder.u64(PAGE_SIZE)))
        }
        Meaning::ClearPages => {
            let start = machine.read(&register("rdi"), 64)?;
            let size = machine.read(&register("rcx"), 64)?;
            string::clear(machine, module, start, size);
            machine.write(&register("rdi"), builder.add(start, size))?;
            machine.write(&register("rcx"), builder.u64(0))
        }
        Meaning::CopyUser => {
            let count = machine.read(&register("rdx"), 32)?;
            machine.write(&register("rax"), count)
        }
        // Nothing is copied, and the count is what is left.
        Meaning::RepeatedMove | Meaning::RepeatedStore => Ok(()),
        Meaning::GetUser => {
            machine.write(&register("rax"), builder.integer(64).signed_constant(EFAULT))?;
            machine.write(&register("rdx"), builder.u64(0))
        }
        Meaning::PutUser => machine.write(&register("rcx"), builder.integer(32).signed_constant(EFAULT)),
    }
}
