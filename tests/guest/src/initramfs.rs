// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest's only file system: the first process, as `/init`, in a cpio archive (newc form,
//! Documentation/driver-api/early-userspace/buffer-format.rst).

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cpio::newc::{Builder, ModeFileType, trailer};
use gpufas_guest_init::MODULES_FOLDER;

use crate::cache;
use crate::error::{Error, Result};

/// The package of the first process.
const PACKAGE: &str = "gpufas-guest-init";

/// What it is built for. Naming the target keeps the flags away from procedural macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The archive, built where its contents have changed since the last time; or the one that the environment names in
/// `GPUFAS_INITRAMFS`, where nothing can be built.
///
/// # Errors
///
/// Where cargo does not build the first process: among the reasons is a missing static C library (libc6-dev).
pub fn archive() -> Result<PathBuf> {
    if let Some(archive) = built()? {
        return Ok(archive);
    }
    let archive = place()?;
    let folder = archive.parent().unwrap_or(Path::new("."));
    let _lock = cache::lock(folder)?;
    // Another process may have built it while this one waited.
    if !archive.is_file() {
        let program = build(&source())?;
        let program = fs::read(&program).map_err(Error::file("read", program))?;
        let mut bytes = Vec::new();
        write(&mut bytes, &program).map_err(Error::file("write", &archive))?;
        cache::write_whole(&archive, &bytes)?;
    }
    Ok(archive)
}

/// The archive, if nothing is to be built for it.
///
/// # Errors
///
/// Where its sources or the cache cannot be read.
pub fn built() -> Result<Option<PathBuf>> {
    if let Some(named) = env::var_os("GPUFAS_INITRAMFS") {
        return Ok(Some(named.into()));
    }
    Ok(Some(place()?).filter(|archive| archive.is_file()))
}

/// Where the archive of these sources is kept.
fn place() -> Result<PathBuf> {
    Ok(cache::cache_dir()?.join("init").join(format!("{:016x}.cpio", contents(&source())?)))
}

/// The first process's package.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("init")
}

/// A number for the sources, so that other sources give another archive.
fn contents(source: &Path) -> Result<u64> {
    let list = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let code = source.join("src");
    let mut files = list(&code).map_err(Error::file("list", &code))?;
    files.push(source.join("Cargo.toml"));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        fs::read(&file).map_err(Error::file("read", &file))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Builds the first process, linked statically: the guest has no libraries.
fn build(source: &Path) -> Result<PathBuf> {
    let target_dir = target_dir(source);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--package", PACKAGE, "--target", TARGET, "--target-dir"]);
    cargo.arg(&target_dir).current_dir(source);
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C strip=symbols");
    // Set by a cargo that may be running this, for the package that it runs.
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
    cache::run(&mut cargo)?;
    Ok(target_dir.join(TARGET).join("release").join(PACKAGE))
}

fn target_dir(source: &Path) -> PathBuf {
    // tests/guest/init is three levels below the workspace.
    let workspace = source.ancestors().nth(3).unwrap_or(source);
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), |dir| workspace.join(dir));
    target.join("guest-init")
}

/// The console of `/dev` comes from the archive that is built into every kernel (usr/default_cpio_list).
fn write(mut to: &mut Vec<u8>, program: &[u8]) -> io::Result<()> {
    let length = u32::try_from(program.len()).map_err(io::Error::other)?;
    let mut file =
        Builder::new("init").set_mode_file_type(ModeFileType::Regular).mode(0o100_755).write(&mut to, length);
    io::Write::write_all(&mut file, program)?;
    file.finish()?;
    trailer(to)?;
    Ok(())
}

/// The archive with kernel modules behind it, in a folder of the guest's; the archive itself if there are none. The kernel takes
/// several archives one behind another.
pub(crate) fn with_modules(archive: PathBuf, modules: &[PathBuf], folder: &Path) -> Result<PathBuf> {
    if modules.is_empty() {
        return Ok(archive);
    }
    let mut bytes = fs::read(&archive).map_err(Error::file("read", &archive))?;
    // The next one must begin at such an address (init/initramfs.c).
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let whole = folder.join("initramfs.cpio");
    let mut add = || -> io::Result<()> {
        let name = MODULES_FOLDER.trim_start_matches('/');
        let directory = Builder::new(name).set_mode_file_type(ModeFileType::Directory).mode(0o040_755);
        directory.write(&mut bytes, 0).finish()?;
        for module in modules {
            let contents = fs::read(module)?;
            let length = u32::try_from(contents.len()).map_err(io::Error::other)?;
            let name = format!("{name}/{}", module.file_name().unwrap_or_default().to_string_lossy());
            // Programs may be among them.
            let file = Builder::new(&name).set_mode_file_type(ModeFileType::Regular).mode(0o100_755);
            let mut file = file.write(&mut bytes, length);
            io::Write::write_all(&mut file, &contents)?;
            file.finish()?;
        }
        trailer(&mut bytes)?;
        Ok(())
    };
    add().map_err(Error::file("write", &whole))?;
    fs::write(&whole, &bytes).map_err(Error::file("write", &whole))?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_reads_back() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"program").unwrap();
        let mut reader = cpio::newc::Reader::new(&bytes[..]).unwrap();
        assert_eq!(reader.entry().name(), "init");
        assert_eq!(reader.entry().mode(), 0o100_755);
        let mut contents = Vec::new();
        io::Read::read_to_end(&mut reader, &mut contents).unwrap();
        assert_eq!(contents, b"program");
        let end = cpio::newc::Reader::new(reader.finish().unwrap()).unwrap();
        assert!(end.entry().is_trailer());
    }

    #[test]
    fn other_sources_are_other_contents() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        fs::write(folder.path().join("src/main.rs"), "1").unwrap();
        let before = contents(folder.path()).unwrap();
        assert_eq!(contents(folder.path()).unwrap(), before);
        fs::write(folder.path().join("src/main.rs"), "2").unwrap();
        assert_ne!(contents(folder.path()).unwrap(), before);
    }
}
