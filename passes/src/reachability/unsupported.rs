// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is refused in relocatable code, where it is not known yet what will reach it: it ends the program at run time, with the
//! reason and its place in the program's log.

use gpufas_abi::manifest::Site;
use gpufas_abi::symbols::runtime;

use crate::diagnostic::Diagnostic;
use crate::llvm::{Builder, Linkage, Module, Type, Value, ty};
use crate::marker;
use crate::program::{Program, Refusal};

/// Name of the variables that hold reasons, here and where earlier passes leave them.
const REASON: &str = "gpufas.reason";

/// Puts the end of the program in the place of an instruction that a diagnostic is about.
pub fn replace<'c>(
    module: &Module<'c>,
    program: &mut Program,
    function: Value<'c>,
    instruction: Value<'c>,
    diagnostic: Diagnostic,
) {
    let context = module.context();
    let text = text(&shortened(module, &diagnostic.site), &diagnostic.message);
    let site = Site { what: diagnostic.message.clone(), ..diagnostic.site.clone() };
    let number = program.sites.number(site);
    program.refusals.push(Refusal { function: function.name(), diagnostic });
    let bytes = ty::constant_bytes(context, text.as_bytes(), true);
    let global = module.add_global(REASON, bytes.ty());
    global.set_initializer(bytes);
    global.set_constant_variable(true);
    global.set_linkage(Linkage::LLVMPrivateLinkage);
    let ty = Type::void(context).function(&[Type::pointer(context), Type::integer(context, 32)]);
    let end = module.declare_function(runtime::UNSUPPORTED, ty);
    for attribute in ["noreturn", "nounwind", "cold"] {
        end.add_attribute(context, attribute);
    }
    let builder = Builder::before(context, instruction);
    builder.call(ty, end, &[global, builder.u32(number)]);
    let reasons: Vec<_> =
        instruction.arguments().into_iter().filter(|argument| argument.name().starts_with(REASON)).collect();
    remove(instruction);
    for reason in reasons.into_iter().filter(|reason| !reason.is_used()) {
        reason.delete_global();
    }
}

/// A site whose headers are named from their folders on, so that the text does not depend on where they lie.
fn shortened(module: &Module<'_>, site: &Site) -> Site {
    let mut site = site.clone();
    let folders: Vec<String> = module.text_metadata(marker::HEADERS_METADATA).into_iter().flatten().collect();
    let files = site.inlined_at.iter_mut().map(|frame| &mut frame.file);
    for file in files.chain([&mut site.file]) {
        if let Some(short) = folders.iter().find_map(|folder| file.strip_prefix(folder.as_str())) {
            *file = short.to_owned();
        }
    }
    site
}

/// Puts `BUG()` in the place of a call that the kernel's build does not let through (`BUILD_BUG_ON()` of what only the callers
/// of an inline function make constant): where it is reached, what was asserted does not hold.
pub fn replace_assertion<'c>(module: &Module<'c>, call: Value<'c>) {
    let context = module.context();
    let ty = Type::void(context).function(&[]);
    let bug = module.declare_function(marker::BUG, ty);
    for attribute in ["noreturn", "nounwind", "cold"] {
        bug.add_attribute(context, attribute);
    }
    Builder::before(context, call).call(ty, bug, &[]);
    remove(call);
}

/// Removes an instruction that is never reached.
fn remove(instruction: Value<'_>) {
    if instruction.is_used() {
        instruction.replace_all_uses_with(instruction.ty().poison());
    }
    instruction.erase();
}

/// `kernel/fork.c:7: reason (in function, inlined at kernel/exit.c:3 in other)`.
fn text(site: &Site, message: &str) -> String {
    let mut text = String::new();
    if !site.file.is_empty() {
        text.push_str(&format!("{}:{}: ", site.file, site.line));
    }
    text.push_str(message);
    if !site.function.is_empty() {
        text.push_str(&format!(" (in {}", site.function));
        for frame in &site.inlined_at {
            text.push_str(&format!(", called at {}:{} in {}", frame.file, frame.line, frame.function));
        }
        text.push(')');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpufas_abi::manifest::Frame;

    #[test]
    fn a_reason_has_its_place_and_the_calls_that_lead_there() {
        let mut site = Site { file: "a.c".into(), line: 3, function: "f".into(), ..Site::default() };
        assert_eq!(text(&site, "reason"), "a.c:3: reason (in f)\n");
        site.inlined_at.push(Frame { file: "b.c".into(), line: 9, column: 1, function: "g".into() });
        assert_eq!(text(&site, "reason"), "a.c:3: reason (in f, called at b.c:9 in g)\n");
        assert_eq!(text(&Site::default(), "reason"), "reason\n");
    }
}
