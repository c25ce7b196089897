// SPDX-License-Identifier: MIT OR Apache-2.0

//! Calls that access memory: LLVM's intrinsics, the C library's functions, structures that are passed by value, and the
//! markers of earlier passes.

use gpufas_abi::fault::FaultKind;
use gpufas_abi::manifest::{Frame, Site};
use gpufas_abi::symbols::runtime;

use crate::diagnostic::Diagnostic;
use crate::intrinsic::MEMORY_FUNCTIONS;
use crate::kernel_symbols::implementations::IMPLEMENTATION_PREFIX;
use crate::llvm::{Builder, Linkage, Type, Value, debug, ty};
use crate::log_format;
use crate::marker;
use crate::memory_class::own_place;
use crate::warning::Warning;

use super::{NAME, Pass};

impl<'c> Pass<'_, 'c> {
    pub(super) fn call(&mut self, function: Value<'c>, call: Value<'c>) {
        self.copy_by_value_arguments(function, call);
        let Some(callee) = call.callee().filter(|callee| callee.is_function() && callee.is_declaration())
        else {
            return;
        };
        let name = callee.name();
        let context = self.module.context();
        if name.starts_with("llvm.memcpy.") || name.starts_with("llvm.memmove.") {
            if !self.small_copy(function, call) {
                self.copy_intrinsic(call);
            }
        } else if name.starts_with("llvm.memset.") {
            self.fill_intrinsic(call);
        } else if name.starts_with("llvm.load.relative.") {
            self.relative_load(function, call);
        } else if MEMORY_FUNCTIONS.contains(&name.as_str()) {
            self.memory_function(call, &name);
        } else if runtime::LIBRARY.contains(&name.as_str()) {
            self.check_library(call, &name);
            self.program.interrupts |= name == runtime::REQUEST_INTERRUPT;
            let site = self.site(call);
            let builder = Builder::before(context, call);
            let mut arguments = call.arguments();
            arguments.push(builder.u32(site));
            let result = self.runtime_call(
                &builder,
                &format!("{}{name}", runtime::LIBRARY_PREFIX),
                call.ty(),
                &arguments,
            );
            replace(call, result);
        } else if name == marker::PRINT {
            let site = self.site(call);
            let builder = Builder::before(context, call);
            if let [format, array, count] = call.arguments()[..] {
                let passed = count.as_unsigned().and_then(|count| usize::try_from(count).ok());
                self.check_format(call, format, passed);
                let arguments = [builder.to_unsigned(format, 64), array, count, builder.u32(site)];
                let result = self.runtime_call(&builder, runtime::PRINT, call.ty(), &arguments);
                replace(call, result);
            }
        } else if name == marker::ACCESSIBLE {
            let site = self.site(call);
            let builder = Builder::before(context, call);
            let mut arguments = call.arguments();
            arguments.push(builder.u32(site));
            let result = self.runtime_call(&builder, runtime::ACCESSIBLE, call.ty(), &arguments);
            replace(call, result);
        } else if name == marker::WARN {
            self.say_warning(call);
        } else if name == marker::LOCK_CHECKED {
            self.program.checks_locks = true;
            call.erase();
        } else if name == marker::ALL_OR_NOTHING {
            self.program.all_or_nothing = true;
            call.erase();
        } else if name == marker::BUG {
            self.end_with_bug(call);
        } else if matches!(name.as_str(), "llvm.trap" | "llvm.debugtrap" | "llvm.ubsantrap") {
            // It would end the process, or all that runs on the GPU.
            self.end_with_bug(call);
        } else if name.starts_with("llvm.prefetch") {
            // Of an address that means nothing where the program runs.
            call.erase();
        }
    }

    /// What is known of a call of a function that the runtime has.
    fn check_library(&mut self, call: Value<'c>, name: &str) {
        let (to, size) = match (name, &call.arguments()[..]) {
            ("strcpy", &[to, _]) => (to, None),
            ("strncpy" | "strscpy", &[to, _, size]) => (to, Some(size)),
            ("vsnprintf", &[to, size, format, _]) => {
                self.check_format(call, format, None);
                (to, Some(size))
            }
            _ => return,
        };
        self.program.writes |= self.may_be_kernel(to);
        // sprintf() claims all that there may be.
        if let Some(size) = size.filter(|size| size.as_unsigned() != Some(i32::MAX as u64)) {
            self.check_own(call, to, size);
        }
    }

    /// Warns of a format of which the runtime makes something else than the kernel. It is not always known how many arguments there
    /// are.
    fn check_format(&mut self, call: Value<'c>, format: Value<'c>, count: Option<usize>) {
        let text = format.is_global_variable().then(|| format.initializer()?.as_bytes()).flatten();
        let count = count.unwrap_or(usize::MAX);
        if let Some(problem) = text.and_then(|text| log_format::problem(&text, count)) {
            // The program's own line is where snprintf() of the runtime's functions is called.
            let site = caller(debug::site(self.module.context(), call));
            self.program.diagnostics.push(Diagnostic::warning(Warning::LogFormat, NAME, site, problem));
        }
    }

    /// A structure that is passed by value is copied by the call itself, out of reach of translation.
    fn copy_by_value_arguments(&mut self, function: Value<'c>, call: Value<'c>) {
        for (index, argument) in (0_u32..).zip(call.arguments()) {
            let Some(ty) = call.argument_type_attribute(index, "byval") else { continue };
            let Some(size) = ty.allocation_size(self.module) else { continue };
            if !self.must_translate(call, argument, size) {
                continue;
            }
            let Some(slot) = self.temporary(function, ty) else { continue };
            let site = self.site(call);
            let builder = Builder::before(self.module.context(), call);
            let arguments = [slot, builder.to_unsigned(argument, 64), builder.u64(size), builder.u32(site)];
            self.runtime_call(&builder, runtime::LOAD_BYTES, Type::void(self.module.context()), &arguments);
            call.set_operand(index, slot);
        }
    }

    /// `WARN()`: a line that names its place.
    fn say_warning(&mut self, call: Value<'c>) {
        let context = self.module.context();
        let text = format!("warning at {}\n", short_place(&debug::site(context, call)));
        let constant = ty::constant_bytes(context, text.as_bytes(), false);
        let global = self.module.add_global("gpufas.warning", constant.ty());
        global.set_initializer(constant);
        global.set_constant_variable(true);
        global.set_linkage(Linkage::LLVMPrivateLinkage);
        let builder = Builder::before(context, call);
        let Some(&done) = call.arguments().first() else { return };
        let site = self.site(call);
        let arguments = [global, builder.u64(text.len() as u64), done, builder.u32(site)];
        self.runtime_call(&builder, runtime::WARN, Type::void(context), &arguments);
        call.erase();
    }

    /// `BUG()`, and what else must not be reached.
    fn end_with_bug(&mut self, call: Value<'c>) {
        let site = self.site(call);
        let builder = Builder::before(self.module.context(), call);
        self.fault(&builder, FaultKind::Bug, builder.u64(0), builder.u64(0), builder.u32(site));
        call.erase();
    }

    /// Checks a range if it is known to be in an object of the program's own: the runtime knows where the stack is, but not
    /// what lies on it. Says whether it is known to be inside as it stands.
    fn check_own(&mut self, call: Value<'c>, pointer: Value<'c>, size: Value<'c>) -> bool {
        let Some(place) = own_place(self.module, pointer) else { return false };
        if size.as_unsigned().is_some_and(|size| place.holds(size)) {
            return true;
        }
        self.warn_of_bounds(call, place, size.as_unsigned());
        let size = Builder::before(self.module.context(), call).to_unsigned(size, 64);
        self.check_bounds(call, pointer, place, size);
        false
    }

    /// `llvm.load.relative(table, offset)`, into which the optimiser turns reading a table of pointers: a load of 32 bits that
    /// are the distance from the table to what is pointed to.
    fn relative_load(&mut self, function: Value<'c>, call: Value<'c>) {
        let [table, offset] = call.arguments()[..] else { return };
        let builder = Builder::before(self.module.context(), call);
        let entry = builder.offset(table, builder.to_signed(offset, 64));
        let distance = builder.load(builder.integer(32), entry, 4);
        call.replace_all_uses_with(builder.offset(table, builder.to_signed(distance, 64)));
        call.erase();
        self.load(function, distance);
    }

    /// `llvm.memcpy`, `llvm.memmove` and their variants.
    fn copy_intrinsic(&mut self, call: Value<'c>) {
        let [to, from, size, ..] = call.arguments()[..] else { return };
        if self.copy(call, to, from, size) {
            call.erase();
        }
    }

    /// `llvm.memset` and its variants.
    fn fill_intrinsic(&mut self, call: Value<'c>) {
        let [to, byte, size, ..] = call.arguments()[..] else { return };
        if self.fill(call, to, byte, size) {
            call.erase();
        }
    }

    /// `memcpy()` and its like where they are called as functions; they return their first argument.
    fn memory_function(&mut self, call: Value<'c>, name: &str) {
        let [to, from, size] = call.arguments()[..] else { return };
        let is_made = if name.ends_with("memset") {
            self.fill(call, to, from, size)
        } else {
            self.copy(call, to, from, size)
        };
        if !is_made {
            // A call of the function, which is not there, would stay.
            self.call_runtime_copy(call, name, to, from, size);
        }
        replace(call, to);
    }

    /// Copies through the runtime, unless both sides are known to be inside the program's own memory: `false`.
    fn copy(&mut self, call: Value<'c>, to: Value<'c>, from: Value<'c>, size: Value<'c>) -> bool {
        let inside = [self.check_own(call, to, size), self.check_own(call, from, size)];
        if inside == [true, true] {
            return false;
        }
        self.call_runtime_copy(call, "memcpy", to, from, size);
        true
    }

    /// Fills through the runtime, unless it is known to be inside the program's own memory: `false`.
    fn fill(&mut self, call: Value<'c>, to: Value<'c>, byte: Value<'c>, size: Value<'c>) -> bool {
        if self.check_own(call, to, size) {
            return false;
        }
        self.call_runtime_copy(call, "memset", to, byte, size);
        true
    }

    /// `from` is the byte of a fill.
    fn call_runtime_copy(
        &mut self,
        call: Value<'c>,
        name: &str,
        to: Value<'c>,
        from: Value<'c>,
        size: Value<'c>,
    ) {
        let site = self.site(call);
        self.program.writes |= self.may_be_kernel(to);
        let builder = Builder::before(self.module.context(), call);
        let (function, bits) =
            if name.ends_with("memset") { (runtime::FILL, 8) } else { (runtime::COPY, 64) };
        let arguments = [
            builder.to_unsigned(to, 64),
            builder.to_unsigned(from, bits),
            builder.to_unsigned(size, 64),
            builder.u32(site),
        ];
        self.runtime_call(&builder, function, Type::void(self.module.context()), &arguments);
    }

    fn may_be_kernel(&self, pointer: Value<'c>) -> bool {
        own_place(self.module, pointer).is_none()
    }
}

/// The place of the call by which a site is in functions that come with the compiler.
fn caller(mut site: Site) -> Site {
    while site.function.starts_with(IMPLEMENTATION_PREFIX) && !site.inlined_at.is_empty() {
        let Frame { file, line, column, function } = site.inlined_at.remove(0);
        site = Site { file, line, column, function, ..site };
    }
    site
}

/// A place in one line: file names only, innermost first.
fn short_place(site: &Site) -> String {
    let short = |file: &str, line: u32, function: &str| {
        let name = file.rsplit('/').next().unwrap_or_default();
        format!("{name}:{line} in {function}")
    };
    let innermost = short(&site.file, site.line, &site.function);
    let calls = site.inlined_at.iter().map(|call| short(&call.file, call.line, &call.function));
    std::iter::once(innermost).chain(calls).collect::<Vec<_>>().join(" < ")
}

/// Puts `value` in the place of a call.
fn replace<'c>(call: Value<'c>, value: Value<'c>) {
    if call.is_used() {
        call.replace_all_uses_with(value);
    }
    call.erase();
}
