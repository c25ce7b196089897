// SPDX-License-Identifier: MIT OR Apache-2.0

//! The structures and constants that a program uses, compared with the kernel's type information.

use gpufas_abi::manifest::{self, Enumerator, Keyword};
use gpufas_kernel::{
    Bits, Budget, Comparison, Constant, ConstantComparison, Difference, Field, Member, Structure, Tag, Types,
};

use crate::error::{Error, Result};

/// What became of a comparison.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many structures were compared.
    pub compared: usize,
    /// Structures that the kernel's type information does not have.
    pub absent: Vec<String>,
    /// Those that differ.
    pub different: Vec<Difference>,
}

/// Compares structures with the kernel's.
///
/// # Errors
///
/// [`Error::Usage`] if the type information is corrupt.
pub fn compare(structures: &[manifest::Structure], types: &Types) -> Result<Summary> {
    let mut summary = Summary::default();
    let mut budget = Budget::for_members(structures.iter().map(|structure| structure.members.len()).sum());
    for structure in structures {
        let expected = expected(structure);
        match types.compare(&expected, &mut budget).map_err(|error| Error::Usage(error.to_string()))? {
            Comparison::Same => summary.compared += 1,
            Comparison::Absent => summary.absent.push(title(&expected)),
            Comparison::Different(difference) => {
                summary.compared += 1;
                summary.different.push(difference);
            }
        }
    }
    Ok(summary)
}

/// Compares constants of enumerations with the kernel's.
///
/// # Errors
///
/// [`Error::Usage`] if the type information is corrupt.
pub fn compare_constants(enumerators: &[Enumerator], types: &Types) -> Result<ConstantComparison> {
    let expected = enumerators.iter().map(|Enumerator { enumeration, name, value }| Constant {
        enumeration: enumeration.clone(),
        name: name.clone(),
        value: *value,
    });
    types.compare_constants(expected.collect()).map_err(|error| Error::Usage(error.to_string()))
}

/// The error for constants that differ, if any do.
///
/// # Errors
///
/// [`Error::Constants`] with both values of each.
pub fn refuse_constants(comparison: &ConstantComparison, release: &str) -> Result<()> {
    if comparison.different.is_empty() {
        return Ok(());
    }
    Err(Error::Constants {
        release: release.to_owned(),
        names: comparison.names(),
        table: comparison.table(),
    })
}

/// The error for structures that differ, if any do.
///
/// # Errors
///
/// [`Error::Layout`] with both layouts of each structure.
pub fn refuse(summary: &Summary, release: &str) -> Result<()> {
    if summary.different.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = summary.different.iter().map(Difference::title).collect();
    let tables: String = summary.different.iter().map(|difference| format!("\n{difference}")).collect();
    Err(Error::Layout {
        release: release.to_owned(),
        names: names.join(", "),
        tables: tables.trim_end().to_owned(),
    })
}

fn title(structure: &Structure) -> String {
    let keyword = match structure.tag {
        Tag::Struct => "struct ",
        Tag::Union => "union ",
        Tag::Typedef => "",
    };
    format!("{keyword}{}", structure.name)
}

/// A structure of a manifest as the kernel's types are asked for it.
fn expected(structure: &manifest::Structure) -> Structure {
    let bits = |bits: manifest::Bits| Bits { first: bits.first as u32, count: bits.count as u32 };
    let members = structure.members.iter().map(|member| Member {
        path: member.path.clone(),
        ty: member.ty.clone(),
        field: Field { offset: member.offset, size: member.size, bits: member.bits.map(bits) },
    });
    Structure {
        tag: match structure.keyword {
            Keyword::Struct => Tag::Struct,
            Keyword::Union => Tag::Union,
            Keyword::Typedef | Keyword::Enum => Tag::Typedef,
        },
        name: structure.name.clone(),
        size: structure.size,
        members: members.collect(),
    }
}
