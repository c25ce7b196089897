// SPDX-License-Identifier: MIT OR Apache-2.0

//! What QEMU says of a CPU's registers.

use super::Qmp;
use crate::error::Result;
use gpufas_kernel::PageTables;

/// `X86_CR4_LA57` of arch/x86/include/uapi/asm/processor-flags.h: page tables have 5 levels.
const FIVE_LEVELS: u64 = 1 << 12;

impl Qmp {
    /// The page tables that the CPUs use at the moment. None if QEMU does not say.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn page_tables(&mut self) -> Result<Vec<PageTables>> {
        Ok(parse(&self.human("info registers -a")?).unwrap_or_default())
    }
}

/// The registers CR3 and CR4 of each CPU, in lines such as `CR0=80050033 CR2=00007f23 CR3=0000000003e5e000 CR4=000006f0`.
fn parse(text: &str) -> Option<Vec<PageTables>> {
    let values = |name: &'static str| {
        let words = text.split_ascii_whitespace().filter_map(move |word| word.strip_prefix(name));
        words.map(|word| u64::from_str_radix(word, 16).ok()).collect::<Option<Vec<u64>>>()
    };
    let (cr3, cr4) = (values("CR3=")?, values("CR4=")?);
    let tables =
        |(cr3, cr4): (u64, u64)| PageTables { cr3, levels: if cr4 & FIVE_LEVELS == 0 { 4 } else { 5 } };
    (cr3.len() == cr4.len()).then(|| cr3.into_iter().zip(cr4).map(tables).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_tables_are_found_in_registers() {
        let text = |cr3, cr4| {
            format!(
                "CPU#0\r\nRAX=ffffffff8190aca0 RBX=0000000000000000\r\nGDT=     fffffe0000001000 0000007f\r\n\
                 CR0=80050033 CR2=000055d7c7b6d000 CR3={cr3:016x} CR4={cr4:08x}\r\nDR0=0\r\n"
            )
        };
        let both = text(0x3e5_e001, 0x6f0) + &text(0, 0x16f0);
        let expected = vec![PageTables { cr3: 0x3e5_e001, levels: 4 }, PageTables { cr3: 0, levels: 5 }];
        assert_eq!(parse(&both), Some(expected));
        assert_eq!(parse("No CPU available\r\n"), Some(Vec::new()));
        for other in ["CR3=1", "CR4=1", "CR3=x CR4=1"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
