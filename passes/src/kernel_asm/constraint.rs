// SPDX-License-Identifier: MIT OR Apache-2.0

//! Constraints of inline assembly (LLVM Language Reference, "Inline Asm Constraint String").

/// Where an operand lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a register, as a number in the text, or wherever the compiler likes (`r`, `Ir`, `g`, `rm`).
    General,
    /// In the register of this name (`{ax}`).
    Fixed(String),
    /// In memory, whose address is the argument (`*m`).
    Memory,
    /// An address, written as memory in the text (`p`).
    Address,
    /// In the same place as an output (`0`).
    Tied(usize),
    /// A condition flag (`{@ccz}`), without the `@cc`.
    Flag(String),
    /// A label of `asm goto` (`!i`).
    Label,
    /// Somewhere else: a register of another kind, a pair of registers.
    Unknown,
}

/// One operand's constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Whether the assembly writes it.
    pub output: bool,
    /// Where it lives.
    pub place: Place,
    /// Whether the argument is not the value but the address of the variable that holds it, which the compiler loads before
    /// and stores after the assembly (`=*rm`).
    pub is_indirect: bool,
    /// The letters of [`Place::General`].
    letters: String,
}

impl Constraint {
    /// Whether an operand with this value is written into the text as a number: wherever a letter allows it, the compiler
    /// prefers that to a register. A value that is not known yet is one where nothing else is allowed, as the kernel's
    /// inline functions have it until they are inlined.
    ///
    /// The letters are those of the GCC manual, "Machine Constraints", x86 family.
    pub fn is_immediate(&self, value: Option<i64>) -> bool {
        if self.output || self.place != Place::General {
            return false;
        }
        if !self.letters.contains(['r', 'q', 'Q', 'R', 'l', 'm']) {
            return true;
        }
        let Some(value) = value else { return false };
        self.letters.chars().any(|letter| match letter {
            'i' | 'n' | 's' => true,
            'e' => i32::try_from(value).is_ok(),
            'Z' => u32::try_from(value).is_ok(),
            'I' => (0..=31).contains(&value),
            'J' => (0..=63).contains(&value),
            'K' => i8::try_from(value).is_ok(),
            'L' => matches!(value, 0xff | 0xffff | 0xffff_ffff),
            'M' => (0..=3).contains(&value),
            'N' => (0..=255).contains(&value),
            'O' => (0..=127).contains(&value),
            _ => false,
        })
    }

    /// Whether it is the register of this name, of any width.
    pub fn is_register(&self, name: &str) -> bool {
        matches!(&self.place, Place::Fixed(fixed) if register_family(fixed) == register_family(name))
    }

    /// The same as [`Self::is_immediate`] for the address of a variable.
    pub fn is_immediate_address(&self) -> bool {
        self.place == Place::General && !self.output && self.letters.contains(['i', 's', 'e'])
    }
}

/// All of an asm statement's constraints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// One for each operand, in the order of their numbers.
    pub operands: Vec<Constraint>,
    /// The general-purpose registers, by family, that it changes without saying to what.
    pub clobbers: Vec<String>,
    /// Whether memory is clobbered.
    pub clobbers_memory: bool,
}

impl Constraints {
    /// Reads a constraint string.
    pub fn parse(text: &str) -> Self {
        let mut constraints = Self::default();
        for part in split(text) {
            if let Some(clobber) = part.strip_prefix('~') {
                constraints.clobbers_memory |= clobber == "{memory}";
                let family = register_family(clobber.trim_matches(['{', '}']));
                if is_general(&family) {
                    constraints.clobbers.push(family);
                }
                continue;
            }
            if part.is_empty() {
                continue;
            }
            constraints.operands.push(constraint(part));
        }
        constraints
    }
}

fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn constraint(text: &str) -> Constraint {
    let (output, code) = match text.strip_prefix('=') {
        Some(code) => (true, code),
        None => (false, text),
    };
    let code = code.trim_start_matches(['&', '+', '%']);
    let behind = code.strip_prefix('*').filter(|letters| letters.contains(['r', 'q', 'Q', 'R', 'l']));
    let is_indirect = behind.is_some();
    let code = behind.unwrap_or(code);
    let place = if code.starts_with('!') {
        Place::Label
    } else if let Some(name) = code.strip_prefix("{@cc") {
        Place::Flag(name.trim_end_matches('}').to_owned())
    } else if let Some((_, name)) = code.split_once('{') {
        // `N{dx}`: of a number or a register, which the register is as good as.
        Place::Fixed(name.trim_end_matches('}').to_owned())
    } else if code.starts_with('*') && !is_indirect {
        Place::Memory
    } else if let Ok(number) = code.parse() {
        Place::Tied(number)
    } else {
        match code {
            // The x86 constraints for single registers (GCC manual, "Machine Constraints").
            "a" => Place::Fixed("ax".into()),
            "b" => Place::Fixed("bx".into()),
            "c" => Place::Fixed("cx".into()),
            "d" => Place::Fixed("dx".into()),
            "S" => Place::Fixed("si".into()),
            "D" => Place::Fixed("di".into()),
            "p" => Place::Address,
            _ if code.chars().all(|letter| "rqQRlminseZIJKLMNO".contains(letter)) => Place::General,
            _ => Place::Unknown,
        }
    };
    let letters = if place == Place::General { code.to_owned() } else { String::new() };
    Constraint { output, place, is_indirect, letters }
}

/// The name by which all widths of a general-purpose register go: `ax` for `rax`, `eax`, `ax` and `al`.
pub fn register_family(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if let Some(number) =
        name.strip_prefix('r').filter(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    {
        return format!("r{}", number.trim_end_matches(['b', 'w', 'd']));
    }
    match name.as_str() {
        "al" | "ah" | "eax" | "rax" => "ax".into(),
        "bl" | "bh" | "ebx" | "rbx" => "bx".into(),
        "cl" | "ch" | "ecx" | "rcx" => "cx".into(),
        "dl" | "dh" | "edx" | "rdx" => "dx".into(),
        "sil" | "esi" | "rsi" => "si".into(),
        "dil" | "edi" | "rdi" => "di".into(),
        "spl" | "esp" | "rsp" => "sp".into(),
        "bpl" | "ebp" | "rbp" => "bp".into(),
        _ => name,
    }
}

/// Whether a family of registers is general-purpose and not the stack pointer.
fn is_general(family: &str) -> bool {
    matches!(family, "ax" | "bx" | "cx" | "dx" | "si" | "di" | "bp")
        || family.strip_prefix('r').is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Whether a name is that of the second byte of a register.
pub fn is_high_byte(name: &str) -> bool {
    matches!(name, "ah" | "bh" | "ch" | "dh")
}

/// Width in bits of a general-purpose register of this name.
pub fn register_width(name: &str) -> u32 {
    let name = name.to_ascii_lowercase();
    let numbered =
        name.strip_prefix('r').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    if numbered {
        return match name.chars().last() {
            Some('b') => 8,
            Some('w') => 16,
            Some('d') => 32,
            _ => 64,
        };
    }
    match name.chars().next() {
        Some('r') => 64,
        Some('e') => 32,
        _ if name.ends_with(['l', 'h']) => 8,
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_ties_memory_flags_and_clobbers_are_told_apart() {
        let constraints = Constraints::parse(
            "={@ccc},=*m,=&r,Ir,*m,2,{ax},!i,p,=A,x,=*rm,N{dx},~{memory},~{dirflag},~{rcx},~{ebx},~{r9}",
        );
        let places: Vec<_> = constraints.operands.iter().map(|operand| operand.place.clone()).collect();
        assert_eq!(
            places,
            [
                Place::Flag("c".into()),
                Place::Memory,
                Place::General,
                Place::General,
                Place::Memory,
                Place::Tied(2),
                Place::Fixed("ax".into()),
                Place::Label,
                Place::Address,
                Place::Unknown,
                Place::Unknown,
                Place::General,
                Place::Fixed("dx".into()),
            ]
        );
        assert!(constraints.clobbers_memory);
        assert_eq!(constraints.clobbers, ["cx", "bx", "r9"]);
        assert_eq!(constraints.operands.iter().filter(|operand| operand.output).count(), 5);
        assert_eq!(constraints.operands.iter().position(|operand| operand.is_indirect), Some(11));
        assert_eq!(Constraints::parse(""), Constraints::default());
    }

    #[test]
    fn a_number_is_an_immediate_where_a_letter_allows_it() {
        for (letters, value, immediate) in [
            ("Ir", Some(31), true),
            ("Ir", Some(32), false),
            ("Jr", Some(63), true),
            ("Jr", Some(64), false),
            ("er", Some(i64::from(i32::MIN)), true),
            ("er", Some(1 << 31), false),
            ("Nd", None, false),
            ("r", Some(0), false),
            ("imr", Some(i64::MAX), true),
            ("imr", None, false),
            ("i", None, true),
            ("I", Some(100), true),
            ("=r", Some(0), false),
            ("0", Some(0), false),
        ] {
            let operand = &Constraints::parse(letters).operands[0];
            assert_eq!(operand.is_immediate(value), immediate, "{letters} {value:?}");
        }
    }

    #[test]
    fn registers_have_families_and_widths() {
        for (name, family, width) in
            [("rax", "ax", 64), ("eax", "ax", 32), ("al", "ax", 8), ("r8d", "r8", 32), ("si", "si", 16)]
        {
            assert_eq!(register_family(name), family);
            assert_eq!(register_width(name), width);
        }
    }
}
