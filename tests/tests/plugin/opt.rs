// SPDX-License-Identifier: MIT OR Apache-2.0

//! The plugin in `opt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gpufas_tests::run_lines::run_lines;
use object::read::elf::{ElfFile64, FileHeader as _};
use object::{Object, ObjectSymbol};

use crate::run::{Test, finish, opt, plugin};
use crate::tools;

/// The tests of the passes, one folder for each pass.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/passes");

/// Programs that are compiled whole.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// What does not fit in a list of files.
pub const TESTS: &[Test] = &[
    ("whole programs come out as from gpufas-cc", whole_programs),
    ("passes go together with LLVM's own", with_passes_of_llvm),
    ("wrong parameters are said", wrong_parameters),
    ("code for another machine is refused", other_machine),
    ("an error ends opt, and no module is written", errors_write_nothing),
    ("a pass that panics is an error, and nothing is written", failing_pass),
    ("a module is made relocatable", relocatable),
    ("opt's -O2 is left as it is for what is no program", no_program),
    ("the library shows one name", one_name),
    ("opt shows remarks", remarks),
];

/// A test file of a pass, and passes that its first RUN line names.
pub struct Case {
    /// Its name among the tests.
    pub name: String,
    file: PathBuf,
    /// As `gpufas-cc` takes them.
    passes: String,
    target: Option<String>,
    fails: bool,
}

/// The test files that are LLVM IR and whose RUN lines say nothing that is not a parameter of a pass.
pub fn cases() -> Result<Vec<Case>> {
    let mut found = Vec::new();
    for pass in std::fs::read_dir(CASES)? {
        let pass = pass?.path();
        for file in std::fs::read_dir(&pass).into_iter().flatten() {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "ll") {
                found.extend(Case::read(file)?);
            }
        }
    }
    ensure!(found.len() > 50, "there are {} cases in {CASES} only", found.len());
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

impl Case {
    fn read(file: PathBuf) -> Result<Option<Self>> {
        let lines = run_lines(&std::fs::read_to_string(&file)?)?;
        let words = lines.first().and_then(|line| shlex::split(line)).unwrap_or_default();
        let mut words = words.into_iter().take_while(|word| word != "|").peekable();
        let fails = words.next_if(|word| word == "not").is_some();
        let (mut passes, mut target) = (None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--passes" => passes = words.next(),
                "--target" => target = words.next(),
                "--emit" | "-o" => drop(words.next()),
                "gpufas-cc" | "%s" | "2>&1" => {}
                _ => return Ok(None),
            }
        }
        let name = file.strip_prefix(CASES)?.display().to_string();
        Ok(passes.map(|passes| Self { name, file, passes, target, fails }))
    }

    /// The passes as `opt` takes them.
    fn pipeline(&self) -> String {
        let target = self.target.as_deref().unwrap_or("cuda");
        let passes = self.passes.split(',').map(|pass| match pass {
            "retarget" | "translate-once" | "aliases" => format!("{pass}<{target}>"),
            pass => pass.to_owned(),
        });
        passes.collect::<Vec<_>>().join(",")
    }

    /// `opt` must make what the compiler makes, or refuse what the compiler refuses, with the same words.
    pub fn check(&self) -> Result<()> {
        let target = self.target.as_deref().unwrap_or("cuda");
        let ours = compiler(&["--passes", &self.passes, "--target", target], &self.file)?;
        let theirs = opt(&self.pipeline(), &self.file)?;
        ensure!(ours.status == theirs.status, "{ours:?}\n{theirs:?}");
        ensure!(self.fails == (theirs.status != 0), "{theirs:?}");
        if !self.fails {
            // opt adds the data layout that the triple implies, where there is none.
            let layout = |line: &&str| !line.starts_with("target datalayout");
            let made = |text: &str| text.lines().filter(layout).collect::<Vec<_>>().join("\n");
            ensure!(
                made(&ours.output) == made(&theirs.output),
                "opt made:\n{}\ngpufas-cc:\n{}",
                theirs.output,
                ours.output
            );
            return Ok(());
        }
        // opt ends at the first error: it is one of those that the compiler finds.
        let first = theirs.messages.lines().next().unwrap_or_default();
        let (place, message) = match first.strip_prefix("error: ").context("it is no error")? {
            // `FILE:LINE:COLUMN: message`, or only a message.
            line if line.starts_with(|letter: char| letter.is_alphabetic()) && line.contains(".c:") => {
                line.split_once(": ").context("no message")?
            }
            line => ("gpufas-cc", line),
        };
        let same = format!("{place}: error: {message}");
        ensure!(ours.messages.contains(&same), "opt says {first:?}, gpufas-cc {}", ours.messages);
        Ok(())
    }
}

/// The compiler with some options on a file, as it prints IR.
fn compiler(options: &[&str], file: &Path) -> Result<crate::run::Outcome> {
    let mut command = Command::new(tools::gpufas_cc()?);
    finish(command.args(options).args(["--emit", "llvm-ir", "-o", "-"]).arg(file))
}

/// What clang makes of a program, before any pass.
fn front_end(source: &Path) -> Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().suffix(".ll").tempfile()?;
    let mut command = Command::new(tools::gpufas_cc()?);
    command.args(["-c", "--emit", "llvm-ir", "--kernel-headers"]).arg(tools::kernel_headers()?);
    finish(command.arg(source).arg("-o").arg(file.path()))?.succeeds()?;
    Ok(file)
}

/// All steps of the pipeline as the compiler's `--passes` takes them.
fn steps() -> Result<String> {
    let mut command = Command::new(tools::llvm("opt")?);
    command.arg("-load-pass-plugin").arg(plugin()?).args([
        "-passes=gpufas<cuda>",
        "-print-pipeline-passes",
        "-disable-output",
    ]);
    let shown = finish(command.arg(Path::new(CASES).join("llview/load.ll")))?.succeeds()?.output;
    let names = shown.trim().split(',').filter(|name| *name != "verify");
    let names: Vec<_> = names.map(|name| name.split('<').next().unwrap_or(name)).collect();
    ensure!(names.contains(&"kernel-asm") && names.last() == Some(&"retarget"), "the pipeline is {names:?}");
    Ok(names.join(","))
}

fn whole_programs() -> Result<()> {
    let steps = steps()?;
    // None of them calls functions of the kernel's, which the compiler alone links.
    for program in ["ps.c", "../tests/programs/walks.c"] {
        let file = front_end(&Path::new(PROGRAMS).join(program))?;
        for target in ["cuda", "host"] {
            for level in ["O1", "O3"] {
                let options = ["--passes", &steps, "--target", target, &format!("-{level}")];
                let ours = compiler(&options, file.path())?.succeeds()?.output;
                let theirs = opt(&format!("gpufas<{target};{level}>"), file.path())?.succeeds()?.output;
                ensure!(theirs == ours, "{program} for {target} differs");
                ensure!(theirs.contains("@gpufas_translate_load("), "{program} is not translated");
            }
        }
    }
    Ok(())
}

fn with_passes_of_llvm() -> Result<()> {
    let file = front_end(&Path::new(PROGRAMS).join("ps.c"))?;
    let passes = "kernel-asm,kernel-symbols,entry-points,callable-functions,globaldce,default<O2>,function-pointers,reachability,symbol-table,llview,function(dce),\
                  budget,retarget<host>";
    let made = opt(passes, file.path())?.succeeds()?.output;
    // Nothing is done twice: what opt is told with -passes is all.
    ensure!(made.contains("@gpufas_translate_load(") && !made.contains("gpufas.symbol."), "{made}");
    ensure!(made.matches("define void @gpufas_entry_ps(").count() == 1, "{made}");
    Ok(())
}

fn wrong_parameters() -> Result<()> {
    let file = Path::new(CASES).join("llview/load.ll");
    for (passes, reason) in [
        ("gpufas", "error: gpufas: the target is missing: <cuda> or <host>"),
        (
            "gpufas<opencl>",
            "error: gpufas<opencl>: `opencl` is not known; it is cuda or host, or O1, O2 or O3",
        ),
        ("gpufas<cuda;O9>", "`O9` is not known"),
        ("retarget", "the target is missing"),
        ("optimize<O0>", "`O0` is not known; it is O1, O2 or O3"),
        ("llview<cuda>", "error: llview<cuda>: the pass has no parameters, `cuda` is given"),
        ("llview<", "unknown pass name"),
        ("llview(budget)", "invalid"),
    ] {
        let outcome = opt(passes, &file)?;
        ensure!(outcome.output.is_empty(), "{passes}: {}", outcome.output);
        outcome.fails(&[reason]).context(passes)?;
    }
    Ok(())
}

fn other_machine() -> Result<()> {
    let file = tempfile::Builder::new().suffix(".ll").tempfile()?;
    std::fs::write(&file, "target triple = \"aarch64-linux-gnu\"\ndefine void @f() {\n  ret void\n}\n")?;
    opt("kernel-asm", file.path())?.fails(&["error: kernel-asm ", "aarch64-linux-gnu"])?;
    opt("gpufas<cuda>", file.path())?.fails(&["aarch64-linux-gnu"])?;
    Ok(())
}

fn errors_write_nothing() -> Result<()> {
    let file = Path::new(CASES).join("reachability/functions.ll");
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("made.ll");
    let mut command = Command::new(tools::llvm("opt")?);
    command.arg("-load-pass-plugin").arg(plugin()?).args(["-passes=reachability,llview", "-S", "-o"]);
    let outcome = finish(command.arg(&output).arg(&file))?.fails(&[
        "error: f.c:7:3: call of `schedule`, which is not defined\n",
        "note: a recovery program is no task of the kernel's that could sleep",
        "f.c:20:2: note: in `inner`, called from `outer` here",
    ])?;
    ensure!(outcome.messages.matches("error:").count() == 1, "{}", outcome.messages);
    // LLVM ends the process where opt would remove the file.
    let written = std::fs::read_to_string(&output).unwrap_or_default();
    ensure!(written.is_empty(), "opt wrote a module with an error: {written}");
    Ok(())
}

fn failing_pass() -> Result<()> {
    let file = Path::new(CASES).join("llview/load.ll");
    for passes in ["gpufas-failing", "llview,gpufas-failing,budget"] {
        let outcome = opt(passes, &file)?;
        ensure!(outcome.output.is_empty(), "{passes}: {}", outcome.output);
        outcome.fails(&[
            "error: internal error of the pass gpufas-failing: this pass fails, for tests; nothing of the module is left",
            "please report it",
        ])?;
    }
    Ok(())
}

fn relocatable() -> Result<()> {
    let source = Path::new(PROGRAMS).join("ps.c");
    // Its types are left out of bitcode unless they are asked for.
    let file = tempfile::Builder::new().suffix(".ll").tempfile()?;
    let mut command = Command::new(tools::gpufas_cc()?);
    command.args(["-c", "-g", "--emit", "llvm-ir", "--kernel-headers"]).arg(tools::kernel_headers()?);
    finish(command.arg(&source).arg("-o").arg(file.path()))?.succeeds()?;
    let made = opt("gpufas<host;relocatable>", file.path())?.succeeds()?.output;
    ensure!(made.contains("@gpufas_relocation_table = "), "{made}");
    let fixed = opt("gpufas<host>", file.path())?.succeeds()?.output;
    ensure!(!fixed.contains("gpufas_relocation_table"), "{fixed}");
    let ours = compiler(&["--passes", &steps()?, "--target", "host", "--relocatable", "-g"], file.path())?;
    // What is noted in metadata comes in another order, since gpufas-cc relocates each file by itself before all passes.
    let code = |text: &str| {
        text.lines().filter(|line| !line.starts_with('!')).map(str::to_owned).collect::<Vec<_>>()
    };
    ensure!(code(&made) == code(&ours.succeeds()?.output), "opt makes something else than gpufas-cc");
    // Where the types are left out, nothing is relocated by halves.
    opt("gpufas<host;relocatable>", front_end(&source)?.path())?
        .fails(&["no debug information describes", "relocated"])?;
    opt("relocation-table<relocatable>", file.path())?.fails(&["the pass has no parameters"])?;
    Ok(())
}

fn no_program() -> Result<()> {
    let file = Path::new(CASES).join("llview/load.ll");
    let mut command = Command::new(tools::llvm("opt")?);
    command.arg("-load-pass-plugin").arg(plugin()?).args(["-O2", "-S", "-o", "-"]).arg(&file);
    let outcome = finish(&mut command)?;
    ensure!(outcome.status == 0, "{}", outcome.messages);
    ensure!(
        outcome.messages.contains("warning: ") && outcome.messages.contains("GPUFAS_ENTRY"),
        "{outcome:?}"
    );
    ensure!(!outcome.output.contains("gpufas_translate"), "{}", outcome.output);
    Ok(())
}

fn remarks() -> Result<()> {
    let file = Path::new(CASES).join("llview/sites.ll");
    let mut command = Command::new(tools::llvm("opt")?);
    command.arg("-load-pass-plugin").arg(plugin()?).args(["-passes=llview,budget", "-disable-output"]);
    let outcome = finish(command.args(["-pass-remarks=llview", "-pass-remarks-analysis=budget"]).arg(&file))?;
    ensure!(outcome.status == 0, "{}", outcome.messages);
    ensure!(outcome.messages.lines().all(|line| line.starts_with("remark: ")), "{}", outcome.messages);
    ensure!(outcome.messages.contains(": load of 4 bytes is translated\n"), "{}", outcome.messages);
    opt("llview,budget", &file)?.succeeds()?;
    Ok(())
}

fn one_name() -> Result<()> {
    let bytes = std::fs::read(plugin()?)?;
    let file = ElfFile64::<object::Endianness>::parse(bytes.as_slice())?;
    ensure!(file.elf_header().e_type(object::Endianness::Little) == object::elf::ET_DYN, "it is no library");
    let names: Vec<_> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .flat_map(|symbol| symbol.name())
        .collect();
    ensure!(names == ["llvmGetPassPluginInfo"], "it shows {names:?}");
    Ok(())
}
