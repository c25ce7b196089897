// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finds a kernel's packages and unpacks them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::apt::Apt;
use super::{KernelSpec, Resolved, Tell};
use crate::cache;
use crate::error::{Error, Result};
use crate::kernels::Progress;

/// Fetches the newest build of a kernel and unpacks image and headers into `folder/RELEASE`.
pub fn fetch(spec: &KernelSpec, folder: &Path, tell: &Tell) -> Result<Resolved> {
    let apt = Apt::open(spec.suites)?;
    apt.update(tell)?;

    tell(Progress::Step("resolving the kernel's packages"));
    let image =
        apt.dependency(&format!("linux-image-{}", spec.flavour), |name| name.starts_with("linux-image-"))?;
    let headers = apt
        .dependency(&format!("linux-headers-{}", spec.flavour), |name| name.starts_with("linux-headers-"))?;
    let common = apt.dependency(&headers, is_common_headers)?;
    let release = image.trim_start_matches("linux-image-").to_owned();

    let mut packages = vec![image.clone(), headers, common.clone()];
    // From 7.x on the image's package is empty and depends on those with the contents.
    packages.extend(apt.dependencies(&image)?.into_iter().filter(|name| is_image_part(name)));

    let target = folder.join(&release);
    if !target.is_dir() {
        let partial = cache::partial(folder)?;
        apt.download(&packages, partial.path(), tell)?;
        let root = partial.path().join("root");
        unpack(partial.path(), &root, tell)?;
        cache::publish(&root, &target)?;
    }
    Ok(Resolved { release, common })
}

fn is_common_headers(name: &str) -> bool {
    name.starts_with("linux-headers-") && name.split('-').any(|part| part == "common")
}

fn is_image_part(name: &str) -> bool {
    ["linux-binary-", "linux-modules-"].iter().any(|prefix| name.starts_with(prefix))
}

fn unpack(packages: &Path, root: &Path, tell: &Tell) -> Result<()> {
    cache::make_dir(root)?;
    for entry in fs::read_dir(packages).map_err(Error::file("list", packages))? {
        let path = entry.map_err(Error::file("list", packages))?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            tell(Progress::Step(&format!("unpacking {name}")));
            cache::run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(root))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_headers_are_told_from_the_flavours_own() {
        assert!(is_common_headers("linux-headers-6.1.0-56-common"));
        assert!(is_common_headers("linux-headers-5.10.0-40-common-rt"));
        assert!(!is_common_headers("linux-headers-6.1.0-56-amd64"));
        assert!(!is_common_headers("linux-kbuild-6.1"));
    }
}
