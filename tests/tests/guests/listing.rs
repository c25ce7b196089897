// SPDX-License-Identifier: MIT OR Apache-2.0

//! From outside the same processes are seen as from inside.

use anyhow::{Context, ensure};
use gpufas_tests::command::{Ran, ps};
use gpufas_tests::listing::{compare, list, of_json, of_program, of_text};
use gpufas_tests::repair::{PS, Repair};
use gpufas_tests::suite::Group;

use crate::case;

pub fn add(group: &mut Group<'_, Repair>) {
    case(group, "gpufas ps lists what the guest lists", |repair| {
        compare(repair, || of_json(&repair.machine.with_source(|guest| list(repair, guest))?))
    });
    case(group, "ps.c lists what the guest lists", |repair| {
        compare(repair, || of_program(repair.report(0, PS, "ps", &[])?.log()))
    });
    case(group, "gpufas ps shows the same as text and as JSON", |repair| {
        let (text, json) = repair.machine.while_paused(|_| {
            repair.machine.with_source(|guest| {
                Ok((Ran::of(ps(repair.machine.tools(), guest))?.with_status(0)?, list(repair, guest)?))
            })
        })?;
        ensure!(text.errors.is_empty(), "{}", text.errors);
        let (text, json) = (of_text(&text.output)?, of_json(&json)?);
        ensure!(text == json, "as text: {text:#?}\nas JSON: {json:#?}");
        Ok(())
    });
    case(group, "gpufas run shows the same as text and as JSON", |repair| {
        let (text, json) = repair.machine.while_paused(|_| {
            Ok((repair.run(PS, "ps", &[], &[])?.with_status(0)?, repair.report(0, PS, "ps", &[])?))
        })?;
        let summary = text.output.strip_prefix(json.log()).context("another log")?;
        for fact in
            ["ps: returned 0\n", repair.machine.guest().ready().release.as_str(), "nothing was written\n"]
        {
            ensure!(summary.contains(fact), "{fact:?} should be in the summary:\n{summary}");
        }
        ensure!(json.result()? == 0);
        json.has_written(false)
    });
}
