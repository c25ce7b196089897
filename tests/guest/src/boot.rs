// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starts a guest.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::accelerator::Accelerator;
use crate::channel::{Channel, GuestEvent, Interruption, Watch};
use crate::disk::{self, Disk};
use crate::error::{Error, Result};
use crate::guest::Guest;
use crate::initramfs;
use crate::kernels::Kernel;
use crate::qemu::{Folder, QEMU, Qemu};

/// How long a guest on KVM may take before software emulation is tried: it needs two seconds.
const KVM_LIMIT: Duration = Duration::from_secs(30);

/// The longest path of a socket, `sun_path` in unix(7), with room for the sockets' names.
const MAX_SOCKET_FOLDER: usize = 80;

/// What a guest's memory is to QEMU's host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backing {
    /// A file that other processes can map, in `/dev/shm` where there is room.
    #[default]
    SharedFile,
    /// Anonymous memory of the QEMU process.
    Private,
}

/// What the guest is to be like.
#[derive(Clone, Debug)]
pub struct GuestBuilder {
    kernel: Kernel,
    memory_mib: u32,
    cpus: u32,
    backing: Backing,
    five_level_paging: bool,
    accelerator: Option<Accelerator>,
    kernel_arguments: Vec<String>,
    qemu_arguments: Vec<OsString>,
    console_file: Option<PathBuf>,
    modules: Vec<PathBuf>,
    disks: Vec<Disk>,
    tolerated: Option<Vec<String>>,
    boot_limit: Duration,
    answer_limit: Duration,
}

impl GuestBuilder {
    pub(crate) fn new(kernel: &Kernel) -> Self {
        Self {
            kernel: kernel.clone(),
            memory_mib: 512,
            cpus: 1,
            backing: Backing::default(),
            five_level_paging: false,
            accelerator: None,
            kernel_arguments: Vec::new(),
            qemu_arguments: Vec::new(),
            console_file: None,
            modules: Vec::new(),
            disks: Vec::new(),
            tolerated: None,
            boot_limit: Duration::from_secs(180),
            answer_limit: Duration::from_secs(120),
        }
    }

    /// Its memory, in MiB; 512 unless told.
    #[must_use]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// The number of its processors; 1 unless told.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// What its memory is to the host.
    #[must_use]
    pub fn backing(mut self, backing: Backing) -> Self {
        self.backing = backing;
        self
    }

    /// Gives it a processor with page tables of five levels. On KVM the host's processor decides.
    #[must_use]
    pub fn five_level_paging(mut self, five: bool) -> Self {
        self.five_level_paging = five;
        self
    }

    /// Runs it so and no other way. Unless told, KVM is used where a guest starts on it.
    #[must_use]
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// A further argument of the kernel. It comes last, so it wins.
    #[must_use]
    pub fn kernel_argument(mut self, argument: impl Into<String>) -> Self {
        self.kernel_arguments.push(argument.into());
        self
    }

    /// A further argument of QEMU.
    #[must_use]
    pub fn qemu_argument(mut self, argument: impl Into<OsString>) -> Self {
        self.qemu_arguments.push(argument.into());
        self
    }

    /// Keeps a copy of its console.
    #[must_use]
    pub fn console_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.console_file = Some(path.into());
        self
    }

    /// Gives it a kernel module, for [`Guest::load_module`], or another file, which is below `/modules` then.
    #[must_use]
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules.push(path.into());
        self
    }

    /// Gives it a virtio disk, which it uses from the start.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Ends it as soon as its kernel reports trouble on the console, as a warning, a stall or a fault, in a line that holds
    /// none of the `tolerated` texts. Whatever is waited for then ends with [`Error::Trouble`].
    #[must_use]
    pub fn end_on_trouble(mut self, tolerated: &[&str]) -> Self {
        self.tolerated = Some(tolerated.iter().map(|&text| text.to_owned()).collect());
        self
    }

    /// How long it may take until its first process is up; three minutes unless told.
    #[must_use]
    pub fn boot_limit(mut self, limit: Duration) -> Self {
        self.boot_limit = limit;
        self
    }

    /// How long it may take to answer a request; two minutes unless told.
    #[must_use]
    pub fn answer_limit(mut self, limit: Duration) -> Self {
        self.answer_limit = limit;
        self
    }

    /// Starts it and waits until its first process is up.
    ///
    /// # Errors
    ///
    /// All of them mean a broken set-up ([`Error::is_setup`]): QEMU is not installed, the first process cannot be
    /// built, or the guest does not start.
    pub fn boot(self) -> Result<Guest> {
        match self.accelerator.unwrap_or_else(Accelerator::detect) {
            Accelerator::Kvm if self.accelerator.is_none() => {
                match self.boot_on(Accelerator::Kvm, self.boot_limit.min(KVM_LIMIT)) {
                    // KVM that passes the probe and fails a guest.
                    Err(Error::BootFailed { .. }) => {
                        let guest = self.boot_on(Accelerator::Tcg, self.boot_limit)?;
                        // It was not the guest's fault.
                        Accelerator::kvm_fails();
                        Ok(guest)
                    }
                    other => other,
                }
            }
            accelerator => self.boot_on(accelerator, self.boot_limit),
        }
    }

    fn boot_on(&self, accelerator: Accelerator, limit: Duration) -> Result<Guest> {
        let folder = Folder::new(&socket_parent())?;
        let for_disks = self.modules_for_disks(&folder.path().join("modules"))?;
        let modules = [&for_disks[..], &self.modules].concat();
        let initramfs = initramfs::with_modules(initramfs::archive()?, &modules, folder.path())?;
        let memory = match self.backing {
            Backing::SharedFile => Some(Folder::new(&memory_parent(self.memory_mib))?),
            Backing::Private => None,
        };
        let memory_file = memory.as_ref().map(|folder| folder.path().join("memory"));
        let listen = |name: &str| {
            let path = folder.path().join(name);
            UnixListener::bind(&path).map_err(Error::file("listen on", path))
        };
        let (console, control) = (listen("console")?, listen("control")?);
        let copy = match &self.console_file {
            Some(path) => Some(File::create(path).map_err(Error::file("make", path))?),
            None => None,
        };
        let mut command = self.command(accelerator, &initramfs, folder.path(), memory_file.as_deref());
        for (number, disk) in self.disks.iter().enumerate() {
            command.args(disk.make(number, folder.path())?);
        }
        let qemu = Qemu::start(command, folder.path())?;

        let accept = |listener| qemu.accept(listener).map_err(Error::file("accept QEMU on", folder.path()));
        let (Some(console), Some(control)) = (accept(&console)?, accept(&control)?) else {
            return Err(boot_failed(qemu.describe_end(), &qemu, ""));
        };
        let requests = control.try_clone().map_err(Error::file("use", folder.path()))?;
        let watch = self.tolerated.clone().map(|tolerated| Watch { tolerated, end: Box::new(qemu.killer()) });
        let channel = Channel::start(control, console, copy, watch);
        let ready = channel.wait(limit, |state| {
            state.events.iter().find_map(|event| match event {
                GuestEvent::Ready(ready) => Some(ready.clone()),
                _ => None,
            })
        });
        let ready = ready.map_err(|interruption| {
            let reason = match interruption {
                Interruption::Panicked(message) => format!("its kernel panicked: {message}"),
                Interruption::Trouble(message) => format!("its kernel reports trouble: {message}"),
                Interruption::Gone => qemu.describe_end(),
                Interruption::TooLate => format!("its first process was not up within {limit:?}"),
                Interruption::Broken(message) => format!("its first process sent no event: {message}"),
            };
            boot_failed(reason, &qemu, &channel.console_tail())
        })?;
        let answer_limit = self.answer_limit;
        let guest = Guest::new(qemu, channel, requests, ready, accelerator, folder, memory, answer_limit);
        self.use_disks(&guest, &for_disks).map_err(|error| match error {
            Error::Refused { command, message } => Error::BootFailed {
                reason: format!("it could not {command}: {message}"),
                qemu_said: String::new(),
                console: guest.console_tail(),
            },
            other => other,
        })?;
        Ok(guest)
    }

    /// The kernel's own modules for the disks.
    fn modules_for_disks(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        if !self.disks.is_empty() {
            names.extend(disk::MODULES);
        }
        if self.disks.contains(&Disk::Files) {
            names.extend(disk::FILE_SYSTEM_MODULES);
        }
        self.kernel.own_modules(&names, folder)
    }

    fn use_disks(&self, guest: &Guest, modules: &[PathBuf]) -> Result<()> {
        for module in modules {
            guest.load_module(&module.file_stem().unwrap_or_default().to_string_lossy(), "")?;
        }
        for (number, disk) in self.disks.iter().enumerate() {
            match disk {
                Disk::Swap(_) => guest.swap_on(&Disk::device(number))?,
                Disk::Files => guest.mount(&Disk::device(number), "/disk")?,
                Disk::Slow => {}
            }
        }
        Ok(())
    }

    fn command(
        &self,
        accelerator: Accelerator,
        initramfs: &Path,
        folder: &Path,
        memory_file: Option<&Path>,
    ) -> Command {
        let mut qemu = Command::new(QEMU);
        let size = self.memory_mib;
        qemu.args(["-nodefaults", "-no-user-config", "-no-reboot"]);
        qemu.args(["-nic", "none", "-vga", "none", "-display", "none", "-monitor", "none"]);
        qemu.args(accelerator.arguments(self.five_level_paging));
        qemu.args([
            "-M",
            "q35,memory-backend=memory",
            "-smp",
            &self.cpus.to_string(),
            "-m",
            &format!("{size}M"),
        ]);
        qemu.arg("-object").arg(match memory_file {
            Some(path) => {
                format!("memory-backend-file,id=memory,size={size}M,share=on,mem-path={}", escape(path))
            }
            None => format!("memory-backend-ram,id=memory,size={size}M"),
        });
        for port in ["console", "control"] {
            let path = escape(&folder.join(port));
            qemu.args(["-chardev", &format!("socket,id={port},path={path}")]);
            qemu.args(["-serial", &format!("chardev:{port}")]);
        }
        let path = escape(&folder.join(QMP_SOCKET));
        qemu.args(["-qmp", &format!("unix:{path},server=on,wait=off")]);
        qemu.arg("-kernel").arg(&self.kernel.vmlinuz).arg("-initrd").arg(initramfs);
        qemu.args(["-append", &self.kernel_command_line()]);
        qemu.args(&self.qemu_arguments);
        qemu
    }

    fn kernel_command_line(&self) -> String {
        // Debian's kernels randomise their address unless told not to. A panic restarts the guest, which QEMU
        // takes for its end. On a busy machine with fewer processors than the guest, one of the guest's may well not get a turn for
        // the 21 s after which Debian's kernels complain.
        let mut words = vec!["console=ttyS0", "panic=-1", "rcupdate.rcu_cpu_stall_timeout=60"];
        if !self.five_level_paging {
            words.push("no5lvl");
        }
        words.extend(self.kernel_arguments.iter().map(String::as_str));
        words.join(" ")
    }
}

/// The name of the QMP socket in the guest's folder.
pub const QMP_SOCKET: &str = "qmp";

fn boot_failed(reason: String, qemu: &Qemu, console: &str) -> Error {
    Error::BootFailed { reason, qemu_said: qemu.said(), console: console.to_owned() }
}

/// QEMU's options end at a comma; one in a value is doubled.
fn escape(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

/// Where sockets can be made: the path of one is short.
fn socket_parent() -> PathBuf {
    let folder = env::temp_dir();
    if folder.as_os_str().len() > MAX_SOCKET_FOLDER { PathBuf::from("/tmp") } else { folder }
}

/// Where a file as large as the guest's memory can be: `/dev/shm`, which is memory, or the temporary folder.
fn memory_parent(mib: u32) -> PathBuf {
    let shared = Path::new("/dev/shm");
    // What is short there shows only when the guest touches it, and then kills QEMU.
    let room = rustix::fs::statvfs(shared).map(|room| room.f_bavail.saturating_mul(room.f_frsize) >> 20);
    if room.is_ok_and(|room| room > u64::from(mib) + 64) { shared.to_owned() } else { env::temp_dir() }
}
