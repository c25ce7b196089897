// SPDX-License-Identifier: MIT OR Apache-2.0

//! Constraints of inline assembly (LLVM Language Reference, "Inline Asm Constraint String").

/// Where an operand lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a register, or wherever the compiler likes (`r`, `q`, `g`, `rm`).
    Register,
    /// In the register of this name (`{ax}`).
    Fixed(String),
    /// In memory, whose address is the argument (`*m`).
    Memory,
    /// In the same place as an output (`0`).
    Tied(usize),
    /// A condition flag (`{@ccz}`), without the `@cc`.
    Flag(String),
    /// A label of `asm goto` (`!i`).
    Label,
}

/// One operand's constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Whether the assembly writes it.
    pub output: bool,
    /// Where it lives.
    pub place: Place,
}

/// All of an asm statement's constraints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// One for each operand, in the order of their numbers.
    pub operands: Vec<Constraint>,
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
    let place = if code.starts_with('!') {
        Place::Label
    } else if let Some(name) = code.strip_prefix("{@cc") {
        Place::Flag(name.trim_end_matches('}').to_owned())
    } else if let Some(name) = code.strip_prefix('{') {
        Place::Fixed(name.trim_end_matches('}').to_owned())
    } else if code.starts_with('*') {
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
            _ => Place::Register,
        }
    };
    Constraint { output, place }
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
        "al" | "eax" | "rax" => "ax".into(),
        "bl" | "ebx" | "rbx" => "bx".into(),
        "cl" | "ecx" | "rcx" => "cx".into(),
        "dl" | "edx" | "rdx" => "dx".into(),
        "sil" | "esi" | "rsi" => "si".into(),
        "dil" | "edi" | "rdi" => "di".into(),
        "spl" | "esp" | "rsp" => "sp".into(),
        "bpl" | "ebp" | "rbp" => "bp".into(),
        _ => name,
    }
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
        _ if name.ends_with('l') => 8,
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_ties_memory_flags_and_clobbers_are_told_apart() {
        let constraints = Constraints::parse("={@ccc},=*m,=&r,Ir,*m,2,{ax},!i,~{memory},~{dirflag}");
        let places: Vec<_> = constraints.operands.iter().map(|operand| operand.place.clone()).collect();
        assert_eq!(
            places,
            [
                Place::Flag("c".into()),
                Place::Memory,
                Place::Register,
                Place::Register,
                Place::Memory,
                Place::Tied(2),
                Place::Fixed("ax".into()),
                Place::Label
            ]
        );
        assert!(constraints.clobbers_memory);
        assert_eq!(constraints.operands.iter().filter(|operand| operand.output).count(), 3);
        assert_eq!(Constraints::parse(""), Constraints::default());
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
