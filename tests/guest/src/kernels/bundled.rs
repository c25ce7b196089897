// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels in a bundle of `cargo xtask bundle`: images and releases alone, since nothing is compiled where a bundle is used.

use std::fs;
use std::path::{Path, PathBuf};

use super::Kernel;
use crate::cache::make_dir;
use crate::error::{Error, Result};

/// The folder of the kernels, with one folder for each name of the list.
const KERNELS: &str = "kernels";
/// The image in it.
const IMAGE: &str = "vmlinuz";
/// `uname -r` of it.
const RELEASE: &str = "release";

/// Puts a kernel into a bundle, under its name in the list.
///
/// # Errors
///
/// Where it cannot be copied.
pub fn add(bundle: &Path, name: &str, kernel: &Kernel) -> Result<()> {
    let folder = bundle.join(KERNELS).join(name);
    make_dir(&folder)?;
    fs::copy(&kernel.vmlinuz, folder.join(IMAGE)).map_err(Error::file("copy", &kernel.vmlinuz))?;
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
    let (headers, common_headers, modules, config) = (nothing(), nothing(), nothing(), nothing());
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
        let nothing = PathBuf::new;
        let kernel = Kernel {
            release: "6.1.0-1-amd64".into(),
            vmlinuz: image,
            headers: nothing(),
            common_headers: nothing(),
            modules: nothing(),
            config: nothing(),
        };
        let bundle = folder.path().join("bundle");
        add(&bundle, "6.1", &kernel).unwrap();
        let found = find(&bundle, "6.1").unwrap().unwrap();
        assert_eq!(found.release, kernel.release);
        assert_eq!(fs::read(found.vmlinuz).unwrap(), b"code");
        assert_eq!(find(&bundle, "6.12").unwrap(), None);
    }
}
