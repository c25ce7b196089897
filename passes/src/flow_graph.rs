// SPDX-License-Identifier: MIT OR Apache-2.0

//! The flow graph of a function: which blocks come before which whatever way is taken, and which are loops.
//!
//! Dominators as in Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001); natural loops as in Aho, Lam, Sethi, Ullman:
//! Compilers, 9.6. LLVM's C interface has neither.

use std::collections::{HashMap, HashSet};

use crate::llvm::{Block, Value};

/// The blocks of a function that its entry leads to.
pub struct FlowGraph<'c> {
    /// The blocks in reverse postorder: the entry first, each block behind its immediate dominator.
    blocks: Vec<Block<'c>>,
    numbers: HashMap<Block<'c>, usize>,
    /// For each block the number of its immediate dominator; the entry's is its own.
    dominators: Vec<usize>,
    predecessors: Vec<Vec<usize>>,
    /// Headers of loops with the numbers of their blocks, smaller loops first.
    loops: Vec<(usize, HashSet<usize>)>,
}

impl<'c> FlowGraph<'c> {
    /// The graph of a function that has blocks.
    pub fn new(function: Value<'c>) -> Self {
        let blocks = reverse_postorder(function);
        let numbers: HashMap<_, _> =
            blocks.iter().enumerate().map(|(number, block)| (*block, number)).collect();
        let mut predecessors = vec![Vec::new(); blocks.len()];
        for (number, block) in blocks.iter().enumerate() {
            for next in block.successors() {
                if let Some(next) = numbers.get(&next) {
                    predecessors[*next].push(number);
                }
            }
        }
        let dominators = immediate_dominators(&predecessors);
        let mut graph = Self { blocks, numbers, dominators, predecessors, loops: Vec::new() };
        graph.loops = graph.natural_loops();
        graph
    }

    /// The entry.
    pub fn entry(&self) -> Option<Block<'c>> {
        self.blocks.first().copied()
    }

    /// The last block that comes before all of `blocks`, or is one of them, whatever way is taken. `None` without blocks that the
    /// entry leads to.
    pub fn common_dominator(&self, blocks: impl IntoIterator<Item = Block<'c>>) -> Option<Block<'c>> {
        let numbers = blocks.into_iter().filter_map(|block| self.numbers.get(&block).copied());
        let number = numbers.reduce(|one, other| nearest_common(&self.dominators, one, other))?;
        Some(self.blocks[number])
    }

    /// The block that `place` is to be moved to so that it is in no loop that `definition`, which dominates it, is not in.
    pub fn before_loops(&self, place: Block<'c>, definition: Block<'c>) -> Block<'c> {
        let number = |block| self.numbers.get(&block);
        let (Some(place_number), Some(definition)) = (number(place), number(definition)) else {
            return place;
        };
        let around = self.loops.iter().filter(|(_, members)| members.contains(place_number));
        // Of loops around each other the smaller ones come first. What dominates a header and is not it lies outside of the loop.
        let outermost = around.take_while(|(_, members)| !members.contains(definition)).last();
        outermost.map_or(place, |(header, _)| self.blocks[self.dominators[*header]])
    }

    /// Blocks in reverse postorder.
    pub fn blocks(&self) -> &[Block<'c>] {
        &self.blocks
    }

    /// Whether two blocks are in the same loops.
    pub fn share_loops(&self, one: Block<'c>, other: Block<'c>) -> bool {
        let (Some(one), Some(other)) = (self.numbers.get(&one), self.numbers.get(&other)) else {
            return false;
        };
        self.loops.iter().all(|(_, members)| members.contains(one) == members.contains(other))
    }

    /// The blocks on ways from behind `from` to before `to` that come by neither again, if there are no more than `most`. `from` must come before
    /// `to` whatever way is taken; none if it does not, or if a way leads in a circle that `from` is not in.
    pub fn between(&self, from: Block<'c>, to: Block<'c>, most: usize) -> Option<Vec<Block<'c>>> {
        let (from, to) = (*self.numbers.get(&from)?, *self.numbers.get(&to)?);
        if from == to || !self.dominates(from, to) {
            return None;
        }
        // Whatever leads to it comes behind the block that all ways to it lead through.
        let mut found = HashSet::new();
        let mut pending = vec![to];
        while let Some(number) = pending.pop() {
            for &before in &self.predecessors[number] {
                // In reverse postorder every circle goes back somewhere, also one that has no header.
                if before != from && before >= number {
                    return None;
                }
                if before != from && found.insert(before) {
                    pending.push(before);
                }
            }
            if found.len() > most {
                return None;
            }
        }
        Some(found.into_iter().map(|number| self.blocks[number]).collect())
    }

    /// All natural loops, those with one header as one, smaller ones first.
    fn natural_loops(&self) -> Vec<(usize, HashSet<usize>)> {
        let mut loops: HashMap<usize, HashSet<usize>> = HashMap::new();
        for (header, before) in self.predecessors.iter().enumerate() {
            for &from in before.iter().filter(|from| self.dominates(header, **from)) {
                let members = loops.entry(header).or_insert_with(|| HashSet::from([header]));
                let mut pending = vec![from];
                while let Some(member) = pending.pop() {
                    if members.insert(member) {
                        pending.extend(&self.predecessors[member]);
                    }
                }
            }
        }
        let mut loops: Vec<_> = loops.into_iter().collect();
        loops.sort_unstable_by_key(|(header, members)| (members.len(), *header));
        loops
    }

    fn dominates(&self, one: usize, mut other: usize) -> bool {
        // Numbers fall on the way to the entry.
        while other > one {
            other = self.dominators[other];
        }
        other == one
    }
}

fn reverse_postorder(function: Value<'_>) -> Vec<Block<'_>> {
    let Some(&entry) = function.blocks().first() else { return Vec::new() };
    let mut seen = HashSet::from([entry]);
    let mut stack = vec![(entry, entry.successors())];
    let mut order = Vec::new();
    while let Some((block, successors)) = stack.last_mut() {
        match successors.pop() {
            Some(next) if seen.insert(next) => stack.push((next, next.successors())),
            Some(_) => {}
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

/// The immediate dominators of blocks that are numbered in reverse postorder.
fn immediate_dominators(predecessors: &[Vec<usize>]) -> Vec<usize> {
    const UNKNOWN: usize = usize::MAX;
    let mut dominators = vec![UNKNOWN; predecessors.len()];
    if let Some(entry) = dominators.first_mut() {
        *entry = 0;
    }
    let mut changed = true;
    while changed {
        changed = false;
        for (number, before) in predecessors.iter().enumerate().skip(1) {
            let known = before.iter().copied().filter(|one| dominators[*one] != UNKNOWN);
            let found = known.reduce(|one, other| nearest_common(&dominators, one, other));
            // In reverse postorder at least one predecessor has come before.
            if let Some(found) = found.filter(|found| dominators[number] != *found) {
                dominators[number] = found;
                changed = true;
            }
        }
    }
    dominators
}

fn nearest_common(dominators: &[usize], mut one: usize, mut other: usize) -> usize {
    while one != other {
        while one > other {
            one = dominators[one];
        }
        while other > one {
            other = dominators[other];
        }
    }
    one
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::llvm::Context;
    use crate::testing;

    /// A function whose block number `i` goes to `edges[i]`.
    fn function(edges: &[Vec<usize>]) -> String {
        let mut text = String::from("define void @f(i32 %n) {\n");
        for (number, successors) in edges.iter().enumerate() {
            let cases: String = successors
                .iter()
                .enumerate()
                .skip(1)
                .map(|(index, next)| format!("i32 {index}, label %b{next} "))
                .collect();
            text += &match successors.first() {
                Some(first) => format!("b{number}:\n  switch i32 %n, label %b{first} [ {cases}]\n"),
                None => format!("b{number}:\n  ret void\n"),
            };
        }
        text + "}\n"
    }

    /// Whether `to` can be reached from the entry without `without`.
    fn is_reached(edges: &[Vec<usize>], to: usize, without: Option<usize>) -> bool {
        let mut seen = HashSet::new();
        let mut pending = vec![0];
        while let Some(number) = pending.pop() {
            if Some(number) != without && seen.insert(number) {
                pending.extend(&edges[number]);
            }
        }
        seen.contains(&to)
    }

    /// The blocks that the entry leads to.
    fn reached(edges: &[Vec<usize>]) -> Vec<usize> {
        (0..edges.len()).filter(|number| is_reached(edges, *number, None)).collect()
    }

    /// Whether a block comes before another whatever way is taken.
    fn comes_before(edges: &[Vec<usize>], one: usize, other: usize) -> bool {
        one == other || !is_reached(edges, other, Some(one))
    }

    /// Graphs whose entry nothing goes to.
    fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (2usize..12)
            .prop_flat_map(|count| prop::collection::vec(prop::collection::vec(1..count, 0..4), count))
    }

    proptest! {
        #[test]
        fn common_dominators_agree_with_their_definition(edges in graphs(), one in 0usize..12, other in 0usize..12) {
            let context = Context::create();
            let module = testing::module(&context, &function(&edges));
            let function = module.function("f").unwrap();
            let (blocks, graph) = (function.blocks(), FlowGraph::new(function));
            let reached = reached(&edges);
            for (number, block) in blocks.iter().enumerate() {
                prop_assert_eq!(graph.blocks().contains(block), reached.contains(&number));
            }
            let (one, other) = (reached[one % reached.len()], reached[other % reached.len()]);
            let common: Vec<_> = reached
                .iter()
                .copied()
                .filter(|number| comes_before(&edges, *number, one) && comes_before(&edges, *number, other))
                .collect();
            // The last: all others come before it.
            let last = common.iter().find(|last| common.iter().all(|number| comes_before(&edges, *number, **last)));
            let found = graph.common_dominator([blocks[one], blocks[other]]).unwrap();
            prop_assert_eq!(Some(found), last.map(|last| blocks[*last]));
        }

        /// What is moved out of loops still comes before its place and behind its definition.
        #[test]
        fn what_leaves_loops_stays_in_order(edges in graphs(), place in 0usize..12, definition in 0usize..12) {
            let context = Context::create();
            let module = testing::module(&context, &function(&edges));
            let function = module.function("f").unwrap();
            let (blocks, graph) = (function.blocks(), FlowGraph::new(function));
            let reached = reached(&edges);
            let place = reached[place % reached.len()];
            let before: Vec<_> =
                reached.iter().copied().filter(|number| comes_before(&edges, *number, place)).collect();
            let definition = before[definition % before.len()];
            let moved = graph.before_loops(blocks[place], blocks[definition]);
            let moved = blocks.iter().position(|block| *block == moved).unwrap();
            prop_assert!(comes_before(&edges, moved, place), "{moved}");
            prop_assert!(comes_before(&edges, definition, moved), "{moved}");
        }
    }

    proptest! {
        /// Between two blocks are those on ways from one to the other by neither, unless there is a circle among them.
        #[test]
        fn what_lies_between_agrees_with_its_definition(edges in graphs(), from in 0usize..12, to in 0usize..12) {
            let context = Context::create();
            let module = testing::module(&context, &function(&edges));
            let function = module.function("f").unwrap();
            let (blocks, graph) = (function.blocks(), FlowGraph::new(function));
            let reached = reached(&edges);
            let (from, to) = (reached[from % reached.len()], reached[to % reached.len()]);
            // Those that lead to `to` without `from`, `to` included if it leads to itself.
            let mut before = HashSet::new();
            let mut pending = vec![to];
            while let Some(number) = pending.pop() {
                for one in reached.iter().copied().filter(|one| *one != from && edges[*one].contains(&number)) {
                    if before.insert(one) {
                        pending.push(one);
                    }
                }
            }
            let leads = |one: usize, other: usize| {
                let mut seen = HashSet::new();
                let mut pending = vec![one];
                while let Some(number) = pending.pop() {
                    let next = edges[number].iter().copied().filter(|next| before.contains(next) || *next == to);
                    pending.extend(next.filter(|next| seen.insert(*next)));
                }
                seen.contains(&other)
            };
            let in_circle = before.contains(&to) || before.iter().any(|one| leads(*one, *one));
            let expected = (from != to && comes_before(&edges, from, to) && !in_circle).then_some(before);
            let found = graph.between(blocks[from], blocks[to], 12);
            let found = found.map(|found| {
                let number = |block| blocks.iter().position(|other| *other == block).unwrap();
                found.into_iter().map(number).collect::<HashSet<_>>()
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn loops_are_left_as_far_as_the_definition_is_outside() {
        // 0 -> 1 (outer header) -> 2 (inner header) <-> 3, 2 -> 4 -> 1 or 5.
        let edges = [vec![1], vec![2], vec![3, 4], vec![2], vec![1, 5], vec![]];
        let context = Context::create();
        let module = testing::module(&context, &function(&edges));
        let function = module.function("f").unwrap();
        let (blocks, graph) = (function.blocks(), FlowGraph::new(function));
        for (place, definition, expected) in [
            (3, 0, 0),
            (3, 1, 1),
            (3, 2, 3),
            (3, 3, 3),
            (2, 1, 1),
            (4, 0, 0),
            (4, 1, 4),
            (5, 0, 5),
            (0, 0, 0),
        ] {
            let moved = graph.before_loops(blocks[place], blocks[definition]);
            assert_eq!(moved, blocks[expected], "{place} {definition}");
        }
    }
}
