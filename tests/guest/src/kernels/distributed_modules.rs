// SPDX-License-Identifier: MIT OR Apache-2.0

//! The modules that come with a kernel, and those that they depend on.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSection};

use super::Kernel;
use crate::cache;
use crate::error::{Error, Result};

impl Kernel {
    /// The kernel's own modules with these names, and all that they depend on, in the order in which they must be loaded. They
    /// are unpacked into a folder. A name that there is no module of is left out: the kernel has it built in, or has
    /// no such thing.
    ///
    /// # Errors
    ///
    /// Where a module cannot be read or unpacked.
    pub fn own_modules(&self, names: &[&str], folder: &Path) -> Result<Vec<PathBuf>> {
        let mut files = HashMap::new();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        list(&self.modules.join("kernel"), &mut files)?;
        let mut order = Vec::new();
        for name in names {
            add(&name.replace('-', "_"), &files, folder, &mut order)?;
        }
        Ok(order)
    }
}

/// Adds a module behind those that it depends on.
fn add(name: &str, files: &HashMap<String, PathBuf>, folder: &Path, order: &mut Vec<PathBuf>) -> Result<()> {
    let target = folder.join(format!("{name}.ko"));
    let Some(file) = files.get(name) else { return Ok(()) };
    if target.is_file() {
        return Ok(());
    }
    let bytes = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => cache::run(Command::new("xz").arg("-dc").arg(file))?.stdout,
        Some("zst") => cache::run(Command::new("zstd").arg("-dcq").arg(file))?.stdout,
        _ => fs::read(file).map_err(Error::file("read", file))?,
    };
    cache::write_whole(&target, &bytes)?;
    for needed in dependencies(&bytes) {
        add(&needed, files, folder, order)?;
    }
    order.push(target);
    Ok(())
}

/// All modules below a folder by their names, in which the kernel takes `-` for `_`.
fn list(folder: &Path, files: &mut HashMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if let Some((name, _)) =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split_once(".ko"))
        {
            files.insert(name.replace('-', "_"), path);
        }
    }
    Ok(())
}

/// The modules that a module says that it depends on: `depends=` in its section `.modinfo` (scripts/mod/modpost.c).
fn dependencies(module: &[u8]) -> Vec<String> {
    let Ok(module) = object::File::parse(module) else { return Vec::new() };
    let information = module.section_by_name(".modinfo").and_then(|section| section.data().ok());
    let entries = information.unwrap_or_default().split(|byte| *byte == 0);
    let lists = entries.filter_map(|entry| str::from_utf8(entry).ok()?.strip_prefix("depends="));
    lists
        .flat_map(|list| list.split(','))
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::kernels;

    #[test]
    fn what_a_module_depends_on_goes_before_it() {
        let kernel = kernels::find("6.1").unwrap().fetch(&|_| {}).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let modules = kernel.own_modules(&["virtio_blk", "no-such-module"], folder.path()).unwrap();
        let names: Vec<_> =
            modules.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["virtio_ring", "virtio", "virtio_blk"]);
    }
}
