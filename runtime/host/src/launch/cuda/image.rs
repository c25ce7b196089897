// SPDX-License-Identifier: MIT OR Apache-2.0

//! What of a fatbinary a GPU runs: its machine code for this GPU, or else its PTX, compiled by the driver.

use cudarc::driver::sys::{self, CUresult};
use std::ffi::{c_uint, c_void};
use std::ptr::null_mut;

use super::driver::{Device, error};
use crate::error::Result;

/// Bytes for the messages of the driver's assembler.
const LOG_SIZE: usize = 8 << 10;

/// What the driver loads. Words, since it reads headers as such; the bytes of a file need not be aligned.
pub(super) struct Image(Vec<u64>);

impl Image {
    /// Takes a fatbinary's part for a GPU. `architectures` is what the fatbinary has code for, as its manifest names them.
    ///
    /// # Errors
    /// [`crate::error::Error::Cuda`] if there is nothing that the GPU could run.
    pub(super) fn new(device: &Device, fatbinary: &[u8], architectures: &[String]) -> Result<Self> {
        let fatbinary = Self::copy(fatbinary);
        if has_machine_code(architectures, device.compute_capability()?) {
            return Ok(fatbinary);
        }
        // Not as a module, which the driver may compile as a whole, as ptxas does and loses values (docs/compiler.md, "What
        // tools take and get wrong"). Its linker compiles each function by itself.
        Linker::new(device)?.link(&fatbinary)
    }

    fn copy(bytes: &[u8]) -> Self {
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        let to = words.as_mut_ptr().cast::<u8>();
        // SAFETY: the vector is at least as long as the bytes.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Self(words)
    }

    /// For [`super::driver::Module::load`].
    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }
}

/// Whether machine code for one of the architectures runs on a GPU: it does on those of the same major version and the
/// same or a later minor one (CUDA C++ Programming Guide, "Binary Compatibility").
fn has_machine_code(architectures: &[String], (major, minor): (i32, i32)) -> bool {
    let numbers = architectures.iter().filter_map(|name| name.strip_prefix("sm_")?.parse::<i32>().ok());
    numbers.into_iter().any(|number| number / 10 == major && number % 10 <= minor)
}

/// The driver's linker, which compiles PTX.
struct Linker<'a> {
    device: &'a Device,
    state: sys::CUlinkState,
    /// What it says; the driver writes to it until the linker is given back.
    log: Vec<u8>,
}

impl<'a> Linker<'a> {
    fn new(device: &'a Device) -> Result<Self> {
        let mut log = vec![0; LOG_SIZE];
        use sys::CUjit_option_enum as Option;
        let mut options = [Option::CU_JIT_ERROR_LOG_BUFFER, Option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
        let mut values: [*mut c_void; 2] =
            [log.as_mut_ptr().cast(), std::ptr::without_provenance_mut(LOG_SIZE - 1)];
        let mut state = null_mut();
        // SAFETY: options and values are as the driver wants them; the size of the buffer is passed as a value in place of a
        // pointer, and the buffer lives as long as the linker.
        let created = unsafe {
            sys::cuLinkCreate_v2(
                options.len() as c_uint,
                options.as_mut_ptr(),
                values.as_mut_ptr(),
                &raw mut state,
            )
        };
        match created {
            CUresult::CUDA_SUCCESS => Ok(Self { device, state, log }),
            result => Err(error(result, "cuLinkCreate", String::new())),
        }
    }

    fn link(self, fatbinary: &Image) -> Result<Image> {
        // SAFETY: the linker is alive, the image as long as it says, the name NUL-terminated; there are no options.
        let added = unsafe {
            sys::cuLinkAddData_v2(
                self.state,
                sys::CUjitInputType_enum::CU_JIT_INPUT_FATBINARY,
                fatbinary.words().as_ptr().cast_mut().cast(),
                size_of_val(fatbinary.words()),
                c"program".as_ptr(),
                0,
                null_mut(),
                null_mut(),
            )
        };
        if added != CUresult::CUDA_SUCCESS {
            return Err(self.error(added, "cuLinkAddData"));
        }
        let (mut cubin, mut size) = (null_mut(), 0);
        // SAFETY: the linker is alive, the pointers are to local variables.
        let completed = unsafe { sys::cuLinkComplete(self.state, &raw mut cubin, &raw mut size) };
        if completed != CUresult::CUDA_SUCCESS || cubin.is_null() {
            return Err(self.error(completed, "cuLinkComplete"));
        }
        // SAFETY: the driver has made `size` bytes there, which live as long as the linker.
        Ok(Image::copy(unsafe { std::slice::from_raw_parts(cubin.cast(), size) }))
    }

    /// An error with what the driver's compiler says.
    fn error(&self, result: CUresult, call: &'static str) -> crate::error::Error {
        let end = self.log.iter().position(|byte| *byte == 0).unwrap_or(LOG_SIZE);
        let said = String::from_utf8_lossy(&self.log[..end]);
        let mut hint = self.device.hint();
        if !said.trim().is_empty() {
            hint.push_str(&format!("; the driver's compiler said: {}", said.trim()));
        }
        error(result, call, hint)
    }
}

impl Drop for Linker<'_> {
    fn drop(&mut self) {
        // SAFETY: created in `new`, given back once.
        unsafe { sys::cuLinkDestroy(self.state) };
    }
}

#[cfg(test)]
mod tests {
    use super::has_machine_code;

    #[test]
    fn machine_code_runs_on_later_gpus_of_its_generation() {
        let architectures = ["sm_80", "sm_90", "compute_80", "compute_120"].map(str::to_owned);
        for (capability, runs) in [
            ((8, 0), true),
            ((8, 9), true),
            ((9, 0), true),
            ((7, 5), false),
            ((10, 0), false),
            ((12, 0), false),
        ] {
            assert_eq!(has_machine_code(&architectures, capability), runs, "{capability:?}");
        }
        assert!(!has_machine_code(&["sm_89".to_owned()], (8, 6)));
        assert!(has_machine_code(&["sm_103".to_owned()], (10, 3)));
    }
}
