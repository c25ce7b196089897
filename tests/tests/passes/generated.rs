// SPDX-License-Identifier: MIT OR Apache-2.0

//! Inline assembly at random: a few instructions on the registers that have parts with names of their own, and on memory, with
//! operands of all widths and types, in a row or in a loop. What it does natively is what its translation must do.
//!
//! Flags are used only where instructions define them, and no instruction is taken whose result is undefined.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How many cases one seed gives.
const CASES: usize = 250;

/// How many conditions are outputs at most.
const MOST_CONDITIONS: usize = 4;

/// The registers by the letter that is their constraint and in the names of their parts.
const REGISTERS: [&str; 4] = ["a", "b", "c", "d"];

/// The C types, by width.
const TYPES: [(u32, &str, char); 4] = [(8, "u8", 'b'), (16, "u16", 'w'), (32, "u32", 'l'), (64, "u64", 'q')];

/// Conditions, each with the flags that it is made of.
const CONDITIONS: &[(&str, u8)] = &[
    ("c", C),
    ("nc", C),
    ("z", Z),
    ("nz", Z),
    ("s", S),
    ("ns", S),
    ("o", O),
    ("no", O),
    ("be", C | Z),
    ("a", C | Z),
    ("l", S | O),
    ("ge", S | O),
    ("le", Z | S | O),
    ("g", Z | S | O),
];

const C: u8 = 1;
const Z: u8 = 2;
const S: u8 = 4;
const O: u8 = 8;
const ALL: u8 = C | Z | S | O;

/// C text with the cases of a seed.
pub fn text(seed: u64) -> String {
    let mut text = "#include \"case.h\"\n\ntypedef unsigned char u8;\ntypedef unsigned short u16;\n\
                    typedef unsigned int u32;\ntypedef unsigned long u64;\n\n"
        .to_owned();
    let mut random = Random(StdRng::seed_from_u64(seed));
    for number in 0..CASES {
        text.push_str(&case(&mut random, number));
    }
    text
}

fn case(random: &mut Random, number: usize) -> String {
    let types = [(); REGISTERS.len()].map(|()| *random.one_of(&TYPES));
    let in_loop = random.below(3) == 0;
    let mut program = Program { random, flags: 0, lines: Vec::new(), types };
    // What C leaves in the rest of a register is not defined.
    for (index, (bits, ..)) in types.iter().enumerate() {
        match bits {
            8 => program.lines.push(format!("movzbq %b{index}, %q{index}")),
            16 => program.lines.push(format!("movzwq %w{index}, %q{index}")),
            32 => program.lines.push(format!("movl %k{index}, %k{index}")),
            _ => {}
        }
    }
    if in_loop {
        program.lines.push("1:".to_owned());
    }
    for _ in 0..1 + program.random.below(9) {
        program.instruction();
    }
    let conditions: Vec<_> = if in_loop {
        program.lines.push("decq %[count]".to_owned());
        program.lines.push("jnz 1b".to_owned());
        Vec::new()
    } else {
        // Each takes a register.
        let defined = CONDITIONS.iter().filter(|(_, flags)| flags & !program.flags == 0);
        let first = program.random.below(MOST_CONDITIONS);
        defined.skip(first).step_by(2).take(MOST_CONDITIONS).collect()
    };
    let Program { lines, .. } = program;
    let mut text = format!("CASE(generated_{number})\n{{\n");
    let starts = ["a", "b", "a >> 7 ^ b", "*(u64 *)memory + a"];
    for (index, ((_, ty, _), start)) in types.iter().zip(starts).enumerate() {
        _ = writeln!(text, "\t{ty} r{index} = {start};");
    }
    text.push_str("\tu64 count = b % 4 + 1; u8 f[14] = { 0 };\n\tasm volatile(\n");
    for line in &lines {
        _ = writeln!(text, "\t\t\"{line}\\n\\t\"");
    }
    text.push_str("\t\t: ");
    for (index, constraint) in REGISTERS.iter().enumerate() {
        _ = write!(text, "\"+{constraint}\"(r{index}), ");
    }
    text.push_str("[mem] \"+m\"(*(u64 *)(memory + 8))");
    if in_loop {
        text.push_str(", [count] \"+r\"(count)");
    }
    for (place, (code, _)) in conditions.iter().enumerate() {
        _ = write!(text, ", \"=@cc{code}\"(f[{place}])");
    }
    text.push_str(" : : \"memory\"");
    if conditions.is_empty() {
        text.push_str(", \"cc\"");
    }
    text.push_str(");\n");
    for index in 0..REGISTERS.len() {
        _ = writeln!(text, "\tout[{index}] = r{index};");
    }
    text.push_str("\tout[4] = packed(f, 14); out[5] = count;\n}\n\n");
    text
}

struct Program<'r> {
    random: &'r mut Random,
    /// The flags that are defined.
    flags: u8,
    lines: Vec<String>,
    types: [(u32, &'static str, char); REGISTERS.len()],
}

impl Program<'_> {
    /// One instruction.
    fn instruction(&mut self) {
        let (bits, _, suffix) = *self.random.one_of(&TYPES);
        let wide = bits.max(16);
        let suffix_of_wide = if bits == 8 { 'w' } else { suffix };
        match self.random.below(24) {
            0..=4 => {
                let name = *self.random.one_of(&["add", "sub", "and", "or", "xor", "cmp", "test"]);
                let (from, to) = self.two(bits);
                self.push(format!("{name}{suffix} {from}, {to}"), ALL);
            }
            5 if self.flags & C != 0 => {
                let name = *self.random.one_of(&["adc", "sbb"]);
                let (from, to) = self.two(bits);
                self.push(format!("{name}{suffix} {from}, {to}"), C | Z | S);
            }
            6 | 7 => {
                let (from, to) = self.two(bits);
                self.push_keeping(format!("mov{suffix} {from}, {to}"));
            }
            8 => {
                let to = self.one(bits);
                let (name, flags) = *self.random.one_of(&[
                    ("inc", Z | S | O | self.flags & C),
                    ("dec", Z | S | O | self.flags & C),
                    ("neg", ALL),
                    ("not", self.flags),
                ]);
                self.push(format!("{name}{suffix} {to}"), flags);
            }
            9 => {
                let name = *self.random.one_of(&["xchg", "xadd"]);
                let (one, other) = match self.random.below(2) {
                    0 => (self.register(bits), self.register(bits)),
                    _ => (self.register_of(bits, false), self.one(bits)),
                };
                let flags = if name == "xadd" { ALL } else { self.flags };
                self.push(format!("{name}{suffix} {one}, {other}"), flags);
            }
            10 => {
                let name = *self.random.one_of(&["mul", "imul"]);
                let by = self.one(bits);
                self.push(format!("{name}{suffix} {by}"), C | O);
            }
            11 => {
                let (from, to) = (self.one(wide), self.register(wide));
                self.push(format!("imul{suffix_of_wide} {from}, {to}"), C | O);
            }
            12 | 13 => {
                let name = *self.random.one_of(&["shl", "shr", "sar", "rol", "ror"]);
                let count = match self.random.below(3) {
                    0 => "%%cl".to_owned(),
                    _ => format!("${}", self.random.below(70)),
                };
                let to = self.one(bits);
                self.push(format!("{name}{suffix} {count}, {to}"), 0);
            }
            14 => {
                let (bits, _, suffix) = TYPES[2 + self.random.below(2)];
                let name = *self.random.one_of(&["shld", "shrd"]);
                let count = self.random.below(70);
                let (from, to) = (self.register(bits), self.one(bits));
                self.push(format!("{name}{suffix} ${count}, {from}, {to}"), 0);
            }
            15 => {
                let name = *self.random.one_of(&["bt", "bts", "btr", "btc"]);
                let bit = match self.random.below(2) {
                    0 => self.register(wide),
                    _ => format!("${}", self.random.below(64)),
                };
                let to = self.register(wide);
                self.push(format!("{name}{suffix_of_wide} {bit}, {to}"), C);
            }
            16 => {
                let (name, flags) = *self.random.one_of(&[
                    ("bsf", Z),
                    ("bsr", Z),
                    ("tzcnt", C | Z),
                    ("lzcnt", C | Z),
                    ("popcnt", ALL),
                ]);
                let (from, to) = (self.one(wide), self.register(wide));
                self.push(format!("{name}{suffix_of_wide} {from}, {to}"), flags);
            }
            17 => {
                let (bits, _, suffix) = TYPES[2 + self.random.below(2)];
                let to = self.register(bits);
                self.push_keeping(format!("bswap{suffix} {to}"));
            }
            18 | 19 => {
                let Some(code) = self.condition() else { return };
                if self.random.below(2) == 0 {
                    let to = self.one(8);
                    self.push_keeping(format!("set{code} {to}"));
                } else {
                    let (from, to) = (self.one(wide), self.register(wide));
                    self.push_keeping(format!("cmov{code}{suffix_of_wide} {from}, {to}"));
                }
            }
            20 | 21 => {
                let signed = *self.random.one_of(&['z', 's']);
                let from = self.random.below(3);
                let to = from + 1 + self.random.below(3 - from);
                let is_plain_move = signed == 'z' && from == 2;
                let ((from_bits, _, from), (to_bits, _, to)) = (TYPES[from], TYPES[to]);
                if is_plain_move {
                    return;
                }
                let (source, to_name) = (self.one(from_bits), self.register_of(to_bits, false));
                self.push_keeping(format!("mov{signed}{from}{to} {source}, {to_name}"));
            }
            22 => {
                let (base, index) = (self.register_of(64, false), self.register_of(64, false));
                let scale = *self.random.one_of(&[1, 2, 4, 8]);
                let to = self.register_of(wide, false);
                let displacement = self.random.below(2000) as i64 - 1000;
                self.push_keeping(format!(
                    "lea{suffix_of_wide} {displacement}({base},{index},{scale}), {to}"
                ));
            }
            _ => {
                let lock = if self.random.below(2) == 0 { "lock; " } else { "" };
                let from = self.register_of(bits, false);
                self.push(format!("{lock}cmpxchg{suffix} {from}, %[mem]"), Z);
            }
        }
    }

    fn push(&mut self, line: String, flags: u8) {
        self.lines.push(line);
        self.flags = flags;
    }

    fn push_keeping(&mut self, line: String) {
        self.lines.push(line);
    }

    /// A condition that is defined.
    fn condition(&mut self) -> Option<&'static str> {
        let defined: Vec<_> = CONDITIONS.iter().filter(|(_, flags)| flags & !self.flags == 0).collect();
        (!defined.is_empty()).then(|| defined[self.random.below(defined.len())].0)
    }

    /// Source and destination of which one at most is memory.
    fn two(&mut self, bits: u32) -> (String, String) {
        match self.random.below(6) {
            // An immediate of 64 bits is one of 32, sign-extended.
            0 | 1 => {
                let number = self.random.0.random::<i32>() >> self.random.below(31);
                let number = match bits {
                    8 => i64::from(number as i8),
                    16 => i64::from(number as i16),
                    _ => i64::from(number),
                };
                (format!("${number}"), self.one(bits))
            }
            // Without a number `test` has its memory operand last, as all others.
            2 => (self.register_of(bits, false), "%[mem]".to_owned()),
            _ => (self.register(bits), self.register(bits)),
        }
    }

    /// A register or memory.
    fn one(&mut self, bits: u32) -> String {
        if self.random.below(4) == 0 { "%[mem]".to_owned() } else { self.register_of(bits, false) }
    }

    /// A register, of 8 bits also the second byte of one.
    fn register(&mut self, bits: u32) -> String {
        let high = bits == 8 && self.random.below(3) == 0;
        self.register_of(bits, high)
    }

    /// A register as an operand with a modifier, as one without, or by its name.
    fn register_of(&mut self, bits: u32, high: bool) -> String {
        let index = self.random.below(REGISTERS.len());
        let letter = REGISTERS[index];
        if self.random.below(3) == 0 {
            return match bits {
                8 if high => format!("%%{letter}h"),
                8 => format!("%%{letter}l"),
                16 => format!("%%{letter}x"),
                32 => format!("%%e{letter}x"),
                _ => format!("%%r{letter}x"),
            };
        }
        if self.types[index].0 == bits && !high && self.random.below(2) == 0 {
            return format!("%{index}");
        }
        match bits {
            8 if high => format!("%h{index}"),
            8 => format!("%b{index}"),
            16 => format!("%w{index}"),
            32 => format!("%k{index}"),
            _ => format!("%q{index}"),
        }
    }
}

/// Choices, the same for a seed each time.
struct Random(StdRng);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
