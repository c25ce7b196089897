// SPDX-License-Identifier: MIT OR Apache-2.0

//! labels: addresses of labels become numbers, and computed gotos switches over them.
//!
//! No target but a CPU jumps to an address that it computes. Kernel code takes addresses of labels for tables of computed gotos,
//! and to say where it is (`_THIS_IP_`); nothing is ever read from there.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Remark;
use crate::kernel_asm::call_bug;
use crate::llvm::{Block, Builder, Module, Opcode, Type, Value, debug};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "labels";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    for function in module.defined_functions() {
        let mut numbers = Numbers::default();
        let jumps: Vec<_> =
            function.instructions().into_iter().filter(|jump| jump.is(Opcode::LLVMIndirectBr)).collect();
        let addresses: Vec<_> =
            function.blocks().into_iter().filter_map(|block| Some((block, block.address()?))).collect();
        for &(block, _) in &addresses {
            numbers.of(block);
        }
        for jump in jumps {
            remark(module, program, function, jump);
            replace_jump(module, &mut numbers, function, jump);
        }
        for (block, address) in addresses {
            let number = Type::integer(module.context(), 64).constant(numbers.of(block));
            for user in address.users().into_iter().filter(|user| user.is_instruction()) {
                program.remark(Remark::Passed, NAME, || {
                    let message = format!("the address of a label becomes the number {}", numbers.of(block));
                    (debug::site(module.context(), user), message)
                });
            }
            address.replace_all_uses_with(number.as_pointer_constant(address.ty()));
        }
    }
}

/// Says of each computed goto that it becomes a switch. clang makes one jump of all that a function has, and the places are those of
/// the branches to it.
fn remark<'c>(module: &Module<'c>, program: &mut Program, function: Value<'c>, jump: Value<'c>) {
    if !program.wants_remarks(NAME) {
        return;
    }
    let Some(block) = jump.block() else { return };
    let labels: HashSet<_> = block.successors().into_iter().collect();
    let count = match labels.len() {
        1 => "1 label".to_owned(),
        count => format!("{count} labels"),
    };
    let own = debug::site(module.context(), jump);
    let sites = if own.line > 0 {
        vec![own]
    } else {
        let before = function.blocks().into_iter().filter(|other| other.successors().contains(&block));
        before.filter_map(Block::terminator).map(|branch| debug::site(module.context(), branch)).collect()
    };
    for site in sites {
        program.remark(Remark::Passed, NAME, || {
            (site, format!("the computed goto becomes a switch over {count}"))
        });
    }
}

/// Numbers of labels: those of one function, from 1, as no label is at the null pointer.
#[derive(Default)]
struct Numbers<'c> {
    known: HashMap<Block<'c>, u64>,
    last: u64,
}

impl<'c> Numbers<'c> {
    fn of(&mut self, block: Block<'c>) -> u64 {
        if let Some(&number) = self.known.get(&block) {
            return number;
        }
        let number = self.next();
        self.known.insert(block, number);
        number
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// Puts a switch in the place of a computed goto. An address that is none of its labels' ends the program.
fn replace_jump<'c>(module: &Module<'c>, numbers: &mut Numbers<'c>, function: Value<'c>, jump: Value<'c>) {
    let context = module.context();
    let (Some(block), Some(address)) = (jump.block(), jump.operand(0)) else { return };
    let word = Type::integer(context, 64);
    let mut cases: Vec<(Value<'c>, Block<'c>)> = Vec::new();
    for label in block.successors() {
        // A label that is listed twice has two edges, and phis there name each.
        let is_listed = cases.iter().any(|&(_, listed)| listed == label);
        let number = if is_listed { numbers.next() } else { numbers.of(label) };
        cases.push((word.constant(number), label));
    }
    let nowhere = Block::append(context, function, "nowhere");
    let builder = Builder::at_end(context, nowhere);
    builder.set_location_of(jump);
    call_bug(module, &builder);
    builder.unreachable();
    let builder = Builder::before(context, jump);
    builder.switch(builder.to_unsigned(address, 64), nowhere, &cases);
    jump.erase();
}
