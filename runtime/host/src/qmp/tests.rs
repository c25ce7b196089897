// SPDX-License-Identifier: MIT OR Apache-2.0

//! Against a monitor of our own, so that it can misbehave.

use super::*;
use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

const GREETING: &str = r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}"#;
const DONE: &str = r#"{"return": {}}"#;
const RUNNING: &str = r#"{"return": {"status": "running", "running": true, "new-field": 1}}"#;
const PAUSED: &str = r#"{"return": {"status": "paused", "running": false}}"#;
const STOPPED_EVENT: &str =
    r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP", "data": {"unheard-of": []}}"#;

/// Time that a monitor gets that will not answer.
const SOON: Duration = Duration::from_millis(200);

/// Time that a monitor gets that will answer, on however busy a machine.
const LATE: Duration = Duration::from_secs(60);

/// A monitor that greets and then answers each command with the next of `answers`, which may be several
/// lines; none is no answer at all. Returns its socket, and a channel of the commands that it got.
struct Monitor {
    socket: PathBuf,
    commands: Receiver<String>,
    _folder: tempfile::TempDir,
}

impl Monitor {
    fn new(answers: Vec<Option<String>>) -> Self {
        Self::with(move |stream| talk(stream, answers))
    }

    fn with(serve: impl FnOnce(Connection) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qmp");
        let listener = UnixListener::bind(&socket).unwrap();
        let (sender, commands) = channel();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            serve(Connection { stream, commands: sender });
        });
        Self { socket, commands, _folder: folder }
    }

    fn connect(&self) -> Result<Qmp> {
        Qmp::connect_within(&self.socket, LATE)
    }

    /// The commands that came, once the connection is closed.
    fn commands(self) -> Vec<String> {
        self.commands.iter().collect()
    }
}

struct Connection {
    stream: UnixStream,
    commands: std::sync::mpsc::Sender<String>,
}

fn talk(mut connection: Connection, answers: Vec<Option<String>>) {
    let mut reader = BufReader::new(connection.stream.try_clone().unwrap());
    let mut say = |text: &str| connection.stream.write_all(format!("{text}\r\n").as_bytes()).is_ok();
    say(GREETING);
    let answers = std::iter::once(Some(DONE.to_owned())).chain(answers).chain(std::iter::repeat(None));
    for answer in answers {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let command: serde_json::Value = serde_json::from_str(&line).unwrap();
        let _ = connection.commands.send(command["execute"].as_str().unwrap().to_owned());
        if answer.is_some_and(|answer| !say(&answer)) {
            return;
        }
    }
}

fn answers(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

/// What `connect` says, after `limit` at most, to a server that says `text` and then keeps the connection open.
fn connect_error(text: &'static [u8], limit: Duration) -> Error {
    let monitor = Monitor::with(|mut connection| {
        let _ = connection.stream.write_all(text);
        let _ = connection.stream.read_to_end(&mut Vec::new());
    });
    Qmp::connect_within(&monitor.socket, limit).map(drop).unwrap_err()
}

#[test]
fn a_monitor_is_greeted_and_asked() {
    let monitor = Monitor::new(answers(&[RUNNING, r#"{"return": "text\r\n"}"#]));
    let mut qmp = monitor.connect().unwrap();
    assert_eq!(qmp.version(), "7.2.2");
    assert_eq!(qmp.peer(), Some(std::process::id() as i32));
    assert!(qmp.run_state().unwrap().running);
    assert_eq!(qmp.human("info status").unwrap(), "text\r\n");
    drop(qmp);
    assert_eq!(monitor.commands(), ["qmp_capabilities", "query-status", "human-monitor-command"]);
}

#[test]
fn events_that_nobody_knows_do_not_disturb() {
    let strange = r#"{"event": "TELEPORTED", "data": 7, "timestamp": "noon"}"#;
    let monitor = Monitor::new(answers(&[&format!("{strange}\n{strange}\n{RUNNING}")]));
    let mut qmp = monitor.connect().unwrap();
    assert!(qmp.run_state().unwrap().running);
    let names: Vec<_> = qmp.take_events().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["TELEPORTED", "TELEPORTED"]);
}

#[test]
fn a_refusal_is_told_in_the_words_of_qemu() {
    let monitor =
        Monitor::new(answers(&[r#"{"error": {"class": "CommandNotFound", "desc": "never heard of it"}}"#]));
    let error = monitor.connect().unwrap().run_state().unwrap_err();
    assert!(matches!(&error, Error::QmpRefused { message, .. } if message == "never heard of it"), "{error}");
}

#[test]
fn what_is_no_monitor_is_told_apart() {
    assert!(matches!(
        connect_error(b"QEMU 7.2.0 monitor - type 'help'\r\n(qemu) ", LATE),
        Error::NotQmp { .. }
    ));
    assert!(matches!(connect_error(b"{}\n", LATE), Error::NotQmp { .. }));
    assert!(matches!(connect_error(b"\xff\xfe\n", LATE), Error::NotQmp { .. }));
    assert!(matches!(connect_error(b"", SOON), Error::NoGreeting { .. }));
    assert!(
        matches!(connect_error(br#"{"event": "STOP"}"#, SOON), Error::NoGreeting { .. }),
        "an event is no greeting"
    );
    let silent = Monitor::with(drop);
    assert!(matches!(silent.connect().map(drop).unwrap_err(), Error::QmpClosed { .. }));
}

#[test]
fn a_monitor_that_never_ends_its_line_is_left() {
    let monitor = Monitor::with(|mut connection| {
        let flood = vec![b'x'; 1 << 20];
        while connection.stream.write_all(&flood).is_ok() {}
    });
    let error = Qmp::connect_within(&monitor.socket, Duration::from_secs(60)).map(drop).unwrap_err();
    assert!(matches!(error, Error::NotQmp { .. }), "{error}");
}

#[test]
fn a_monitor_that_only_sends_events_is_left() {
    let monitor =
        Monitor::with(|mut connection| while connection.stream.write_all(b"{\"event\": \"X\"}\n").is_ok() {});
    let start = Instant::now();
    let error = Qmp::connect_within(&monitor.socket, SOON).map(drop).unwrap_err();
    assert!(matches!(error, Error::NoGreeting { .. }), "{error}");
    assert!(start.elapsed() >= SOON);
}

#[test]
fn paths_without_a_monitor_have_their_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| Qmp::connect(path).map(drop).unwrap_err().to_string();
    assert!(message(&folder.path().join("none")).contains("start QEMU with -qmp"));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(message(&file).contains("it is not a socket"));
    let left = folder.path().join("left");
    drop(UnixListener::bind(&left).unwrap());
    assert!(message(&left).contains("QEMU has ended"));
    assert!(message(&folder.path().join("x".repeat(200))).contains("too long"));
}

#[test]
fn a_monitor_that_serves_somebody_else_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("qmp");
    // Nobody accepts, and the queue is as short as QEMU's: then connecting itself blocks.
    let new = || socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let address = socket2::SockAddr::unix(&socket).unwrap();
    let listener = new();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut held = Vec::new();
    let full = (0..64).any(|_| {
        held.push(new());
        held.last().unwrap().set_nonblocking(true).unwrap();
        held.last().unwrap().connect(&address).is_err()
    });
    assert!(full, "the queue is full after {} connections", held.len());
    match Qmp::connect_within(&socket, SOON).map(drop).unwrap_err() {
        Error::Connect { remedy, .. } => assert!(remedy.contains("another program"), "{remedy}"),
        error => panic!("{error}"),
    }
}

#[test]
fn a_late_answer_is_not_taken_for_another() {
    let (too_late, waiting) = channel();
    let (sent, answered) = channel();
    let monitor = Monitor::with(move |mut connection| {
        let say = |stream: &mut UnixStream, text: &str| stream.write_all(format!("{text}\n").as_bytes());
        say(&mut connection.stream, GREETING).unwrap();
        say(&mut connection.stream, DONE).unwrap();
        waiting.recv().unwrap();
        let _ = say(&mut connection.stream, RUNNING);
        sent.send(()).unwrap();
        let _ = connection.stream.read_to_end(&mut Vec::new());
    });
    let mut qmp = monitor.connect().unwrap();
    let error = qmp.execute_within(&QueryStatus {}, SOON).unwrap_err();
    assert!(matches!(error, Error::QmpTimeout { command: "query-status", .. }), "{error}");
    too_late.send(()).unwrap();
    answered.recv().unwrap();
    assert!(qmp.run_state().is_err(), "the connection can no longer be trusted");
}

#[test]
fn a_running_guest_is_paused_and_runs_again() {
    let stop = format!("{STOPPED_EVENT}\n{DONE}");
    let monitor = Monitor::new(answers(&[RUNNING, &stop, PAUSED, DONE, RUNNING]));
    let mut qmp = monitor.connect().unwrap();
    let pause = Pause::new(&mut qmp).unwrap();
    assert!(pause.is_ours());
    pause.resume().unwrap();
    drop(qmp);
    assert_eq!(
        monitor.commands(),
        ["qmp_capabilities", "query-status", "stop", "query-status", "cont", "query-status"]
    );
}

#[test]
fn a_dropped_pause_lets_the_guest_run() {
    let stop = format!("{STOPPED_EVENT}\n{DONE}");
    let monitor = Monitor::new(answers(&[RUNNING, &stop, PAUSED, DONE, RUNNING]));
    let mut qmp = monitor.connect().unwrap();
    drop(Pause::new(&mut qmp).unwrap());
    drop(qmp);
    assert!(monitor.commands().contains(&"cont".to_owned()));
}

#[test]
fn a_guest_that_was_paused_stays_so() {
    let monitor = Monitor::new(answers(&[PAUSED]));
    let mut qmp = monitor.connect().unwrap();
    let pause = Pause::new(&mut qmp).unwrap();
    assert!(!pause.is_ours());
    pause.resume().unwrap();
    drop(qmp);
    assert_eq!(monitor.commands(), ["qmp_capabilities", "query-status"]);
}

#[test]
fn a_guest_that_somebody_else_paused_meanwhile_stays_so() {
    // Running at the first look, but our `stop` changed nothing: there is no event.
    let monitor = Monitor::new(answers(&[RUNNING, DONE, PAUSED]));
    let mut qmp = monitor.connect().unwrap();
    drop(Pause::new(&mut qmp).unwrap());
    drop(qmp);
    assert_eq!(monitor.commands(), ["qmp_capabilities", "query-status", "stop", "query-status"]);
}

#[test]
fn a_pause_that_fails_halfway_is_taken_back() {
    // `stop` is refused in the end, or has no effect: in either case `cont` follows.
    let refused = r#"{"error": {"class": "GenericError", "desc": "not now"}}"#;
    for broken in [&[RUNNING, refused, DONE, RUNNING][..], &[RUNNING, DONE, RUNNING, DONE, RUNNING]] {
        let monitor = Monitor::new(answers(broken));
        let mut qmp = monitor.connect().unwrap();
        assert!(Pause::new(&mut qmp).is_err());
        drop(qmp);
        assert!(monitor.commands().contains(&"cont".to_owned()));
    }
}

#[test]
fn a_monitor_that_has_gone_is_told_again_and_again() {
    let monitor = Monitor::new(answers(&[RUNNING]));
    let mut qmp = monitor.connect().unwrap();
    qmp.run_state().unwrap();
    qmp.inner.inner().shut_down();
    for _ in 0..3 {
        let error = qmp.run_state().unwrap_err();
        assert!(matches!(error, Error::QmpClosed { .. }), "{error}");
    }
}

#[test]
fn cont_is_sent_even_if_answers_no_longer_come() {
    let stop = format!("{STOPPED_EVENT}\n{DONE}");
    let monitor = Monitor::new(answers(&[RUNNING, &stop, PAUSED]));
    let mut qmp = monitor.connect().unwrap();
    let mut pause = Pause::new(&mut qmp).unwrap();
    // As after an answer that came too late.
    pause.qmp().inner.inner_mut().set_broken();
    drop(pause);
    drop(qmp);
    assert_eq!(monitor.commands().last().unwrap(), "cont");
}
