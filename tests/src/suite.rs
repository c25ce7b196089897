// SPDX-License-Identifier: MIT OR Apache-2.0

//! A test harness in which several cases use one thing that is costly to make, as a guest that was booted.
//!
//! Cases run one after another, in the order in which they were added: an emulated guest takes all of a small
//! machine. The thing is made when its first case begins and dropped when its last one has ended; a case that
//! fails may have left it in any state, so the next case gets a new one.
//!
//! Suites that have nothing in common may run beside each other, one case of each at a time. None waits for another.
//!
//! A case has a limited time. One that does not end is left behind with what it uses, and fails.

use std::env;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use libtest_mimic::{Arguments, Completion, Conclusion, Failed, Trial};

use crate::bundle;

/// The error of a case that cannot run on this machine: it is reported as ignored, with the reason.
#[derive(Debug)]
pub struct Skipped(pub String);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skipped {}

/// Time that a case may take: more than any takes on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(900);

/// The environment variable for another limit, in seconds.
const LIMIT_VARIABLE: &str = "GPUFAS_CASE_LIMIT";

/// Cases, in the order in which they run.
#[derive(Default)]
pub struct Suite {
    cases: Vec<Case>,
    /// Time that a case may take, if it is another than [`LIMIT`].
    limit: Option<Duration>,
}

struct Case {
    name: String,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

type Outcome = Result<Completion, Failed>;

impl Suite {
    /// Adds a case that needs nothing of another.
    pub fn case(&mut self, name: impl Into<String>, run: impl FnOnce() -> Result<()> + Send + 'static) {
        let usual = self.limit.unwrap_or(LIMIT);
        let run = move || outcome(limit(usual).and_then(|limit| limited(limit, run)));
        self.cases.push(Case { name: name.into(), run: Box::new(run) });
    }

    /// Gives the cases that are added from now on another limit than most have.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Begins a group of cases that share what `make` makes. Their names begin with the group's.
    pub fn group<T: Send + 'static>(
        &mut self,
        name: impl Into<String>,
        make: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Group<'_, T> {
        let shared = Shared::new(make);
        Group { suite: self, name: name.into(), shared: Arc::new(shared) }
    }

    /// Runs the cases that the command line asks for.
    pub fn run(self) -> ExitCode {
        Self::run_beside([self])
    }

    /// Runs the cases of several suites that the command line asks for, one of each at a time.
    pub fn run_beside(suites: impl IntoIterator<Item = Self>) -> ExitCode {
        run_with(Arguments::from_args(), suites).exit_code()
    }
}

fn run_with(mut arguments: Arguments, suites: impl IntoIterator<Item = Suite>) -> Conclusion {
    let mut suites: Vec<_> = suites.into_iter().collect();
    arguments.test_threads = Some(1);
    if let [suite] = &mut suites[..] {
        let cases = std::mem::take(&mut suite.cases).into_iter();
        let trials = cases.map(|Case { name, run }| Trial::ignorable_test(name, run));
        return libtest_mimic::run(&arguments, trials.collect());
    }
    // The harness takes cases in one order and would let a suite wait for another's: each has a thread of its own, and the
    // harness is told what came of it.
    // One that waits for a case must not keep others from being told of that have ended.
    arguments.test_threads = Some(suites.iter().map(|suite| suite.cases.len()).sum::<usize>().max(1));
    thread::scope(|scope| {
        let mut trials = Vec::new();
        for suite in suites {
            let (told, jobs): (Vec<_>, Vec<_>) = suite.cases.into_iter().map(told).unzip();
            let runs = |trial: &Trial| !arguments.list && !arguments.is_filtered_out(trial);
            let jobs: Vec<_> = told.iter().map(runs).zip(jobs).collect();
            trials.push(told);
            scope.spawn(move || jobs.into_iter().filter(|(runs, _)| *runs).for_each(|(_, job)| job()));
        }
        libtest_mimic::run(&arguments, in_turn(trials))
    })
}

/// A case for the harness, which waits until something else has run it.
fn told(case: Case) -> (Trial, impl FnOnce() + Send) {
    let Case { name, run } = case;
    let (sender, receiver) = channel();
    let wait = move || match receiver.recv() {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err("it was not run".into()),
    };
    // Nobody waits any more if the harness has given up.
    let job = move || drop(sender.send(catch_unwind(AssertUnwindSafe(run))));
    (Trial::ignorable_test(name, wait), job)
}

/// The first of each list, then the second of each, and so on.
fn in_turn<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    while lists.iter().any(|list| list.len() > 0) {
        all.extend(lists.iter_mut().filter_map(Iterator::next));
    }
    all
}

/// Cases that share something.
pub struct Group<'a, T> {
    suite: &'a mut Suite,
    name: String,
    shared: Arc<Shared<T>>,
}

impl<T: Send + 'static> Group<'_, T> {
    /// Adds a case.
    pub fn case(&mut self, name: &str, run: impl FnOnce(&T) -> Result<()> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        self.suite.case(self.full_name(name), move || shared.with(run));
    }

    /// The name that a case of this group has in the suite.
    pub fn full_name(&self, name: &str) -> String {
        format!("{}: {name}", self.name)
    }
}

struct Shared<T> {
    make: Box<dyn Fn() -> Result<T> + Send + Sync>,
    state: Mutex<Numbered<T>>,
}

/// What is there, and how many cases have taken it: one that was given up and ends later must not put back what it took.
struct Numbered<T> {
    taken: u64,
    state: State<T>,
}

enum State<T> {
    Absent,
    Present(T),
    /// It could not be made; there is no use in trying again for each case.
    Failed(String),
    /// It cannot be made on this machine.
    Skipped(String),
}

impl<T> Shared<T> {
    fn new(make: impl Fn() -> Result<T> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), state: Mutex::new(Numbered { taken: 0, state: State::Absent }) }
    }

    /// No case holds this while it runs: one that never ends would keep all others.
    fn state(&self) -> MutexGuard<'_, Numbered<T>> {
        // Nothing is done in between that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is there, with the number of the case that does.
    fn take(&self) -> (u64, State<T>) {
        let mut numbered = self.state();
        numbered.taken += 1;
        (numbered.taken, std::mem::replace(&mut numbered.state, State::Absent))
    }

    /// Puts something back, unless another case has come since.
    fn put(&self, number: u64, state: State<T>) {
        let mut numbered = self.state();
        if numbered.taken == number {
            numbered.state = state;
        }
    }

    fn with(&self, run: impl FnOnce(&T) -> Result<()>) -> Result<()> {
        // A case that panicked or never ended left the state as absent.
        let (number, state) = self.take();
        let thing = match state {
            State::Present(thing) => Ok(thing),
            State::Absent => (self.make)(),
            State::Failed(message) => Err(anyhow!("as before: {message}")),
            State::Skipped(reason) => Err(anyhow!(Skipped(reason))),
        };
        let thing = thing.inspect_err(|error| {
            let state = match error.downcast_ref() {
                Some(Skipped(reason)) => State::Skipped(reason.clone()),
                None => State::Failed(format!("{error:#}")),
            };
            self.put(number, state);
        })?;
        let result = run(&thing);
        if result.as_ref().err().is_none_or(|error| error.is::<Skipped>()) {
            self.put(number, State::Present(thing));
        }
        result
    }
}

/// The time that a case may take that usually may take so long.
fn limit(usual: Duration) -> Result<Duration> {
    let Ok(text) = env::var(LIMIT_VARIABLE) else { return Ok(usual) };
    let seconds =
        text.parse().with_context(|| format!("{LIMIT_VARIABLE}: {text} is no number of seconds"))?;
    Ok(Duration::from_secs(seconds))
}

/// Runs a case in a thread of its own, which is left to itself if it does not end in time.
fn limited(limit: Duration, run: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let (sender, receiver) = channel();
    thread::Builder::new()
        .spawn(move || {
            // Nobody waits any more if the time is over.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(run)));
        })
        .context("cannot start a thread")?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => bail!("it has not ended within {limit:?} ({LIMIT_VARIABLE}), and is left behind"),
    }
}

/// What became of a case, for the harness: one that cannot run here is ignored.
///
/// # Errors
///
/// Those of the case.
pub fn outcome(result: Result<()>) -> Result<Completion, Failed> {
    match result {
        Ok(()) => Ok(Completion::Completed),
        Err(error) => match error.downcast::<Skipped>() {
            Ok(Skipped(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => {
                let message = format!("{error:#}");
                // All of a bundle's tests have a limit together, and who is ended does not come to its list of failures.
                if bundle::used().is_some() {
                    eprintln!("{message}");
                }
                Err(message.into())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What these suites come to is not for who reads the results of these tests.
    fn unseen() -> Arguments {
        Arguments { logfile: Some("/dev/null".into()), ..Default::default() }
    }

    #[test]
    fn cases_of_one_suite_never_run_at_once() {
        let (running, ran) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let mut slow = Suite::default();
        for name in ["first", "second"] {
            let (running, ran) = (Arc::clone(&running), Arc::clone(&ran));
            slow.case(name, move || {
                let others = running.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
                running.fetch_sub(1, Ordering::SeqCst);
                ran.fetch_add(1, Ordering::SeqCst);
                if others == 0 { Ok(()) } else { bail!("{others} run beside it") }
            });
        }
        let mut quick = Suite::default();
        quick.case("quick", || Ok(()));
        let conclusion = run_with(unseen(), [slow, quick]);
        assert!(!conclusion.has_failed());
        assert_eq!(ran.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn no_suite_waits_for_another() {
        let (all_ran, wait) = channel();
        let mut slow = Suite::default();
        slow.case("until the others have ended", move || Ok(wait.recv_timeout(LIMIT)?));
        slow.case("after that", || Ok(()));
        let mut quick = Suite::default();
        for name in ["first", "second", "third"] {
            quick.case(name, || Ok(()));
        }
        quick.case("panics", || panic!("a failure"));
        quick.case("last", move || Ok(all_ran.send(())?));
        let conclusion = run_with(unseen(), [slow, quick]);
        assert_eq!((conclusion.num_passed, conclusion.num_failed), (6, 1));
    }

    #[test]
    fn of_several_suites_only_what_is_asked_for_runs() {
        let ran = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&ran);
        let mut first = Suite::default();
        first.case("not asked for", move || {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        let mut second = Suite::default();
        second.case("asked", || Ok(()));
        let arguments = Arguments { filter: Some("asked".into()), skip: vec!["not".into()], ..unseen() };
        let conclusion = run_with(arguments, [first, second]);
        assert_eq!((conclusion.num_passed, conclusion.num_failed, conclusion.num_filtered_out), (1, 0, 1));
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn suites_take_turns() {
        assert_eq!(in_turn(vec![vec![1, 4, 6], vec![2], vec![], vec![3, 5]]), [1, 2, 3, 4, 5, 6]);
        assert!(in_turn(Vec::<Vec<u8>>::new()).is_empty());
    }

    #[test]
    fn what_is_shared_is_made_once_and_anew_after_a_failure() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let shared = Shared::new(move || Ok(count.fetch_add(1, Ordering::Relaxed)));
        shared
            .with(|number| {
                assert_eq!(*number, 0);
                Ok(())
            })
            .unwrap();
        shared
            .with(|number| {
                assert_eq!(*number, 0);
                Ok(())
            })
            .unwrap();
        shared.with(|_| bail!("a failure")).unwrap_err();
        shared
            .with(|number| {
                assert_eq!(*number, 1);
                Ok(())
            })
            .unwrap();
        shared.with(|_| bail!(Skipped("not here".into()))).unwrap_err();
        shared
            .with(|number| {
                assert_eq!(*number, 1);
                Ok(())
            })
            .unwrap();
        let panics = || shared.with(|_| panic!("another failure"));
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        shared
            .with(|number| {
                assert_eq!(*number, 2);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_case_that_never_ends_fails_and_keeps_no_other() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let shared = Arc::new(Shared::new(move || Ok(count.fetch_add(1, Ordering::Relaxed))));
        let (hanging, next) = (Arc::clone(&shared), Arc::clone(&shared));
        let (_never, end) = channel::<()>();
        let hang = move || hanging.with(|_| Ok(end.recv()?));
        let error = limited(Duration::from_millis(50), hang).unwrap_err();
        assert!(error.to_string().contains("has not ended"), "{error}");
        let is_new = move || {
            next.with(|number| {
                assert_eq!(*number, 1);
                Ok(())
            })
        };
        limited(LIMIT, is_new).unwrap();
    }

    #[test]
    fn a_case_that_was_given_up_puts_nothing_back() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let shared = Arc::new(Shared::new(move || Ok(count.fetch_add(1, Ordering::Relaxed))));
        let (late, (go_on, wait)) = (Arc::clone(&shared), channel::<()>());
        let (ended, end) = channel();
        let slow = move || {
            let result = late.with(|_| Ok(wait.recv()?));
            ended.send(())?;
            result
        };
        limited(Duration::from_millis(50), slow).unwrap_err();
        shared.with(|_| Ok(())).unwrap();
        go_on.send(()).unwrap();
        end.recv().unwrap();
        shared
            .with(|number| {
                assert_eq!(*number, 1);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_case_that_panics_is_one_that_panics() {
        let panics = || limited(LIMIT, || panic!("a failure"));
        let panic = catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a failure"));
    }

    #[test]
    fn what_cannot_be_made_fails_every_case_and_is_tried_once() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let shared = Shared::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            bail!("no QEMU")
        });
        for _ in 0..2 {
            let error = shared.with(|_: &u32| Ok(())).unwrap_err();
            assert!(error.to_string().contains("no QEMU") && !error.is::<Skipped>(), "{error}");
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_is_not_there_skips_every_case_with_its_reason() {
        let shared = Shared::new(|| bail!(Skipped("no GPU".into())));
        for _ in 0..2 {
            let completion = outcome(shared.with(|_: &u32| Ok(()))).unwrap();
            assert!(matches!(completion, Completion::Ignored { reason: Some(reason) } if reason == "no GPU"));
        }
    }
}
