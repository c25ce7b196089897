// SPDX-License-Identifier: MIT OR Apache-2.0

//! The summary of a run for machines: one JSON object. Addresses and memory contents are strings in
//! hexadecimal, since many readers of JSON hold numbers as floating point.

use super::{errno, fault_name, site};
use crate::arguments::Value;
use crate::error::Error;
use crate::launch::{End, Left};
use crate::message_interrupt::{Interrupt, Served};
use crate::run::{NamedStore, Summary};
use gpufas_abi::manifest::{ArgumentType, Variant};
use gpufas_abi::{Access, FaultKind};
use serde_json::{Map, Value as Json, json};

/// Version of the form of these objects: it changes when a field changes its meaning or goes away.
const FORM: u32 = 1;

/// The object for a run.
pub fn summary(summary: &Summary, log: &str) -> Json {
    let variant = summary.variant();
    let last = &summary.last;
    let arguments = summary.entry.arguments.iter().zip(&summary.arguments);
    let arguments: Map<String, Json> = arguments
        .map(|(argument, value)| (argument.name.clone(), argument_value(value, argument.kind)))
        .collect();
    json!({
        "form": FORM,
        "status": summary.exit_status(),
        "program": summary.program.path().to_string_lossy(),
        "entry": summary.entry.name,
        "arguments": arguments,
        "device": summary.device,
        "guest": {
            "release": summary.kernel.release,
            "version": summary.kernel.version,
            "build_id": summary.kernel.build_id,
            "memory": summary.memory,
            "cpu": summary.cpu,
            "paused": summary.paused,
        },
        "tries": summary.tries,
        "seconds": last.duration.as_secs_f64(),
        "end": end(summary, variant),
        "asked_to_end": summary.stop_reason(),
        "log": log,
        "log_lost": last.log_lost,
        "stores": summary.stores.iter().map(|store| one_store(store, variant)).collect::<Vec<_>>(),
        "stores_lost": last.stores_lost,
        "stores_kept": last.stores_kept,
        "half_left": last.half_left.map(|reason| reason.to_string()),
        "critical_section": last.left.as_ref().map(critical_section),
        "interrupts": summary.interrupts.iter().map(interrupt).collect::<Vec<_>>(),
        "no_interrupts": summary.no_interrupts.as_ref().map(ToString::to_string),
        "budget_left": last.budget_left,
        "error": summary.guest_error.as_ref().map(ToString::to_string),
    })
}

/// The object for a run that came to nothing.
pub fn error(error: &Error, status: u8) -> Json {
    json!({ "form": FORM, "status": status, "error": error.to_string() })
}

fn interrupt(interrupt: &Interrupt) -> Json {
    let (served, seconds) = match interrupt.served {
        Served::After(duration) => (Json::from(true), Some(duration.as_secs_f64())),
        Served::Pending => (Json::from(false), None),
        Served::Unknown => (Json::Null, None),
    };
    json!({ "cpu": interrupt.cpu, "vector": hexadecimal(interrupt.vector.into()), "served": served, "seconds": seconds })
}

fn critical_section(left: &Left) -> Json {
    json!({
        "locks_released": left.released,
        "locks_not_released": left.not_released,
        "paused": left.paused,
        "stores": left.stores.len(),
        "taken_back": left.taken_back.is_ok(),
        "why_not": left.taken_back.err().map(|reason| reason.to_string()),
    })
}

fn hexadecimal(number: u64) -> String {
    format!("{number:#x}")
}

fn argument_value(value: &Value, kind: ArgumentType) -> Json {
    match (value, kind) {
        (Value::Number(number), ArgumentType::Bool) => json!(*number != 0),
        (Value::Number(number), ArgumentType::I32 | ArgumentType::I64) => json!(*number as i64),
        (Value::Number(number), _) => json!(number),
        (Value::String(text), _) => json!(String::from_utf8_lossy(text)),
    }
}

fn end(summary: &Summary, variant: &Variant) -> Json {
    match &summary.last.end {
        End::Finished(result) => {
            json!({ "kind": "returned", "result": result, "errno": errno::name(*result) })
        }
        End::Fault(record) => json!({
            "kind": "fault",
            "fault": fault_name(FaultKind::from_number(record.kind)),
            "access": match Access::from_number(record.access) {
                Some(Access::Load) => "load",
                Some(Access::Store) => "store",
                Some(Access::None) | None => "none",
            },
            "address": hexadecimal(record.address),
            "symbol": summary.fault_symbol.as_ref().map(|(name, _)| name),
            "offset": summary.fault_symbol.as_ref().map(|(_, offset)| offset),
            "size": record.size,
            "site": site(variant, record.site),
        }),
        End::Crash { signal, address, offset } => json!({
            "kind": "crash",
            "signal": signal,
            "address": address.map(hexadecimal),
            "offset": offset.map(hexadecimal),
        }),
        End::Vanished { status } => json!({ "kind": "vanished", "exit_status": status }),
        End::Unresponsive => json!({ "kind": "unresponsive" }),
    }
}

fn one_store(named: &NamedStore, variant: &Variant) -> Json {
    let (entry, symbol) = (&named.store.entry, named.symbol.as_ref());
    json!({
        "address": hexadecimal(entry.address),
        "physical": hexadecimal(entry.physical),
        "symbol": symbol.map(|(name, _)| name),
        "offset": symbol.map(|(_, offset)| offset),
        "size": entry.size,
        "old": hexadecimal(entry.old),
        "new": named.store.new.map(hexadecimal),
        "taken_back": named.store.taken_back,
        "site": site(variant, entry.site),
    })
}
