// SPDX-License-Identifier: MIT OR Apache-2.0

//! The monitor of QEMU (QMP): connection, commands, events. Every wait has a deadline, so that a QEMU that
//! hangs does not hang us.

mod gdb_stub;
mod lines;
mod pause;
mod registers;

pub use gdb_stub::GdbStub;
pub use lines::Event;
pub use pause::Pause;

use crate::error::{Error, Result};
use lines::Lines;
use qapi::qmp::{cont, human_monitor_command, qom_get, stop};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long QEMU may take to greet and to answer a command.
const ANSWER: Duration = Duration::from_secs(10);

/// How long QEMU may take to stop or continue a guest: it waits for disks.
const STOP: Duration = Duration::from_secs(60);

/// A connection to the monitor of one QEMU.
pub struct Qmp {
    socket: PathBuf,
    peer: Option<i32>,
    version: String,
    inner: qapi::Qmp<Lines>,
}

/// Whether the guest runs.
#[derive(Clone, Debug, Deserialize)]
pub struct RunState {
    /// Whether its CPUs run.
    pub running: bool,
    /// QEMU's name of the state, as in `paused`.
    pub status: String,
}

/// A memory backend of the guest.
#[derive(Clone, Debug, Deserialize)]
pub struct MemoryBackend {
    /// Id of the object under `/objects`.
    pub id: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Whether it is mapped shared; unknown before QEMU 6.1.
    #[serde(default)]
    pub share: bool,
}

/// A virtual CPU.
#[derive(Clone, Debug, Deserialize)]
pub struct Cpu {
    /// Id of the host's thread that runs it, in QEMU's PID namespace.
    #[serde(rename = "thread-id")]
    pub thread: i32,
}

/// Declares a command without arguments whose answer is read leniently: the answers in `qapi` are closed
/// enumerations, which fail on what a newer QEMU adds.
macro_rules! command {
    ($name:ident, $text:literal, $answer:ty) => {
        #[derive(Serialize)]
        struct $name {}
        impl qapi::Command for $name {
            type Ok = $answer;
            const NAME: &'static str = $text;
            const ALLOW_OOB: bool = false;
        }
    };
}

command!(QueryStatus, "query-status", RunState);
command!(QueryMemdev, "query-memdev", Vec<MemoryBackend>);
command!(QueryCpusFast, "query-cpus-fast", Vec<Cpu>);

impl Qmp {
    /// Connects to the monitor at the unix socket `socket`.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::NotQmp`], [`Error::NoGreeting`] or what [`execute`](Self::execute) meets.
    pub fn connect(socket: &Path) -> Result<Self> {
        Self::connect_within(socket, ANSWER)
    }

    /// The same with another time limit.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_within(socket: &Path, limit: Duration) -> Result<Self> {
        let stream = connect(socket, limit)?;
        let peer = peer_process(stream.as_raw_fd());
        let mut lines = Lines::new(stream);
        lines.set_deadline(limit);
        let greeting = lines.fill_buf().map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => Error::NoGreeting { socket: socket.into(), waited: limit },
            // What talks without an end of line, or too much, is no monitor.
            io::ErrorKind::InvalidData => {
                Error::NotQmp { socket: socket.into(), said: lines::excerpt(source.to_string().as_bytes()) }
            }
            _ => Error::QmpBroken { command: "greeting", source },
        });
        let greeting = match greeting {
            Ok([]) => return Err(Error::QmpClosed { during: "the greeting" }),
            Ok(line) => line.to_vec(),
            Err(error) => return Err(error),
        };
        // Read here first: qapi's reader panics when there is nothing.
        let version = serde_json::from_slice::<Greeting>(&greeting)
            .map_err(|_| Error::NotQmp { socket: socket.into(), said: lines::excerpt(&greeting) })?
            .qmp
            .version
            .qemu
            .to_string();
        lines.consume(greeting.len());
        let mut qmp = Self { socket: socket.into(), peer, version, inner: qapi::Qmp::new(lines) };
        qmp.execute_within(&qapi::qmp::qmp_capabilities { enable: None }, limit)?;
        Ok(qmp)
    }

    /// Path of the socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Process at the other end, in our PID namespace, if there is one. Where the socket was made by
    /// another process than QEMU (libvirt does that), it is that one.
    pub fn peer(&self) -> Option<i32> {
        self.peer
    }

    /// QEMU's version as three numbers.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Executes one command.
    ///
    /// # Errors
    /// [`Error::QmpTimeout`], [`Error::QmpClosed`], [`Error::QmpBroken`], [`Error::QmpRefused`].
    pub fn execute<C: qapi::Command>(&mut self, command: &C) -> Result<C::Ok> {
        self.execute_within(command, ANSWER)
    }

    fn execute_within<C: qapi::Command>(&mut self, command: &C, limit: Duration) -> Result<C::Ok> {
        let name = C::NAME;
        let lines = self.inner.inner_mut();
        if lines.is_broken() {
            // An answer that came too late would be taken for that of this command.
            let source = io::Error::other("an earlier answer did not come in time");
            return Err(Error::QmpBroken { command: name, source });
        }
        lines.set_deadline(limit);
        self.inner.execute(command).map_err(|error| match error {
            qapi::ExecuteError::Qapi(error) => Error::QmpRefused { command: name, message: error.desc },
            qapi::ExecuteError::Io(source) => match source.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                    Error::QmpClosed { during: name }
                }
                kind => {
                    self.inner.inner_mut().set_broken();
                    if kind == io::ErrorKind::TimedOut {
                        return Error::QmpTimeout { command: name, waited: limit };
                    }
                    Error::QmpBroken { command: name, source }
                }
            },
        })
    }

    /// Executes a command of the human monitor and returns what it prints.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn human(&mut self, line: impl Into<String>) -> Result<String> {
        self.execute(&human_monitor_command { command_line: line.into(), cpu_index: None })
    }

    /// Whether the guest runs.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn run_state(&mut self) -> Result<RunState> {
        self.execute(&QueryStatus {})
    }

    /// The guest's memory backends.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn memory_backends(&mut self) -> Result<Vec<MemoryBackend>> {
        self.execute(&QueryMemdev {})
    }

    /// The guest's CPUs.
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute).
    pub fn cpus(&mut self) -> Result<Vec<Cpu>> {
        self.execute(&QueryCpusFast {})
    }

    /// A property of one of QEMU's objects; none if QEMU refuses (it has no such object or property).
    ///
    /// # Errors
    /// Those of [`execute`](Self::execute) but for a refusal.
    pub fn property(&mut self, path: String, property: &str) -> Result<Option<serde_json::Value>> {
        match self.execute(&qom_get { path, property: property.into() }) {
            Ok(value) => Ok(Some(value)),
            Err(Error::QmpRefused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The events that came since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.inner.inner_mut().take_events()
    }

    fn stop(&mut self) -> Result<()> {
        self.execute_within(&stop {}, STOP).map(drop)
    }

    fn cont(&mut self) -> Result<()> {
        self.execute_within(&cont {}, STOP).map(drop)
    }

    /// Asks QEMU to continue the guest without waiting for an answer; for when answers no longer come.
    fn cont_blindly(&mut self) -> io::Result<()> {
        self.inner.inner_mut().set_deadline(Duration::from_secs(1));
        self.inner.write_command(&cont {})
    }
}

#[derive(Deserialize)]
struct Greeting {
    #[serde(rename = "QMP")]
    qmp: GreetingBody,
}

#[derive(Deserialize)]
struct GreetingBody {
    version: GreetingVersion,
}

#[derive(Deserialize)]
struct GreetingVersion {
    qemu: Version,
}

#[derive(Deserialize)]
struct Version {
    major: u32,
    minor: u32,
    micro: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// Connects to a unix socket. The time limit matters here already: connecting blocks while the queue of
/// a monitor that serves somebody else is full.
fn connect(socket: &Path, limit: Duration) -> Result<std::os::unix::net::UnixStream> {
    let attempt = || {
        let address = socket2::SockAddr::unix(socket)?;
        let stream = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
        stream.set_write_timeout(Some(limit))?;
        stream.connect(&address)?;
        Ok(std::os::fd::OwnedFd::from(stream).into())
    };
    attempt().map_err(|source: io::Error| {
        let remedy = match source.kind() {
            io::ErrorKind::NotFound => "start QEMU with -qmp unix:PATH,server=on,wait=off and give that PATH",
            io::ErrorKind::PermissionDenied => "run gpufas as root or as the user that runs QEMU",
            io::ErrorKind::ConnectionRefused if is_socket(socket) => "QEMU has ended; start the guest again",
            io::ErrorKind::ConnectionRefused => "it is not a socket; give the PATH of QEMU's -qmp unix:PATH",
            io::ErrorKind::WouldBlock => {
                "another program holds this monitor; end it or give QEMU a second -qmp socket"
            }
            io::ErrorKind::InvalidInput => {
                "the path is too long for a socket; give a shorter one, relative if need be"
            }
            _ => "give the PATH of QEMU's -qmp unix:PATH,server=on,wait=off",
        };
        Error::Connect { socket: socket.into(), source, remedy }
    })
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// The process that listens at the other end of a unix socket, if it is in our PID namespace.
fn peer_process(socket: std::os::fd::RawFd) -> Option<i32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the buffer is a ucred and `size` its size.
    let status = unsafe {
        libc::getsockopt(
            socket,
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut size,
        )
    };
    (status == 0 && credentials.pid > 0).then_some(credentials.pid)
}

#[cfg(test)]
mod tests;
