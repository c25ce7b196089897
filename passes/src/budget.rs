// SPDX-License-Identifier: MIT OR Apache-2.0

//! budget: every loop counts against a budget, and so does every function that may call itself, which checks the stack, too. So
//! a corrupt list or tree ends in a report.
//!
//! All loops are counted, not only those that visibly follow kernel memory: what a loop compares may come from
//! there by any way. A loop is found by its retreating edges in a depth-first walk, of which every cycle has one, also where
//! the flow graph is irreducible (Aho, Lam, Sethi, Ullman: Compilers, 9.6).

use std::collections::{HashMap, HashSet};

use gpufas_abi::symbols::runtime;

use crate::diagnostic::Remark;
use crate::effects;
use crate::llvm::{Block, Builder, Module, Type, Value, debug};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "budget";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    effects::forget(module);
    let recursive = recursive_functions(module);
    for function in module.defined_functions() {
        for header in loop_headers(function) {
            insert(module, program, header, runtime::COUNT, "each turn of the loop counts");
        }
        if recursive.contains(&function)
            && let Some(entry) = function.blocks().first()
        {
            insert(
                module,
                program,
                *entry,
                runtime::CHECK_STACK,
                "the function may call itself: it checks the stack",
            );
            // A walk of what should be a tree visits parts of it twice, four times, eight times.
            insert(module, program, *entry, runtime::COUNT, "the function may call itself: each call counts");
        }
    }
}

/// Calls `name(site)` at the start of a block, and remarks on it.
fn insert<'c>(module: &Module<'c>, program: &mut Program, block: Block<'c>, name: &str, remark: &str) {
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
    let site = debug::site(context, block.terminator().unwrap_or(place));
    program.remark(Remark::Passed, NAME, || (site.clone(), remark.to_owned()));
    let site = program.sites.number(site);
    let builder = Builder::before(context, place);
    let ty = Type::void(context).function(&[Type::integer(context, 32)]);
    builder.call(ty, module.declare_function(name, ty), &[builder.u32(site)]);
}

/// Blocks that a retreating edge leads to.
fn loop_headers(function: Value<'_>) -> Vec<Block<'_>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Open,
        Header,
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
                Some(State::Open) => {
                    states.insert(next, State::Header);
                    headers.push(next);
                }
                Some(State::Header | State::Done) => {}
            },
            None => {
                states.insert(block, State::Done);
                stack.pop();
            }
        }
    }
    headers
}

/// Functions that can be reached from themselves by calls: those in a strongly connected part of the graph of calls, or that
/// call themselves (Tarjan: Depth-first search and linear graph algorithms, 1972).
fn recursive_functions<'c>(module: &Module<'c>) -> HashSet<Value<'c>> {
    let mut walk = Walk::default();
    for function in module.defined_functions() {
        walk.visit(function);
    }
    walk.recursive
}

/// The functions that `function` calls, each once.
fn callees(function: Value<'_>) -> Vec<Value<'_>> {
    let mut seen = HashSet::new();
    function
        .instructions()
        .into_iter()
        .filter_map(Value::callee)
        .filter(|callee| callee.is_function() && !callee.is_declaration() && seen.insert(*callee))
        .collect()
}

#[derive(Default)]
struct Walk<'c> {
    /// For each function that was met: its number in the order of meeting, and the lowest number that it leads back to.
    met: HashMap<Value<'c>, (usize, usize)>,
    /// Functions whose part is not complete yet.
    open: Vec<Value<'c>>,
    is_open: HashSet<Value<'c>>,
    recursive: HashSet<Value<'c>>,
}

impl<'c> Walk<'c> {
    /// Walks from a function, without recursion of its own.
    fn visit(&mut self, start: Value<'c>) {
        if self.met.contains_key(&start) {
            return;
        }
        let mut path = vec![self.enter(start)];
        while let Some((function, callees)) = path.last_mut() {
            let function = *function;
            match callees.pop() {
                Some(callee) if !self.met.contains_key(&callee) => path.push(self.enter(callee)),
                Some(callee) if self.is_open.contains(&callee) => {
                    let number = self.met[&callee].0;
                    self.lower(function, number);
                    if callee == function {
                        self.recursive.insert(function);
                    }
                }
                Some(_) => {}
                None => {
                    path.pop();
                    let (number, lowest) = self.met[&function];
                    if let Some((caller, _)) = path.last() {
                        self.lower(*caller, lowest);
                    }
                    if number == lowest {
                        self.close(function);
                    }
                }
            }
        }
    }

    fn enter(&mut self, function: Value<'c>) -> (Value<'c>, Vec<Value<'c>>) {
        let number = self.met.len();
        self.met.insert(function, (number, number));
        self.open.push(function);
        self.is_open.insert(function);
        (function, callees(function))
    }

    fn lower(&mut self, function: Value<'c>, number: usize) {
        if let Some((_, lowest)) = self.met.get_mut(&function) {
            *lowest = number.min(*lowest);
        }
    }

    /// Completes the part whose first function is `first`.
    fn close(&mut self, first: Value<'c>) {
        let Some(start) = self.open.iter().rposition(|&function| function == first) else { return };
        let part = self.open.split_off(start);
        for function in &part {
            self.is_open.remove(function);
        }
        if part.len() > 1 {
            self.recursive.extend(part);
        }
    }
}
