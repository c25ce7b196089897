// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether registers and flags are defined where they are used.

use std::collections::HashSet;

use crate::kernel_asm::refusal::Refusal;

use super::{Flow, Node, Start, State};

impl Flow<'_, '_> {
    /// Checks that nothing is used before it is defined, whichever way leads there. What outputs hold that are set on other
    /// ways only does not matter.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        for (node, Node { start, loads, .. }) in self.nodes.iter().enumerate() {
            for (number, load) in loads.iter().enumerate() {
                // The rest of a register of which a part is written may be anything, as long as nothing reads it.
                if load.users().into_iter().all(|user| self.kept.contains(&user)) {
                    continue;
                }
                let is_flag = self.variables[number].slot.is_none();
                if matches!(start, Start::Exit(_)) && !is_flag {
                    continue;
                }
                if !self.is_defined(node, number) {
                    return Err(Refusal::unknown(if is_flag {
                        "a condition is not defined there"
                    } else {
                        "it reads a register that it has not set"
                    }));
                }
            }
        }
        for load in self.nodes.iter().flat_map(|node| &node.loads) {
            if !load.is_used() {
                load.erase();
            }
        }
        Ok(())
    }

    pub(super) fn is_defined(&self, node: usize, variable: usize) -> bool {
        let mut pending = vec![node];
        let mut seen = HashSet::from([node]);
        while let Some(node) = pending.pop() {
            for edge in self.edges.iter().filter(|edge| edge.to == node) {
                match (edge.states[variable], edge.from) {
                    (State::Set, _) => {}
                    (State::Kept, Some(from)) => {
                        if seen.insert(from) {
                            pending.push(from);
                        }
                    }
                    _ => return false,
                }
            }
        }
        true
    }
}
