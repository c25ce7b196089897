// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is to be seen of the recoveries: a picture of all faults, one of each, and one of each group of them.

use std::path::{Path, PathBuf};

use crate::document;
use crate::error::Result;
use crate::figure::{Block, Figure, Row};
use crate::files::{self, File};
use crate::outcome::Outcome;
use crate::results::{Cell, Machine, Results};

/// The document's name.
pub const DOCUMENT: &str = "recovery.md";

/// The folder of its pictures.
pub const PICTURES: &str = "recovery";

/// What a method's name ends with if its program ran on a GPU.
const ON_GPU: &str = ", GPU";

/// Cells that are looked at together.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// What they are of: a fault, or a group of them.
    pub title: &'a str,
    /// Whether it is a group of faults.
    pub is_group: bool,
    /// Its cells.
    pub cells: Vec<&'a Cell>,
    /// Its picture.
    pub figure: Figure,
}

/// All that is drawn.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// All faults that are in no group, in one picture, if there are several.
    pub overview: Option<Figure>,
    /// Faults and groups, in the order in which they ran.
    pub sections: Vec<Section<'a>>,
}

impl<'a> Drawing<'a> {
    /// What is to be seen of these results.
    pub fn of(results: &'a [Results]) -> Self {
        let made_on: Vec<String> = results.iter().map(|results| made_on(&results.machine)).collect();
        let cells: Vec<&Cell> = results.iter().flat_map(|results| &results.cells).collect();
        let methods = distinct(&cells, |cell| base(&cell.method));
        let kernels = distinct(&cells, |cell| series(&cell.kernel));
        let mut sections = Vec::new();
        for title in distinct(&cells, section) {
            let of_it = only(&cells, |cell| section(cell) == title);
            let is_group = of_it.iter().any(|cell| cell.group.is_some());
            let (blocks, title_text, rows_are) = if is_group {
                let title =
                    format!("{title}: time until it has acted, by what the process does and by method");
                (by_fault(&of_it, &methods), title, "A row is a method, all kernels together")
            } else {
                let title = format!("{title}: time until cured, by method and kernel");
                (by_method(&of_it, &kernels), title, "A row is a kernel")
            };
            let figure = Figure {
                name: slug(title),
                title: title_text,
                rows_are: rows_are.to_owned(),
                made_on: made_on.clone(),
                blocks,
            };
            sections.push(Section { title, is_group, cells: of_it, figure });
        }
        let single: Vec<&Cell> = only(&cells, |cell| cell.group.is_none());
        let overview = (distinct(&single, |cell| cell.fault.as_str()).len() > 1).then(|| Figure {
            name: "overview".to_owned(),
            title: "All faults: time until cured, by method".to_owned(),
            rows_are: "A row is a method, all kernels together".to_owned(),
            made_on,
            blocks: by_fault(&single, &methods),
        });
        Self { overview, sections }
    }

    /// Its pictures.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.overview.iter().chain(self.sections.iter().map(|section| &section.figure))
    }
}

/// Draws results into a folder, and says which files there are: first the document, then the pictures.
///
/// # Errors
///
/// If something cannot be drawn or written; then nothing has changed.
pub fn draw(results: &[Results], folder: &Path) -> Result<Vec<PathBuf>> {
    let drawing = Drawing::of(results);
    let mut all: Vec<File> = vec![(DOCUMENT.into(), document::text(results, &drawing).into_bytes())];
    for figure in drawing.figures() {
        let svg = figure.svg()?;
        let png = figure.png(&svg)?;
        let place = |extension: &str| Path::new(PICTURES).join(format!("{}.{extension}", figure.name));
        all.extend([(place("svg"), svg.into_bytes()), (place("png"), png)]);
    }
    files::write_all(folder, &all)?;
    let paths: Vec<PathBuf> = all.iter().map(|(place, _)| folder.join(place)).collect();
    files::remove_others(&folder.join(PICTURES), &paths)?;
    Ok(paths)
}

/// A row for each kernel, in a block for each method.
fn by_method(cells: &[&Cell], kernels: &[&str]) -> Vec<Block> {
    let block = |method: &str| {
        let rows = only(cells, |cell| cell.method == method).into_iter().map(|cell| Row {
            label: cell.kernel.clone(),
            colour: index(kernels, series(&cell.kernel)),
            outcome: Outcome::of([cell]),
        });
        Block { title: method.to_owned(), rows: rows.collect() }
    };
    distinct(cells, |cell| cell.method.as_str()).into_iter().map(block).collect()
}

/// A row for each method, in a block for each fault.
fn by_fault(cells: &[&Cell], methods: &[&str]) -> Vec<Block> {
    let block = |fault: &str| {
        let of_it = only(cells, |cell| cell.fault == fault);
        let rows = distinct(&of_it, |cell| cell.method.as_str()).into_iter().map(|method| Row {
            label: method.to_owned(),
            colour: index(methods, base(method)),
            outcome: Outcome::of(only(&of_it, |cell| cell.method == method)),
        });
        Block { title: fault.to_owned(), rows: rows.collect() }
    };
    distinct(cells, |cell| cell.fault.as_str()).into_iter().map(block).collect()
}

/// What cells have, each once, in the order in which they come.
pub(crate) fn distinct<'a, T: PartialEq>(cells: &[&'a Cell], of: impl Fn(&'a Cell) -> T) -> Vec<T> {
    let mut all = Vec::new();
    for cell in cells {
        let one = of(cell);
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Those of some cells.
pub(crate) fn only<'a>(cells: &[&'a Cell], is_one: impl Fn(&Cell) -> bool) -> Vec<&'a Cell> {
    cells.iter().copied().filter(|cell| is_one(cell)).collect()
}

fn index(all: &[&str], one: &str) -> usize {
    all.iter().position(|other| *other == one).unwrap_or(0)
}

fn section(cell: &Cell) -> &str {
    cell.group.as_deref().unwrap_or(&cell.fault)
}

/// A method without where its program runs: both have one colour.
fn base(method: &str) -> &str {
    method.strip_suffix(ON_GPU).unwrap_or(method)
}

/// A kernel without its flavour: all have one colour.
fn series(kernel: &str) -> &str {
    kernel.split('-').next().unwrap_or(kernel)
}

/// A name of a file.
fn slug(title: &str) -> String {
    let title = title.replace(',', "").to_lowercase();
    let words = title.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// A machine in one line.
fn made_on(machine: &Machine) -> String {
    let commit = machine.commit.as_deref().map_or_else(String::new, |commit| format!(" ({commit})"));
    let qemu = machine.qemu.split(" (").next().unwrap_or_default();
    let gpu = machine.gpu.as_deref().map_or_else(String::new, |gpu| format!(", {gpu}"));
    format!(
        "{}: {}, {} processors{gpu}; QEMU {qemu}, {}; GPUfas {}{commit}",
        machine.date, machine.processor, machine.processors, machine.accelerator, machine.version
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::results::tests::results;

    #[test]
    fn a_fault_is_a_section_and_a_group_is_one() {
        let results = [results()];
        let drawing = Drawing::of(&results);
        let titles: Vec<_> =
            drawing.sections.iter().map(|section| (section.title, section.is_group)).collect();
        assert_eq!(titles, [("busy, all", false), ("signal STOP", true)]);
        let rows = |section: usize, block: usize| -> Vec<(&str, usize)> {
            let rows = &drawing.sections[section].figure.blocks[block].rows;
            rows.iter().map(|row| (row.label.as_str(), row.colour)).collect()
        };
        assert_eq!(rows(0, 1), [("5.10", 0), ("6.1", 1), ("6.1-rt", 1)]);
        assert_eq!(rows(1, 0), [("signal only", 0), ("kill", 1)]);
        assert_eq!(drawing.sections[1].figure.blocks[0].rows[0].outcome.line(), "6/6, 300 ms, 300 ms");
        assert!(drawing.overview.is_none(), "one fault");
    }

    #[test]
    fn every_picture_is_in_the_document() {
        let folder = tempfile::tempdir().unwrap();
        let paths = draw(&[results()], folder.path()).unwrap();
        let names: Vec<_> = paths
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(
            names,
            [
                "recovery.md",
                "recovery/busy-all.svg",
                "recovery/busy-all.png",
                "recovery/signal-stop.svg",
                "recovery/signal-stop.png"
            ]
        );
        let document = fs::read_to_string(&paths[0]).unwrap();
        for name in &names[1..] {
            assert!(document.contains(name), "{name} is not in {document}");
        }
    }

    #[test]
    fn a_slug_is_a_name_of_a_file() {
        assert_eq!(slug("1,000 processes, sleeping 10 ms"), "1000-processes-sleeping-10-ms");
        assert_eq!(slug("../a|b"), "a-b");
    }
}
