// SPDX-License-Identifier: MIT OR Apache-2.0

//! kernel-symbols: undefined kernel variables become loads from the symbol table, which the loader fills for the running
//! kernel; calls of undefined kernel functions get the meaning that they have in a recovery program.
//!
//! [`run`] works before any optimisation, so that nothing is concluded from initial values that live in the running
//! kernel; [`define_table`] works after it, when it is known which symbols are needed.

mod constants;
pub mod definitions;
mod distrust;
mod functions;
pub mod implementations;
pub mod ownership;
mod shifts;
mod static_calls;

use std::collections::{HashMap, HashSet};
use std::mem::offset_of;

use gpufas_abi::context::Context as LaunchContext;
use gpufas_abi::manifest::Site;
use gpufas_abi::symbols::{self, runtime};

use crate::diagnostic::{Diagnostic, Remark};
use crate::initial_values::Assignments;
use crate::llvm::{Builder, Linkage, Module, Type, Value, debug};
use crate::marker;
use crate::program::{Linking, Program};

/// Name of the pass.
pub const NAME: &str = "kernel-symbols";

/// Name of the second part, [`define_table`], as a pass.
pub const TABLE_NAME: &str = "symbol-table";

/// Deepest constant that is taken apart.
const MOST_DEPTH: usize = 64;

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program) {
    distrust::run(module);
    shifts::run(module);
    implementations::run(module);
    functions::run(module, program);
    static_calls::run(module);
    replace_all(module, program);
}

/// Replaces all undefined kernel symbols.
fn replace_all(module: &Module<'_>, program: &mut Program) {
    let variables = module.globals().into_iter().filter(|global| global.is_declaration());
    let functions = module.functions().into_iter().filter(|function| function.is_declaration());
    let mut assignments = Assignments::new(module, "symbols");
    for symbol in variables.chain(functions) {
        if is_own(&symbol.name()) {
            continue;
        }
        if symbol.linkage() == Linkage::LLVMExternalWeakLinkage && symbol.is_used() {
            module.add_text_metadata(marker::WEAK_METADATA, &[&symbol.name()]);
            call_by_address(module, symbol);
        }
        replace(module, symbol, program, &mut assignments);
        if !symbol.is_used() {
            match symbol.is_function() {
                true => symbol.delete_function(),
                false => symbol.delete_global(),
            }
        }
    }
}

/// Whether a name belongs to the program, the device runtime or LLVM rather than to the kernel.
fn is_own(name: &str) -> bool {
    name.starts_with("llvm.")
        || name.starts_with("gpufas.")
        || name == symbols::CONTEXT
        || runtime::FUNCTIONS.contains(&name)
}

/// Numbers the symbols that are still needed after optimisation, and defines the table. In relocatable code each symbol's
/// entry is a variable that is defined elsewhere.
pub fn define_table(module: &Module<'_>, program: &mut Program) {
    let context = module.context();
    constants::settle(module);
    // The optimiser has read addresses out of constants, and more symbols are the kernel's now.
    replace_all(module, program);
    let word = Type::integer(context, 64);
    let mut needed: Vec<(String, Value<'_>)> = Vec::new();
    let is_speculative = |user: Value<'_>| {
        let function = user.function();
        function.is_some_and(|function| function.text_attribute(marker::SPECULATIVE_ATTRIBUTE).is_some())
    };
    let mut speculative = HashSet::new();
    for global in module.globals() {
        let name = global.name();
        if let Some(symbol) = name.strip_prefix(marker::SYMBOL_PREFIX) {
            if global.is_used() {
                if global.users().into_iter().all(is_speculative) {
                    speculative.insert(symbol.to_owned());
                }
                needed.push((symbol.to_owned(), global));
            } else {
                global.delete_global();
            }
        }
    }
    define_launch_constants(module, program);
    needed.sort_by(|left, right| left.0.cmp(&right.0));
    if program.linking == Linking::Relocatable {
        for (symbol, global) in needed {
            global.set_name(&entry_name(&symbol));
            program.symbols.push(symbol);
        }
        return;
    }
    let functions = program.functions.iter().filter(|function| function.symbol.is_some()).count();
    let ty = word.array((needed.len() + 2 * functions) as u64);
    let table = module.add_global(symbols::SYMBOL_TABLE, ty);
    // The loader writes it, so it is no constant, and external so that nothing is concluded from the zeros.
    table.set_initializer(ty.zero());
    table.set_linkage(Linkage::LLVMExternalLinkage);
    table.set_alignment(8);
    if let Some(functions) = module.global(marker::FUNCTIONS) {
        functions.replace_all_uses_with(table.constant_element(needed.len() as u64));
        functions.delete_global();
    }
    for (number, (symbol, global)) in needed.into_iter().enumerate() {
        global.replace_all_uses_with(table.constant_element(number as u64));
        global.delete_global();
        program.symbols.push(symbol);
    }
    let weak: HashSet<String> = module.text_metadata(marker::WEAK_METADATA).into_iter().flatten().collect();
    program.weak = program.symbols.iter().filter(|symbol| weak.contains(*symbol)).cloned().collect();
    program.speculative =
        program.symbols.iter().filter(|symbol| speculative.contains(*symbol)).cloned().collect();
    let functions = program.functions.iter().filter_map(|function| function.symbol.as_deref());
    let symbols: Vec<&str> = program.symbols.iter().map(String::as_str).chain(functions).collect();
    program.contents = definitions::contents(module, &symbols);
}

/// The name of the variable that holds a symbol's address in relocatable code: what no identifier of PTX can have stands there
/// as a dollar sign and its code.
fn entry_name(symbol: &str) -> String {
    let mut name = symbols::SYMBOL_PREFIX.to_owned();
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("${byte:02x}"));
        }
    }
    name
}

/// Puts the context's fields in the place of the variables that stand for them, if they are still needed.
fn define_launch_constants(module: &Module<'_>, program: &mut Program) {
    let fields = [
        (marker::CPU, offset_of!(LaunchContext, cpu)),
        (marker::CPU_OFFSET, offset_of!(LaunchContext, cpu_offset)),
    ];
    for (name, offset) in fields {
        let Some(variable) = module.global(name) else { continue };
        if variable.is_used() {
            program.this_cpu = true;
            let bytes = Type::integer(module.context(), 8).array(size_of::<LaunchContext>() as u64);
            let context = module.declare_global(symbols::CONTEXT, bytes);
            variable.replace_all_uses_with(context.constant_element(offset as u64));
        }
        variable.delete_global();
    }
}

/// Lets calls of a weak function go to its address at run time, which may be null: whoever calls it has looked at that before.
fn call_by_address<'c>(module: &Module<'c>, function: Value<'c>) {
    for call in function.calls() {
        let builder = Builder::before(module.context(), call);
        call.set_callee(load_address(module, &builder, &function.name()));
    }
}

/// Loads the address of a kernel symbol.
fn load_address<'c>(module: &Module<'c>, builder: &Builder<'c>, name: &str) -> Value<'c> {
    let slot = module.declare_global(&format!("{}{name}", marker::SYMBOL_PREFIX), builder.integer(64));
    let load = builder.load(builder.integer(64), slot, 8);
    load.set_empty_metadata(module.context(), "invariant.load");
    builder.to_pointer(load)
}

/// Replaces the uses of a kernel symbol, other than calls of it, by its address at run time.
fn replace<'c>(
    module: &Module<'c>,
    symbol: Value<'c>,
    program: &mut Program,
    assignments: &mut Assignments<'_, 'c>,
) {
    replace_address(module, symbol, &symbol.name(), program, assignments);
}

/// The same for the address of what is, under this name, a symbol of the kernel's, although the program may define it.
pub fn replace_address<'c>(
    module: &Module<'c>,
    symbol: Value<'c>,
    name: &str,
    program: &mut Program,
    assignments: &mut Assignments<'_, 'c>,
) {
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
    let mut rebuilt: HashMap<(Value<'c>, Value<'c>), Value<'c>> = HashMap::new();
    for (user, constant) in instruction_users(symbol) {
        let Some(function) = user.function() else { continue };
        let address = *loads.entry(function).or_insert_with(|| {
            let first = function.blocks().first().and_then(|block| block.first_non_phi());
            let builder = Builder::before(module.context(), first.unwrap_or(user));
            load_address(module, &builder, name)
        });
        let replacement = rebuilt.get(&(function, constant)).copied().or_else(|| {
            // Right after the load, which dominates everything; a block never ends with it.
            let builder = Builder::before(module.context(), address.next_instruction()?);
            rebuild(&builder, constant, symbol, address, 0)
        });
        match replacement {
            Some(replacement) => {
                program.remark(Remark::Passed, NAME, || {
                    let remark = format!("the address of `{name}` comes from the symbol table");
                    (debug::site(module.context(), user), remark)
                });
                rebuilt.insert((function, constant), replacement);
                substitute(user, constant, replacement);
            }
            None => program.diagnostics.push(Diagnostic::error(
                NAME,
                debug::site(module.context(), user),
                format!("the address of `{name}` is used in a constant that is not known to gpufas-cc"),
            )),
        }
    }
    // What is left are initialisers of the program's own variables.
    let variables = initialised_with(symbol);
    if variables.is_empty() {
        return;
    }
    let constants = constants_with(symbol);
    for variable in variables {
        let assigned =
            assignments.take_out(variable, &|part| constants.contains(&part), &|builder, constant| {
                let slot =
                    module.declare_global(&format!("{}{name}", marker::SYMBOL_PREFIX), builder.integer(64));
                let address = builder.to_pointer(builder.load(builder.integer(64), slot, 8));
                rebuild(builder, constant, symbol, address, 0)
            });
        if assigned {
            continue;
        }
        program.diagnostics.push(
            Diagnostic::error(
                NAME,
                Site::default(),
                format!(
                    "the initial value of `{}` is made of the address of `{name}` in a way that is not known to gpufas-cc",
                    variable.name()
                ),
            )
            .with_help("assign it in the entry point"),
        );
    }
}

/// Instructions that use `symbol`, each with the constant through which it does (or the symbol).
fn instruction_users(symbol: Value<'_>) -> Vec<(Value<'_>, Value<'_>)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut pending = vec![symbol];
    while let Some(constant) = pending.pop() {
        for user in constant.users() {
            if !seen.insert((user, constant)) {
                continue;
            }
            if user.is_instruction() {
                // A call of a kernel function is no use of its address.
                if user.callee() != Some(symbol) || user.arguments().contains(&constant) {
                    found.push((user, constant));
                }
            } else if (user.is_constant_expression() || user.is_constant_aggregate())
                && !seen.contains(&(user, user))
            {
                seen.insert((user, user));
                pending.push(user);
            }
        }
    }
    found
}

/// Puts `replacement` in the place of the operand `constant`.
fn substitute<'c>(user: Value<'c>, constant: Value<'c>, replacement: Value<'c>) {
    let is_call = user.is_call();
    for index in 0..user.operand_count() {
        let is_callee_operand = is_call && index + 1 == user.operand_count();
        if user.operand(index) == Some(constant) && !is_callee_operand {
            user.set_operand(index, replacement);
        }
    }
}

/// A constant as instructions, with `symbol` replaced by `address`.
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
    if depth > MOST_DEPTH {
        return None;
    }
    let is_aggregate = constant.is_constant_aggregate();
    if !constant.is_constant_expression() && !is_aggregate {
        return Some(constant);
    }
    let operands = constant
        .operands()
        .into_iter()
        .map(|operand| rebuild(builder, operand, symbol, address, depth + 1))
        .collect::<Option<Vec<_>>>()?;
    if is_aggregate {
        let poison = constant.ty().poison();
        let fields = (0..).zip(operands);
        return Some(fields.fold(poison, |whole, (index, field)| builder.insert(whole, field, index)));
    }
    builder.rebuilt(constant, &operands)
}

/// A symbol and the constants that are made of it.
fn constants_with(symbol: Value<'_>) -> HashSet<Value<'_>> {
    let mut found = HashSet::from([symbol]);
    let mut pending = vec![symbol];
    while let Some(value) = pending.pop() {
        for user in value.users() {
            let is_made = user.is_constant_expression() || user.is_constant_aggregate();
            if is_made && found.insert(user) {
                pending.push(user);
            }
        }
    }
    found
}

/// The program's own variables that have `symbol` in their initial value and are used by code. Others, as the lists that the
/// kernel's own build makes (`.discard.addressable`), go with the first optimisation.
fn initialised_with(symbol: Value<'_>) -> Vec<Value<'_>> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([symbol]);
    let mut pending = vec![symbol];
    while let Some(value) = pending.pop() {
        for user in value.users() {
            if user.is_instruction() || !seen.insert(user) {
                continue;
            }
            if !user.is_global_variable() {
                pending.push(user);
            } else if !constants::is_kernels(user)
                && (user.linkage() == Linkage::LLVMExternalLinkage || is_used_by_code(user))
            {
                found.push(user);
            }
        }
    }
    found
}

fn is_used_by_code(variable: Value<'_>) -> bool {
    let mut seen = HashSet::from([variable]);
    let mut pending = vec![variable];
    while let Some(value) = pending.pop() {
        for user in value.users() {
            if user.is_instruction() {
                return true;
            }
            // A variable that is only listed as one to keep is no use.
            let listed = user.is_global_variable() && user.name().starts_with("llvm.");
            if !listed && seen.insert(user) {
                pending.push(user);
            }
        }
    }
    false
}
