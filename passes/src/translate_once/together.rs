// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which loads of an object are made together, at the place of the first of them.
//!
//! A GPU waits for a load where its value is needed, and for a load of another machine's memory as long as for a thousand
//! instructions. Loads that are made together are waited for once.

use std::collections::HashMap;

use gpufas_abi::symbols::runtime::TRANSLATE_LOAD;

use crate::flow_graph::FlowGraph;
use crate::intrinsic;
use crate::llview::{CHECK_BOUNDS, CHECK_DIVISION};
use crate::llvm::{Block, Module, Opcode, Ordering, Value};
use crate::memory_class::own_place;

use super::access::Object;

/// The most blocks between a load and another that is made ahead at its place.
const MOST_BETWEEN: usize = 32;

/// Loads of one object that are made at the place of the first of them, by their numbers in it.
#[derive(Clone, Debug, Default)]
pub struct Together {
    /// Those of its block, in their order.
    pub here: Vec<usize>,
    /// Those of later blocks, which are made ahead if the object lies in one piece, so that they cannot fault.
    pub ahead: Vec<usize>,
    /// What keeps them from being made with earlier ones of the object; none of the first, nor where none are made ahead anyway.
    pub apart: Option<Apart>,
}

/// What keeps loads of one object from being made together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Something that no load may be moved over.
    Barrier,
    /// A load that the source wants in order with both.
    Order,
    /// They would be made more often or more seldom than they are, or too much stands between.
    Flow,
}

/// Loads of one block, and what stands around them.
struct Group<'c> {
    block: Block<'c>,
    members: Vec<usize>,
    /// What keeps them from an earlier group of their block.
    apart: Option<Apart>,
    /// What comes before the first in its block.
    before: Obstacles,
    /// What comes behind the first in its block, but for the group itself.
    behind: Obstacles,
}

/// What loads must not be moved over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Obstacles {
    /// Something that no load may be moved over.
    barrier: bool,
    /// A load that the source wants in order with others of its kind.
    ordered: bool,
}

/// For each object its loads, as they are made. `ahead` says whether loads of later blocks are made ahead, which costs a machine that
/// does not wait long for its memory more than it gains.
pub fn groups<'c>(
    module: &Module<'c>,
    graph: &FlowGraph<'c>,
    objects: &[Object<'c>],
    ahead: bool,
) -> Vec<Vec<Together>> {
    let mut survey = Survey::new(module, objects);
    for block in graph.blocks() {
        survey.block(*block);
    }
    let Survey { groups, blocks, .. } = survey;
    let together = |object, groups| merge(graph, object, groups, if ahead { Some(&blocks) } else { None });
    objects.iter().zip(groups).map(|(object, groups)| together(object, groups)).collect()
}

/// What is found out block by block.
struct Survey<'m, 'c> {
    module: &'m Module<'c>,
    objects: &'m [Object<'c>],
    /// Object and number of each load.
    numbers: HashMap<Value<'c>, (usize, usize)>,
    /// For each object its groups, in the order of blocks and instructions.
    groups: Vec<Vec<Group<'c>>>,
    /// What each block has in it.
    blocks: HashMap<Block<'c>, Obstacles>,
}

impl<'m, 'c> Survey<'m, 'c> {
    fn new(module: &'m Module<'c>, objects: &'m [Object<'c>]) -> Self {
        let mut numbers = HashMap::new();
        for (object, one) in objects.iter().enumerate() {
            for (access, of_object) in one.accesses.iter().enumerate() {
                numbers.insert(of_object.load, (object, access));
            }
        }
        let groups = objects.iter().map(|_| Vec::new()).collect();
        Self { module, objects, numbers, groups, blocks: HashMap::new() }
    }

    fn block(&mut self, block: Block<'c>) {
        let mut open: HashMap<usize, Group<'c>> = HashMap::new();
        let mut closed: Vec<(usize, Group<'c>)> = Vec::new();
        // What has closed the last group of an object.
        let mut apart: HashMap<usize, Apart> = HashMap::new();
        let mut seen = Obstacles::default();
        for instruction in block.instructions() {
            let number = self.numbers.get(&instruction).copied();
            let is_barrier = is_barrier(self.module, instruction);
            if number.is_none() && is_barrier {
                seen.barrier = true;
                apart.extend(open.keys().map(|object| (*object, Apart::Barrier)));
                close_all(&mut open, &mut closed);
                continue;
            }
            let is_ordered = match number {
                Some((object, access)) => !self.objects[object].accesses[access].is_plain,
                None => instruction.is(Opcode::LLVMLoad) && instruction.is_volatile(),
            };
            if let Some((object, access)) = number {
                // Its own order is kept in the group; what another load has passed begins a new one.
                if is_ordered && open.get(&object).is_some_and(|group| group.behind.ordered) {
                    closed.extend(open.remove_entry(&object));
                    apart.insert(object, Apart::Order);
                }
                let apart = apart.get(&object).copied();
                let begin = || Group {
                    block,
                    members: Vec::new(),
                    apart,
                    before: seen,
                    behind: Obstacles::default(),
                };
                open.entry(object).or_insert_with(begin).members.push(access);
            }
            if is_ordered {
                seen.ordered = true;
                let others =
                    open.iter_mut().filter(|(object, _)| number.is_none_or(|(own, _)| own != **object));
                others.for_each(|(_, group)| group.behind.ordered = true);
            }
            // It may be made earlier itself, but nothing behind it before it (`memory_order_acquire`).
            if is_barrier {
                seen.barrier = true;
                apart.extend(open.keys().map(|object| (*object, Apart::Barrier)));
                close_all(&mut open, &mut closed);
            }
        }
        closed.extend(open);
        closed.sort_by_key(|(_, group)| group.members[0]);
        for (object, group) in closed {
            self.groups[object].push(group);
        }
        self.blocks.insert(block, seen);
    }
}

/// Closes the groups of a block at something that no load may be moved over.
fn close_all<'c>(open: &mut HashMap<usize, Group<'c>>, closed: &mut Vec<(usize, Group<'c>)>) {
    closed.extend(open.drain());
    closed.iter_mut().for_each(|(_, group)| group.behind.barrier = true);
}

/// The groups of an object, later ones as parts of earlier ones where they can be made ahead: with the obstacles of all blocks.
fn merge<'c>(
    graph: &FlowGraph<'c>,
    object: &Object<'c>,
    groups: Vec<Group<'c>>,
    blocks: Option<&HashMap<Block<'c>, Obstacles>>,
) -> Vec<Together> {
    let mut made: Vec<(Group<'c>, Together)> = Vec::new();
    for group in groups {
        let is_plain = group.members.iter().all(|access| object.accesses[*access].is_plain);
        let mut why = group.apart;
        let earlier = blocks.and_then(|blocks| {
            made.iter_mut().find(|(first, _)| {
                let apart = apart(graph, blocks, (first, &group), is_plain);
                why = why.or(apart);
                apart.is_none()
            })
        });
        match earlier {
            Some((_, together)) => together.ahead.extend(group.members),
            None => {
                let together = Together { here: group.members.clone(), ahead: Vec::new(), apart: why };
                made.push((group, together));
            }
        }
    }
    made.into_iter().map(|(_, together)| together).collect()
}

/// What keeps loads from being made at the place of earlier ones, as seen from the source: nothing if no obstacle stands in between, they are
/// not made more seldom than there, and, unless they are plain, not more often.
fn apart<'c>(
    graph: &FlowGraph<'c>,
    blocks: &HashMap<Block<'c>, Obstacles>,
    (first, later): (&Group<'c>, &Group<'c>),
    is_plain: bool,
) -> Option<Apart> {
    if first.behind.barrier || later.before.barrier {
        return Some(Apart::Barrier);
    }
    if !graph.share_loops(first.block, later.block) {
        return Some(Apart::Flow);
    }
    let Some(between) = graph.between(first.block, later.block, MOST_BETWEEN) else {
        return Some(Apart::Flow);
    };
    let obstacles = between.iter().map(|block| blocks.get(block).copied().unwrap_or_default());
    let all: Vec<_> = obstacles.chain([first.behind, later.before]).collect();
    if all.iter().any(|obstacles| obstacles.barrier) {
        return Some(Apart::Barrier);
    }
    if is_plain {
        return None;
    }
    if all.iter().any(|obstacles| obstacles.ordered) {
        return Some(Apart::Order);
    }
    let mut ways = between.iter().chain([&first.block]).flat_map(|block| block.successors());
    let leads_only_there = ways.all(|next| next == later.block || between.contains(&next));
    (!leads_only_there).then_some(Apart::Flow)
}

/// Whether no load may be moved over an instruction: it may store to kernel memory, order accesses, or end what is to be seen
/// before it.
fn is_barrier<'c>(module: &Module<'c>, instruction: Value<'c>) -> bool {
    match instruction.opcode() {
        Some(Opcode::LLVMCall | Opcode::LLVMInvoke | Opcode::LLVMCallBr) => {
            let callee = instruction.callee().filter(|callee| callee.is_function());
            !callee.is_some_and(|callee| is_harmless(&callee.name()))
        }
        Some(Opcode::LLVMStore) => {
            let place = instruction.operand(1).and_then(|pointer| own_place(module, pointer));
            instruction.is_volatile() || !place.is_some_and(|place| is_private(place.object))
        }
        Some(Opcode::LLVMFence | Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => true,
        Some(Opcode::LLVMLoad) => !matches!(
            instruction.ordering(),
            Ordering::LLVMAtomicOrderingNotAtomic
                | Ordering::LLVMAtomicOrderingUnordered
                | Ordering::LLVMAtomicOrderingMonotonic
        ),
        _ => false,
    }
}

/// Whether nothing but loads and stores by its name, at constant places, reaches a variable of the program's own: else the address that a load goes
/// by might be its.
fn is_private(object: Value<'_>) -> bool {
    object.users().into_iter().all(|user| match user.opcode() {
        Some(Opcode::LLVMLoad) => true,
        Some(Opcode::LLVMStore) => user.operand(0) != Some(object),
        Some(Opcode::LLVMGetElementPtr) => is_private(user),
        Some(Opcode::LLVMCall) => user
            .callee()
            .is_some_and(|callee| callee.is_function() && callee.name().starts_with("llvm.lifetime.")),
        _ => false,
    })
}

/// Whether a function stores nothing and orders nothing. It may end the program.
fn is_harmless(name: &str) -> bool {
    [TRANSLATE_LOAD, CHECK_BOUNDS, CHECK_DIVISION].contains(&name) || intrinsic::accesses_nothing(name)
}
