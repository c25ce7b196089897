// SPDX-License-Identifier: MIT OR Apache-2.0

//! What QEMU says of a CPU's registers.

use super::Qmp;
use crate::error::Result;
use gpufas_kernel::PageTables;

/// `X86_CR4_LA57` of arch/x86/include/uapi/asm/processor-flags.h: page tables have 5 levels.
const FIVE_LEVELS: u64 = 1 << 12;

impl Qmp {
    /// The page tables that the first CPU uses at the moment. None if QEMU does not say.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn page_tables(&mut self) -> Result<Option<PageTables>> {
        // What it is about is not the monitor's present CPU, which a user may have chosen, but this one.
        let command =
            super::human_monitor_command { command_line: "info registers".into(), cpu_index: Some(0) };
        Ok(parse(&self.execute(&command)?))
    }
}

/// The registers CR3 and CR4 in lines such as `CR0=80050033 CR2=00007f23 CR3=0000000003e5e000 CR4=000006f0`.
fn parse(text: &str) -> Option<PageTables> {
    let value = |name: &str| {
        let word = text.split_ascii_whitespace().find_map(|word| word.strip_prefix(name))?;
        u64::from_str_radix(word, 16).ok()
    };
    let levels = if value("CR4=")? & FIVE_LEVELS == 0 { 4 } else { 5 };
    Some(PageTables { cr3: value("CR3=")?, levels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_tables_are_found_in_registers() {
        let text = |cr4| {
            format!(
                "CPU#0\r\nRAX=ffffffff8190aca0 RBX=0000000000000000\r\nGDT=     fffffe0000001000 0000007f\r\n\
                 CR0=80050033 CR2=000055d7c7b6d000 CR3=0000000003e5e001 CR4={cr4:08x}\r\nDR0=0\r\n"
            )
        };
        assert_eq!(parse(&text(0x6f0)), Some(PageTables { cr3: 0x3e5_e001, levels: 4 }));
        assert_eq!(parse(&text(0x16f0)), Some(PageTables { cr3: 0x3e5_e001, levels: 5 }));
        for other in ["", "No CPU available\r\n", "CR3=1", "CR4=1", "CR3=x CR4=1"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
