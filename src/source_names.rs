// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which source files are the user's own, and how the others are called.

use std::path::Path;

use gpufas_abi::manifest::Site;

/// The folders with headers that are not the user's: the kernel's and ours.
///
/// In messages a header has its real path, so that an editor finds it. In the manifest it is named from its folder on
/// (`include/linux/sched.h`), as the kernel names it itself: what is compiled does not depend on where headers lie.
#[derive(Clone, Debug, Default)]
pub struct SourceNames {
    inputs: Vec<String>,
    folders: Vec<String>,
}

impl SourceNames {
    /// With the inputs, which are the user's own wherever they lie: they may be files of the kernel's.
    pub fn new(inputs: &[String]) -> Self {
        Self { inputs: inputs.to_vec(), folders: Vec::new() }
    }

    /// Adds a folder of headers.
    pub fn add(&mut self, folder: &Path) {
        self.add_text(&folder.display().to_string());
    }

    /// Adds a folder by what [`SourceNames::folders`] said of it.
    pub fn add_text(&mut self, folder: &str) {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        // The root folder would make everything a header.
        if folder != "/" && !self.folders.contains(&folder) {
            self.folders.push(folder);
            // A folder may lie in another one; the inner one counts.
            self.folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
        }
    }

    /// All folders.
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    fn inside<'a>(&self, file: &'a str) -> Option<&'a str> {
        self.folders.iter().find_map(|folder| file.strip_prefix(folder.as_str()))
    }

    /// Whether a file is the user's own.
    pub fn is_users(&self, file: &str) -> bool {
        let is_input = self.inputs.iter().any(|input| input == file);
        is_input || (!file.is_empty() && self.inside(file).is_none())
    }

    /// Whether a site is in headers and kernel sources alone, also where its code was inlined.
    pub fn are_kernels(&self, site: &Site) -> bool {
        let is_kernels = |file: &str| self.inside(file).is_some();
        is_kernels(&site.file) && site.inlined_at.iter().all(|frame| is_kernels(&frame.file))
    }

    /// Gives all headers and kernel sources of a site their short names.
    pub fn shorten(&self, site: &mut Site) {
        let files =
            std::iter::once(&mut site.file).chain(site.inlined_at.iter_mut().map(|frame| &mut frame.file));
        for file in files {
            if let Some(short) = self.inside(file) {
                *file = short.to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpufas_abi::manifest::Frame;

    #[test]
    fn headers_are_named_from_their_folder_on() {
        let mut names = SourceNames::new(&["/usr/src/linux/lib/sort.c".to_owned()]);
        for folder in ["/usr/src/linux", "/usr/src/linux/build/", "/"] {
            names.add(Path::new(folder));
        }
        let mut site = Site {
            file: "/usr/src/linux/build/include/generated/bounds.h".into(),
            inlined_at: ["/usr/src/linux/lib/sort.c", "/usr/src/linux-6/x.h", "kill.c"]
                .map(|file| Frame { file: file.into(), ..Frame::default() })
                .into(),
            ..Site::default()
        };
        assert!(names.is_users("/usr/src/linux-6/x.h") && names.is_users("kill.c"));
        assert!(names.is_users("/usr/src/linux/lib/sort.c") && !names.is_users("/usr/src/linux/lib/list.c"));
        assert!(!names.is_users(&site.file) && !names.is_users(""));
        names.shorten(&mut site);
        assert_eq!(site.file, "include/generated/bounds.h");
        let outer: Vec<_> = site.inlined_at.iter().map(|frame| frame.file.as_str()).collect();
        assert_eq!(outer, ["lib/sort.c", "/usr/src/linux-6/x.h", "kill.c"]);
    }
}
