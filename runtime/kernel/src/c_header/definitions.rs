// SPDX-License-Identifier: MIT OR Apache-2.0

//! Definitions of structures, unions, enumerations and typedefs.

use std::fmt::Write;

use super::declarations::{Declaration, MAX_DEPTH, is_builtin, literal};
use super::members::Member;
use super::shapes::{Shape, natural_size};
use super::{Writer, malformed};
use crate::btf::{Record, kind};
use crate::error::Result;

/// Units of padding: how many bits, and a type of that size.
const UNITS: &[(u64, &str)] =
    &[(64, "unsigned long"), (32, "unsigned int"), (16, "unsigned short"), (8, "unsigned char")];

impl Writer<'_> {
    /// The definition of a type with a name, with semicolon and end of line; empty for what every compiler has.
    pub(super) fn definition(&mut self, id: u32) -> Result<String> {
        let record = self.types.record(id)?;
        let name = self.types.btf.string(record.name)?;
        let text = match record.kind {
            kind::STRUCT | kind::UNION => {
                let name = self.names.of(id).map(str::to_owned);
                self.compound(id, name.as_deref(), 0, MAX_DEPTH)?
            }
            kind::ENUM | kind::ENUM64 => self.enumeration(id, 0)?,
            kind::TYPEDEF if is_builtin(name) => return Ok(String::new()),
            kind::TYPEDEF => {
                let name = self.tagged_name(id)?;
                let ty = record.size_or_type;
                let declared = Declaration { ty, name, flexible: false, indent: 0 };
                format!("typedef {}{}", self.declare(declared, MAX_DEPTH)?, self.tags_of(id, u32::MAX)?)
            }
            kind::INT | kind::FLOAT => format!("typedef {} {}", basic(&record)?, self.tagged_name(id)?),
            _ => return Err(malformed("what is no type is used as one")),
        };
        Ok(format!("{text};\n"))
    }

    /// A structure or union from its keyword to its attributes, with or without its name.
    pub(super) fn compound(
        &mut self,
        id: u32,
        name: Option<&str>,
        indent: usize,
        depth: u32,
    ) -> Result<String> {
        let record = self.types.record(id)?;
        let shape = self.shape_of(id)?;
        let members = self.members(&record)?;
        let keyword = if record.kind == kind::UNION { "union" } else { "struct" };
        let mut text = match name {
            Some(name) => format!("{keyword} {name} {{\n"),
            None => format!("{keyword} {{\n"),
        };
        let size = u64::from(record.size_or_type);
        let is_union = record.kind == kind::UNION;
        if is_union && members.is_empty() && size != 0 {
            let (bits, unit) =
                *UNITS.iter().find(|(bits, _)| size * 8 % bits == 0).expect("every size is one in bytes");
            line(&mut text, indent + 1, &format!("{unit} __unknown[{}];", size * 8 / bits));
        } else if is_union {
            self.union_members(id, shape, &members, &mut text, (size, indent + 1, depth))?;
        } else {
            self.structure_members(id, shape, &members, &mut text, (size, indent + 1, depth))?;
        }
        text.extend(std::iter::repeat_n('\t', indent));
        text.push('}');
        if shape.packed {
            text.push_str(" __attribute__((packed))");
        }
        if shape.aligned {
            write!(text, " __attribute__((aligned({})))", shape.alignment)
                .expect("a String takes everything");
        }
        text.push_str(&self.tags_of(id, u32::MAX)?);
        if indent == 0 {
            text.push_str(" __gpufas_kernel_type");
        }
        self.spend(text.len())?;
        Ok(text)
    }

    fn structure_members(
        &mut self,
        id: u32,
        shape: Shape,
        members: &[Member],
        text: &mut String,
        (size, indent, depth): (u64, usize, u32),
    ) -> Result<()> {
        let mut end = 0;
        let stop = members.last().map_or(0, |last| last.offset);
        for (number, member) in members.iter().enumerate() {
            if self.natural_offset(shape, member, end)? != member.offset {
                self.pad(text, indent, end, member.offset)?;
            }
            let after = member.offset + self.bits(member)?;
            let is_last = number + 1 == members.len();
            let ends = natural_size(shape, after.div_ceil(8)) == size;
            let flexible = is_last && number != 0 && stop == member.offset && ends;
            self.write_member((id, number), member, flexible, text, (indent, depth))?;
            end = after;
        }
        if natural_size(shape, end.div_ceil(8)) != size {
            self.pad(text, indent, end, size * 8)?;
        }
        Ok(())
    }

    fn union_members(
        &mut self,
        id: u32,
        shape: Shape,
        members: &[Member],
        text: &mut String,
        (size, indent, depth): (u64, usize, u32),
    ) -> Result<()> {
        let mut largest = 0;
        for (number, member) in members.iter().enumerate() {
            self.write_member((id, number), member, false, text, (indent, depth))?;
            largest = largest.max(self.bits(member)?.div_ceil(8));
        }
        if natural_size(shape, largest) != size {
            line(text, indent, &format!("unsigned char __padding[{size}];"));
        }
        Ok(())
    }

    fn write_member(
        &mut self,
        (id, number): (u32, usize),
        member: &Member,
        flexible: bool,
        text: &mut String,
        (indent, depth): (usize, u32),
    ) -> Result<()> {
        let name = if member.name == 0 { String::new() } else { self.identifier(member.name)? };
        let mut ty = member.ty;
        if member.name == 0 && member.width.is_none() {
            // A structure that has a name may be a member without one (-fms-extensions); its members stand here then, which is
            // the same to all compilers.
            ty = self.types.resolve(ty)?;
            let kind = self.types.record(ty)?.kind;
            if matches!(kind, kind::STRUCT | kind::UNION) {
                let body = self.compound(
                    ty,
                    None,
                    indent,
                    depth.checked_sub(1).ok_or(malformed("a type contains itself"))?,
                )?;
                line(text, indent, &format!("{body};"));
                return Ok(());
            }
        }
        let declared = Declaration { ty, name, flexible, indent };
        let mut declared = self.declare(declared, depth)?;
        if let Some(width) = member.width {
            let space = if member.is_padding() { " " } else { "" };
            write!(declared, "{space}: {width}").expect("a String takes everything");
        }
        declared.push_str(&self.tags_of(id, number as u32)?);
        declared.push(';');
        self.spend(declared.len())?;
        line(text, indent, &declared);
        Ok(())
    }

    /// Bit-fields without names between two bits.
    fn pad(&mut self, text: &mut String, indent: usize, from: u64, to: u64) -> Result<()> {
        let mut at = from;
        while at < to {
            let in_byte = 8 - at % 8;
            let (width, unit) =
                match UNITS.iter().find(|(unit, _)| at.is_multiple_of(*unit) && at + unit <= to) {
                    Some(unit) => *unit,
                    None => (in_byte.min(to - at), "unsigned char"),
                };
            let padding = format!("{unit} : {width};");
            self.spend(padding.len())?;
            line(text, indent, &padding);
            at += width;
        }
        Ok(())
    }

    /// An enumeration from its keyword to its attributes.
    pub(super) fn enumeration(&mut self, id: u32, indent: usize) -> Result<String> {
        let record = self.types.record(id)?;
        let mut text = match self.names.of(id) {
            Some(name) => format!("enum {name} {{\n"),
            None => "enum {\n".to_owned(),
        };
        let (mut narrow, mut number) = (true, 0);
        let types = self.types;
        for constant in types.constants(record) {
            let constant = constant?;
            let name = self.names.constant(id, number, constant.name);
            let value = self.value(&record, constant.value);
            narrow &= i32::try_from(constant.value).is_ok() || record.kind == kind::ENUM;
            line(&mut text, indent + 1, &format!("{name} = {value},"));
            number += 1;
        }
        if number == 0 {
            // C has no enumerations without constants; this one is declared only.
            let name = format!("__{}_unknown", self.names.of(id).unwrap_or("enum"));
            line(&mut text, indent + 1, &format!("{name},"));
        }
        text.extend(std::iter::repeat_n('\t', indent));
        text.push('}');
        text.push_str(match record.size_or_type {
            1 => " __attribute__((mode(QI)))",
            2 => " __attribute__((mode(HI)))",
            4 => "",
            8 if narrow => " __attribute__((mode(DI)))",
            8 => "",
            _ => return Err(malformed("an enumeration has an impossible size")),
        });
        text.push_str(&self.tags_of(id, u32::MAX)?);
        self.spend(text.len())?;
        self.enumerations.insert(id);
        Ok(text)
    }

    /// An enumeration without a name where it is used; its constants are defined once only.
    pub(super) fn nameless_enumeration(&mut self, id: u32, indent: usize) -> Result<String> {
        if !self.enumerations.contains(&id) {
            return self.enumeration(id, indent);
        }
        let record = self.types.record(id)?;
        let negative = self.types.constants(record).any(|constant| {
            constant.is_ok_and(|constant| self.value(&record, constant.value).starts_with(['-', '(']))
        });
        integer(record.size_or_type, negative).map(str::to_owned)
    }

    /// A constant's value.
    fn value(&self, record: &Record<'_>, value: i64) -> String {
        match record.kind {
            kind::ENUM64 if record.flag && value == i64::MIN => format!("({}LL - 1)", i64::MIN + 1),
            kind::ENUM64 if record.flag => format!("{value}LL"),
            kind::ENUM64 => format!("{}ULL", value as u64),
            // The table may call everything unsigned; then what is negative looks large.
            _ if record.flag || !self.knows_signs => (value as u32 as i32).to_string(),
            _ if i32::try_from(value).is_ok() => value.to_string(),
            _ => format!("{}U", value as u32),
        }
    }

    /// The tags of a type or of one of its members, each after a space.
    fn tags_of(&self, id: u32, component: u32) -> Result<String> {
        let mut text = String::new();
        for &tag in self.tags.get(&(id, component)).into_iter().flatten() {
            let tag = literal(self.types.btf.string(tag)?);
            write!(text, " __gpufas_decl_tag({tag})").expect("a String takes everything");
        }
        Ok(text)
    }
}

fn line(text: &mut String, indent: usize, what: &str) {
    text.extend(std::iter::repeat_n('\t', indent));
    text.push_str(what);
    text.push('\n');
}

/// A basic type of a size, for those that compilers do not know by the name that they have.
fn basic(record: &Record<'_>) -> Result<&'static str> {
    /// `BTF_INT_SIGNED`.
    const SIGNED: u32 = 1;
    match record.kind {
        kind::INT => integer(record.size_or_type, record.word(0)? >> 24 & SIGNED != 0),
        _ => match record.size_or_type {
            2 => Ok("_Float16"),
            4 => Ok("float"),
            8 => Ok("double"),
            16 => Ok("long double"),
            _ => Err(malformed("a basic type has an impossible size")),
        },
    }
}

fn integer(size: u32, signed: bool) -> Result<&'static str> {
    Ok(match (size, signed) {
        (1, false) => "unsigned char",
        (1, true) => "signed char",
        (2, false) => "unsigned short",
        (2, true) => "short",
        (4, false) => "unsigned int",
        (4, true) => "int",
        (8, false) => "unsigned long",
        (8, true) => "long",
        (16, false) => "unsigned __int128",
        (16, true) => "__int128",
        _ => return Err(malformed("a basic type has an impossible size")),
    })
}
