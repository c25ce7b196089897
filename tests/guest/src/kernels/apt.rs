// SPDX-License-Identifier: MIT OR Apache-2.0

//! apt with a state of its own: the machine's configuration (proxies, certificates, keys), but other package
//! lists, no installed packages and no pins. It needs no rights and changes nothing on the machine.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Progress, Tell, sources};
use crate::cache;
use crate::error::{Error, Result};

/// apt for some Debian suites.
pub struct Apt {
    suites: String,
    /// `-o` values.
    options: Vec<String>,
    /// Others wait until this is closed.
    _lock: fs::File,
}

impl Apt {
    /// Prepares apt for some suites, reached through the machine's own package sources.
    pub fn open(suites: &[&str]) -> Result<Self> {
        let folder = cache::cache_dir()?.join("apt").join(suites.join("+"));
        let lock = cache::lock(&folder)?;
        let mut options = lists_of(suites, &folder)?;
        cache::write_whole(&folder.join("status"), b"")?;
        let set = |key: &str, name: &str| format!("{key}={}", folder.join(name).display());
        options.extend([
            set("Dir::State", ""),
            set("Dir::State::Status", "status"),
            set("Dir::Cache", "cache"),
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            "APT::Status-Fd=1".to_owned(),
        ]);
        Ok(Self { suites: suites.join(", "), options, _lock: lock })
    }

    /// Fetches the package lists.
    pub fn update(&self, tell: &Tell) -> Result<()> {
        tell(Progress::Step(&format!("fetching the package lists of {}", self.suites)));
        // Several of the machine's sources may serve a suite, and not all of them have to: what counts is
        // whether the packages are found afterwards. The lists that could be had are kept.
        match run_told(self.command("apt-get").arg("update"), tell) {
            Err(Error::ProgramFailed { output, .. }) => {
                tell(Progress::Step(&format!("apt-get update had problems: {output}")));
                Ok(())
            }
            other => other,
        }
    }

    /// What a package depends on. A package that is not there depends on nothing.
    pub fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        self.depends(package).map(|text| parse_depends(&text))
    }

    /// The one package that `package` depends on and that is wanted.
    pub fn dependency(&self, package: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let said = self.depends(package)?;
        parse_depends(&said).into_iter().find(|name| wanted(name)).ok_or_else(|| Error::PackageMissing {
            package: package.to_owned(),
            wanted: "a build of the kernel".to_owned(),
            suites: self.suites.clone(),
            said: said.trim_end().to_owned(),
        })
    }

    /// Names of the packages that start with `prefix`.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let output = cache::run(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// The version of a package that would be downloaded.
    pub fn version(&self, package: &str) -> Result<String> {
        let output = cache::run(self.command("apt-cache").args(["show", "--no-all-versions", package]))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
        version
            .map(|version| version.trim().to_owned())
            .ok_or_else(|| Error::KernelMissing { wanted: package.to_owned(), suites: self.suites.clone() })
    }

    /// Downloads packages into a folder. apt checks their signatures' chain.
    pub fn download(&self, packages: &[String], into: &Path, tell: &Tell) -> Result<()> {
        tell(Progress::Step(&format!("downloading {}", packages.join(", "))));
        run_told(self.command("apt-get").arg("download").args(packages).current_dir(into), tell)
    }

    fn depends(&self, package: &str) -> Result<String> {
        let mut command = self.command("apt-cache");
        command.args(["depends", package]);
        let output = command.output().map_err(|error| cache::start_error(&command, error))?;
        let said = if output.status.success() { output.stdout } else { output.stderr };
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").arg("-q").stdin(Stdio::null());
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
    }
}

/// apt's options (values of `-o`) for package lists of some suites beside the machine's own, reached through the machine's
/// own package sources. What is installed, and how, stays the machine's.
///
/// # Errors
///
/// [`Error::NoPackageSource`] where none of the machine's sources is Debian's.
pub fn machine_options(suites: &[&str]) -> Result<Vec<String>> {
    lists_of(suites, &cache::cache_dir()?.join("apt").join(format!("machine+{}", suites.join("+"))))
}

/// Prepares a folder for the package lists of some suites, and says which options make apt use it.
fn lists_of(suites: &[&str], folder: &Path) -> Result<Vec<String>> {
    let entries = machine_sources()?;
    let text = sources::for_suites(&entries.entries, suites);
    if text.is_empty() {
        return Err(Error::NoPackageSource { searched: entries.searched });
    }
    for name in ["lists/partial", "cache/archives/partial", "sources.list.d"] {
        cache::make_dir(&folder.join(name))?;
    }
    cache::write_whole(&folder.join("sources.list.d/gpufas.sources"), text.as_bytes())?;
    let set = |key: &str, name: &str| format!("{key}={}", folder.join(name).display());
    let mut options = vec![
        set("Dir::State::Lists", "lists"),
        set("Dir::Etc::SourceParts", "sources.list.d"),
        "Dir::Etc::SourceList=/dev/null".to_owned(),
        "Acquire::Languages=none".to_owned(),
    ];
    // apt as root downloads as another user, who cannot enter the cache folder.
    if rustix::process::geteuid().is_root() {
        options.push("APT::Sandbox::User=root".to_owned());
    }
    Ok(options)
}

/// Reads the output of `apt-cache depends`: one line for each, some of them alternatives or virtual.
fn parse_depends(text: &str) -> Vec<String> {
    let names =
        text.lines().filter_map(|line| line.trim_start().trim_start_matches('|').strip_prefix("Depends: "));
    names.filter(|name| !name.starts_with('<')).map(|name| name.trim_end().to_owned()).collect()
}

/// Runs apt and tells how far it is, from the `dlstatus` lines of `APT::Status-Fd`.
fn run_told(command: &mut Command, tell: &Tell) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cache::start_error(command, error))?;
    let stderr = child.stderr.take();
    // Read beside standard output, so that neither pipe fills up.
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = stderr {
            // What cannot be read is not there; the exit status still is.
            let _ = pipe.read_to_end(&mut text);
        }
        text
    });
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
            if let Some(percent) = parse_status(&line) {
                tell(Progress::Percent(percent));
            }
        }
    }
    let status = child.wait().map_err(|error| cache::start_error(command, error))?;
    let stderr = errors.join().unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    Err(cache::failed(command, &std::process::Output { status, stdout: Vec::new(), stderr }))
}

fn parse_status(line: &str) -> Option<f64> {
    line.strip_prefix("dlstatus:")?.split(':').nth(1)?.parse().ok()
}

struct MachineSources {
    entries: Vec<sources::Source>,
    searched: String,
}

/// The package sources that the machine's apt has.
fn machine_sources() -> Result<MachineSources> {
    let paths = cache::run(Command::new("apt-config").args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]))?;
    let paths = String::from_utf8_lossy(&paths.stdout).into_owned();
    let path = |name: &str| {
        let value =
            paths.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''));
        value.map(PathBuf::from)
    };
    let mut files = Vec::from_iter(path("LIST").filter(|list| list.is_file()));
    let parts = path("PARTS");
    if let Some(entries) = parts.as_ref().and_then(|parts| fs::read_dir(parts).ok()) {
        files.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())));
    }
    files.sort();
    let mut entries = Vec::new();
    for file in &files {
        let parse = match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => sources::parse_deb822,
            Some("list") => sources::parse_one_line,
            // apt ignores others as well.
            _ => continue,
        };
        let text = fs::read(file).map_err(Error::file("read", file))?;
        entries.extend(parse(&String::from_utf8_lossy(&text)));
    }
    let searched = [path("LIST"), parts].into_iter().flatten().map(|path| path.display().to_string());
    Ok(MachineSources { entries, searched: searched.collect::<Vec<_>>().join(" and ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_apt_cache() {
        let text = "linux-image-6.1.0-56-amd64\n  Depends: kmod\n |Depends: initramfs-tools\n  \
                    Depends: <linux-initramfs-tool>\n    dracut\n  Conflicts: other\n";
        assert_eq!(parse_depends(text), ["kmod", "initramfs-tools"]);
        assert!(parse_depends("E: No packages found\n").is_empty());
    }

    #[test]
    fn progress_is_read_from_status_lines() {
        assert_eq!(parse_status("dlstatus:2:12.1030:Retrieving file 2 of 2"), Some(12.103));
        assert_eq!(parse_status("Get:2 somewhere"), None);
        assert_eq!(parse_status("dlstatus:"), None);
    }
}
