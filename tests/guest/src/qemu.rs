// SPDX-License-Identifier: MIT OR Apache-2.0

//! One QEMU process and the files that belong to it.

use std::fs::{self, File};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use crate::cache;
use crate::error::{Error, Result};
use crate::spawner;

/// The program.
pub const QEMU: &str = "qemu-system-x86_64";

/// How long QEMU may take to open its sockets.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long QEMU may take to end once its sockets are closed.
const END_LIMIT: Duration = Duration::from_secs(5);

/// What the names of a guest's folders start with.
const PREFIX: &str = "gpufas-guest-";

/// A folder that only this user can enter and that goes with the guest.
pub struct Folder {
    folder: TempDir,
    /// Locked as long as the folder is in use.
    _lock: File,
}

impl Folder {
    /// Makes a folder below `parent`, and removes those that processes left there that were killed: a guest's
    /// memory is large.
    pub fn new(parent: &Path) -> Result<Self> {
        remove_abandoned(parent);
        let make = || {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            let lock = File::create(folder.path().join("lock"))?;
            lock.lock()?;
            Ok(Self { folder, _lock: lock })
        };
        make().map_err(Error::file("make a folder in", parent))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // A new folder may not be locked yet.
        let is_old = || {
            let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok()?;
            Some(SystemTime::now().duration_since(modified).ok()? > Duration::from_secs(60))
        };
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && is_old() == Some(true)
            && File::open(path.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
        {
            // Another process may remove it as well.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// A running QEMU. It is killed when this is dropped.
pub struct Qemu {
    child: Arc<Mutex<Child>>,
    errors: PathBuf,
    pid: u32,
}

impl Qemu {
    /// Starts QEMU with its standard error in a file of the folder.
    pub fn start(mut command: Command, folder: &Path) -> Result<Self> {
        let errors = folder.join("qemu.txt");
        let file = File::create(&errors).map_err(Error::file("make", &errors))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let program = Command::new(QEMU);
        let child = spawner::spawn(command).map_err(|error| cache::start_error(&program, error))?;
        let pid = child.id();
        Ok(Self { child: Arc::new(Mutex::new(child)), errors, pid })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What QEMU wrote to its standard error.
    pub fn said(&self) -> String {
        let said = fs::read(&self.errors).unwrap_or_default();
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Waits for QEMU to connect to one of its sockets. None: it ended without doing so.
    pub fn accept(&self, listener: &UnixListener) -> io::Result<Option<UnixStream>> {
        listener.set_nonblocking(true)?;
        let start = Instant::now();
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    return Ok(Some(stream));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if self.status()?.is_some() || start.elapsed() > CONNECT_LIMIT => return Ok(None),
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Waits a little for QEMU to end, and says how it did.
    pub fn describe_end(&self) -> String {
        let start = Instant::now();
        loop {
            match self.status() {
                Ok(Some(status)) if status.success() => {
                    return "the guest turned off or restarted".to_owned();
                }
                Ok(Some(status)) => return format!("QEMU ended with {status}"),
                Err(error) => return error.to_string(),
                Ok(None) if start.elapsed() > END_LIMIT => return "QEMU still runs".to_owned(),
                Ok(None) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Ends QEMU at once and waits until it is gone.
    pub fn kill(&self) -> io::Result<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill()?;
        child.wait()
    }

    /// What ends QEMU at once when it is called, from another thread.
    pub fn killer(&self) -> impl Fn() + Send + 'static {
        let child = Arc::clone(&self.child);
        move || {
            // It may have ended already.
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
    }

    fn status(&self) -> io::Result<Option<ExitStatus>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_kept_and_an_abandoned_one_removed() {
        let parent = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_secs(3600);
        let age = |path: &Path| File::open(path).unwrap().set_modified(old).unwrap();
        let used = Folder::new(parent.path()).unwrap();
        age(used.path());
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        age(&left);
        let _another = Folder::new(parent.path()).unwrap();
        assert!(used.path().exists());
        assert!(!left.exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_a_broken_set_up() {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = Qemu::start(Command::new("/nonexistent/qemu"), folder.path()) else {
            panic!("a program that does not exist started");
        };
        assert!(error.is_setup());
        assert!(matches!(error, Error::ProgramMissing { .. }), "{error}");
    }
}
