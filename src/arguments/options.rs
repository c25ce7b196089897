// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each option means.

use std::collections::VecDeque;

use gpufas_abi::manifest::Target;
use gpufas_passes::diagnostic::Remark;
use gpufas_passes::kernel_symbols::ownership::Owner;
use gpufas_passes::pipeline::STEPS;
use regex_lite::Regex;

use super::{Allocation, Arguments, Emit, Locks, Schedule, Stage, Translate, usage};
use crate::error::Result;
use crate::messages::Form;
use crate::target;

/// Options of clang's that take a separate value, and are handed on with it.
const CLANG_WITH_VALUE: &[&str] =
    &["-include", "-isystem", "-idirafter", "-iquote", "-imacros", "-Xclang", "-mllvm"];

/// Reads one option, and its value from the queue if it has a separate one.
///
/// # Errors
///
/// [`crate::error::Error::Usage`] for what is unknown or lacks its value.
pub fn read(parsed: &mut Arguments, argument: String, queue: &mut VecDeque<String>) -> Result<()> {
    let (name, joined) = match argument.split_once('=') {
        Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
        _ => (argument.clone(), None),
    };
    let value = |queue: &mut VecDeque<String>| {
        let value = joined.clone().or_else(|| queue.pop_front()).filter(|value| !value.is_empty());
        value.ok_or_else(|| usage(format!("{name} needs a value")))
    };
    match name.as_str() {
        "-o" | "--output" => parsed.output = Some(value(queue)?.into()),
        "-c" => parsed.stage = Stage::Compile,
        "-S" if parsed.emit != Emit::LlvmIr => parsed.emit = Emit::Assembly,
        "-S" => {}
        "-E" => parsed.stage = Stage::Preprocess,
        "-fsyntax-only" => parsed.stage = Stage::Syntax,
        "--kernel" => parsed.kernels.push(value(queue)?),
        "--kernel-headers" => parsed.kernel_headers.push(value(queue)?.into()),
        "--btf" => parsed.btf.push(value(queue)?.into()),
        "--type" => parsed.types.push(value(queue)?),
        "--check-layout" => match value(queue)?.as_str() {
            "all" => parsed.check_layout = true,
            other => return Err(usage(format!("--check-layout {other} is not known; it is all"))),
        },
        "--kernel-source" => parsed.kernel_sources.push(value(queue)?.into()),
        "--own" | "--kernel-symbol" => {
            let owner = if name == "--own" { Owner::Program } else { Owner::Kernel };
            let pattern = value(queue)?;
            let added = parsed.ownership.add(&pattern, owner);
            added.map_err(|error| usage(format!("{name} {pattern}: {error}")))?;
        }
        "--relocatable" => parsed.relocates = true,
        "--accept" => {
            for series in value(queue)?.split(',') {
                parsed.accepts.push(series_of(series.trim())?);
            }
        }
        "--cuda-path" => parsed.cuda_path = Some(value(queue)?.into()),
        "--target" => parsed.target = target(&value(queue)?)?,
        "--gpu-arch" => {
            for architecture in value(queue)?.split(',') {
                parsed.architectures.push(architecture_number(architecture.trim())?);
            }
        }
        "--locks" => {
            let value = value(queue)?;
            let known = Locks::ALL.into_iter().find(|locks| locks.name() == value);
            parsed.locks = known
                .ok_or_else(|| usage(format!("--locks {value} is not known; it is check, take or refuse")))?;
        }
        "--translate" => {
            let value = value(queue)?;
            let known = Translate::ALL.into_iter().find(|translate| translate.name() == value);
            parsed.translate = known
                .ok_or_else(|| usage(format!("--translate {value} is not known; it is once or every")))?;
        }
        "--schedule" => parsed.schedules = schedules(&value(queue)?)?,
        "--allocation" => {
            let value = value(queue)?;
            let known = Allocation::ALL.into_iter().find(|allocation| allocation.name() == value);
            parsed.allocation = known
                .ok_or_else(|| usage(format!("--allocation {value} is not known; it is refuse or own")))?;
        }
        "--emit" => parsed.emit = emit(&value(queue)?)?,
        "--passes" => {
            parsed.passes = Some(value(queue)?.split(',').map(|pass| pass.trim().to_owned()).collect());
        }
        "-fkeep-inline-functions" => parsed.keep_inline_functions = true,
        "--save-temps" | "-save-temps" => parsed.save_temps = true,
        "-v" | "--verbose" => parsed.verbose = true,
        "-###" => parsed.dry_run = true,
        "-w" => {
            parsed.warnings.read(&argument)?;
            parsed.clang.push(argument);
        }
        "--diagnostics" => parsed.diagnostics = form(&value(queue)?)?,
        "-MD" | "-MMD" | "-M" | "-MM" => {
            if matches!(name.as_str(), "-M" | "-MM") {
                parsed.stage = Stage::Preprocess;
            }
            parsed.dependencies.mode = Some(argument);
        }
        "-MP" | "-MG" => parsed.dependencies.options.push(argument),
        "-MF" => parsed.dependencies.file = Some(value(queue)?.into()),
        "-MT" | "-MQ" => {
            let value = value(queue)?;
            parsed.dependencies.options.extend([argument, value]);
        }
        "-I" | "-D" | "-U" => {
            let value = value(queue)?;
            parsed.clang.push(format!("{argument}{value}"));
        }
        _ if CLANG_WITH_VALUE.contains(&name.as_str()) => {
            let value = value(queue)?;
            parsed.clang.extend([argument, value]);
        }
        _ => return joined_option(parsed, argument),
    }
    Ok(())
}

/// Options whose value follows without a space.
fn joined_option(parsed: &mut Arguments, argument: String) -> Result<()> {
    if let Some(level) = argument.strip_prefix("-O") {
        parsed.optimization = match level {
            "0" => 0,
            "" | "1" => 1,
            "2" => 2,
            "3" => 3,
            _ => return Err(usage(format!("{argument} is not known; use -O0, -O1, -O2 or -O3"))),
        };
    } else if let Some(kind) = argument.strip_prefix("-g") {
        // Which kind of debug information there is depends on the target.
        parsed.debug = kind != "0";
        let known =
            ["", "0", "1", "2", "3", "gdb", "line-tables-only"].contains(&kind) || kind.starts_with("dwarf");
        if !known {
            return Err(usage(format!("{argument} is not known; use -g")));
        }
    } else if let Some(file) = argument.strip_prefix("-o") {
        parsed.output = Some(file.into());
    } else if let Some(file) = argument.strip_prefix("-MF") {
        parsed.dependencies.file = Some(file.into());
    } else if let Some((option, target)) =
        argument.split_at_checked(3).filter(|(option, _)| matches!(*option, "-MT" | "-MQ"))
    {
        parsed.dependencies.options.extend([option.to_owned(), target.to_owned()]);
    } else if argument.starts_with("-W") {
        if parsed.warnings.read(&argument)? {
            parsed.clang.push(argument);
        }
    } else if let Some((kind, passes)) = remark(&argument) {
        want_remarks(parsed, &argument, kind, passes)?;
    } else if ["-I", "-D", "-U", "-f", "-std="].iter().any(|prefix| argument.starts_with(prefix)) {
        parsed.clang.push(argument);
    } else {
        return Err(usage(format!("unknown option {argument}; gpufas-cc --help lists the options")));
    }
    Ok(())
}

/// `-Rpass=PASSES` and its like.
fn remark(argument: &str) -> Option<(Remark, &str)> {
    let (option, passes) = argument.split_once('=')?;
    let kind = Remark::ALL.into_iter().find(|kind| kind.option() == option)?;
    Some((kind, passes))
}

/// Of two options for one kind of remark the last one counts, as in clang.
fn want_remarks(parsed: &mut Arguments, argument: &str, kind: Remark, passes: &str) -> Result<()> {
    let passes =
        Regex::new(passes).map_err(|error| usage(format!("{argument} is no regular expression: {error}")))?;
    parsed.remarks.retain(|(other, _)| *other != kind);
    let named = STEPS.iter().filter(|pass| passes.is_match(pass));
    parsed.remarks.extend(named.map(|pass| (kind, *pass)));
    Ok(())
}

/// For whom messages are to be.
///
/// # Errors
///
/// [`crate::error::Error::Usage`] for an unknown form.
pub fn form(text: &str) -> Result<Form> {
    match text {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        _ => Err(usage(format!("--diagnostics {text} is not known; it is text or json"))),
    }
}

fn target(text: &str) -> Result<Target> {
    match text {
        "cuda" => Ok(Target::Cuda),
        "host" => Ok(Target::Host),
        _ => Err(usage(format!("--target {text} is not known; it is cuda or host"))),
    }
}

/// A list of ways to make tasks run.
fn schedules(text: &str) -> Result<Vec<Schedule>> {
    let mut schedules = Vec::new();
    for name in text.split(',').map(str::trim) {
        let known = Schedule::ALL.into_iter().find(|schedule| schedule.name() == name);
        let schedule = known.ok_or_else(|| {
            usage(format!(
                "--schedule {name} is not known; it is wake-queue, run-queue, or both in the order in which they are tried"
            ))
        })?;
        if schedules.contains(&schedule) {
            return Err(usage(format!("--schedule {text} names {name} twice")));
        }
        schedules.push(schedule);
    }
    Ok(schedules)
}

/// A series of kernels, as in `6.1`.
fn series_of(text: &str) -> Result<String> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if is_number(major) && is_number(minor) => Ok(text.to_owned()),
        _ => Err(usage(format!("--accept {text} is no series of kernels; it is two numbers, as in 6.1"))),
    }
}

fn emit(text: &str) -> Result<Emit> {
    Ok(match text {
        "llvm-ir" => Emit::LlvmIr,
        "bitcode" | "bc" => Emit::Bitcode,
        "header" => Emit::Header,
        "summary" => Emit::Summary,
        "ptx" => Emit::Ptx,
        "cubin" => Emit::Cubin,
        "asm" => Emit::Assembly,
        "object" | "obj" => Emit::Object,
        "fatbin" | "program" => Emit::Program,
        _ => {
            return Err(usage(format!(
                "--emit {text} is not known; it is llvm-ir, bitcode, ptx, cubin, asm, object, summary, header or fatbin"
            )));
        }
    })
}

/// The number in `sm_90`; the architecture- and family-specific ones (`sm_90a`) give nothing that programs here use.
fn architecture_number(text: &str) -> Result<u32> {
    let number = text.strip_prefix("sm_").or_else(|| text.strip_prefix("compute_")).unwrap_or_default();
    number.parse().ok().filter(|number| target::is_known(*number)).ok_or_else(|| {
        let known: Vec<String> = target::architectures().map(|number| format!("sm_{number}")).collect();
        usage(format!("--gpu-arch {text} is not known; it is a list of {}", known.join(", ")))
    })
}
