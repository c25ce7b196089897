// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text of inline assembly (AT&T syntax, as LLVM keeps it) as instructions and operands.
//!
//! What the assembler would put elsewhere (`.pushsection`: exception tables, alternatives, bug tables, lock
//! prefixes to patch) is left out but for the names of the sections; of alternatives the original
//! instructions remain, which every CPU can run.

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
    /// Names of the sections that it writes to.
    pub sections: Vec<String>,
    /// The operands of `.word` directives in those sections, in order.
    pub words: Vec<Operand>,
}

impl Template {
    /// Reads the text of a template.
    pub fn parse(text: &str) -> Self {
        let mut template = Self::default();
        let mut depth = 0_usize;
        let (mut lock, mut repeat) = (false, false);
        let text = without_comments(text);
        for statement in statements(&text) {
            let statement = strip_labels(statement);
            let (word, rest) = split_word(statement);
            match word.as_str() {
                "" => {}
                ".pushsection" | ".section" => {
                    depth += 1;
                    let name = rest.split(',').next().unwrap_or_default().trim();
                    template.sections.push(name.trim_matches('"').to_owned());
                }
                ".popsection" | ".previous" => depth = depth.saturating_sub(1),
                ".word" if depth > 0 => template.words.push(operand(rest)),
                _ if depth > 0 => {}
                ".byte" => template.instructions.extend(bytes(rest)),
                _ if word.starts_with('.') => {}
                "lock" => lock = true,
                "rep" | "repe" | "repz" | "repne" | "repnz" => {
                    repeat = true;
                    if !rest.is_empty() {
                        let (mnemonic, rest) = split_word(rest);
                        template.instructions.push(instruction(lock, true, mnemonic, rest));
                        (lock, repeat) = (false, false);
                    }
                }
                _ => {
                    template.instructions.push(instruction(lock, repeat, word, rest));
                    (lock, repeat) = (false, false);
                }
            }
        }
        template
    }
}

fn instruction(lock: bool, repeat: bool, mnemonic: String, operands: &str) -> Instruction {
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

/// Statements without comments, in order; `lock` before an instruction is a statement of its own.
fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        for statement in line.split(';') {
            let statement = statement.trim();
            match strip_labels(statement).strip_prefix("lock ") {
                Some(rest) => found.extend(["lock", rest.trim_start()]),
                None => found.push(statement),
            }
        }
    }
    found
}

fn strip_labels(statement: &str) -> &str {
    let mut rest = statement.trim();
    while let Some((label, after)) = rest.split_once(':') {
        let is_label = !label.is_empty()
            && label
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$'))
            && !label.starts_with('$');
        if !is_label {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

fn split_word(statement: &str) -> (String, &str) {
    let end = statement.find(char::is_whitespace).unwrap_or(statement.len());
    (statement[..end].to_ascii_lowercase(), statement[end..].trim())
}

/// Instructions that kernel sources write as bytes, for assemblers that do not know them.
fn bytes(text: &str) -> Vec<Instruction> {
    let numbers: Option<Vec<i64>> = text.split(',').map(|number| parse_number(number.trim())).collect();
    let mnemonic = match numbers.as_deref() {
        Some([0x0f, 0x0b]) => "ud2",
        Some([0xf3, 0x90]) => "pause",
        Some([0x90] | [0x0f, 0x1f, ..] | [0x66, 0x90] | [0x66, 0x66, 0x66, 0x66, 0x90] | [0x3e, ..]) => "nop",
        _ => return vec![instruction(false, false, format!(".byte {text}"), "")],
    };
    vec![instruction(false, false, mnemonic.to_owned(), "")]
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
        return argument;
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
    fn rep_nop_is_one_instruction() {
        let instruction = only("rep; nop");
        assert!(instruction.repeat);
        assert_eq!(instruction.mnemonic, "nop");
        assert_eq!(only("rep bsf $1, $0").operands.len(), 2);
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
        assert_eq!(
            only("lock; addl $$0,-4(%rsp)").operands,
            [Operand::Immediate(0), Operand::Memory(-4, Box::new(Operand::Register("rsp".into())))]
        );
    }

    #[test]
    fn bytes_of_known_instructions_are_named() {
        assert_eq!(only("1:\t.byte 0x0f, 0x0b").mnemonic, "ud2");
        assert_eq!(only(".byte 0x0f, 0x01, 0xca").mnemonic, ".byte 0x0f, 0x01, 0xca");
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
