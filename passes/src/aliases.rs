// SPDX-License-Identifier: MIT OR Apache-2.0

//! aliases: names that stand for something else are replaced by it.
//!
//! PTX has aliases of functions only where the assembler optimises the whole program, none of variables, and no functions whose
//! address another function chooses when a program is loaded.

use gpufas_abi::manifest::Target;

use crate::diagnostic::Remark;
use crate::llvm::{Block, Builder, Linkage, Module, Value, debug};
use crate::program::{Linking, Program};

/// Name of the pass.
pub const NAME: &str = "aliases";

/// Runs the pass.
pub fn run(module: &Module<'_>, program: &mut Program, target: Target) {
    let linking = program.linking;
    for indirect in module.ifuncs() {
        resolve(module, program, indirect);
    }
    for alias in module.aliases() {
        let Some(meant) = alias.aliasee() else { continue };
        remark(module, program, alias, meant);
        // Others may see the name, and a weak one may get another meaning from them.
        let is_seen = linking == Linking::Relocatable && !is_local(alias.linkage());
        if !is_seen || !is_weak(alias.linkage()) {
            alias.replace_all_uses_with(meant);
        }
        if is_seen && meant.is_function() {
            define(module, alias, meant);
        }
        // In relocatable code for a GPU the name of a variable's alias is left undefined.
        if !is_seen || meant.is_function() || target == Target::Cuda {
            alias.replace_all_uses_with(meant);
            retire(alias);
        }
    }
}

/// Says where an alias becomes what it stands for.
fn remark<'c>(module: &Module<'c>, program: &mut Program, alias: Value<'c>, meant: Value<'c>) {
    let (name, target) = (alias.name(), meant.name());
    for user in alias.users().into_iter().filter(|user| user.is_instruction()) {
        program.remark(Remark::Passed, NAME, || {
            (debug::site(module.context(), user), format!("`{name}` is an alias, and becomes `{target}`"))
        });
    }
}

fn is_local(linkage: Linkage) -> bool {
    matches!(linkage, Linkage::LLVMInternalLinkage | Linkage::LLVMPrivateLinkage)
}

fn is_weak(linkage: Linkage) -> bool {
    matches!(linkage, Linkage::LLVMWeakAnyLinkage | Linkage::LLVMWeakODRLinkage)
}

/// Leaves an alias that nothing uses to the next optimisation: LLVM's C interface cannot delete one.
fn retire(alias: Value<'_>) {
    alias.set_name("");
    alias.set_default_visibility();
    alias.set_linkage(Linkage::LLVMInternalLinkage);
}

/// Defines a function of an alias's name that calls what it stands for, in the alias's place.
fn define<'c>(module: &Module<'c>, alias: Value<'c>, meant: Value<'c>) {
    let context = module.context();
    let ty = meant.value_type();
    let function = module.add_function("", ty);
    let linkage = alias.linkage();
    function.copy_function_attributes(meant);
    function.take_name(alias);
    function.set_linkage(linkage);
    let builder = Builder::at_end(context, Block::append(context, function, "entry"));
    let call = builder.call(ty, meant, &function.parameters());
    call.call_as_declared(meant);
    match ty.result() {
        Some(result) if !result.is_void() => builder.return_value(call),
        _ => builder.return_void(),
    };
    alias.replace_all_uses_with(function);
}

/// Calls the resolver of an indirect function wherever its address is needed.
fn resolve<'c>(module: &Module<'c>, program: &mut Program, indirect: Value<'c>) {
    let context = module.context();
    let Some(resolver) = indirect.resolver().filter(|resolver| resolver.is_function()) else { return };
    for function in module.defined_functions() {
        let users: Vec<_> = function
            .instructions()
            .into_iter()
            .filter(|instruction| instruction.operands().contains(&indirect))
            .collect();
        let first = function.blocks().first().and_then(|block| block.first_non_phi());
        let (Some(first), false) = (first, users.is_empty()) else { continue };
        let builder = Builder::before(context, first);
        let address = builder.call(resolver.value_type(), resolver, &[]);
        for user in users {
            program.remark(Remark::Passed, NAME, || {
                let (name, resolver) = (indirect.name(), resolver.name());
                let message =
                    format!("`{name}` is an indirect function, and becomes what `{resolver}` returns");
                (debug::site(context, user), message)
            });
            for index in 0..user.operand_count() {
                if user.operand(index) == Some(indirect) {
                    user.set_operand(index, address);
                }
            }
        }
    }
    if !indirect.is_used() {
        indirect.delete_ifunc();
    }
}
