// SPDX-License-Identifier: MIT OR Apache-2.0

//! Arguments of entry points.

use gpufas::arguments::Value;
use gpufas_abi::manifest::{ArgumentType, Entry};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::scene::{NAMES, interesting};

/// Arguments by type; the one that is called `root` is the scene's address.
pub fn random(random: &mut StdRng, entry: &Entry, root: u64) -> Vec<Value> {
    let mut values = Vec::new();
    for argument in &entry.arguments {
        let number = interesting(random);
        values.push(match argument.kind {
            _ if argument.name == "root" => Value::Number(root),
            ArgumentType::Bool => Value::Number(number & 1),
            ArgumentType::I32 => Value::Number(i64::from(number as i32) as u64),
            ArgumentType::U32 => Value::Number(u64::from(number as u32)),
            ArgumentType::I64 | ArgumentType::U64 => Value::Number(number),
            ArgumentType::String => Value::String(text(random)),
        });
    }
    values
}

/// A name that items have, or any text.
fn text(random: &mut StdRng) -> Vec<u8> {
    if random.random_bool(0.5) {
        return NAMES.choose(random).map_or_else(Vec::new, |name| name.as_bytes().to_vec());
    }
    let size = random.random_range(0..60);
    (0..size).map(|_| random.random_range(1..=255)).collect()
}
