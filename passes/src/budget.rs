// SPDX-License-Identifier: MIT OR Apache-2.0

//! budget: every loop counts against a budget, and every function that may call itself checks the stack, so that a corrupt
//! list or tree ends in a report.
//!
//! All loops are counted, not only those that visibly follow kernel memory: what a loop compares may come from
//! there by any way. A loop is found by its retreating edges in a depth-first walk, of which every cycle has one, also where
//! the flow graph is irreducible (Aho, Lam, Sethi, Ullman: Compilers, 9.6).

use std::collections::{HashMap, HashSet};

use gpufas_abi::symbols::runtime;

use crate::llvm::{Block, Builder, Module, Type, Value, debug};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "budget";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let recursive = recursive_functions(module);
    for function in module.defined_functions() {
        for header in loop_headers(function) {
            insert(module, program, header, runtime::COUNT);
        }
        if recursive.contains(&function)
            && let Some(entry) = function.blocks().first()
        {
            insert(module, program, *entry, runtime::CHECK_STACK);
        }
    }
}

/// Calls `name(site)` at the start of a block.
fn insert<'c>(module: &Module<'c>, program: &mut Program, block: Block<'c>, name: &str) {
    let context = module.context();
    // Behind the allocas, which must stay together at the start of a function.
    let Some(place) = block
        .instructions()
        .into_iter()
        .find(|instruction| !instruction.is_phi() && instruction.allocated_type().is_none())
    else {
        return;
    };
    // The back edge's own branch says which loop it is.
    let site = program.sites.number(debug::site(context, block.terminator().unwrap_or(place)));
    let builder = Builder::before(context, place);
    let ty = Type::void(context).function(&[Type::integer(context, 32)]);
    builder.call(ty, module.declare_function(name, ty), &[builder.u32(site)]);
}

/// Blocks that a retreating edge leads to.
fn loop_headers(function: Value<'_>) -> Vec<Block<'_>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Open,
        Done,
    }
    let Some(&entry) = function.blocks().first() else { return Vec::new() };
    let mut states: HashMap<Block<'_>, State> = HashMap::from([(entry, State::Open)]);
    let mut headers = Vec::new();
    let mut stack = vec![(entry, entry.successors())];
    while let Some((block, successors)) = stack.last_mut() {
        let block = *block;
        match successors.pop() {
            Some(next) => match states.get(&next) {
                None => {
                    states.insert(next, State::Open);
                    stack.push((next, next.successors()));
                }
                Some(State::Open) if !headers.contains(&next) => headers.push(next),
                Some(_) => {}
            },
            None => {
                states.insert(block, State::Done);
                stack.pop();
            }
        }
    }
    headers
}

/// Functions that can be reached from themselves by calls.
fn recursive_functions<'c>(module: &Module<'c>) -> HashSet<Value<'c>> {
    let functions = module.defined_functions();
    let calls: HashMap<Value<'c>, Vec<Value<'c>>> = functions
        .iter()
        .map(|&function| {
            let callees = function
                .instructions()
                .into_iter()
                .filter_map(Value::callee)
                .filter(|callee| callee.is_function() && !callee.is_declaration())
                .collect();
            (function, callees)
        })
        .collect();
    functions
        .iter()
        .copied()
        .filter(|&function| {
            let mut seen = HashSet::new();
            let mut pending = calls[&function].clone();
            while let Some(next) = pending.pop() {
                if next == function {
                    return true;
                }
                if seen.insert(next) {
                    pending.extend(calls.get(&next).into_iter().flatten());
                }
            }
            false
        })
        .collect()
}
