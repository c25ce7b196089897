// SPDX-License-Identifier: MIT OR Apache-2.0

//! What comes from a running guest: its control line's events, its console, and its end. One thread reads each
//! of the two serial ports; whoever waits for something waits here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gpufas_guest_init::{Event, ProcessEvent, Ready, Reply};

use crate::console::Tail;
use crate::kernel_log;

/// How long the kernel must say nothing until a report on the console is taken to be over.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// The longest that a report on the console is waited for.
const REPORT_LIMIT: Duration = Duration::from_secs(3);

/// The longest line that is taken from the guest, in bytes. The guest is ours, its memory may be corrupt.
const MAX_LINE: u64 = 1 << 20;

/// Something that the guest told, or that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestEvent {
    /// The first process is up.
    Ready(Ready),
    /// Something happened to a process of the guest.
    Process(ProcessEvent),
    /// The kernel panicked.
    Panicked {
        /// The kernel's message.
        message: String,
    },
    /// The kernel reported trouble on the console of a guest that [ends then](crate::GuestBuilder::end_on_trouble).
    Trouble {
        /// The console's line.
        message: String,
    },
    /// The guest was turned off, or its QEMU ended.
    Gone,
}

/// What to do about trouble that the kernel reports on the console.
pub struct Watch {
    /// What its line may hold without being any.
    pub tolerated: Vec<String>,
    /// Ends the guest.
    pub end: Box<dyn Fn() + Send>,
}

/// Why waiting ended without what was waited for.
#[derive(Debug)]
pub enum Interruption {
    Panicked(String),
    Trouble(String),
    Gone,
    TooLate,
    Broken(String),
}

/// What is known of the guest so far.
#[derive(Default)]
pub struct State {
    /// Everything that happened, in order.
    pub events: Vec<GuestEvent>,
    replies: HashMap<u64, Vec<Reply>>,
    complete: HashMap<u64, Vec<Reply>>,
    console: Tail,
    control_ended: bool,
    console_ended: bool,
    broken: Option<String>,
}

impl State {
    /// The whole answer to a request, once all of it is there.
    pub fn take_answer(&mut self, id: u64) -> Option<Vec<Reply>> {
        self.complete.remove(&id)
    }

    fn panic_or_trouble(&self) -> Option<Interruption> {
        self.events.iter().find_map(|event| match event {
            GuestEvent::Panicked { message } => Some(Interruption::Panicked(message.clone())),
            GuestEvent::Trouble { message } => Some(Interruption::Trouble(message.clone())),
            _ => None,
        })
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Ready(ready) => self.events.push(GuestEvent::Ready(ready)),
            Event::Process(event) => self.events.push(GuestEvent::Process(event)),
            // A request that could not be read: the set-up's fault.
            Event::Reply { id: 0, reply, .. } => self.broken = Some(format!("{reply:?}")),
            Event::Reply { id, reply, more } => {
                self.replies.entry(id).or_default().push(reply);
                if !more && let Some(replies) = self.replies.remove(&id) {
                    self.complete.insert(id, replies);
                }
            }
        }
    }

    fn end_if_both_ended(&mut self) {
        if self.control_ended && self.console_ended {
            self.events.push(GuestEvent::Gone);
        }
    }
}

/// What comes from a guest, for several threads.
#[derive(Clone, Default)]
pub struct Channel {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Channel {
    /// Starts reading both serial ports. The console is copied to a file where one is given, and watched where
    /// the guest is to end on trouble.
    pub fn start(control: UnixStream, console: UnixStream, copy: Option<File>, watch: Option<Watch>) -> Self {
        let channel = Self::default();
        let reader = channel.clone();
        thread::spawn(move || reader.read_control(control));
        let reader = channel.clone();
        thread::spawn(move || reader.read_console(console, copy, watch.as_ref()));
        channel
    }

    /// What is known so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock leaves nothing half done.
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the console's text.
    pub fn console_tail(&self) -> String {
        self.state().console.text()
    }

    /// Waits until `wanted` finds what it looks for. A panic, or the guest's end, ends the waiting.
    pub fn wait<T>(
        &self,
        limit: Duration,
        wanted: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Interruption> {
        self.wait_unless(limit, wanted, State::panic_or_trouble)
    }

    /// Waits until the guest is gone, panicked or not.
    pub fn wait_until_gone(&self, limit: Duration) -> Result<(), Interruption> {
        let gone = |state: &mut State| state.events.contains(&GuestEvent::Gone).then_some(());
        self.wait_unless(limit, gone, |_| None)
    }

    fn wait_unless<T>(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&mut State) -> Option<T>,
        unless: impl Fn(&State) -> Option<Interruption>,
    ) -> Result<T, Interruption> {
        let start = Instant::now();
        let mut state = self.state();
        loop {
            if let Some(found) = wanted(&mut state) {
                return Ok(found);
            }
            if let Some(interruption) = unless(&state) {
                return Err(interruption);
            }
            if let Some(message) = state.broken.take() {
                return Err(Interruption::Broken(message));
            }
            if state.control_ended && state.console_ended {
                return Err(Interruption::Gone);
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Interruption::TooLate);
            }
            (state, _) = self.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.1.notify_all();
    }

    fn read_control(&self, control: UnixStream) {
        let mut reader = BufReader::new(control);
        while let Some(Line { text: line, torn }) = read_line(&mut reader) {
            // A guest may be ended in the middle of a word: nothing is wrong with what it said.
            if line.is_empty() || torn {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(event) => self.change(|state| state.take(event)),
                Err(error) => {
                    let message = format!("{error}: {}", String::from_utf8_lossy(&line));
                    self.change(|state| state.broken = Some(message));
                }
            }
        }
        self.change(|state| {
            state.control_ended = true;
            state.end_if_both_ended();
        });
    }

    fn read_console(&self, console: UnixStream, mut copy: Option<File>, watch: Option<&Watch>) {
        let mut reader = BufReader::new(console);
        while let Some(text) = self.read_console_line(&mut reader, &mut copy) {
            let event = kernel_log::panic_in(&text)
                .map(|message| GuestEvent::Panicked { message: message.to_owned() })
                .or_else(|| {
                    let message = kernel_log::trouble_in(&text, &watch?.tolerated)?.to_owned();
                    Some(GuestEvent::Trouble { message })
                });
            let Some(event) = event else { continue };
            if watch.is_some() {
                self.read_report(&mut reader, &mut copy);
            }
            self.change(|state| state.events.push(event));
            if let Some(watch) = watch {
                (watch.end)();
            }
        }
        self.change(|state| {
            state.console_ended = true;
            state.end_if_both_ended();
        });
    }

    /// Reads the lines that follow the first one of a report, such as its call trace: who learns of the trouble is shown them.
    fn read_report(&self, reader: &mut BufReader<UnixStream>, copy: &mut Option<File>) {
        let begin = Instant::now();
        // Without a limit a guest that says no more would be waited for for ever.
        if reader.get_ref().set_read_timeout(Some(REPORT_PAUSE)).is_err() {
            return;
        }
        while begin.elapsed() < REPORT_LIMIT && self.read_console_line(reader, copy).is_some() {}
        // What is left is the end, which comes.
        let _ = reader.get_ref().set_read_timeout(None);
    }

    /// Reads a line of the console, copies it to the file, and keeps it for error messages.
    fn read_console_line(&self, reader: &mut impl BufRead, copy: &mut Option<File>) -> Option<String> {
        let Line { text: line, .. } = read_line(reader)?;
        if let Some(file) = copy
            && file.write_all(&line).and_then(|()| file.write_all(b"\n")).is_err()
        {
            // The copy is for people to look at; a full disk must not end the guest.
            *copy = None;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        self.change(|state| state.console.push(&text));
        Some(text)
    }
}

/// What was read of a line.
struct Line {
    /// Its text, without its end.
    text: Vec<u8>,
    /// Whether the other side closed before the line's end.
    torn: bool,
}

/// One line, at most [`MAX_LINE`] bytes of it, or none where the other side has closed.
fn read_line(reader: &mut impl BufRead) -> Option<Line> {
    let mut text = Vec::new();
    match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut text) {
        Ok(0) | Err(_) => None,
        Ok(length) => {
            let torn = !text.ends_with(b"\n") && (length as u64) < MAX_LINE;
            text.truncate(text.trim_ascii_end().len());
            Some(Line { text, torn })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn pair() -> (UnixStream, UnixStream, Channel) {
        let (control, far_control) = UnixStream::pair().unwrap();
        let (console, far_console) = UnixStream::pair().unwrap();
        (control, console, Channel::start(far_control, far_console, None, None))
    }

    #[test]
    fn an_answer_in_parts_is_given_whole() {
        let (mut control, _console, channel) = pair();
        for more in [true, false] {
            let event = Event::Reply { id: 7, reply: Reply::Processes(Vec::new()), more };
            writeln!(control, "{}", serde_json::to_string(&event).unwrap()).unwrap();
        }
        assert_eq!(channel.wait(LIMIT, |state| state.take_answer(7)).unwrap().len(), 2);
    }

    #[test]
    fn a_panic_on_the_console_interrupts() {
        let (_control, mut console, channel) = pair();
        writeln!(console, "[ 1.0] Kernel panic - not syncing: sysrq triggered crash\r").unwrap();
        match channel.wait(LIMIT, |state| state.take_answer(1)) {
            Err(Interruption::Panicked(message)) => assert_eq!(message, "sysrq triggered crash"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn trouble_on_a_watched_console_interrupts_and_ends_the_guest() {
        let (_control, far_control) = UnixStream::pair().unwrap();
        let (mut console, far_console) = UnixStream::pair().unwrap();
        let (ended, end) = std::sync::mpsc::channel();
        let end_guest = Box::new(move || ended.send(()).unwrap());
        let watch = Watch { tolerated: vec!["expected".into()], end: end_guest };
        let channel = Channel::start(far_control, far_console, None, Some(watch));
        writeln!(console, "[ 1.0] WARNING: an expected one\r\n[ 1.1] BUG: another\r").unwrap();
        writeln!(console, "[ 1.1] RIP: 0010:somewhere\r\n[ 1.1] ---[ end trace ]---\r").unwrap();
        match channel.wait(LIMIT, |state| state.take_answer(1)) {
            Err(Interruption::Trouble(message)) => assert_eq!(message, "[ 1.1] BUG: another"),
            other => panic!("{other:?}"),
        }
        assert!(channel.console_tail().ends_with("[ 1.1] ---[ end trace ]---\n"), "the whole report is kept");
        end.recv_timeout(LIMIT).unwrap();
        end.try_recv().unwrap_err();
    }

    #[test]
    fn the_end_of_both_ports_interrupts_and_what_came_before_counts() {
        let (control, mut console, channel) = pair();
        drop(control);
        writeln!(console, "last words").unwrap();
        drop(console);
        assert!(matches!(channel.wait(LIMIT, |state| state.take_answer(1)), Err(Interruption::Gone)));
        assert_eq!(channel.console_tail(), "last words\n");
    }

    #[test]
    fn an_event_torn_by_the_end_is_no_error() {
        let (mut control, console, channel) = pair();
        write!(control, "{{").unwrap();
        drop((control, console));
        assert!(matches!(channel.wait(LIMIT, |state| state.take_answer(1)), Err(Interruption::Gone)));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        let (mut control, _console, channel) = pair();
        writeln!(control, "{{\"odd\":1}}").unwrap();
        assert!(matches!(channel.wait(LIMIT, |state| state.take_answer(1)), Err(Interruption::Broken(_))));
    }

    #[test]
    fn nothing_at_all_is_too_late() {
        let (_control, _console, channel) = pair();
        let limit = Duration::from_millis(1);
        assert!(matches!(channel.wait(limit, |state| state.take_answer(1)), Err(Interruption::TooLate)));
    }
}
