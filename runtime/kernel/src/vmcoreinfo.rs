// SPDX-License-Identifier: MIT OR Apache-2.0

//! The VMCOREINFO text: what a kernel writes down about itself for tools that read its memory dump.
//!
//! One page that begins with `OSRELEASE=`, made by `crash_save_vmcoreinfo_init()` (kernel/crash_core.c,
//! kernel/vmcore_info.c from 6.9 on) and documented in Documentation/admin-guide/kdump/vmcoreinfo.rst.

use crate::error::{Error, Result};
use crate::memory::{PAGE_SIZE, PhysicalMemory};
use std::str::FromStr;

/// What the page begins with.
pub(crate) const PREFIX: &[u8] = b"OSRELEASE=";

/// A parsed VMCOREINFO text.
#[derive(Clone, Debug)]
pub(crate) struct Vmcoreinfo {
    text: String,
}

impl Vmcoreinfo {
    /// The text in the page at physical address `address`, if there is one.
    pub(crate) fn read(memory: &dyn PhysicalMemory, address: u64) -> Result<Option<Self>> {
        if !memory.contains(address, PAGE_SIZE) {
            return Ok(None);
        }
        let mut page = [0; PAGE_SIZE as usize];
        memory.read(address, &mut page)?;
        Ok(Self::parse(&page))
    }

    /// The text at the start of `page`, if there is one: up to the first zero byte, ASCII, with symbols.
    pub(crate) fn parse(page: &[u8]) -> Option<Self> {
        let end = page.iter().position(|&byte| byte == 0).unwrap_or(page.len());
        let text = str::from_utf8(&page[..end]).ok()?;
        let plain = text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte));
        (plain && text.as_bytes().starts_with(PREFIX) && text.contains("\nSYMBOL("))
            .then(|| Self { text: text.into() })
    }

    /// The value of an entry, written as in the text.
    pub(crate) fn value(&self, entry: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(entry)?.strip_prefix('='))
    }

    /// The kernel's release.
    pub(crate) fn release(&self) -> &str {
        self.value("OSRELEASE").unwrap_or_default()
    }

    /// Run-time address of a symbol.
    pub(crate) fn symbol(&self, name: &str) -> Result<u64> {
        self.parsed(&format!("SYMBOL({name})"), |text| u64::from_str_radix(text, 16).ok())
    }

    /// A hexadecimal entry.
    pub(crate) fn hexadecimal(&self, entry: &str) -> Result<u64> {
        self.parsed(entry, |text| u64::from_str_radix(text, 16).ok())
    }

    /// A decimal entry, which may be negative.
    pub(crate) fn number(&self, name: &str) -> Result<i64> {
        self.parsed(&format!("NUMBER({name})"), |text| i64::from_str(text).ok())
    }

    /// Offset of a member in its structure, in bytes.
    pub(crate) fn offset(&self, member: &str) -> Result<u64> {
        self.parsed(&format!("OFFSET({member})"), |text| u64::from_str(text).ok())
    }

    fn parsed<T>(&self, entry: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let value = self.value(entry).ok_or_else(|| Error::VmcoreinfoEntry { entry: entry.into() })?;
        parse(value).ok_or_else(|| Error::VmcoreinfoValue { entry: entry.into(), value: value.into() })
    }

    /// Major and minor version of the release, as in (6, 1).
    pub(crate) fn version(&self) -> Result<(u32, u32)> {
        let mut parts = self.release().split(['.', '-', '+']).map(u32::from_str);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
            _ => Err(Error::VmcoreinfoValue { entry: "OSRELEASE".into(), value: self.release().into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "OSRELEASE=6.1.0-56-amd64\nBUILD-ID=eb4f\nPAGESIZE=4096\n\
                        SYMBOL(init_uts_ns)=ffffffffae9fb000\nOFFSET(uts_namespace.name)=0\n\
                        NUMBER(phys_base)=-297795584\nKERNELOFFSET=2be00000\n\
                        SYMBOL(broken)=xyz\nNUMBER(broken)=\n";

    #[test]
    fn entries_are_read_as_the_kernel_writes_them() {
        let info = Vmcoreinfo::parse(&[TEXT.as_bytes(), &[0; 64]].concat()).unwrap();
        assert_eq!(info.release(), "6.1.0-56-amd64");
        assert_eq!(info.version().unwrap(), (6, 1));
        assert_eq!(info.value("BUILD-ID"), Some("eb4f"));
        assert_eq!(info.symbol("init_uts_ns").unwrap(), 0xffff_ffff_ae9f_b000);
        assert_eq!(info.number("phys_base").unwrap(), -297_795_584);
        assert_eq!(info.hexadecimal("KERNELOFFSET").unwrap(), 0x2be0_0000);
        assert_eq!(info.offset("uts_namespace.name").unwrap(), 0);
        assert_eq!(
            info.symbol("swapper_pg_dir").unwrap_err().to_string(),
            "the kernel's VMCOREINFO has no entry SYMBOL(swapper_pg_dir)"
        );
        assert!(matches!(info.symbol("broken"), Err(Error::VmcoreinfoValue { .. })));
        assert!(matches!(info.number("broken"), Err(Error::VmcoreinfoValue { .. })));
    }

    #[test]
    fn texts_that_merely_look_alike_are_no_vmcoreinfo() {
        assert!(Vmcoreinfo::parse(b"OSRELEASE=6.1.0\nPAGESIZE=4096\n").is_none(), "no symbol");
        assert!(Vmcoreinfo::parse(b"OSRELEASE=6.1.0\nSYMBOL(a)=1\n\xff").is_none(), "not text");
        assert!(Vmcoreinfo::parse(b"osrelease=6.1.0\nSYMBOL(a)=1\n").is_none(), "other prefix");
        assert!(Vmcoreinfo::parse(b"OSRELEASE=6.1.0\n\0SYMBOL(a)=1\n").is_none(), "symbol after the end");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            page in prop::collection::vec(any::<u8>(), 0..4096),
            at in 0usize..256,
            byte: u8,
        ) {
            let _ = Vmcoreinfo::parse(&page);
            let mut text = TEXT.as_bytes().to_vec();
            let at = at % text.len();
            text[at] = byte;
            if let Some(info) = Vmcoreinfo::parse(&text) {
                let _ = (info.version(), info.symbol("init_uts_ns"));
                let _ = (info.number("phys_base"), info.offset("uts_namespace.name"));
            }
        }
    }
}
