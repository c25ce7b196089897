// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels in a bundle of `cargo xtask bundle`: images, releases and the modules that guests load, since nothing is compiled where a
//! bundle is used.

use std::fs;
use std::path::{Path, PathBuf};

use super::Kernel;
use crate::cache::make_dir;
use crate::disk;
use crate::error::{Error, Result};

/// The folder of the kernels, with one folder for each name of the list.
const KERNELS: &str = "kernels";
/// The image in it.
const IMAGE: &str = "vmlinuz";
/// `uname -r` of it.
const RELEASE: &str = "release";
/// Its modules, in the folder that they are in where they are installed.
const MODULES: &str = "modules";

/// Puts a kernel into a bundle, under its name in the list.
///
/// # Errors
///
/// Where it cannot be copied, or a module of it not be read.
pub fn add(bundle: &Path, name: &str, kernel: &Kernel) -> Result<()> {
    let folder = bundle.join(KERNELS).join(name);
    make_dir(&folder)?;
    fs::copy(&kernel.vmlinuz, folder.join(IMAGE)).map_err(Error::file("copy", &kernel.vmlinuz))?;
    let modules = folder.join(MODULES).join("kernel");
    make_dir(&modules)?;
    kernel.own_modules(&disk::ALL_MODULES.concat(), &modules)?;
    let release = folder.join(RELEASE);
    fs::write(&release, format!("{}\n", kernel.release)).map_err(Error::file("write", &release))
}

/// A bundle's kernel of a name; none if the bundle has no such kernel.
///
/// # Errors
///
/// Where it is there and cannot be read.
pub fn find(bundle: &Path, name: &str) -> Result<Option<Kernel>> {
    let folder = bundle.join(KERNELS).join(name);
    let file = folder.join(RELEASE);
    let release = match fs::read_to_string(&file) {
        Ok(release) => release.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", file)(error)),
    };
    let nothing = PathBuf::new;
    let (headers, common_headers, config) = (nothing(), nothing(), nothing());
    let modules = folder.join(MODULES);
    Ok(Some(Kernel { release, vmlinuz: folder.join(IMAGE), headers, common_headers, modules, config }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_in_the_bundle_that_it_was_put_into() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        fs::write(&image, "code").unwrap();
        let modules = folder.path().join("installed");
        make_dir(&modules.join("kernel/drivers")).unwrap();
        fs::write(modules.join("kernel/drivers/virtio_blk.ko"), "a module").unwrap();
        fs::write(modules.join("kernel/drivers/other.ko"), "another").unwrap();
        let nothing = PathBuf::new;
        let kernel = Kernel {
            release: "6.1.0-1-amd64".into(),
            vmlinuz: image,
            headers: nothing(),
            common_headers: nothing(),
            modules,
            config: nothing(),
        };
        let bundle = folder.path().join("bundle");
        add(&bundle, "6.1", &kernel).unwrap();
        let found = find(&bundle, "6.1").unwrap().unwrap();
        assert_eq!(found.release, kernel.release);
        assert_eq!(fs::read(&found.vmlinuz).unwrap(), b"code");
        let unpacked = tempfile::tempdir().unwrap();
        let modules = found.own_modules(&["virtio_blk", "other"], unpacked.path()).unwrap();
        // Those that no guest loads are left out.
        assert_eq!(modules, [unpacked.path().join("virtio_blk.ko")]);
        assert_eq!(find(&bundle, "6.12").unwrap(), None);
    }
}
