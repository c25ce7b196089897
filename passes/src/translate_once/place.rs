// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where an object is translated: before all loads of it, and outside of loops that its address does not change in.

use crate::flow_graph::FlowGraph;
use crate::llvm::Value;

use super::access::Object;

/// The instruction before which an object is translated. None if nothing leads to its loads.
pub fn of<'c>(graph: &FlowGraph<'c>, object: &Object<'c>) -> Option<Value<'c>> {
    let common = graph.common_dominator(object.accesses.iter().map(|access| access.block))?;
    // Parameters are there from the entry on.
    let definition = object.definition.or(graph.entry())?;
    let place = graph.before_loops(common, definition);
    let first = object.accesses.iter().find(|access| access.block == place);
    // What is in the block itself comes in the order of its instructions.
    first.map(|access| access.translation).or_else(|| place.terminator())
}
