// SPDX-License-Identifier: MIT OR Apache-2.0

//! Knowledge of one kernel build.
