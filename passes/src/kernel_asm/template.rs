// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text of inline assembly (AT&T syntax, as LLVM keeps it) as instructions and operands.
//!
//! What the assembler would put elsewhere (`.pushsection`: exception tables, alternatives, bug tables, lock
//! prefixes to patch) is left out but for the names of the sections; of alternatives the original
//! instructions remain. A directive that would change which instructions there are, or put data between them, becomes an
//! instruction that nothing knows.

/// Directives that change nothing of what the instructions do.
const SILENT: &[&str] = &[
    ".align", ".balign", ".file", ".globl", ".global", ".hidden", ".loc", ".local", ".p2align", ".size",
    ".skip", ".type", ".weak",
];

/// Prefixes of instructions that count.
const REPEAT: &[&str] = &["rep", "repe", "repz", "repne", "repnz"];

/// Instructions that kernel sources write as bytes, for assemblers that do not know them.
const BYTES: &[(&[i64], &str)] = &[
    (&[0x0f, 0x0b], "ud2"),
    (&[0xf3, 0x90], "pause"),
    (&[0x90], "nop"),
    (&[0x66, 0x90], "nop"),
    (&[0x0f, 0x1f, 0x00], "nop"),
    (&[0x0f, 0x1f, 0x40, 0x00], "nop"),
    (&[0x0f, 0x1f, 0x44, 0x00, 0x00], "nop"),
    (&[0x66, 0x66, 0x66, 0x66, 0x90], "nop"),
];

/// An operand as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `$$1`: a number.
    Immediate(i64),
    /// `$1` or `${1:b}`: an operand of the asm statement and its modifier.
    Argument(usize, Option<char>),
    /// `%eax`: a register by name, without the percent sign.
    Register(String),
    /// `%gs:$1`: memory relative to a segment.
    Segment(String, Box<Operand>),
    /// `-4(%rsp)`, `8($1)`: memory at a base plus a displacement.
    Memory(i64, Box<Operand>),
    /// `${1:a}`, `${1:P}(%rip)`: memory at an address that is an operand.
    At(usize),
    /// `*$1`: the target of an indirect call or jump.
    Indirect(Box<Operand>),
    /// Anything else: the name of a function, a label, an expression.
    Text(String),
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// `lock`.
    pub lock: bool,
    /// `rep`, `repe` or `repne`.
    pub repeat: bool,
    /// The mnemonic with its suffix, lower-case.
    pub mnemonic: String,
    /// The operands, sources first.
    pub operands: Vec<Operand>,
}

/// A template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// The instructions in `.altinstr_aux`, where `static_cpu_has()` decides as long as nothing is patched.
    pub auxiliary: Vec<Instruction>,
    /// Names of the sections that it writes to.
    pub sections: Vec<String>,
    /// The operands of `.word` directives in the table of bugs, in order.
    pub bug_words: Vec<Operand>,
}

/// The section that lists the places of `BUG()` and `WARN()`.
pub const BUG_TABLE: &str = "__bug_table";

/// The section of [`Template::auxiliary`].
pub const AUXILIARY: &str = ".altinstr_aux";

impl Template {
    /// Whether it writes to a section.
    pub fn writes_to(&self, section: &str) -> bool {
        self.sections.iter().any(|name| name == section)
    }

    /// The instructions that decide: a jump to those beside the code stands for them.
    pub fn effective(&self) -> &[Instruction] {
        match self.instructions.as_slice() {
            [jump] if jump.mnemonic == "jmp" && jump.operands == [Operand::Text("6f".into())] => {
                &self.auxiliary
            }
            instructions => instructions,
        }
    }

    /// Reads the text of a template.
    pub fn parse(text: &str) -> Self {
        let mut template = Self::default();
        // The sections that are pushed, by their place in the list.
        let mut open: Vec<usize> = Vec::new();
        let mut prefixes = Prefixes::default();
        let text = without_comments(text);
        for statement in statements(&text) {
            let (mut word, mut rest) = split_word(statement);
            let mut elsewhere = Prefixes::default();
            let these = if open.is_empty() { &mut prefixes } else { &mut elsewhere };
            while these.take(&word) {
                (word, rest) = split_word(rest);
            }
            match (word.as_str(), open.last()) {
                ("", _) => {}
                (".pushsection" | ".section", _) => {
                    let name = rest.split(',').next().unwrap_or_default().trim();
                    open.push(template.sections.len());
                    template.sections.push(name.trim_matches('"').to_owned());
                }
                (".popsection" | ".previous", _) => _ = open.pop(),
                (".word", Some(&section)) if template.sections[section] == BUG_TABLE => {
                    template.bug_words.push(operand(rest));
                }
                (_, Some(&section)) if template.sections[section] == AUXILIARY => {
                    template.auxiliary.push(instruction(elsewhere, word, rest));
                }
                (_, Some(_)) => {}
                (".byte", None) => template.instructions.push(bytes(rest)),
                (directive, None) if SILENT.contains(&directive) || directive.starts_with(".cfi_") => {}
                (_, None) => {
                    template.instructions.push(instruction(std::mem::take(&mut prefixes), word, rest));
                }
            }
        }
        template
    }
}

/// Prefixes of the instruction that follows.
#[derive(Clone, Copy, Default)]
struct Prefixes {
    lock: bool,
    repeat: bool,
}

impl Prefixes {
    /// Takes a word if it is a prefix.
    fn take(&mut self, word: &str) -> bool {
        if word == "lock" {
            self.lock = true;
            return true;
        }
        let is_repeat = REPEAT.contains(&word);
        self.repeat |= is_repeat;
        is_repeat
    }
}

fn instruction(prefixes: Prefixes, mnemonic: String, operands: &str) -> Instruction {
    let Prefixes { lock, repeat } = prefixes;
    Instruction { lock, repeat, mnemonic, operands: split_operands(operands).map(operand).collect() }
}

/// `text` without comments in C style.
fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// Statements without comments and labels, in order.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().split(';'))
        .map(|statement| without_labels(statement.trim()))
}

fn without_labels(statement: &str) -> &str {
    let mut rest = statement;
    while let Some((label, after)) = rest.split_once(':') {
        // `${0:c}:` and `.Lname${:uid}:` have their first colon inside an operand.
        let (label, after) = match label.contains("${") {
            true => match after.split_once("}:") {
                Some((_, after)) if label.chars().all(is_label) => (label, after),
                _ => break,
            },
            false => (label, after),
        };
        if label.is_empty() || !label.chars().all(is_label) {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

fn is_label(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$' | '{')
}

fn split_word(statement: &str) -> (String, &str) {
    let end = statement.find(char::is_whitespace).unwrap_or(statement.len());
    (statement[..end].to_ascii_lowercase(), statement[end..].trim())
}

/// The instruction that bytes are.
fn bytes(text: &str) -> Instruction {
    let numbers: Option<Vec<i64>> = text.split(',').map(|number| parse_number(number.trim())).collect();
    let known = BYTES.iter().find(|(bytes, _)| numbers.as_deref() == Some(bytes));
    let mnemonic = known.map_or_else(|| format!(".byte {text}"), |(_, mnemonic)| (*mnemonic).to_owned());
    instruction(Prefixes::default(), mnemonic, "")
}

/// Splits at commas that are not inside parentheses or braces.
fn split_operands(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |letter: char| {
        match letter {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth <= 0
    })
    .map(str::trim)
    .filter(|operand| !operand.is_empty())
}

fn operand(text: &str) -> Operand {
    let text = text.trim();
    if let Some(number) = text.strip_prefix("$$") {
        return parse_number(number).map_or_else(|| Operand::Text(text.to_owned()), Operand::Immediate);
    }
    if let Some(target) = text.strip_prefix('*') {
        return Operand::Indirect(Box::new(operand(target)));
    }
    if let Some(argument) = argument(text) {
        return match argument {
            Operand::Argument(index, Some('a')) => Operand::At(index),
            argument => argument,
        };
    }
    // clang writes the register as `% rip`.
    let relative = text.strip_suffix("(%rip)").or_else(|| text.strip_suffix("(% rip)"));
    if let Some(Operand::Argument(index, Some('P'))) = relative.and_then(|symbol| argument(symbol.trim())) {
        return Operand::At(index);
    }
    if let Some(register) = text.strip_prefix('%') {
        return match register.split_once(':') {
            Some((segment, inner)) => Operand::Segment(segment.to_owned(), Box::new(operand(inner))),
            None if register.chars().all(|letter| letter.is_ascii_alphanumeric()) => {
                Operand::Register(register.to_ascii_lowercase())
            }
            None => Operand::Text(text.to_owned()),
        };
    }
    if let Some(inner) = text.strip_suffix(')')
        && let Some((displacement, base)) = inner.split_once('(')
        && !base.contains(['(', ','])
        && let Some(displacement) =
            if displacement.trim().is_empty() { Some(0) } else { parse_number(displacement.trim()) }
    {
        return Operand::Memory(displacement, Box::new(operand(base)));
    }
    parse_number(text).map_or_else(|| Operand::Text(text.to_owned()), Operand::Immediate)
}

/// `$1` and `${1:b}`.
fn argument(text: &str) -> Option<Operand> {
    let text = text.strip_prefix('$')?;
    let (number, modifier) = match text.strip_prefix('{') {
        Some(inner) => match inner.strip_suffix('}')?.split_once(':') {
            Some((number, modifier)) => (number, Some(modifier)),
            None => (inner.strip_suffix('}')?, None),
        },
        None => (text, None),
    };
    let mut letters = modifier.unwrap_or_default().chars();
    let modifier = letters.next();
    if letters.next().is_some() {
        return None;
    }
    Some(Operand::Argument(number.parse().ok()?, modifier))
}

fn parse_number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok()?.cast_signed(),
        None => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Instruction {
        let template = Template::parse(text);
        assert_eq!(template.instructions.len(), 1, "{template:?}");
        template.instructions[0].clone()
    }

    #[test]
    fn a_lock_prefix_belongs_to_the_instruction_after_it() {
        let text = ".pushsection .smp_locks,\"a\"\n.balign 4\n.long 671f - .\n.popsection\n671:\n\tlock; orb ${1:b},$0";
        let instruction = only(text);
        assert!(instruction.lock);
        assert_eq!(instruction.mnemonic, "orb");
        assert_eq!(instruction.operands, [Operand::Argument(1, Some('b')), Operand::Argument(0, None)]);
        assert_eq!(Template::parse(text).sections, [".smp_locks"]);
        assert!(only("lock incl $0").lock);
        assert!(!only("incl $0").lock);
    }

    #[test]
    fn a_prefix_is_one_wherever_it_stands() {
        assert!(only("rep; nop").repeat);
        assert_eq!(only("rep; nop").mnemonic, "nop");
        assert_eq!(only("rep bsf $1, $0").operands.len(), 2);
        for text in ["lock\tincl $0", "lock;incl $0", "lock\n\tincl $0", "671: lock incl $0"] {
            let instruction = only(text);
            assert!(
                instruction.lock && instruction.mnemonic == "incl" && instruction.operands.len() == 1,
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_in_a_section_is_for_nothing_outside_it() {
        let text = "incl $0\n.pushsection .altinstr_replacement\nlock\n.popsection\ndecl $0";
        let template = Template::parse(text);
        assert!(template.instructions.iter().all(|instruction| !instruction.lock), "{template:?}");
        assert!(only("lock\n.pushsection .smp_locks\n.long 1b\n.popsection\ndecl $0").lock);
    }

    #[test]
    fn labels_with_operands_are_labels() {
        assert_eq!(Template::parse("${0:c}:\n\t").instructions, []);
        assert_eq!(Template::parse(".Lreachable${:uid}:\n").instructions, []);
        assert_eq!(only("1: .Lhere: 2:jmp ${1:l}").mnemonic, "jmp");
        assert_eq!(only("movq %gs:${1:P}, $0").mnemonic, "movq");
    }

    #[test]
    fn directives_that_make_instructions_or_data_are_not_passed_over() {
        for text in [".if 1", ".long 0", ".rept 2", ".macro x", ".subsection 1", ".quad 0", ".ascii \"x\""] {
            assert_eq!(only(text).mnemonic, text.split(' ').next().unwrap());
        }
        assert_eq!(Template::parse(".balign 4\n.cfi_startproc\n.type x,@function").instructions, []);
    }

    #[test]
    fn of_alternatives_the_original_remains() {
        let text = "# ALT: oldnstr\n661:\n\tcall __sw_hweight64\n662:\n# ALT: padding\n.skip -(((6651f-6641f)-(662b-661b)) > 0) * 1,0x90\n663:\n.pushsection .altinstructions,\"a\"\n .long 661b - .\n.popsection\n.pushsection .altinstr_replacement, \"ax\"\n664:\n\tpopcntq $1, $0\n 665:\n.popsection\n";
        let instruction = only(text);
        assert_eq!(instruction.mnemonic, "call");
        assert_eq!(instruction.operands, [Operand::Text("__sw_hweight64".into())]);
    }

    #[test]
    fn segment_and_memory_operands_are_told_apart() {
        let instruction = only("movq %gs:${1:P}, $0");
        assert_eq!(
            instruction.operands[0],
            Operand::Segment("gs".into(), Box::new(Operand::Argument(1, Some('P'))))
        );
        assert_eq!(only("testb $1,${2:P} (% rip)").operands[1], Operand::At(2));
        assert_eq!(only("testb $1,${2:a}").operands[1], Operand::At(2));
        assert_eq!(
            only("lock; addl $$0,-4(%rsp)").operands,
            [Operand::Immediate(0), Operand::Memory(-4, Box::new(Operand::Register("rsp".into())))]
        );
    }

    #[test]
    fn bytes_of_known_instructions_are_named() {
        assert_eq!(only("1:\t.byte 0x0f, 0x0b").mnemonic, "ud2");
        assert_eq!(only(".byte 0x0f,0x1f,0x44,0x00,0x00").mnemonic, "nop");
        assert_eq!(only(".byte 0x0f, 0x01, 0xca").mnemonic, ".byte 0x0f, 0x01, 0xca");
        // More than a no-operation.
        assert_ne!(only(".byte 0x0f,0x1f,0x00,0xc3").mnemonic, "nop");
        assert_ne!(only(".byte 0x3e,0xc3").mnemonic, "nop");
    }

    #[test]
    fn words_of_the_table_of_bugs_are_kept() {
        let text = "1:\t.byte 0x0f, 0x0b\n.pushsection __bug_table,\"aw\"\n2:\t.long 1b - .\n\t.word ${1:c}\t# line\n\t\
                    .word ${2:c}\n\t.org 2b+${3:c}\n.popsection\n.pushsection .discard.x\n.word 7\n.popsection\n";
        let template = Template::parse(text);
        assert_eq!(template.bug_words, [Operand::Argument(1, Some('c')), Operand::Argument(2, Some('c'))]);
        assert!(template.writes_to(BUG_TABLE) && !template.writes_to("__jump_table"));
        assert_eq!(template.instructions.len(), 1);
    }

    #[test]
    fn comments_are_left_out() {
        let text = " btq  $2,$1\n\t/* output condition code c*/\n";
        assert_eq!(only(text).mnemonic, "btq");
    }

    #[test]
    fn an_empty_template_has_no_instruction() {
        assert_eq!(Template::parse(""), Template::default());
        assert!(
            Template::parse("998:\n\t.pushsection .discard.reachable\n\t.long 998b\n\t.popsection\n")
                .instructions
                .is_empty()
        );
    }
}
