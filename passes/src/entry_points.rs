// SPDX-License-Identifier: MIT OR Apache-2.0

//! entry-points: the descriptors that `GPUFAS_ENTRY` leaves (runtime/include/gpufas/gpufas.h) become exported functions,
//! which begin a launch, fetch the arguments from the context, call the C function and end the launch.

use std::mem::offset_of;

use gpufas_abi::context::{Context as LaunchContext, MAX_ARGUMENTS};
use gpufas_abi::manifest::{Argument, ArgumentType, Entry, Site};
use gpufas_abi::symbols::{self, runtime};

use crate::diagnostic::{Diagnostic, Remark};
use crate::initial_values;
use crate::llvm::{Block, Builder, Linkage, Module, Predicate, Type, Value, debug};
use crate::program::Program;

/// Name of the pass.
pub const NAME: &str = "entry-points";

/// The section that holds the descriptors.
pub const SECTION: &str = ".gpufas.entries";

/// What precedes the names of the variables that point to the functions of entry points.
const TARGET_PREFIX: &str = "gpufas.target.";

/// Runs the pass: fills the program's entries, and takes the descriptors out of the module.
pub fn run(module: &Module<'_>, program: &mut Program) {
    let descriptors: Vec<_> =
        module.globals().into_iter().filter(|global| global.section() == SECTION).collect();
    let mut found = Vec::new();
    for descriptor in &descriptors {
        match descriptor.initializer().and_then(read) {
            Some(entry) => found.push(entry),
            None => program.diagnostics.push(Diagnostic::error(
                NAME,
                Site::default(),
                format!(
                    "`{}` in section {SECTION} is no descriptor of an entry point; use GPUFAS_ENTRY of gpufas/gpufas.h",
                    descriptor.name()
                ),
            )),
        }
    }
    // The functions outlive their descriptors as callees of what is made here.
    for (entry, function) in found {
        if program.entries.iter().any(|other| other.name == entry.name) {
            program.diagnostics.push(Diagnostic::error(
                NAME,
                Site::default(),
                format!("two entry points are called `{}`", entry.name),
            ));
            continue;
        }
        define(module, &entry, function);
        program.remark(Remark::Passed, NAME, || {
            let sites = function.instructions().into_iter().map(|one| debug::site(module.context(), one));
            let site = sites.into_iter().find(|site| site.line != 0).unwrap_or_default();
            (site, format!("`{}` is exported as `{}{}`", entry.name, symbols::ENTRY_PREFIX, entry.name))
        });
        program.entries.push(entry);
    }
    remove_used_lists(module);
    for descriptor in descriptors {
        descriptor.replace_all_uses_with(descriptor.ty().poison());
        descriptor.delete_global();
    }
}

/// `llvm.used` keeps what C marks as used; after this pass only entry points do.
fn remove_used_lists(module: &Module<'_>) {
    for name in ["llvm.used", "llvm.compiler.used"] {
        if let Some(list) = module.global(name) {
            list.delete_global();
        }
    }
}

/// Reads a descriptor's initialiser.
fn read(descriptor: Value<'_>) -> Option<(Entry, Value<'_>)> {
    let name = text(descriptor.aggregate_element(0)?).filter(|name| is_identifier(name))?;
    let description = text(descriptor.aggregate_element(1)?)?;
    let function = descriptor.aggregate_element(2)?;
    if !function.is_function() {
        return None;
    }
    let count = usize::try_from(descriptor.aggregate_element(3)?.as_unsigned()?).ok()?;
    let parameters = function.parameters();
    if count > MAX_ARGUMENTS || parameters.len() != count {
        return None;
    }
    // Padding may stand between the count and the arguments.
    let list = (4..descriptor.ty().fields().len())
        .filter_map(|index| descriptor.aggregate_element(u32::try_from(index).ok()?))
        .next_back();
    let arguments = (0..count)
        .map(|index| {
            let argument = list?.aggregate_element(u32::try_from(index).ok()?)?;
            let kind = match text(argument.aggregate_element(0)?)?.as_str() {
                "bool" => ArgumentType::Bool,
                "i32" => ArgumentType::I32,
                "u32" => ArgumentType::U32,
                "i64" => ArgumentType::I64,
                "u64" => ArgumentType::U64,
                "string" => ArgumentType::String,
                _ => return None,
            };
            Some(Argument { name: text(argument.aggregate_element(1)?)?, kind })
        })
        .collect::<Option<Vec<_>>>()?;
    Some((Entry { name, description, arguments }, function))
}

/// The functions of entry points, to which variables of the compiler's own point.
pub fn targets<'c>(module: &Module<'c>) -> Vec<(Value<'c>, Value<'c>)> {
    let variables = module.globals().into_iter().filter(|global| global.name().starts_with(TARGET_PREFIX));
    let pairs = variables.filter_map(|target| Some((target, target.initializer()?)));
    pairs.filter(|(_, function)| function.is_function()).collect()
}

/// Whether anything but calls, and what the compiler itself makes for an entry point, uses a function.
pub fn is_address_taken(function: Value<'_>) -> bool {
    let is_target = |user: &Value<'_>| user.is_global_variable() && user.name().starts_with(TARGET_PREFIX);
    function
        .users()
        .into_iter()
        .filter(|user| !is_target(user))
        .any(|user| user.callee() != Some(function) || user.arguments().contains(&function))
}

/// Whether a name can be part of a symbol of every target.
fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The text of a constant C string.
pub(crate) fn text(value: Value<'_>) -> Option<String> {
    let value = if value.is_global_variable() { value.initializer()? } else { value };
    let mut bytes = value.as_bytes()?;
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    String::from_utf8(bytes).ok()
}

/// Defines the exported function of an entry point.
fn define<'c>(module: &Module<'c>, entry: &Entry, function: Value<'c>) {
    let context = module.context();
    let (void, pointer, word) = (Type::void(context), Type::pointer(context), Type::integer(context, 64));
    let exported =
        module.declare_function(&format!("{}{}", symbols::ENTRY_PREFIX, entry.name), void.function(&[]));
    exported.set_linkage(Linkage::LLVMExternalLinkage);
    exported.add_attribute(context, "nounwind");

    let builder = Builder::at_end(context, Block::append(context, exported, "entry"));
    let stack = builder.alloca(word);
    let start_type = void.function(&[pointer]);
    let start = module.declare_function(runtime::START, start_type);
    builder.call(start_type, start, &[stack]);
    for function in initial_values::functions(module) {
        builder.call(function.value_type(), function, &[]);
    }

    let launch = module
        .declare_global(symbols::CONTEXT, Type::integer(context, 8).array(size_of::<LaunchContext>() as u64));
    let arguments: Vec<_> = function
        .parameters()
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let offset = offset_of!(LaunchContext, arguments) + index * size_of::<u64>();
            let address = builder.offset(launch, builder.u64(offset as u64));
            let value = builder.load(word, address, 8);
            match parameter.ty().bits() {
                // As C converts to bool.
                1 => builder.compare(Predicate::LLVMIntNE, value, word.zero()),
                _ => builder.convert(value, parameter.ty()),
            }
        })
        .collect();
    // Through a pointer that the optimiser and ptxas cannot see through. Else ptxas would give the whole program one frame on
    // the stack with `stack` at any place in it, and the runtime could not tell the program's variables by their addresses.
    let target = module.add_global(&format!("{TARGET_PREFIX}{}", entry.name), pointer);
    target.set_initializer(function);
    target.set_linkage(Linkage::LLVMInternalLinkage);
    let callee = builder.load(pointer, target, 8);
    callee.set_volatile();
    let result = builder.call(function.value_type(), callee, &arguments);
    // How a parameter is extended is part of how it is passed.
    for (index, _) in (0..).zip(&arguments) {
        for extension in ["zeroext", "signext"] {
            if function.parameter_has_attribute(index, extension) {
                result.add_argument_attribute(context, index, extension);
            }
        }
    }
    let result = if result.ty().is_integer() { builder.to_signed(result, 64) } else { builder.u64(0) };
    let finish_type = void.function(&[word]);
    let finish = module.declare_function(runtime::FINISH, finish_type);
    builder.call(finish_type, finish, &[result]);
    builder.return_void();
}
