// SPDX-License-Identifier: MIT OR Apache-2.0

//! The summary of a run for people.

use super::{errno, fault_text, printable, site};
use crate::launch::{End, Left};
use crate::message_interrupt::{Interrupt, Served};
use crate::run::{NamedStore, Summary};
use gpufas_abi::manifest::{Site, Variant};
use gpufas_abi::{Access, FaultKind, FaultRecord};
use std::fmt::Write as _;

/// Stores that are shown one by one; of more only the first and the number.
const MOST_STORES: usize = 64;

/// The summary, in lines.
pub fn summary(summary: &Summary) -> String {
    let variant = summary.variant();
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "{}: {}", summary.entry.name, end(summary, variant));
    let state = if summary.paused { ", paused meanwhile" } else { "" };
    let cpu = summary.cpu.map(|cpu| format!(" as its CPU {cpu}")).unwrap_or_default();
    let tries = match summary.tries {
        1 => String::new(),
        tries => format!(", {tries} tries since a lock was held"),
    };
    let _ = writeln!(
        text,
        "  {} on {}, guest {}{cpu}{state}{tries}",
        milliseconds(summary.last.duration),
        summary.device,
        printable(&summary.kernel.release)
    );
    if let (Some(reason), false) = (summary.stop_reason(), summary.last.end == End::Unresponsive) {
        let _ = writeln!(text, "  it was asked to end because {reason}");
    }
    if summary.last.log_lost > 0 {
        let _ = writeln!(text, "  {} messages did not fit into the log", summary.last.log_lost);
    }
    if let Some(left) = &summary.last.left {
        let _ = writeln!(text, "  {}", critical_section(left));
    }
    if let Some(reason) = summary.last.half_left {
        let _ = writeln!(
            text,
            "  the guest's memory holds half of what the program wanted to write, which could not be taken back, since {reason}"
        );
    }
    interrupts(&mut text, summary);
    stores(&mut text, summary, variant);
    text
}

/// How critical sections were left.
fn critical_section(left: &Left) -> String {
    let number = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let mut text = match (left.paused, left.released + left.not_released) {
        (true, 0) => "it ended while the guest stood still for it".to_owned(),
        (true, locks) => {
            format!("it ended while the guest stood still for it, with {} held", number(locks, "lock"))
        }
        (false, locks) => format!("it ended with {} of the guest's held", number(locks, "lock")),
    };
    if left.released > 0 {
        let _ = write!(text, "; released: {}", left.released);
    }
    if left.not_released > 0 {
        let _ = write!(
            text,
            "; not released: {}, since somebody else has, or a waiter has to be kicked",
            left.not_released
        );
    }
    let stores = number(left.stores.len(), "store");
    let _ = match left.taken_back {
        Ok(()) if left.stores.is_empty() => write!(text, "; nothing was stored meanwhile"),
        Ok(()) => write!(text, "; {stores} made meanwhile: taken back"),
        Err(reason) => write!(text, "; {stores} made meanwhile: there still, since {reason}"),
    };
    text
}

fn interrupts(text: &mut String, summary: &Summary) {
    for interrupt in &summary.interrupts {
        let Interrupt { cpu, vector, served } = interrupt;
        let served = match served {
            Served::After(duration) => format!("served after {}", milliseconds(*duration)),
            Served::Pending => "not served yet: the CPU takes no interrupts; it is pending there".to_owned(),
            Served::Unknown => "sent".to_owned(),
        };
        let _ = writeln!(text, "  interrupt {vector:#x} for CPU {cpu}: {served}");
    }
    if let Some(reason) = &summary.no_interrupts {
        let _ = writeln!(text, "  note: {reason}");
    }
}

fn milliseconds(duration: std::time::Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

fn end(summary: &Summary, variant: &Variant) -> String {
    match &summary.last.end {
        End::Finished(result) if *result >= 0 => format!("returned {result}"),
        End::Finished(result) => match errno::name(*result) {
            Some(name) => format!("returned {result} (-{name})"),
            None => format!("returned {result}"),
        },
        End::Fault(record) => fault(record, variant, summary.fault_symbol.as_ref()),
        End::Crash { signal, address, offset } => {
            let address = address.map(|address| format!(" accessing {address:#x}")).unwrap_or_default();
            let offset =
                offset.map(|offset| format!(" at offset {offset:#x} of its file")).unwrap_or_default();
            match signal.as_str() {
                "SIGKILL" | "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGXCPU" => {
                    format!(
                        "killed by {signal} from outside (by somebody, or by the system for want of memory)"
                    )
                }
                _ => format!(
                    "crashed: {signal}{address}{offset}; this is a defect of the compiler or the runtime"
                ),
            }
        }
        End::Vanished { status } => {
            format!(
                "ended with status {status} without a report; this is a defect of the compiler or the runtime"
            )
        }
        End::Unresponsive => {
            let reason = summary.stop_reason().unwrap_or_else(|| "it was ended".into());
            format!("did not end when asked to, because {reason}, and was abandoned")
        }
    }
}

fn fault(record: &FaultRecord, variant: &Variant, symbol: Option<&(String, u64)>) -> String {
    let kind = FaultKind::from_number(record.kind);
    let mut text = format!("fault: {}", fault_text(kind));
    let access = match Access::from_number(record.access) {
        Some(Access::Load) => "load of",
        Some(Access::Store) => "store of",
        Some(Access::None) | None => "access to",
    };
    let with_address = !matches!(
        kind,
        Some(FaultKind::BudgetSpent | FaultKind::Stopped | FaultKind::Bug | FaultKind::Unsupported)
    );
    let name = match symbol {
        Some((name, 0)) => format!(", the kernel's {}", printable(name)),
        Some((name, offset)) => format!(", the kernel's {}+{offset:#x}", printable(name)),
        None => String::new(),
    };
    if kind == Some(FaultKind::NoFunction) {
        let _ = write!(text, "\n  the pointer is {:#x}{name}", record.address);
    } else if kind == Some(FaultKind::LockHeld) {
        let _ = write!(text, "\n  the lock at {:#x}{name}", record.address);
    } else if kind == Some(FaultKind::NotAllocated) {
        let _ = write!(text, "\n  the memory at {:#x}{name}", record.address);
    } else if with_address || record.address != 0 {
        let _ = write!(text, "\n  {access} {} bytes at {:#x}{name}", record.size, record.address);
    }
    match site(variant, record.site) {
        Some(site) => {
            let _ = write!(text, "\n  at {}", position(&site.file, site.line, site.column, &site.function));
            for frame in &site.inlined_at {
                let from = position(&frame.file, frame.line, frame.column, &frame.function);
                let _ = write!(text, "\n    inlined at {from}");
            }
            if !site.what.is_empty() {
                let _ = write!(text, "\n  {}", printable(site.what.trim()));
            }
        }
        None => text.push_str("\n  at an unknown place in the source (compile with -g)"),
    }
    text
}

fn position(file: &str, line: u32, column: u32, function: &str) -> String {
    let mut text = if file.is_empty() { "?".to_owned() } else { file.to_owned() };
    if line > 0 {
        let _ = write!(text, ":{line}");
        if column > 0 {
            let _ = write!(text, ":{column}");
        }
    }
    if !function.is_empty() {
        let _ = write!(text, " in {function}");
    }
    printable(&text).into_owned()
}

/// A source site in a line of its own: what was called where, outermost last, with file names only.
fn short_place(site: &Site) -> String {
    let short = |file: &str, line: u32, function: &str| {
        let name = file.rsplit('/').next().unwrap_or_default();
        position(name, line, 0, function)
    };
    let mut text = short(&site.file, site.line, &site.function);
    for frame in &site.inlined_at {
        let _ = write!(text, " < {}", short(&frame.file, frame.line, &frame.function));
    }
    text
}

fn stores(text: &mut String, summary: &Summary, variant: &Variant) {
    let count = summary.stores.len() as u64 + summary.last.stores_lost;
    if count == 0 {
        text.push_str("  nothing was written\n");
        return;
    }
    let plural = if count == 1 { "store" } else { "stores" };
    if summary.last.stores_kept {
        let _ = writeln!(text, "  {count} {plural} to the guest's memory:");
    } else {
        let _ = writeln!(text, "  {count} {plural}, of which none is left in the guest:");
    }
    for store in summary.stores.iter().take(MOST_STORES) {
        let taken_back = summary.last.stores_kept && store.store.taken_back;
        let taken_back = if taken_back { " (taken back)" } else { "" };
        let _ = writeln!(text, "    {}", one_store(store, variant, taken_back));
    }
    let hidden = count.saturating_sub(MOST_STORES as u64);
    if hidden > 0 {
        let _ = writeln!(text, "    and {hidden} more (--json shows those that were recorded)");
    }
}

fn one_store(named: &NamedStore, variant: &Variant, taken_back: &str) -> String {
    let entry = &named.store.entry;
    let digits = entry.size.min(8) as usize * 2;
    let symbol = match &named.symbol {
        Some((name, 0)) => format!(" {}", printable(name)),
        Some((name, offset)) => format!(" {}+{offset:#x}", printable(name)),
        None => String::new(),
    };
    let new = named.store.new.map_or("?".into(), |new| format!("{new:#0width$x}", width = digits + 2));
    let more = if entry.size > 8 { format!(" ({} bytes)", entry.size) } else { String::new() };
    let place = site(variant, entry.site);
    let place = place.map(|site| format!("\n      {}", short_place(site))).unwrap_or_default();
    let old = format!("{:#0width$x}", entry.old, width = digits + 2);
    format!("{:#x}{symbol}: {old} -> {new}{more}{taken_back}{place}", entry.address)
}
