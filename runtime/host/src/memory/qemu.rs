// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finding the memory of a running guest, by whichever way is open.

use super::{GuestMemory, content, layout, process, shared_file};
use crate::error::{Error, Result};
use crate::qmp::Qmp;

/// The memory of the guest at the other end of `qmp`. Nothing is changed, in the guest or in QEMU.
///
/// QEMU's process is looked at first: it says what is really mapped. Where that is not permitted, the
/// file of a shared memory backend is opened by its path.
///
/// # Errors
/// What prevents it, with the remedy; see [`Error`].
pub fn attach(qmp: &mut Qmp) -> Result<GuestMemory> {
    let regions = layout::query(qmp)?;
    let memory = match process::attach(qmp, &regions) {
        Ok(memory) => memory,
        Err(error @ (Error::ProcessAccess { .. } | Error::NoProcess { .. })) => {
            match shared_file::by_path(qmp, &regions)? {
                Some(memory) => memory,
                None => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    content::verify(qmp, &memory)?;
    Ok(memory)
}
