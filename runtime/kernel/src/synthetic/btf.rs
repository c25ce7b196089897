// SPDX-License-Identifier: MIT OR Apache-2.0

//! Type information as pahole writes it.

use crate::btf::kind;

/// Collects types and writes them as BTF.
pub(crate) struct BtfBuilder {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl BtfBuilder {
    pub(crate) fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], count: 0 }
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        offset
    }

    /// Adds any type; `info` is what `struct btf_type` has under that name, `words` what follows. Returns its
    /// id.
    pub(crate) fn raw(&mut self, name: &str, info: u32, size_or_type: u32, words: &[u32]) -> u32 {
        let name = self.string(name);
        for word in [name, info, size_or_type].iter().chain(words) {
            self.types.extend_from_slice(&word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }

    pub(crate) fn int(&mut self, name: &str, size: u32) -> u32 {
        self.raw(name, kind::INT << 24, size, &[size * 8])
    }

    pub(crate) fn pointer(&mut self, to: u32) -> u32 {
        self.raw("", kind::PTR << 24, to, &[])
    }

    pub(crate) fn array(&mut self, of: u32, count: u32) -> u32 {
        self.raw("", kind::ARRAY << 24, 0, &[of, of, count])
    }

    pub(crate) fn typedef(&mut self, name: &str, of: u32) -> u32 {
        self.raw(name, kind::TYPEDEF << 24, of, &[])
    }

    /// A structure whose members have a name, a type and an offset in bytes.
    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        let members: Vec<_> = members.iter().map(|&(name, id, offset)| (name, id, offset * 8)).collect();
        self.compound(kind::STRUCT, false, name, size, &members)
    }

    pub(crate) fn union(&mut self, name: &str, size: u32, members: &[(&str, u32)]) -> u32 {
        let members: Vec<_> = members.iter().map(|&(name, id)| (name, id, 0)).collect();
        self.compound(kind::UNION, false, name, size, &members)
    }

    /// A structure or union whose members have a name, a type and what BTF calls their offset.
    pub(crate) fn compound(
        &mut self,
        kind: u32,
        flag: bool,
        name: &str,
        size: u32,
        members: &[(&str, u32, u32)],
    ) -> u32 {
        let mut words = Vec::new();
        for &(name, id, offset) in members {
            words.extend([self.string(name), id, offset]);
        }
        self.raw(name, kind << 24 | u32::from(flag) << 31 | members.len() as u32, size, &words)
    }

    pub(crate) fn enumeration(&mut self, name: &str, signed: bool, constants: &[(&str, i32)]) -> u32 {
        let mut words = Vec::new();
        for &(name, value) in constants {
            words.extend([self.string(name), value as u32]);
        }
        self.raw(name, kind::ENUM << 24 | u32::from(signed) << 31 | constants.len() as u32, 4, &words)
    }

    /// The data; `layout` is the section that newer kernels add, if any.
    pub(crate) fn finish(self, layout: Option<&[u8]>) -> Vec<u8> {
        let header_size: u32 = if layout.is_some() { 32 } else { 24 };
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut words = vec![0x0001_eb9f, header_size, 0, types, types, strings];
        if let Some(layout) = layout {
            words.extend([types + strings, layout.len() as u32]);
        }
        let mut data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        data.extend_from_slice(&self.types);
        data.extend_from_slice(&self.strings);
        data.extend_from_slice(layout.unwrap_or_default());
        data
    }
}
