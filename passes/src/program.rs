// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the passes learn about a program on the way: the compiler's part of the manifest.

use std::collections::{HashMap, HashSet};

use gpufas_abi::manifest::{Contents, Entry, Enumerator, Function, Site, Structure};
use gpufas_abi::relocation::Relocatable;

use crate::diagnostic::{Diagnostic, Remark, Severity};

/// What the code that is made of a module is linked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linking {
    /// Nothing: the module is a whole program.
    #[default]
    Whole,
    /// Other relocatable code, later: functions and variables keep their linkage, and what the module does not define stays
    /// undefined.
    Relocatable,
}

/// Facts and findings about the program that is being compiled.
#[derive(Debug, Default)]
pub struct Program {
    /// What it is linked to.
    pub linking: Linking,
    /// Whether each access is translated by itself, by a walk of the page tables, as the papers describe it.
    pub translates_every: bool,
    /// Entry points, in the order of the source.
    pub entries: Vec<Entry>,
    /// Kernel symbols in the order of the symbol table.
    pub symbols: Vec<String>,
    /// Those of them that are weak.
    pub weak: Vec<String>,
    /// Those of them that only functions mention to which pointers in the kernel's memory may lead.
    pub speculative: Vec<String>,
    /// Functions that pointers may lead to, by number.
    pub functions: Vec<Function>,
    /// What the kernel sources define that have static symbols among these.
    pub contents: Vec<Contents>,
    /// Structures of the kernel that it touches.
    pub structures: Vec<Structure>,
    /// Constants of the kernel's enumerations that it has in it.
    pub enumerators: Vec<Enumerator>,
    /// What is left to the host, if it is relocatable; until the table is defined, all relocations that were made.
    pub relocatable: Option<Relocatable>,
    /// Whether it may store to kernel memory.
    pub writes: bool,
    /// Whether it looks whether locks of the kernel's are free, without taking them.
    pub checks_locks: bool,
    /// Whether its stores are of use as a whole only.
    pub all_or_nothing: bool,
    /// Whether it may ask for interrupts.
    pub interrupts: bool,
    /// Whether anything in it belongs to "this CPU".
    pub this_cpu: bool,
    /// Source sites.
    pub sites: SiteTable,
    /// What passes had to say.
    pub diagnostics: Vec<Diagnostic>,
    /// The remarks that are wanted, each with the pass that makes them.
    pub remarks: HashSet<(Remark, &'static str)>,
    /// What ends relocatable code at run time.
    pub refusals: Vec<Refusal>,
}

/// Something in relocatable code that has no meaning in a recovery program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The function of the module that reaches it, after inlining.
    pub function: String,
    /// What it is, and where.
    pub diagnostic: Diagnostic,
}

impl Program {
    /// Whether any remark of a pass is wanted.
    pub fn wants_remarks(&self, pass: &'static str) -> bool {
        Remark::ALL.iter().any(|&kind| self.remarks.contains(&(kind, pass)))
    }

    /// Makes a remark if it is wanted; only then it is put into words.
    pub fn remark(&mut self, kind: Remark, pass: &'static str, words: impl FnOnce() -> (Site, String)) {
        if self.remarks.contains(&(kind, pass)) {
            let (site, message) = words();
            self.diagnostics.push(Diagnostic::remark(kind, pass, site, message));
        }
    }

    /// Whether a pass found an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Source sites by number; number 0 is the unknown site.
#[derive(Debug)]
pub struct SiteTable {
    sites: Vec<Site>,
    numbers: HashMap<Site, u32>,
}

impl Default for SiteTable {
    fn default() -> Self {
        Self { sites: vec![Site::default()], numbers: HashMap::from([(Site::default(), 0)]) }
    }
}

impl SiteTable {
    /// The number of a site, a new one if it has none yet.
    pub fn number(&mut self, site: Site) -> u32 {
        if let Some(&number) = self.numbers.get(&site) {
            return number;
        }
        let Ok(number) = u32::try_from(self.sites.len()) else { return 0 };
        self.sites.push(site.clone());
        self.numbers.insert(site, number);
        number
    }

    /// All sites in order of their numbers.
    pub fn into_sites(self) -> Vec<Site> {
        self.sites
    }
}
