// SPDX-License-Identifier: MIT OR Apache-2.0

//! Counts what tests did, from what cargo and the test harness print.
//!
//! A test that cannot run here passes and prints a line `SKIPPED: NAME: REASON`; it counts as skipped, not as
//! passed. Tests that are marked as ignored count as skipped too, with the reason that stands in their mark.

/// What ran, and what did not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: usize,
    /// Names of tests and steps that failed.
    pub failed: Vec<String>,
    /// Names of tests and steps that did not run, and why.
    pub skipped: Vec<(String, String)>,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
    }
}

/// Reads the lines of one run of `cargo test -- --show-output`.
#[derive(Debug, Default)]
pub struct Reader {
    counts: Counts,
    /// Test binaries that began, and those that came to their results.
    begun: usize,
    ended: usize,
    /// What the current binary skipped by saying so.
    said_skipped: usize,
    failed_here: usize,
    passed_here: usize,
    /// Within the output of tests that passed.
    in_successes: bool,
}

impl Reader {
    /// Says that a test binary begins, where it is not cargo that starts it and says so.
    pub fn begin(&mut self) {
        self.begun += 1;
    }

    /// Reads a line, and says whether it is for people: what passed tests print is not.
    pub fn line(&mut self, line: &str) -> bool {
        // Some harnesses begin a test's line before it runs, and do not end it before the test speaks.
        let said = line.rsplit_once(" ... ").map_or(line, |(_, said)| said);
        if let Some(skipped) = said.strip_prefix("SKIPPED: ").or_else(|| line.strip_prefix("SKIPPED: ")) {
            let (name, reason) = skipped.split_once(": ").unwrap_or((skipped, "no reason given"));
            self.counts.skipped.push((name.to_owned(), reason.to_owned()));
            self.said_skipped += 1;
            return true;
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            self.in_successes = false;
            self.result(result);
            return true;
        }
        match line {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            _ => {}
        }
        if self.in_successes {
            return false;
        }
        let trimmed = line.trim_start();
        if trimmed.starts_with("Running ") && trimmed.ends_with(')') || trimmed.starts_with("Doc-tests ") {
            self.begun += 1;
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some((name, outcome)) = test.rsplit_once(" ... ")
        {
            self.outcome(name, outcome);
        }
        true
    }

    fn outcome(&mut self, name: &str, outcome: &str) {
        // Harnesses that mimic libtest align the outcomes, and put a reason in parentheses.
        let name = name.trim_end();
        if outcome == "ok" {
            self.passed_here += 1;
        } else if outcome == "FAILED" {
            self.failed_here += 1;
            self.counts.failed.push(name.to_owned());
        } else if let Some(reason) = outcome.strip_prefix("ignored") {
            let reason = reason.trim_start_matches([',', ' ']);
            let inner = reason.strip_prefix('(').and_then(|reason| reason.strip_suffix(')'));
            let reason = inner.unwrap_or(reason);
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            self.counts.skipped.push((name.to_owned(), reason.to_owned()));
        }
    }

    fn result(&mut self, result: &str) {
        let count = |what: &str| -> usize {
            let number =
                result.split(['.', ';']).find_map(|part| part.trim().strip_suffix(what)?.trim().parse().ok());
            number.unwrap_or(0)
        };
        self.ended += 1;
        // A test that said that it was skipped is among those that passed.
        self.counts.passed += count("passed").saturating_sub(self.said_skipped);
        for _ in self.failed_here..count("failed") {
            self.counts.failed.push("a test whose name was not printed".to_owned());
        }
        (self.said_skipped, self.failed_here, self.passed_here) = (0, 0, 0);
    }

    /// The counts, once cargo has ended. A failure that no test accounts for is the step's own: the code does
    /// not compile, or a test binary died.
    pub fn finish(mut self, step: &str, success: bool) -> Counts {
        if !success {
            // Of one that gave no result, what passed before is known from its lines alone.
            self.counts.passed += self.passed_here.saturating_sub(self.said_skipped);
            for _ in self.ended..self.begun {
                self.counts.failed.push(format!("{step}: a test binary ended without a result"));
            }
            if self.counts.failed.is_empty() {
                self.counts.failed.push(step.to_owned());
            }
        }
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, success: bool) -> (Counts, Vec<&str>) {
        let mut reader = Reader::default();
        let shown = text.lines().filter(|line| reader.line(line)).collect();
        (reader.finish("step", success), shown)
    }

    #[test]
    fn results_are_summed_and_skips_are_no_passes() {
        let text = "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
            running 5 tests\n\
            test a ... ok\n\
            test b ... ok\n\
            test c ... ignored, needs a printer\n\
            test d ... ignored\n\
            test e and more  ... ignored (no GPU: none found)\n\n\
            successes:\n\n---- a stdout ----\nnoise\nSKIPPED: a: no GPU: none found\n\nsuccesses:\n    a\n    b\n\n\
            test result: ok. 2 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            \n   Doc-tests gpufas\n\
            test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let (counts, shown) = read(text, true);
        assert_eq!(counts.passed, 6);
        assert_eq!(counts.failed, [""; 0]);
        let skipped: Vec<_> =
            counts.skipped.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
        assert_eq!(
            skipped,
            [
                ("c", "needs a printer"),
                ("d", "no reason given"),
                ("e and more", "no GPU: none found"),
                ("a", "no GPU: none found")
            ]
        );
        assert!(!shown.contains(&"noise") && shown.contains(&"SKIPPED: a: no GPU: none found"));
    }

    #[test]
    fn a_skip_may_follow_the_beginning_of_a_line() {
        let text = "test a ... SKIPPED: a: no GPU\nok\n\
            test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let counts = read(text, true).0;
        assert_eq!((counts.passed, counts.skipped.len()), (0, 1));
        let text = "SKIPPED: a: this ... and SKIPPED: that\n";
        assert_eq!(read(text, true).0.skipped, [("a".to_owned(), "this ... and SKIPPED: that".to_owned())]);
    }

    #[test]
    fn failures_are_named() {
        let text = "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
            test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nwhy\n\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let (counts, shown) = read(text, false);
        assert_eq!((counts.passed, counts.failed.as_slice()), (3, &["a".to_owned()][..]));
        assert!(shown.contains(&"why"));
    }

    #[test]
    fn a_binary_that_is_ended_has_failed() {
        let mut reader = Reader::default();
        reader.begin();
        reader.line("test a ... ok");
        let counts = reader.finish("guests", false);
        assert_eq!(counts.failed, ["guests: a test binary ended without a result"]);
        assert_eq!(counts.passed, 1);
    }

    #[test]
    fn a_failure_without_results_counts() {
        assert_eq!(read("error[E0425]: cannot find value\n", false).0.failed, ["step"]);
        let died = "     Running unittests src/lib.rs (target/debug/deps/a-1)\nrunning 4 tests\n\
            error: test failed, to rerun pass `-p a --lib`\n";
        assert_eq!(read(died, false).0.failed, ["step: a test binary ended without a result"]);
    }
}
