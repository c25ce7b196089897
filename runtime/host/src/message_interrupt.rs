// SPDX-License-Identifier: MIT OR Apache-2.0

//! Interrupts for a guest's CPUs: message-signalled ones, which are writes to physical memory.
//!
//! A write of a vector to 0xfee00000 + (APIC id << 12) is an interrupt for that local APIC (Intel SDM, volume 3, "Message Signalled
//! Interrupts"). QEMU takes a write from outside its CPUs for one (`apic_mem_write()` in hw/intc/apic.c).

use crate::error::{Error, Result};
use crate::memory::GuestMemory;
use crate::qmp::{GdbStub, Qmp};
use gpufas_abi::InterruptRequest;
use gpufas_kernel::Kernel;
use std::time::{Duration, Instant};

/// Where messages go.
const MESSAGE_ADDRESS: u64 = 0xfee0_0000;

/// Largest APIC id that such an address can name.
pub const MAX_APIC_ID: u32 = 255;

/// How long a CPU may take to serve its interrupt until it is reported that it has not. A CPU of an emulated guest on a busy machine may
/// not run for a tenth of a second.
const SERVED_WITHIN: Duration = Duration::from_secs(1);

/// How long it is tried to send interrupts without which entries on queues would lie there, and how often.
const SENT_WITHIN: Duration = Duration::from_secs(5);
const SEND_EVERY: Duration = Duration::from_millis(100);

/// How often it is looked whether an interrupt was served.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// An interrupt that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The CPU as the kernel numbers it.
    pub cpu: u32,
    /// Its vector.
    pub vector: u32,
    /// What came of it.
    pub served: Served,
}

/// What came of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The CPU had served it by then, from when the guest was let go.
    After(Duration),
    /// The CPU has not served it in time. It is pending in its local APIC, and is served when the CPU takes interrupts again.
    Pending,
    /// It is not known: there is nothing to see it by, or the guest is paused by somebody else.
    Unknown,
}

/// The way to the CPUs of a guest that is paused.
#[must_use]
pub struct Sender {
    stub: GdbStub,
}

impl Sender {
    /// Opens the way.
    ///
    /// # Errors
    /// Those of [`GdbStub::open`].
    pub fn open(qmp: &mut Qmp) -> Result<Self> {
        Ok(Self { stub: GdbStub::open(qmp)? })
    }

    /// Sends all of them: the guest's CPUs get them when it runs.
    ///
    /// # Errors
    /// Those of [`GdbStub::write_physical`]; [`Error::GdbStub`] for a CPU that no message reaches. Nothing is sent after the first
    /// that fails.
    pub fn send(&mut self, requests: &[InterruptRequest]) -> Result<()> {
        for request in requests {
            if request.apic_id > MAX_APIC_ID {
                let what = format!("no message reaches the APIC {} of CPU {}", request.apic_id, request.cpu);
                return Err(Error::GdbStub { what });
            }
            let address = MESSAGE_ADDRESS | u64::from(request.apic_id) << 12;
            self.stub.write_physical(address, &(request.vector & 0xff).to_le_bytes())?;
        }
        Ok(())
    }

    /// Opens the way, sends all of them, and closes it.
    ///
    /// # Errors
    /// Those of the three.
    pub fn send_at_once(qmp: &mut Qmp, requests: &[InterruptRequest]) -> Result<()> {
        let mut sender = Self::open(qmp)?;
        let sent = sender.send(requests);
        let closed = sender.close(qmp);
        sent.and(closed)
    }

    /// Closes the way; the guest stays paused.
    ///
    /// # Errors
    /// Those of [`GdbStub::close`].
    pub fn close(self, qmp: &mut Qmp) -> Result<()> {
        self.stub.close(qmp)
    }
}

/// Tries to send interrupts that must be sent, again and again for a bounded time.
///
/// # Errors
/// Those of the last try; at once if QEMU is gone.
pub fn persist<T>(mut send: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match send() {
            Err(Error::QmpClosed { during }) => return Err(Error::QmpClosed { during }),
            Err(_) if start.elapsed() < SENT_WITHIN => std::thread::sleep(SEND_EVERY),
            result => return result,
        }
    }
}

/// Waits until each interrupt was served, for a bounded time, in a guest that was let go at `start`.
pub fn wait(
    kernel: &Kernel,
    memory: &GuestMemory,
    requests: &[InterruptRequest],
    start: Instant,
) -> Vec<Interrupt> {
    let read = |address, bytes: &mut [u8]| kernel.read(memory, address, bytes).is_ok();
    let mut served = vec![Served::Pending; requests.len()];
    loop {
        for (request, served) in requests.iter().zip(&mut served) {
            if *served == Served::Pending {
                *served = look(request, start, read);
            }
        }
        if !served.contains(&Served::Pending) || start.elapsed() > SERVED_WITHIN {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    sent(requests, |index| served.get(index).copied().unwrap_or(Served::Unknown))
}

/// Whether an interrupt was served, by the number that changes then. `read` reads the guest's memory, and says whether it could.
fn look(request: &InterruptRequest, start: Instant, read: impl Fn(u64, &mut [u8]) -> bool) -> Served {
    let mut bytes = [0; 8];
    let size = request.size as usize;
    if request.address == 0 || !matches!(size, 4 | 8) || !read(request.address, &mut bytes[..size]) {
        return Served::Unknown;
    }
    match u64::from_le_bytes(bytes) == request.value {
        true => Served::Pending,
        false => Served::After(start.elapsed()),
    }
}

/// Interrupts of which it is not known whether they were served.
pub fn unknown(requests: &[InterruptRequest]) -> Vec<Interrupt> {
    sent(requests, |_| Served::Unknown)
}

fn sent(requests: &[InterruptRequest], served: impl Fn(usize) -> Served) -> Vec<Interrupt> {
    let one = |(index, request): (usize, &InterruptRequest)| Interrupt {
        cpu: request.cpu,
        vector: request.vector,
        served: served(index),
    };
    requests.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// A task's state at 0x18, as since 5.14, with another number in the same word; the head of a CPU's queue at 0x40.
    const STATE: u64 = 0x18;
    const QUEUE: u64 = 0x40;
    const TASK_WAKING: u64 = 0x200;

    fn request(size: u32) -> InterruptRequest {
        InterruptRequest { address: STATE, value: TASK_WAKING, size, ..InterruptRequest::default() }
    }

    #[test]
    fn only_what_the_serving_changes_is_taken_for_it() {
        let memory = RefCell::new([0u8; 0x48]);
        let write = |at: u64, bytes: &[u8]| {
            memory.borrow_mut()[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        };
        let look = |size| {
            look(&request(size), Instant::now(), |at, bytes| {
                let memory = memory.borrow();
                let found = memory.get(at as usize..at as usize + bytes.len());
                found.map(|found| bytes.copy_from_slice(found)).is_some()
            })
        };
        write(STATE, &TASK_WAKING.to_le_bytes());
        write(QUEUE, &0xffff_8881_0000_0d00_u64.to_le_bytes());
        assert_eq!(look(4), Served::Pending);
        // Another CPU adds to the queue, and somebody changes what lies beside the state.
        write(QUEUE, &0xffff_8881_0000_1d00_u64.to_le_bytes());
        write(STATE + 4, &[1]);
        assert_eq!(look(4), Served::Pending);
        assert!(matches!(look(8), Served::After(_)), "a state of 8 bytes is another");
        write(STATE, &[0, 0]);
        assert!(matches!(look(4), Served::After(_)));
    }

    #[test]
    fn what_cannot_be_seen_is_unknown() {
        let start = Instant::now();
        let anything = |_, _: &mut [u8]| true;
        assert_eq!(look(&request(4), start, |_, _| false), Served::Unknown);
        for size in [0, 1, 9, u32::MAX] {
            assert_eq!(look(&request(size), start, anything), Served::Unknown, "{size}");
        }
        let none = InterruptRequest { address: 0, ..request(4) };
        assert_eq!(look(&none, start, anything), Served::Unknown);
    }

    #[test]
    fn what_must_be_sent_is_tried_again_unless_there_is_nobody() {
        let mut tries = 0;
        let sent = persist(|| {
            tries += 1;
            if tries < 4 { Err(Error::GdbStubInUse) } else { Ok(tries) }
        });
        assert_eq!(sent.unwrap(), 4);
        let mut tries = 0;
        let closed: Result<()> = persist(|| {
            tries += 1;
            Err(Error::QmpClosed { during: "stop" })
        });
        assert!(matches!(closed, Err(Error::QmpClosed { .. })) && tries == 1);
    }
}
