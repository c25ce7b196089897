// SPDX-License-Identifier: MIT OR Apache-2.0

//! The exception table: where an instruction goes on whose access to memory faults, and what is done before.
//!
//! Sources: arch/x86/include/asm/extable_fixup_types.h and arch/x86/mm/extable.c of the kernel; before 5.16 an entry names
//! its handler and has instructions of its own in section `.fixup`.

use super::refusal::Refusal;
use super::template::{Content, EXCEPTION_TABLE, Operand, Template, evaluate, operand};

/// Bits of an entry's type.
const TYPE: i64 = 0xff;
/// `EX_FLAG_CLEAR_AX`.
const CLEAR_AX: i64 = 1 << 12;
/// `EX_FLAG_CLEAR_DX`.
const CLEAR_DX: i64 = 2 << 12;
/// `-EFAULT`.
const EFAULT: i64 = -14;
/// `EX_DATA_IMM_SHIFT`.
const NUMBER_SHIFT: u32 = 16;

/// Where it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At a place of the template, as an index into its lines.
    Line(usize),
    /// At the label of `asm goto` that is this operand.
    Label(usize),
}

/// What the kernel does before it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// `EX_TYPE_IMM_REG`: a register is set to a number.
    Set(Operand, i64),
    /// `EX_TYPE_UCOPY_LEN`: the count register becomes a register plus so many times itself.
    Remaining(Operand, i64),
    /// `EX_TYPE_ZEROPAD`: the bytes up to the page that is not there are loaded, and those after it are 0.
    ZeroPad,
}

/// An entry of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place of the instruction, as an index into the template's lines.
    pub at: usize,
    /// Where it goes on.
    pub target: Target,
    /// What is done before.
    pub action: Action,
    /// Whether the accumulator is cleared.
    pub clears_ax: bool,
    /// Whether the data register is cleared.
    pub clears_dx: bool,
    /// Whether the address may be one of a user process.
    pub is_user: bool,
}

/// The entries of a template.
///
/// # Errors
///
/// For an entry of a form or type that is not known here.
pub fn entries(template: &Template) -> Result<Vec<Entry>, Refusal> {
    let tables = template.sections.iter().enumerate().filter(|(_, name)| *name == EXCEPTION_TABLE);
    tables.map(|(section, _)| entry(template, section)).collect()
}

fn entry(template: &Template, section: usize) -> Result<Entry, Refusal> {
    let malformed =
        || Refusal::unknown("its exception table entry has a form that is not known to gpufas-cc");
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut typed = None;
    for (index, line) in template.lines.iter().enumerate().filter(|(_, line)| line.section == section) {
        match &line.content {
            Content::Directive(word, rest) if word == ".long" => words.push((index, rest.as_str())),
            Content::Directive(word, rest) if word == "extable_type_reg" => typed = Some(rest.as_str()),
            _ => {}
        }
    }
    let [from, to, rest @ ..] = words.as_slice() else { return Err(malformed()) };
    let Some(Target::Line(at)) = target(template, *from) else { return Err(malformed()) };
    let at = template.instruction_from(at).ok_or_else(malformed)?;
    let target = target(template, *to).ok_or_else(malformed)?;
    let (kind, register) = match (typed, rest) {
        (Some(text), _) => registered(text).ok_or_else(malformed)?,
        (None, []) => (1, None),
        (None, [(_, text), ..]) => {
            (evaluate(text).or_else(|| handler(text)).ok_or_else(|| unknown_kind(text))?, None)
        }
    };
    let number = kind >> NUMBER_SHIFT;
    let (action, is_user) = match (kind & TYPE, register) {
        // DEFAULT, FAULT, DEFAULT_MCE_SAFE and FAULT_MCE_SAFE, of which some say what fault it was.
        (1 | 2 | 14 | 15, _) => (Action::None, false),
        // UACCESS, and COPY of older kernels.
        (3 | 4, _) => (Action::None, true),
        // Of instructions that are refused as such: CLEAR_FS, FPU_RESTORE, WRMSR to RDMSR_IN_MCE, POP_REG, FAULT_SGX, ERETU.
        (5 | 6 | 8..=13 | 16 | 18 | 21, _) => (Action::None, false),
        // Only what says -EFAULT is for users.
        (17, Some(register)) => (Action::Set(register, number), number == EFAULT),
        (19, Some(register)) => (Action::Remaining(register, number), true),
        (20, _) => (Action::ZeroPad, false),
        _ => return Err(unknown_kind(&format!("{kind}"))),
    };
    Ok(Entry {
        at,
        target,
        action,
        clears_ax: kind & CLEAR_AX != 0,
        clears_dx: kind & CLEAR_DX != 0,
        is_user,
    })
}

fn unknown_kind(text: &str) -> Refusal {
    Refusal::unknown(format!("an exception table entry of type {text} is not known to gpufas-cc"))
}

/// `(1b) - .` and `(${2:l}) - .`
fn target(template: &Template, (line, text): (usize, &str)) -> Option<Target> {
    let name = text.trim().strip_suffix('.')?.trim_end().strip_suffix('-')?.trim();
    let name = name.trim_start_matches('(').trim_end_matches(')');
    match operand(name) {
        Operand::Argument(index, Some('l')) => Some(Target::Label(index)),
        _ => template.label(name, line).map(Target::Line),
    }
}

/// `reg=$0, type=(17 $| ((-(14)) << 16))`, in either order.
fn registered(text: &str) -> Option<(i64, Option<Operand>)> {
    let part = |name: &str| {
        let start = text.find(name)? + name.len();
        let rest = &text[start..];
        // The other part begins after a comma that is outside of parentheses.
        let end = rest.find(", reg=").or_else(|| rest.find(", type=")).unwrap_or(rest.len());
        Some(rest[..end].trim())
    };
    Some((evaluate(part("type=")?)?, Some(operand(part("reg=")?))))
}

/// The type that a handler of a kernel before 5.16 stands for.
fn handler(text: &str) -> Option<i64> {
    let name = text.trim_start_matches('(').split(')').next()?;
    match name {
        "ex_handler_default" => Some(1),
        "ex_handler_fault" => Some(2),
        "ex_handler_uaccess" => Some(3),
        "ex_handler_copy" => Some(4),
        "ex_handler_clear_fs" => Some(5),
        "ex_handler_fprestore" => Some(6),
        "ex_handler_wrmsr_unsafe" => Some(8),
        "ex_handler_rdmsr_unsafe" => Some(9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Entry {
        let entries = entries(&Template::parse(text)).unwrap();
        assert_eq!(entries.len(), 1);
        entries[0].clone()
    }

    #[test]
    fn a_label_of_asm_goto_is_where_it_goes_on() {
        let entry = only(
            "\n1:\tmovl $0,$1\n .pushsection \"__ex_table\",\"a\"\n .balign 4\n .long (1b) - .\n .long (${2:l}) - .\n \
             .long 3 \n .popsection\n",
        );
        assert_eq!((entry.at, entry.target, entry.is_user), (1, Target::Label(2), true));
        assert_eq!(entry.action, Action::None);
    }

    #[test]
    fn a_register_may_be_set() {
        for text in [
            "reg=$0, type=(17 $| (1 << 12) $| ((-(14)) << 16))",
            "type=(17 $| (1 << 12) $| ((-(14)) << 16)), reg=$0",
        ] {
            let entry = only(&format!(
                "1: movl $1,$0\n2:\n.pushsection __ex_table\n.long (1b) - .\n.long (2b) - .\nextable_type_reg {text}\n\
                 .popsection"
            ));
            assert_eq!(entry.action, Action::Set(Operand::Argument(0, None), -14), "{text}");
            assert_eq!((entry.at, entry.target), (1, Target::Line(2)));
            assert!(entry.clears_ax && !entry.clears_dx && entry.is_user);
        }
    }

    #[test]
    fn older_kernels_have_instructions_of_their_own() {
        let entry = only(
            "1:\tmov $1,$0\n2:\n.section .fixup,\"ax\"\n3:\tmov $3,$2\n\tjmp 2b\n.previous\n.pushsection \"__ex_table\",\"a\"\n\
             .long (1b) - .\n.long (3b) - .\n.long (ex_handler_uaccess) - .\n.popsection",
        );
        assert_eq!((entry.at, entry.target, entry.is_user), (1, Target::Line(3), true));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for table in
            [".long (1b) - .", ".long (1b) - .\n.long (7b) - .", ".long (1b) - .\n.long (1b) - .\n.long 99"]
        {
            let text = format!("1: movl $0,$1\n.pushsection __ex_table\n{table}\n.popsection");
            assert!(entries(&Template::parse(&text)).is_err(), "{table}");
        }
    }
}
