// SPDX-License-Identifier: MIT OR Apache-2.0

//! What translate-once says of accesses: with what they share their translation, with what they are made together, and why not with more.

use gpufas_abi::symbols::runtime;

use crate::diagnostic::Remark;
use crate::llview;
use crate::llvm::{Module, debug};
use crate::program::Program;

use super::access::Object;
use super::together::{Apart, Together};

/// Says of each load of an object with what it shares its translation.
pub fn of_object(module: &Module<'_>, program: &mut Program, object: &Object<'_>, groups: &[Together]) {
    if !program.wants_remarks(llview::NAME) {
        return;
    }
    let others = object.accesses.len() - 1;
    for group in groups {
        let is_ahead = |number| group.ahead.contains(number);
        for number in group.here.iter().chain(&group.ahead) {
            let site = || debug::site(module.context(), object.accesses[*number].load);
            let with = match others {
                0 => "has a translation of its own".to_owned(),
                1 => "shares its translation with another load".to_owned(),
                _ => format!("shares its translation with {others} other loads"),
            };
            let together = match group.here.len() + group.ahead.len() {
                1 => String::new(),
                count if is_ahead(number) => format!(", and is made ahead, together with {}", count - 1),
                count => format!(", and is made together with {}", count - 1),
            };
            program.remark(Remark::Passed, llview::NAME, || (site(), format!("the load {with}{together}")));
            if others == 0 {
                program.remark(Remark::Missed, llview::NAME, || (site(), alone(object)));
            } else if let Some(apart) = group.apart {
                program.remark(Remark::Missed, llview::NAME, || (site(), kept(apart)));
            }
        }
    }
}

/// Why a load shares its translation with no other.
fn alone(object: &Object<'_>) -> String {
    let why = match object.is_part {
        true => "those at known distances from its address are too far away, or aligned differently",
        false => "none is at a known distance from its address",
    };
    format!("the load shares its translation with no other: {why}")
}

/// Why a load is not made with others whose translation it shares.
fn kept(apart: Apart) -> String {
    let why = match apart {
        Apart::Barrier => "a store, a call or something else that no load is moved over stands between",
        Apart::Order => "a load that the source wants in order stands between",
        Apart::Flow => "a condition or a loop stands between",
    };
    format!("the load is not made together with earlier ones of its object: {why}")
}

/// Says of each store that it shares nothing.
pub fn of_stores(module: &Module<'_>, program: &mut Program) {
    for (name, access) in
        [(runtime::TRANSLATE_STORE, "store"), (runtime::TRANSLATE_ATOMIC, "atomic operation")]
    {
        for call in module.function(name).into_iter().flat_map(|function| function.calls()) {
            program.remark(Remark::Missed, llview::NAME, || {
                let words = format!(
                    "the {access} has a translation of its own: the journal has to know the place of each"
                );
                (debug::site(module.context(), call), words)
            });
        }
    }
}
