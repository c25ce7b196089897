// SPDX-License-Identifier: MIT OR Apache-2.0

//! Checks of accesses to the program's own memory whose place is known only at run time.

use gpufas_abi::fault::FaultKind;

use crate::diagnostic::Remark;
use crate::llvm::{Block, Builder, Linkage, Predicate, Type, Value};
use crate::memory_class::OwnPlace;

use super::Pass;
use super::remarks::{access, bytes, named};

/// Name of the internal function that checks an offset into an object of the program's own.
pub const CHECK_BOUNDS: &str = "gpufas.check_bounds";

impl<'c> Pass<'_, 'c> {
    /// Checks an access to an object of the program's own.
    pub(super) fn check_bounds(
        &mut self,
        instruction: Value<'c>,
        pointer: Value<'c>,
        place: OwnPlace<'c>,
        size: Value<'c>,
    ) {
        self.remark(Remark::Passed, instruction, || {
            let room = bytes(place.room);
            format!("{} is checked against the {room} of {}", access(instruction), named(place.object))
        });
        let site = self.site(instruction);
        let check = self.bounds_function();
        let builder = Builder::before(self.module.context(), instruction);
        let start = builder.to_unsigned(place.object, 64);
        let offset = builder.sub(builder.to_unsigned(pointer, 64), start);
        let arguments = [offset, size, builder.u64(place.room), builder.u32(site)];
        builder.call(check.value_type(), check, &arguments);
    }

    /// `fn(offset, size, room, site)`: ends the program unless `offset + size <= room`.
    fn bounds_function(&self) -> Value<'c> {
        if let Some(function) = self.module.function(CHECK_BOUNDS) {
            return function;
        }
        let context = self.module.context();
        let (word, number, void) =
            (Type::integer(context, 64), Type::integer(context, 32), Type::void(context));
        let function = self.module.declare_function(CHECK_BOUNDS, void.function(&[word, word, word, number]));
        function.set_linkage(Linkage::LLVMInternalLinkage);
        for attribute in ["alwaysinline", "nounwind"] {
            function.add_attribute(context, attribute);
        }
        let parameters = function.parameters();
        let [offset, size, room, site] = parameters.as_slice() else { return function };
        let entry = Block::append(context, function, "entry");
        let outside = Block::append(context, function, "outside");
        let inside = Block::append(context, function, "inside");
        let builder = Builder::at_end(context, entry);
        let fits = builder.compare(Predicate::LLVMIntULE, *size, *room);
        let last = builder.sub(*room, *size);
        let before = builder.compare(Predicate::LLVMIntULE, *offset, last);
        builder.conditional_branch(builder.and(fits, before), inside, outside);
        let builder = Builder::at_end(context, outside);
        self.fault(&builder, FaultKind::OutOfBounds, *offset, *size, *site);
        builder.unreachable();
        Builder::at_end(context, inside).return_void();
        function
    }
}
