// SPDX-License-Identifier: MIT OR Apache-2.0

//! Divisions that the CPU would not survive: by zero, and of the smallest number by -1. The kernel's data may make both, and
//! neither may end the process that runs the program.

use gpufas_abi::fault::FaultKind;

use crate::llvm::{Block, Builder, Linkage, Opcode, Predicate, Type, Value, debug};

use super::Pass;

/// Name of the internal function that ends the program if its argument is true.
pub const CHECK_DIVISION: &str = "gpufas.check_division";

impl<'c> Pass<'_, 'c> {
    /// Checks a division before it is made.
    pub(super) fn division(&mut self, division: Value<'c>) {
        let (Some(dividend), Some(divisor)) = (division.operand(0), division.operand(1)) else { return };
        let ty = divisor.ty();
        if !ty.is_integer() {
            return;
        }
        let signed = matches!(division.opcode(), Some(Opcode::LLVMSDiv | Opcode::LLVMSRem));
        if divisor.is_constant() && !divisor.is_null() && !(signed && divisor == ty.signed_constant(-1)) {
            return;
        }
        let builder = Builder::before(self.module.context(), division);
        let mut bad = builder.compare(Predicate::LLVMIntEQ, divisor, ty.zero());
        if signed {
            let one = builder.binary(Opcode::LLVMShl, ty.constant(1), ty.constant(u64::from(ty.bits()) - 1));
            let smallest = builder.compare(Predicate::LLVMIntEQ, dividend, one);
            let negative = builder.compare(Predicate::LLVMIntEQ, divisor, ty.signed_constant(-1));
            bad = builder.or(bad, builder.and(smallest, negative));
        }
        let mut site = debug::site(self.module.context(), division);
        site.what = "a division by zero, or one whose result is too large".into();
        let site = self.program.sites.number(site);
        let check = self.division_function();
        builder.call(check.value_type(), check, &[bad, builder.u32(site)]);
    }

    /// `fn(bad, site)`.
    fn division_function(&self) -> Value<'c> {
        if let Some(function) = self.module.function(CHECK_DIVISION) {
            return function;
        }
        let context = self.module.context();
        let parameters = [Type::integer(context, 1), Type::integer(context, 32)];
        let function =
            self.module.declare_function(CHECK_DIVISION, Type::void(context).function(&parameters));
        function.set_linkage(Linkage::LLVMInternalLinkage);
        for attribute in ["alwaysinline", "nounwind"] {
            function.add_attribute(context, attribute);
        }
        let parameters = function.parameters();
        let [bad, site] = parameters.as_slice() else { return function };
        let entry = Block::append(context, function, "entry");
        let end = Block::append(context, function, "end");
        let good = Block::append(context, function, "good");
        Builder::at_end(context, entry).conditional_branch(*bad, end, good);
        let builder = Builder::at_end(context, end);
        self.fault(&builder, FaultKind::Bug, builder.u64(0), builder.u64(0), *site);
        builder.unreachable();
        Builder::at_end(context, good).return_void();
        function
    }
}
