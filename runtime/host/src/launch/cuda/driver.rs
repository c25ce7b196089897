// SPDX-License-Identifier: MIT OR Apache-2.0

//! The CUDA driver API, loaded at run time, behind types that clean up after themselves.
//!
//! cudarc's own wrappers are for programs that copy data to a GPU; what is needed here (registered host
//! memory, module globals, a deadline) is in its lowest layer only.

use crate::error::{Error, Result};
use cudarc::driver::sys::{self, CUresult};
use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::ptr::{NonNull, null_mut};

/// Turns the driver's result into ours.
fn check(result: CUresult, call: &'static str) -> Result<()> {
    if result == CUresult::CUDA_SUCCESS { Ok(()) } else { Err(error(result, call, String::new())) }
}

/// The driver's error with its own words. `hint` begins with `; ` or is empty.
pub(super) fn error(result: CUresult, call: &'static str, hint: String) -> Error {
    type Describe = unsafe fn(CUresult, *mut *const c_char) -> CUresult;
    let describe = |function: Describe, unknown: String| {
        let mut text = std::ptr::null();
        // SAFETY: `text` is valid for the write; on success it is a string that is never freed.
        unsafe {
            if function(result, &raw mut text) == CUresult::CUDA_SUCCESS && !text.is_null() {
                CStr::from_ptr(text).to_string_lossy().into_owned()
            } else {
                unknown
            }
        }
    };
    let number = result as u32;
    let name = describe(sys::cuGetErrorName, format!("error {number}"));
    let text = describe(sys::cuGetErrorString, "no description".into());
    Error::Cuda { call, name, text, hint }
}

/// Whether there is a driver library.
fn is_present() -> bool {
    // SAFETY: loads and unloads the driver's library, which expects that.
    unsafe { sys::is_culib_present() }
}

/// A GPU, with its primary context current in this thread.
pub(super) struct Device {
    device: sys::CUdevice,
    name: String,
}

impl Device {
    /// Opens GPU `number`.
    ///
    /// # Errors
    /// [`Error::NoDriver`], [`Error::Device`] if there is no such GPU, [`Error::Cuda`].
    pub(super) fn open(number: u32) -> Result<Self> {
        if !is_present() {
            return Err(Error::NoDriver);
        }
        // SAFETY: in this function all pointers are to local variables of the right types.
        match unsafe { sys::cuInit(0) } {
            CUresult::CUDA_SUCCESS => {}
            CUresult::CUDA_ERROR_NO_DEVICE => return Err(no_device(number, 0)),
            result => {
                let hint = "; is the NVIDIA kernel module loaded, and may you open /dev/nvidia*?".into();
                return Err(error(result, "cuInit", hint));
            }
        }
        let mut count = 0;
        // SAFETY: as above.
        check(unsafe { sys::cuDeviceGetCount(&raw mut count) }, "cuDeviceGetCount")?;
        let ordinal = c_int::try_from(number).ok().filter(|ordinal| *ordinal < count);
        let Some(ordinal) = ordinal else { return Err(no_device(number, count)) };
        let mut device = 0;
        // SAFETY: as above.
        check(unsafe { sys::cuDeviceGet(&raw mut device, ordinal) }, "cuDeviceGet")?;
        let mut name = [0 as c_char; 256];
        // SAFETY: as above; the size leaves room for the NUL.
        let named = unsafe { sys::cuDeviceGetName(name.as_mut_ptr(), name.len() as c_int - 1, device) };
        check(named, "cuDeviceGetName")?;
        // SAFETY: the array was zeroed and the driver leaves the last byte alone.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        let mut context = null_mut();
        // SAFETY: as above.
        let retained = unsafe { sys::cuDevicePrimaryCtxRetain(&raw mut context, device) };
        check(retained, "cuDevicePrimaryCtxRetain")?;
        let opened = Self { device, name };
        // SAFETY: the context was just retained.
        check(unsafe { sys::cuCtxSetCurrent(context) }, "cuCtxSetCurrent")?;
        Ok(opened)
    }

    /// The GPU's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Which GPU this is, for the end of an error about code.
    pub(super) fn hint(&self) -> String {
        let (major, minor) = self.compute_capability().unwrap_or_default();
        format!("; the GPU is {} (sm_{major}{minor})", self.name)
    }

    fn attribute(&self, attribute: sys::CUdevice_attribute) -> Result<i32> {
        let mut value = 0;
        // SAFETY: `value` is valid for the write.
        let got = unsafe { sys::cuDeviceGetAttribute(&raw mut value, attribute, self.device) };
        check(got, "cuDeviceGetAttribute")?;
        Ok(value)
    }

    /// The compute capability, as in (9, 0).
    pub(super) fn compute_capability(&self) -> Result<(i32, i32)> {
        use sys::CUdevice_attribute_enum as Attribute;
        Ok((
            self.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            self.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ))
    }

    /// Sets the stack of each thread, in bytes.
    pub(super) fn set_stack_size(&self, size: usize) -> Result<()> {
        // SAFETY: takes no pointers; the context of this is current.
        let set = unsafe { sys::cuCtxSetLimit(sys::CUlimit_enum::CU_LIMIT_STACK_SIZE, size) };
        check(set, "cuCtxSetLimit")
    }
}

fn no_device(number: u32, count: c_int) -> Error {
    let message = match count {
        0 => "there is no NVIDIA GPU; compile the program with gpufas-cc --target host".into(),
        count => format!("there is no GPU {number}: this machine has {count}, numbered from 0"),
    };
    Error::Device { message }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: the context was retained once for this. A failure leaves nothing to be done.
        unsafe { sys::cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}

/// Host memory that the GPU can access, allocated by the driver and zeroed.
pub(super) struct PinnedMemory {
    base: NonNull<u8>,
}

impl PinnedMemory {
    pub(super) fn new(_: &Device, size: usize) -> Result<Self> {
        let mut base = null_mut();
        let flags = sys::CU_MEMHOSTALLOC_PORTABLE | sys::CU_MEMHOSTALLOC_DEVICEMAP;
        // SAFETY: `base` is valid for the write.
        check(unsafe { sys::cuMemHostAlloc(&raw mut base, size, flags) }, "cuMemHostAlloc")?;
        let base = NonNull::new(base.cast::<u8>())
            .ok_or(Error::Start { what: "the CUDA driver allocated no memory".into() })?;
        // SAFETY: the memory is new and of this size.
        unsafe { base.as_ptr().write_bytes(0, size) };
        Ok(Self { base })
    }

    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Its address for the GPU.
    pub(super) fn device_address(&self) -> Result<u64> {
        device_address(self.base)
    }
}

impl Drop for PinnedMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with cuMemHostAlloc; its users have ended (see `Run`).
        unsafe { sys::cuMemFreeHost(self.base.as_ptr().cast()) };
    }
}

/// Memory of this process that the GPU can access.
pub(super) struct RegisteredMemory {
    base: NonNull<u8>,
}

impl RegisteredMemory {
    /// Registers memory.
    ///
    /// # Safety
    /// The range must be mapped, whole pages, and stay so as long as this lives.
    pub(super) unsafe fn new(_: &Device, base: NonNull<u8>, size: usize) -> Result<Self> {
        let flags = sys::CU_MEMHOSTREGISTER_PORTABLE | sys::CU_MEMHOSTREGISTER_DEVICEMAP;
        // SAFETY: the caller's promise.
        match unsafe { sys::cuMemHostRegister_v2(base.as_ptr().cast(), size, flags) } {
            CUresult::CUDA_SUCCESS => Ok(Self { base }),
            result => {
                let hint = "; the memory's file must be on tmpfs or hugetlbfs (/dev/shm, memory-backend-memfd), \
                            since the kernel lets no GPU hold pages of files on a disk, and the limit of locked \
                            memory (ulimit -l) must allow its size";
                Err(error(result, "cuMemHostRegister", hint.into()))
            }
        }
    }

    /// Its address for the GPU.
    pub(super) fn device_address(&self) -> Result<u64> {
        device_address(self.base)
    }
}

impl Drop for RegisteredMemory {
    fn drop(&mut self) {
        // SAFETY: registered by this, and its users have ended.
        unsafe { sys::cuMemHostUnregister(self.base.as_ptr().cast()) };
    }
}

fn device_address(base: NonNull<u8>) -> Result<u64> {
    let mut address = 0;
    // SAFETY: `address` is valid for the write; the driver checks `base`.
    let got = unsafe { sys::cuMemHostGetDevicePointer_v2(&raw mut address, base.as_ptr().cast(), 0) };
    check(got, "cuMemHostGetDevicePointer")?;
    Ok(address)
}

/// A loaded program.
pub(super) struct Module {
    module: sys::CUmodule,
}

impl Module {
    /// Loads a fatbinary with machine code for the GPU, or a cubin.
    pub(super) fn load(device: &Device, image: &[u64]) -> Result<Self> {
        let mut module = null_mut();
        // SAFETY: the image is a fatbinary or a cubin, and lives through the call.
        match unsafe { sys::cuModuleLoadData(&raw mut module, image.as_ptr().cast()) } {
            CUresult::CUDA_SUCCESS => Ok(Self { module }),
            result => Err(error(result, "cuModuleLoadData", device.hint())),
        }
    }

    /// Copies to a variable of the module, which must be exactly as large.
    pub(super) fn write_global(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let c_name = c_name(name)?;
        let (mut address, mut size) = (0, 0usize);
        // SAFETY: the pointers are to local variables, the name is NUL-terminated, the module is loaded.
        let got = unsafe {
            sys::cuModuleGetGlobal_v2(&raw mut address, &raw mut size, self.module, c_name.as_ptr())
        };
        check(got, "cuModuleGetGlobal")?;
        if size != bytes.len() {
            let what = format!("its variable {name} has {size} bytes and not {}", bytes.len());
            return Err(Error::Start { what });
        }
        // SAFETY: both sides have `bytes.len()` bytes.
        let copied = unsafe { sys::cuMemcpyHtoD_v2(address, bytes.as_ptr().cast(), bytes.len()) };
        check(copied, "cuMemcpyHtoD")
    }

    /// Starts a kernel without parameters, in one thread.
    pub(super) fn launch(&self, name: &str) -> Result<Run> {
        let c_name = c_name(name)?;
        let mut function = null_mut();
        // SAFETY: as in `write_global`.
        let got = unsafe { sys::cuModuleGetFunction(&raw mut function, self.module, c_name.as_ptr()) };
        check(got, "cuModuleGetFunction")?;
        let mut stream = null_mut();
        let flags = sys::CUstream_flags_enum::CU_STREAM_NON_BLOCKING as c_uint;
        // SAFETY: `stream` is valid for the write.
        check(unsafe { sys::cuStreamCreate(&raw mut stream, flags) }, "cuStreamCreate")?;
        let run = Run { stream };
        // SAFETY: the function takes no parameters, so that no array of them is needed.
        let launched =
            unsafe { sys::cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, null_mut(), null_mut()) };
        check(launched, "cuLaunchKernel")?;
        Ok(run)
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: loaded by this; its kernels have ended.
        unsafe { sys::cuModuleUnload(self.module) };
    }
}

fn c_name(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::Start { what: "a name holds a NUL".into() })
}

/// A kernel that was started.
pub(super) struct Run {
    stream: sys::CUstream,
}

impl Run {
    /// Whether it has ended.
    ///
    /// # Errors
    /// [`Error::Cuda`] if it ended with an error: it accessed memory that it was not given.
    pub(super) fn has_ended(&self) -> Result<bool> {
        // SAFETY: the stream is open.
        match unsafe { sys::cuStreamQuery(self.stream) } {
            CUresult::CUDA_SUCCESS => Ok(true),
            CUresult::CUDA_ERROR_NOT_READY => Ok(false),
            result => Err(error(result, "the program", "; the GPU's context is lost".into())),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // SAFETY: the stream was created by this.
        unsafe { sys::cuStreamDestroy_v2(self.stream) };
    }
}
