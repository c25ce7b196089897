// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text of inline assembly (AT&T syntax, as LLVM keeps it) as instructions, labels and tables.
//!
//! What the assembler would put elsewhere (`.pushsection`: exception tables, alternatives, bug tables, lock
//! prefixes to patch) is kept apart by section. A directive that would change which instructions there are, or put data
//! between them, becomes an instruction that nothing knows.

mod bytes;
mod operand;
mod text;

pub use operand::{Operand, evaluate, operand};

use bytes::Prefixes;
use text::Part;

/// Directives that change nothing of what the instructions do.
const SILENT: &[&str] = &[
    ".align", ".balign", ".file", ".globl", ".global", ".hidden", ".loc", ".local", ".p2align", ".size",
    ".skip", ".type", ".weak",
];

/// How often an instruction is executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    #[default]
    No,
    /// `rep`: as often as the count register says.
    Always,
    /// `repe`: the same, as long as what is compared is equal.
    WhileEqual,
    /// `repne`: the same, as long as it is not.
    WhileDifferent,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// `lock`.
    pub lock: bool,
    /// `rep`, `repe` or `repne`.
    pub repeat: Repeat,
    /// The mnemonic with its suffix, lower-case.
    pub mnemonic: String,
    /// The operands, sources first.
    pub operands: Vec<Operand>,
}

/// What stands at one place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A label, without its colon.
    Label(String),
    /// An instruction, in a section with code.
    Instruction(Instruction),
    /// A directive and what follows it, in a section with data.
    Directive(String, String),
}

/// A place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The number of its section in [`Template::sections`].
    pub section: usize,
    /// What stands there.
    pub content: Content,
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it has, in the order of the text.
    pub lines: Vec<Line>,
    /// Names of the sections that it writes to, one for each time that it turns to one. The first is the code itself, and has
    /// no name.
    pub sections: Vec<String>,
}

/// The section that lists the places of `BUG()` and `WARN()`.
pub const BUG_TABLE: &str = "__bug_table";

/// The section where `static_cpu_has()` decides as long as nothing is patched.
pub const AUXILIARY: &str = ".altinstr_aux";

/// The section that says where an instruction that faults goes on.
pub const EXCEPTION_TABLE: &str = "__ex_table";

/// The section where older kernels have what is done after a fault.
pub const FIXUP: &str = ".fixup";

/// The table of alternatives.
pub const ALTERNATIVES: &str = ".altinstructions";

/// The instructions that alternatives are replaced by.
pub const REPLACEMENTS: &str = ".altinstr_replacement";

impl Template {
    /// Whether it writes to a section.
    pub fn writes_to(&self, section: &str) -> bool {
        self.sections.iter().any(|name| name == section)
    }

    /// The instructions of the code itself, in order.
    pub fn instructions(&self) -> Vec<&Instruction> {
        self.lines.iter().filter(|line| line.section == 0).filter_map(Line::instruction).collect()
    }

    /// The instructions that decide: a jump to those beside the code stands for them.
    pub fn effective(&self) -> Vec<&Instruction> {
        let instructions = self.instructions();
        match instructions.as_slice() {
            [jump] if jump.mnemonic == "jmp" && jump.operands == [Operand::Text("6f".into())] => {
                self.in_section(AUXILIARY).into_iter().filter_map(Line::instruction).collect()
            }
            _ => instructions,
        }
    }

    /// What stands in sections of this name.
    pub fn in_section(&self, name: &str) -> Vec<&Line> {
        self.lines.iter().filter(|line| self.sections[line.section] == name).collect()
    }

    /// The operands of `.word` directives in the table of bugs, in order.
    pub fn bug_words(&self) -> Vec<Operand> {
        self.in_section(BUG_TABLE)
            .into_iter()
            .filter_map(|line| match &line.content {
                Content::Directive(word, rest) if word == ".word" => Some(operand(rest)),
                _ => None,
            })
            .collect()
    }

    /// The place of a label, as an index into [`Self::lines`], that is named at the place `from`.
    pub fn label(&self, name: &str, from: usize) -> Option<usize> {
        let is_label = |index: &usize, wanted: &str| matches!(&self.lines[*index].content, Content::Label(label) if label == wanted);
        let local = name.strip_suffix(['f', 'b']);
        match local.filter(|number| number.bytes().all(|digit| digit.is_ascii_digit())) {
            Some(number) if name.ends_with('f') => {
                (from..self.lines.len()).find(|index| is_label(index, number))
            }
            Some(number) => (0..from).rev().find(|index| is_label(index, number)),
            None => (0..self.lines.len()).find(|index| is_label(index, name)),
        }
    }

    /// The place of the first instruction at or after a place of the same section.
    pub fn instruction_from(&self, line: usize) -> Option<usize> {
        let section = self.lines.get(line)?.section;
        (line..self.lines.len())
            .find(|&index| self.lines[index].section == section && self.lines[index].instruction().is_some())
    }

    /// Reads the text of a template.
    pub fn parse(text: &str) -> Self {
        let mut template = Self { lines: Vec::new(), sections: vec![String::new()] };
        // The sections that are pushed, and the prefixes that the next instruction of each has.
        let mut open = vec![(0, Prefixes::default())];
        let mut in_macro = false;
        let text = text::without_comments(text);
        for part in text::parts(&text) {
            let nested = open.len() > 1;
            let Some((section, prefixes)) = open.last_mut() else { break };
            let section = *section;
            let statement = match part {
                Part::Label(_) if in_macro => continue,
                Part::Label(label) => {
                    template.lines.push(Line { section, content: Content::Label(label.to_owned()) });
                    continue;
                }
                Part::Statement(statement) => statement,
            };
            let is_code = template.is_code(section);
            let (mut word, mut rest) = text::split_word(statement);
            while is_code && prefixes.take(&word, rest) {
                (word, rest) = if word == ".byte" { (String::new(), "") } else { text::split_word(rest) };
            }
            match word.as_str() {
                "" => {}
                ".endm" => in_macro = false,
                _ if in_macro => {}
                ".macro" if !is_code => in_macro = true,
                ".pushsection" | ".section" => {
                    let name = rest.split(',').next().unwrap_or_default().trim();
                    open.push((template.sections.len(), Prefixes::default()));
                    template.sections.push(name.trim_matches('"').to_owned());
                }
                // What ends a section that was not begun here is the surrounding text's affair.
                ".popsection" | ".previous" if nested => _ = open.pop(),
                ".popsection" | ".previous" => {}
                _ if !is_code => {
                    let content = Content::Directive(word, rest.to_owned());
                    template.lines.push(Line { section, content });
                }
                directive if SILENT.contains(&directive) || directive.starts_with(".cfi_") => {}
                _ => {
                    let content = Content::Instruction(instruction(std::mem::take(prefixes), word, rest));
                    template.lines.push(Line { section, content });
                }
            }
        }
        template
    }

    fn is_code(&self, section: usize) -> bool {
        let name = self.sections[section].as_str();
        section == 0 || [AUXILIARY, FIXUP, REPLACEMENTS].contains(&name) || name.starts_with(".text")
    }
}

impl Line {
    /// The instruction there.
    pub fn instruction(&self) -> Option<&Instruction> {
        match &self.content {
            Content::Instruction(instruction) => Some(instruction),
            _ => None,
        }
    }
}

fn instruction(prefixes: Prefixes, word: String, rest: &str) -> Instruction {
    let Prefixes { lock, repeat, width } = prefixes;
    let (mut mnemonic, rest) = if word == ".byte" { (bytes::named(rest), "") } else { (word, rest) };
    if width {
        mnemonic = bytes::with_width(&mnemonic);
    }
    let operands = operand::split_operands(rest).map(operand).collect();
    Instruction { lock, repeat, mnemonic, operands }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Instruction {
        let template = Template::parse(text);
        let instructions = template.instructions();
        assert_eq!(instructions.len(), 1, "{template:?}");
        instructions[0].clone()
    }

    #[test]
    fn a_lock_prefix_belongs_to_the_instruction_after_it() {
        let text = ".pushsection .smp_locks,\"a\"\n.balign 4\n.long 671f - .\n.popsection\n671:\n\tlock; orb ${1:b},$0";
        let instruction = only(text);
        assert!(instruction.lock);
        assert_eq!(instruction.mnemonic, "orb");
        assert_eq!(instruction.operands, [Operand::Argument(1, Some('b')), Operand::Argument(0, None)]);
        assert!(Template::parse(text).writes_to(".smp_locks"));
        assert!(only("lock incl $0").lock);
        assert!(!only("incl $0").lock);
    }

    #[test]
    fn a_prefix_is_one_wherever_it_stands() {
        assert_eq!(only("rep; nop").repeat, Repeat::Always);
        assert_eq!(only("rep; nop").mnemonic, "nop");
        assert_eq!(only("rep bsf $1, $0").operands.len(), 2);
        assert_eq!(only("repne\n scasb").repeat, Repeat::WhileDifferent);
        for text in ["lock\tincl $0", "lock;incl $0", "lock\n\tincl $0", "671: lock incl $0"] {
            let instruction = only(text);
            assert!(
                instruction.lock && instruction.mnemonic == "incl" && instruction.operands.len() == 1,
                "{text}"
            );
        }
    }

    #[test]
    fn prefixes_may_be_bytes() {
        assert_eq!(only(".byte 0x3e; clflush $0").mnemonic, "clflush");
        assert_eq!(only("ds clflush $0").mnemonic, "clflush");
        assert_eq!(only(".byte 0x66\nclflush $0").mnemonic, "clflushopt");
        assert_eq!(only(".byte 0x66; incl $0").mnemonic, "data16 incl");
    }

    #[test]
    fn a_prefix_in_a_section_is_for_nothing_outside_it() {
        let text = "incl $0\n.pushsection .altinstr_replacement\nlock\n.popsection\ndecl $0";
        let template = Template::parse(text);
        assert!(template.instructions().iter().all(|instruction| !instruction.lock), "{template:?}");
        assert!(only("lock\n.pushsection .smp_locks\n.long 1b\n.popsection\ndecl $0").lock);
    }

    #[test]
    fn labels_are_found_from_where_they_are_named() {
        let template = Template::parse("1: nop\n.Lhere: 1: incl $0\n2: nop");
        assert_eq!(template.label("1f", 0), Some(0));
        assert_eq!(template.label("1f", 1), Some(3));
        assert_eq!(template.label("1b", 5), Some(3));
        assert_eq!(template.label("1b", 1), Some(0));
        assert_eq!(template.label("1b", 0), None);
        assert_eq!(template.label(".Lhere", 5), Some(2));
        assert_eq!(template.label("3f", 0), None);
    }

    #[test]
    fn directives_that_make_instructions_or_data_are_not_passed_over() {
        for text in [".if 1", ".long 0", ".rept 2", ".macro x", ".subsection 1", ".quad 0", ".ascii \"x\""] {
            assert_eq!(only(text).mnemonic, text.split(' ').next().unwrap());
        }
        assert!(Template::parse(".balign 4\n.cfi_startproc\n.type x,@function").lines.is_empty());
    }

    #[test]
    fn of_alternatives_the_original_and_the_replacement_are_told_apart() {
        let text = "# ALT: oldnstr\n661:\n\tcall __sw_hweight64\n662:\n# ALT: padding\n.skip -(((6651f-6641f)-(662b-661b)) > 0) * 1,0x90\n663:\n.pushsection .altinstructions,\"a\"\n .long 661b - .\n.popsection\n.pushsection .altinstr_replacement, \"ax\"\n664:\n\tpopcntq $1, $0\n 665:\n.popsection\n";
        let instruction = only(text);
        assert_eq!(instruction.mnemonic, "call");
        assert_eq!(instruction.operands, [Operand::Text("__sw_hweight64".into())]);
        let template = Template::parse(text);
        let replacement: Vec<_> =
            template.in_section(REPLACEMENTS).into_iter().filter_map(Line::instruction).collect();
        assert_eq!(replacement[0].mnemonic, "popcntq");
    }

    #[test]
    fn macros_in_tables_are_passed_over() {
        let text = "1: rdmsr\n.pushsection \"__ex_table\",\"a\"\n.macro m type:req\n.set .Lfound, 0\n1:\n.endm\n\
                    extable_type_reg reg=$0, type=11\n.purgem m\n.popsection";
        let template = Template::parse(text);
        let table: Vec<_> =
            template.in_section(EXCEPTION_TABLE).into_iter().map(|line| &line.content).collect();
        assert_eq!(
            table,
            [
                &Content::Directive("extable_type_reg".into(), "reg=$0, type=11".into()),
                &Content::Directive(".purgem".into(), "m".into())
            ]
        );
    }

    #[test]
    fn bytes_of_known_instructions_are_named() {
        assert_eq!(only("1:\t.byte 0x0f, 0x0b").mnemonic, "ud2");
        assert_eq!(only(".byte 0x0f,0x1f,0x44,0x00,0x00").mnemonic, "nop");
        assert_eq!(only(".byte 0x0f, 0x01, 0xca").mnemonic, "clac");
        assert_eq!(only(".byte 0x0f, 0x01, 0xcc").mnemonic, ".byte 0x0f, 0x01, 0xcc");
        // More than a no-operation.
        assert_ne!(only(".byte 0x0f,0x1f,0x00,0xc3").mnemonic, "nop");
        assert_ne!(only(".byte 0x3e,0xc3").mnemonic, "nop");
    }

    #[test]
    fn words_of_the_table_of_bugs_are_kept() {
        let text = "1:\t.byte 0x0f, 0x0b\n.pushsection __bug_table,\"aw\"\n2:\t.long 1b - .\n\t.word ${1:c}\t# line\n\t\
                    .word ${2:c}\n\t.org 2b+${3:c}\n.popsection\n.pushsection .discard.x\n.word 7\n.popsection\n";
        let template = Template::parse(text);
        assert_eq!(template.bug_words(), [Operand::Argument(1, Some('c')), Operand::Argument(2, Some('c'))]);
        assert!(template.writes_to(BUG_TABLE) && !template.writes_to("__jump_table"));
        assert_eq!(template.instructions().len(), 1);
    }

    #[test]
    fn an_empty_template_has_no_instruction() {
        assert!(Template::parse("").lines.is_empty());
        let reachable = "998:\n\t.pushsection .discard.reachable\n\t.long 998b\n\t.popsection\n";
        assert!(Template::parse(reachable).instructions().is_empty());
    }
}
