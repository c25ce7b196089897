// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the end-to-end tests share: the tools that are tested ([`tools`]), a guest with processes that must not
//! come to harm ([`machine`]), damage to its memory ([`damage`]), a kernel that was found before ([`known`]), runs of `gpufas` and what they said
//! ([`command`], [`repair`], [`listing`]), kernel modules
//! ([`modules`]) deadlocks that one makes ([`deadlock`]) and processes that get signals ([`subject`], [`probe`]), the rules of these ([`signal_rules`]), waiting ([`wait`]), and a harness in which several cases use one guest ([`suite`]); for
//! tests of passes, what their files say to run ([`run_lines`]); for benchmarks, what they run on ([`measured_on`]).

pub mod bundle;
pub mod command;
pub mod damage;
pub mod deadlock;
pub mod gpu;
pub mod known;
pub mod listing;
pub mod lock;
pub mod machine;
pub mod measured_on;
pub mod modules;
pub mod probe;
pub mod refusing_stub;
pub mod releases;
pub mod repair;
pub mod run_lines;
pub mod signal_rules;
pub mod subject;
pub mod suite;
pub mod tools;
pub mod type_table;
pub mod wait;
