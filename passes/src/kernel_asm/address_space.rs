// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pointers to per-CPU variables of "this CPU" that have a type of their own (`__seg_gs` of clang and GCC): LLVM's address space
//! 256 is memory relative to `%gs`, 257 relative to `%fs`.
//!
//! An access through such a pointer is one to this CPU's copy (x86 code generation adds the segment's base; another would
//! take the bare offset for an address). What such a pointer holds is the variable's own address, so that a conversion
//! between it and another pointer changes no bit (Clang Language Extensions, "Memory references to specified segments").
//!
//! Accesses through pointers to `%fs` are left as they are, and refused by [`crate::reachability`].

use std::collections::HashSet;

use gpufas_abi::manifest::Site;

use crate::diagnostic::Diagnostic;
use crate::llvm::{Builder, Module, Opcode, Type, Value};
use crate::program::Program;

use super::{NAME, segment};

/// The address space of memory relative to `%gs`.
pub const GS: u32 = 256;

/// The address space of memory relative to `%fs`.
const FS: u32 = 257;

/// Deepest nest of steps from one pointer to another that is followed.
const MOST_STEPS: usize = 32;

/// Gives variables that are declared relative to `%gs` the type of others, as the kernel's symbols have it. Of the program's own
/// there is none.
pub fn rename_variables(module: &Module<'_>, program: &mut Program) {
    for variable in module.globals() {
        let space = variable.ty().address_space();
        if matches!(space, GS | FS) && !variable.is_declaration() && variable.is_used() {
            let message = format!(
                "`{}` is defined relative to a segment, where a program has no variables of its own",
                variable.name()
            );
            program.diagnostics.push(Diagnostic::error(NAME, Site::default(), message));
        }
        if space != GS || !variable.is_declaration() {
            continue;
        }
        let name = variable.name();
        variable.set_name("");
        let plain = module.declare_global(&name, variable.value_type());
        variable.replace_all_uses_with(plain.constant_cast_address_space(variable.ty()));
        variable.delete_global();
    }
}

/// Makes constants that convert between address spaces integers of the same bits between two pointers: other code generators than
/// x86's know no such conversion.
pub fn convert_constants(module: &Module<'_>) {
    let word = Type::integer(module.context(), 64);
    // What a constant is part of is made anew when it is replaced, so those without others in them go first.
    for _ in 0..MOST_STEPS {
        let all = conversions(module);
        let innermost: Vec<_> = all
            .iter()
            .filter(|cast| parts(cast.operands()).into_iter().all(|part| !all.contains(&part)))
            .collect();
        for cast in &innermost {
            let Some(from) = cast.operand(0) else { continue };
            cast.replace_all_uses_with(from.as_integer_constant(word).as_pointer_constant(cast.ty()));
        }
        if innermost.is_empty() {
            break;
        }
    }
}

/// The constants that convert from or to an address space relative to a segment.
fn conversions<'c>(module: &Module<'c>) -> HashSet<Value<'c>> {
    let instructions = module.defined_functions().into_iter().flat_map(|function| function.instructions());
    let mut used: Vec<_> = instructions.flat_map(|instruction| instruction.operands()).collect();
    used.extend(module.globals().into_iter().filter_map(|variable| variable.initializer()));
    let mut found = parts(used);
    found.retain(|constant| {
        let ends = [Some(*constant), constant.operand(0)];
        constant.opcode() == Some(Opcode::LLVMAddrSpaceCast)
            && ends.into_iter().flatten().any(|pointer| matches!(pointer.ty().address_space(), GS | FS))
    });
    found
}

/// The constants among values that are made of others, and those in them.
fn parts(mut pending: Vec<Value<'_>>) -> HashSet<Value<'_>> {
    let mut seen = HashSet::new();
    while let Some(value) = pending.pop() {
        if (value.is_constant_expression() || value.is_constant_aggregate()) && seen.insert(value) {
            pending.extend(value.operands());
        }
    }
    seen
}

/// Makes the accesses of a function relative to `%gs` accesses to this CPU's copies.
pub fn resolve<'c>(module: &Module<'c>, function: Value<'c>) {
    for instruction in function.instructions() {
        let is_access = instruction.is_memory_access();
        let is_call = instruction.is(Opcode::LLVMCall)
            && instruction.callee().is_some_and(|callee| callee.name().starts_with("llvm.mem"));
        let builder = Builder::before(module.context(), instruction);
        if is_access {
            let index = u32::from(instruction.is(Opcode::LLVMStore));
            if let Some(pointer) = instruction.operand(index).filter(|pointer| is_relative(*pointer)) {
                let address = segment::copy_address(module, &builder, flatten(&builder, pointer));
                instruction.set_operand(index, address);
            }
        } else if is_call && instruction.arguments().into_iter().any(is_relative) {
            copy(module, &builder, instruction);
        } else if instruction.is(Opcode::LLVMAddrSpaceCast) {
            convert(&builder, instruction);
        }
    }
}

fn is_relative(pointer: Value<'_>) -> bool {
    pointer.ty().address_space() == GS
}

/// A pointer relative to `%gs` as one of the same bits in the address space of all others.
pub fn flatten<'c>(builder: &Builder<'c>, pointer: Value<'c>) -> Value<'c> {
    flatten_steps(builder, pointer, 0)
}

fn flatten_steps<'c>(builder: &Builder<'c>, pointer: Value<'c>, depth: usize) -> Value<'c> {
    if !is_relative(pointer) {
        return builder.to_pointer(pointer);
    }
    let base = pointer.operand(0).filter(|_| depth < MOST_STEPS);
    if let (Some(Opcode::LLVMIntToPtr), Some(plain)) = (pointer.opcode(), base.and_then(plain_pointer)) {
        return plain;
    }
    match (pointer.opcode(), base) {
        (Some(Opcode::LLVMAddrSpaceCast | Opcode::LLVMIntToPtr), Some(base))
            if !base.ty().is_pointer() || base.ty().address_space() == 0 =>
        {
            builder.to_pointer(base)
        }
        (Some(Opcode::LLVMGetElementPtr), Some(base)) => {
            let base = flatten_steps(builder, base, depth + 1);
            match pointer.gep_source_type() {
                Some(source) => builder.gep(source, base, &pointer.operands()[1..]),
                None => base,
            }
        }
        _ => builder.to_pointer(builder.to_unsigned(pointer, 64)),
    }
}

/// The pointer of the usual address space that a number is made of, if it is made of one.
fn plain_pointer(number: Value<'_>) -> Option<Value<'_>> {
    let pointer = number.operand(0).filter(|_| number.opcode() == Some(Opcode::LLVMPtrToInt))?;
    let is_whole = number.ty().bits() == 64 && pointer.ty().is_pointer() && pointer.ty().address_space() == 0;
    is_whole.then_some(pointer)
}

/// A conversion between address spaces, which other code generators than x86's do not know.
fn convert<'c>(builder: &Builder<'c>, cast: Value<'c>) {
    let Some(from) = cast.operand(0) else { return };
    let converted = match (from.ty().address_space(), cast.ty().address_space()) {
        (GS, 0) => flatten(builder, from),
        (FS, 0) => builder.to_pointer(builder.to_unsigned(from, 64)),
        (0, GS | FS) | (GS, FS) | (FS, GS) => {
            builder.cast(Opcode::LLVMIntToPtr, builder.to_unsigned(from, 64), cast.ty())
        }
        _ => return,
    };
    cast.replace_all_uses_with(converted);
    cast.erase();
}

/// `llvm.memcpy` and its like, which are overloaded on the types of their pointers.
fn copy<'c>(module: &Module<'c>, builder: &Builder<'c>, call: Value<'c>) {
    let Some(name) = call.callee().map(Value::name) else { return };
    let family = name.split('.').nth(1).unwrap_or_default().to_owned();
    let inline = if name.contains(".inline.") { ".inline" } else { "" };
    let arguments: Vec<Value<'c>> = call
        .arguments()
        .into_iter()
        .map(|argument| match is_relative(argument) {
            true => segment::copy_address(module, builder, flatten(builder, argument)),
            false => argument,
        })
        .collect();
    let pointers = if family == "memset" { "p0" } else { "p0.p0" };
    let Some(size) = arguments.get(2).map(|size| size.ty().bits()) else { return };
    let parameters: Vec<Type<'c>> = arguments.iter().map(|argument| argument.ty()).collect();
    let ty = Type::void(module.context()).function(&parameters);
    let function = module.declare_function(&format!("llvm.{family}{inline}.{pointers}.i{size}"), ty);
    builder.call(ty, function, &arguments);
    call.erase();
}
