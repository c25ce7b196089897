// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which function a pointer leads to, against a search through the whole table.

use gpufas_abi::symbols::{FUNCTION_BASE, FUNCTION_STEP};
use gpufas_abi::{AddressSpace, FaultKind};
use proptest::prelude::*;

use super::program::Program;
use crate::function::gpufas_function;

const TEXT: u64 = 0xffff_ffff_8100_0000;

fn find(table: &[[u64; 2]], all: u64, target: u64) -> Result<i64, FaultKind> {
    let mut program = Program::new(AddressSpace::default());
    // SAFETY: the table has as many entries.
    program.outcome(|| unsafe { gpufas_function(table.as_ptr(), table.len() as u64, all, target, 7) }.into())
}

proptest! {
    #[test]
    fn an_address_of_the_kernels_leads_to_its_number(
        addresses in prop::collection::btree_set(0u64..200, 0..40),
        target in 0u64..200,
    ) {
        let entry = |(number, offset): (u64, u64)| [TEXT + offset * 16, number];
        let table: Vec<[u64; 2]> = (0..).zip(addresses).map(entry).collect();
        let target = TEXT + target * 16;
        let known = table.iter().find(|[address, _]| *address == target);
        let expected = known.map(|[_, number]| *number as i64).ok_or(FaultKind::NoFunction);
        prop_assert_eq!(find(&table, table.len() as u64, target), expected);
    }
}

#[test]
fn an_address_of_the_programs_own_leads_to_its_number() {
    let table = [[0, 1], [TEXT, 0]];
    assert_eq!(find(&table, 3, FUNCTION_BASE), Ok(0));
    assert_eq!(find(&table, 3, FUNCTION_BASE + 2 * FUNCTION_STEP), Ok(2));
    let far = FUNCTION_BASE + 3 * FUNCTION_STEP;
    for wrong in
        [0, 1, FUNCTION_BASE + 8, far, FUNCTION_BASE - FUNCTION_STEP, 0x5555_0000_1000, u64::MAX >> 1]
    {
        assert_eq!(find(&table, 3, wrong), Err(FaultKind::NoFunction), "{wrong:#x}");
    }
    // A function that this kernel does not have is at no address.
    assert_eq!(find(&table, 3, TEXT + 1), Err(FaultKind::NoFunction));
    assert_eq!(find(&[], 0, TEXT), Err(FaultKind::NoFunction));
    assert_eq!(find(&[[TEXT, 9]], 1, TEXT), Err(FaultKind::NoFunction), "a table that makes no sense");
}
