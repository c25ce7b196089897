// SPDX-License-Identifier: MIT OR Apache-2.0

//! translate-once: loads of one object share one translation, which is made before them all and outside of loops, and those that
//! nothing keeps apart are made together.
//!
//! llview has put a call of the runtime before each load. In the linear regions, the direct map and the kernel's image, addresses
//! keep their distances, so that one comparison and one addition serve all loads at constant distances from one address. Elsewhere
//! the runtime says whether the object lies in one piece of memory all the same. Where it does not, and where the address is none
//! at all, each load goes its own way, and faults with its own line. Loads that are made together fault together: what the source has in between, a
//! load of another object's or a division, may fault later than one that follows it there.
//!
//! For a GPU, plain loads of later blocks are made ahead, under conditions or not, where nothing in between could change what they
//! find; if the object does not lie in one piece, they stay where they are.
//!
//! Nothing here faults by itself, so that it may come before conditions that keep the program from a load. Values are never
//! shared: each load is made, since kernel memory changes under the program. Stores and atomic operations are left as they are: the
//! journal, which has to know the place of each, takes longer than its translation.

mod access;
mod emit;
mod place;
mod remarks;
mod together;

use gpufas_abi::manifest::Target;
use gpufas_abi::symbols::runtime;

use crate::flow_graph::FlowGraph;
use crate::llvm::{Module, Value};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "translate-once";

/// Runs the pass.
///
/// `target`: a GPU makes loads of later blocks ahead as well.
pub fn run(module: &Module<'_>, program: &mut Program, target: Target) {
    remarks::of_stores(module, program);
    if module.function(runtime::TRANSLATE_LOAD).is_none() {
        return;
    }
    for function in module.defined_functions() {
        of_function(module, program, function, target == Target::Cuda);
    }
}

fn of_function<'c>(module: &Module<'c>, program: &mut Program, function: Value<'c>, ahead: bool) {
    let objects = access::objects(module, function);
    if objects.is_empty() {
        return;
    }
    let graph = FlowGraph::new(function);
    let groups = together::groups(module, &graph, &objects, ahead);
    // All is known before anything is changed: blocks are split from here on.
    let places: Vec<_> = objects.iter().map(|object| place::of(&graph, object)).collect();
    for ((object, groups), place) in objects.iter().zip(&groups).zip(places) {
        let Some(translation) = place.and_then(|place| emit::translate(module, object, place)) else {
            continue;
        };
        remarks::of_object(module, program, object, groups);
        for group in groups {
            emit::make_together(module, object, &translation, group);
        }
    }
}
