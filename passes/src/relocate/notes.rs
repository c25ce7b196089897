// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the code of a function relies on, noted in the module: it goes through LLVM's linker with the function.

use gpufas_abi::manifest::Site;
use gpufas_abi::relocation::{Place, StructureSize};
use serde::{Deserialize, Serialize};

use crate::llvm::{Module, Value};

/// Kind of the metadata.
const KIND: &str = "gpufas.relies";

/// What is noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Note {
    /// A member that must lie where it lay.
    Place(Place),
    /// A structure that must have the size that it had.
    Size(StructureSize),
    /// Something that cannot be relocated, and what is to be said of it.
    Refused(Site, String),
}

/// Notes what a function or variable relies on.
pub fn write<'c>(module: &Module<'c>, user: Value<'c>, notes: &[Note]) {
    let mut nodes: Vec<Vec<String>> = Vec::new();
    // Plain data, which cannot fail to be written.
    for node in notes.iter().filter_map(|note| serde_json::to_string(note).ok()) {
        if !nodes.iter().any(|other| other[0] == node) {
            nodes.push(vec![node]);
        }
    }
    // If it relies on nothing, that is noted: it is relocated.
    user.set_text_attachment(module.context(), KIND, &nodes);
}

/// What is noted of a function or variable; none if it is not relocated.
pub fn read<'c>(module: &Module<'c>, user: Value<'c>) -> Option<Vec<Note>> {
    let nodes = user.text_attachment(module.context(), KIND)?;
    Some(nodes.iter().filter_map(|words| serde_json::from_str(words.first()?).ok()).collect())
}

/// Removes what is noted.
pub fn erase<'c>(module: &Module<'c>, user: Value<'c>) {
    user.remove_attachment(module.context(), KIND);
}
