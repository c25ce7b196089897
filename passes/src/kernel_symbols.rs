// SPDX-License-Identifier: MIT OR Apache-2.0

//! kernel-symbols: undefined kernel variables become loads from the symbol table, which the loader fills for the running
//! kernel; calls of undefined kernel functions get the meaning that they have in a recovery program.
//!
//! [`run`] works before any optimisation, so that nothing is concluded from initial values that live in the running
//! kernel; [`define_table`] works after it, when it is known which symbols are needed.

use std::collections::HashMap;

use gpufas_abi::manifest::Site;
use gpufas_abi::symbols::{self, runtime};

use crate::diagnostic::Diagnostic;
use crate::llvm::{Builder, Linkage, Module, Opcode, Type, Value, debug};
use crate::marker;
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "kernel-symbols";

/// Functions of the kernel that mean nothing outside it: nothing preempts a recovery program, its read-side critical
/// sections protect nothing, and lock debugging would watch locks that it does not take.
const NO_OPERATION: &[&str] = &[
    "__rcu_read_lock",
    "__rcu_read_unlock",
    "rcu_read_unlock_special",
    "__might_sleep",
    "__might_resched",
    "__cond_resched",
    "preempt_schedule",
    "preempt_schedule_notrace",
    "__preempt_schedule",
    "rcu_lock_acquire",
    "rcu_lock_release",
    "__local_bh_enable_ip",
];

/// Kernel functions that print.
const PRINT: &[&str] = &["_printk", "printk", "_printk_deferred"];

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    for name in PRINT {
        if let Some(function) = module.function(name).filter(|function| function.is_declaration()) {
            rewrite_prints(module, function, program);
        }
    }
    for name in NO_OPERATION {
        if let Some(function) = module.function(name).filter(|function| function.is_declaration()) {
            remove_calls(function);
        }
    }
    let variables = module.globals().into_iter().filter(|global| global.is_declaration());
    let functions = module.functions().into_iter().filter(|function| function.is_declaration());
    for symbol in variables.chain(functions) {
        if is_own(&symbol.name()) {
            continue;
        }
        replace(module, symbol, program);
    }
}

/// Whether a name belongs to the program, the device runtime or LLVM rather than to the kernel.
fn is_own(name: &str) -> bool {
    name.starts_with("llvm.")
        || name.starts_with("gpufas.")
        || name == symbols::CONTEXT
        || runtime::FUNCTIONS.contains(&name)
}

/// Numbers the symbols that are still needed after optimisation, and defines the table.
pub fn define_table(module: &Module<'_>, program: &mut Program) {
    let context = module.context();
    let word = Type::integer(context, 64);
    let mut needed: Vec<(String, Value<'_>)> = Vec::new();
    for global in module.globals() {
        let name = global.name();
        if let Some(symbol) = name.strip_prefix(marker::SYMBOL_PREFIX) {
            if global.is_used() {
                needed.push((symbol.to_owned(), global));
            } else {
                global.delete_global();
            }
        }
    }
    needed.sort_by(|left, right| left.0.cmp(&right.0));
    let ty = word.array(needed.len() as u64);
    let table = module.add_global(symbols::SYMBOL_TABLE, ty);
    // The loader writes it, so it is no constant, and external so that nothing is concluded from the zeros.
    table.set_initializer(ty.zero());
    table.set_linkage(Linkage::LLVMExternalLinkage);
    table.set_alignment(8);
    for (number, (symbol, global)) in needed.into_iter().enumerate() {
        global.replace_all_uses_with(table.constant_element(number as u64));
        global.delete_global();
        program.symbols.push(symbol);
    }
}

/// Replaces the uses of a kernel symbol, other than calls of it, by its address at run time.
fn replace<'c>(module: &Module<'c>, symbol: Value<'c>, program: &mut Program) {
    let name = symbol.name();
    if symbol.is_global_variable() && symbol.is_thread_local() {
        program.diagnostics.push(Diagnostic::error(
            NAME,
            Site::default(),
            format!("`{name}` is thread-local, which nothing in the kernel is"),
        ));
        return;
    }
    // One load a function, at its start: it reaches all uses, phis included; LLVM moves or drops it.
    let mut loads: HashMap<Value<'c>, Value<'c>> = HashMap::new();
    for (user, chain) in instruction_users(symbol) {
        let Some(function) = user.function() else { continue };
        let address = *loads.entry(function).or_insert_with(|| {
            let first = function.blocks().first().and_then(|block| block.first_non_phi());
            let builder = Builder::before(module.context(), first.unwrap_or(user));
            let slot =
                module.declare_global(&format!("{}{name}", marker::SYMBOL_PREFIX), builder.integer(64));
            let load = builder.load(builder.integer(64), slot, 8);
            load.set_empty_metadata(module.context(), "invariant.load");
            builder.to_pointer(load)
        });
        substitute(module, user, symbol, chain, address);
    }
    // What is left are initialisers of the program's own variables.
    for user in symbol.users() {
        if let Some(variable) = variable_initialised_with(user) {
            program.diagnostics.push(
                Diagnostic::error(
                    NAME,
                    Site::default(),
                    format!(
                        "the initial value of `{}` needs the address of `{name}`, which is known only when the \
                         program runs",
                        variable.name()
                    ),
                )
                .with_help("assign it in the entry point"),
            );
        }
    }
}

/// Instructions that use `symbol`, each with the constant expression through which it does (or the symbol).
fn instruction_users(symbol: Value<'_>) -> Vec<(Value<'_>, Value<'_>)> {
    let mut found = Vec::new();
    let mut pending = vec![symbol];
    while let Some(value) = pending.pop() {
        for user in value.users() {
            if user.is_instruction() {
                // A call of a kernel function is no use of its address.
                let is_callee = user.callee() == Some(symbol) && !user.arguments().contains(&value);
                if !is_callee && !found.contains(&(user, value)) {
                    found.push((user, value));
                }
            } else if user.is_constant_expression() && !pending.contains(&user) {
                pending.push(user);
            }
        }
    }
    found
}

/// Replaces the operand `constant` of `user`, which is made of `symbol`, by the same made of `address`.
fn substitute<'c>(
    module: &Module<'c>,
    user: Value<'c>,
    symbol: Value<'c>,
    constant: Value<'c>,
    address: Value<'c>,
) {
    // Right after the load, which dominates everything; a block never ends with it.
    let Some(place) = address.next_instruction() else { return };
    let builder = Builder::before(module.context(), place);
    let Some(replacement) = rebuild(&builder, constant, symbol, address, 0) else { return };
    let is_call = user.is_call();
    for index in 0..user.operand_count() {
        let is_callee_operand = is_call && index + 1 == user.operand_count();
        if user.operand(index) == Some(constant) && !is_callee_operand {
            user.set_operand(index, replacement);
        }
    }
}

/// A constant expression as instructions, with `symbol` replaced by `address`.
fn rebuild<'c>(
    builder: &Builder<'c>,
    constant: Value<'c>,
    symbol: Value<'c>,
    address: Value<'c>,
    depth: usize,
) -> Option<Value<'c>> {
    if constant == symbol {
        return Some(address);
    }
    if !constant.is_constant_expression() || depth > 32 {
        return Some(constant);
    }
    let operands = constant
        .operands()
        .into_iter()
        .map(|operand| rebuild(builder, operand, symbol, address, depth + 1))
        .collect::<Option<Vec<_>>>()?;
    match constant.opcode()? {
        Opcode::LLVMGetElementPtr => {
            Some(builder.gep(constant.gep_source_type()?, operands[0], &operands[1..]))
        }
        opcode @ (Opcode::LLVMPtrToInt
        | Opcode::LLVMIntToPtr
        | Opcode::LLVMBitCast
        | Opcode::LLVMTrunc
        | Opcode::LLVMAddrSpaceCast) => Some(builder.cast(opcode, operands[0], constant.ty())),
        opcode @ (Opcode::LLVMAdd | Opcode::LLVMSub | Opcode::LLVMXor) => {
            Some(builder.binary(opcode, operands[0], operands[1]))
        }
        _ => None,
    }
}

/// The own variable whose initial value `user` is part of.
fn variable_initialised_with(user: Value<'_>) -> Option<Value<'_>> {
    let mut value = user;
    for _ in 0..64 {
        if value.is_global_variable() {
            return Some(value);
        }
        if value.is_instruction() {
            return None;
        }
        value = value.users().first().copied()?;
    }
    None
}

/// `printk(format, ...)` becomes a marker with the arguments in an array: the x86 convention for variable arguments
/// means nothing on a GPU.
fn rewrite_prints<'c>(module: &Module<'c>, function: Value<'c>, program: &mut Program) {
    let context = module.context();
    let word = Type::integer(context, 64);
    let pointer = Type::pointer(context);
    let marker_type = Type::integer(context, 32).function(&[pointer, pointer, Type::integer(context, 32)]);
    let marker = module.declare_function(marker::PRINT, marker_type);
    for call in function.users() {
        if call.callee() != Some(function) {
            continue;
        }
        let arguments = call.arguments();
        let Some((&format, values)) = arguments.split_first() else { continue };
        let builder = Builder::before(context, call);
        let Some(start) = call.function().and_then(|function| function.instructions().first().copied())
        else {
            continue;
        };
        let array_type = word.array(values.len().max(1) as u64);
        let array = Builder::before(context, start).alloca(array_type);
        array.set_alignment(8);
        for (index, &value) in values.iter().enumerate() {
            if !value.ty().is_integer() && !value.ty().is_pointer() {
                let site = debug::site(context, call);
                program.diagnostics.push(Diagnostic::error(
                    NAME,
                    site,
                    "printk() of something that is neither integer nor pointer",
                ));
                continue;
            }
            // Signed or not is the format's business; it takes no more bits than the argument has.
            let place = builder.offset(array, builder.u64(index as u64 * 8));
            builder.store(builder.to_signed(value, 64), place, 8);
        }
        let count = builder.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let result = builder.call(marker_type, marker, &[format, array, count]);
        call.replace_all_uses_with(result);
        call.erase();
    }
}

/// Removes the calls of a function that returns nothing.
fn remove_calls(function: Value<'_>) {
    for call in function.users() {
        if call.callee() != Some(function) {
            continue;
        }
        if call.is_used() {
            call.replace_all_uses_with(call.ty().zero());
        }
        call.erase();
    }
}
