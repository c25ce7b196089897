// SPDX-License-Identifier: MIT OR Apache-2.0

//! What options mean together.

use gpufas_abi::manifest::Target;

use super::{Arguments, Emit, Stage, usage};
use crate::error::Result;

/// Sets defaults that depend on several options, and refuses what does not go together.
///
/// # Errors
///
/// [`crate::error::Error::Usage`].
pub fn check(mut parsed: Arguments) -> Result<Arguments> {
    if parsed.emit == Emit::Header {
        return check_header(&parsed).map(|()| parsed);
    }
    if !parsed.types.is_empty() {
        return Err(usage("--type says what --emit header defines; add that, or leave out --type"));
    }
    if parsed.inputs.is_empty() {
        return Err(usage("no input files; gpufas-cc --help lists the options"));
    }
    if parsed.target == Target::Host && !parsed.architectures.is_empty() {
        return Err(usage("--gpu-arch means nothing with --target host"));
    }
    parsed.architectures.sort_unstable();
    parsed.architectures.dedup();
    if parsed.target == Target::Host && matches!(parsed.emit, Emit::Ptx | Emit::Cubin) {
        return Err(usage("PTX and cubins are made with --target cuda"));
    }
    let makes_one_cubin = parsed.target == Target::Cuda && matches!(parsed.emit, Emit::Cubin | Emit::Object);
    let makes_code = matches!(parsed.stage, Stage::Link | Stage::Compile);
    if makes_one_cubin && makes_code && parsed.architectures.len() != 1 {
        return Err(usage("a cubin is for one architecture; name it with --gpu-arch"));
    }
    let makes_one_ptx = parsed.target == Target::Cuda && matches!(parsed.emit, Emit::Ptx | Emit::Assembly);
    if makes_one_ptx && makes_code && parsed.architectures.len() > 1 {
        return Err(usage(
            "PTX is made for one architecture, and later ones run it; name one with --gpu-arch",
        ));
    }
    if parsed.check_layout && parsed.stage != Stage::Link {
        return Err(usage("--check-layout only checks; leave out -c, -E, -M and -fsyntax-only"));
    }
    if parsed.emit == Emit::Summary && parsed.stage != Stage::Compile {
        return Err(usage("a summary is made of relocatable code; add -c"));
    }
    let one_output_each = matches!(parsed.stage, Stage::Compile | Stage::Preprocess);
    if one_output_each && parsed.output.is_some() && parsed.inputs.len() > 1 {
        return Err(usage("-o names one file, and each input makes one; leave out -o or give one input"));
    }
    if parsed.inputs.iter().filter(|input| *input == "-").count() > 1 {
        return Err(usage("standard input can be read only once"));
    }
    if parsed.passes.is_some() {
        match parsed.emit {
            Emit::Program => parsed.emit = Emit::LlvmIr,
            Emit::LlvmIr | Emit::Bitcode => {}
            _ => return Err(usage("--passes needs --emit llvm-ir or --emit bitcode")),
        }
    }
    if !parsed.btf.is_empty()
        && parsed.btf.len() != parsed.kernels.len().max(parsed.kernel_headers.len()).max(1)
    {
        return Err(usage("--btf is given once for each kernel, in the same order"));
    }
    if parsed.kernels.len().max(parsed.kernel_headers.len()) > 1 {
        check_several_kernels(&parsed)?;
    }
    if parsed.relocates && parsed.is_relocatable() {
        return Err(usage(
            "--relocatable is for whole programs, and for bitcode that is linked into one; leave out -c or --emit",
        ));
    }
    if !parsed.relocates && !parsed.accepts.is_empty() {
        return Err(usage("--accept says for which kernels a relocatable program is; add --relocatable"));
    }
    if parsed.dependencies.mode.is_none() && parsed.dependencies.file.is_some() {
        return Err(usage("-MF says where dependencies go, and none are asked for; add -MD"));
    }
    Ok(parsed)
}

/// A header is made of type information alone.
fn check_header(parsed: &Arguments) -> Result<()> {
    if let Some(input) = parsed.inputs.first() {
        return Err(usage(format!(
            "--emit header takes no inputs, but {input} is one; it is made of --btf FILE"
        )));
    }
    if parsed.btf.len() != 1 {
        return Err(usage(
            "--emit header is made of the type information of one kernel; name it with --btf FILE: /sys/kernel/btf/vmlinux, a \
             vmlinux or a vmlinuz",
        ));
    }
    Ok(())
}

/// What can be made for several kernels at a time: a program, which holds a variant for each.
fn check_several_kernels(parsed: &Arguments) -> Result<()> {
    if parsed.stage == Stage::Compile {
        return Err(usage(
            "-c makes bitcode for one kernel; compile for each kernel with an -o of its own, and name all kernels again where \
             the bitcode is linked",
        ));
    }
    if parsed.stage == Stage::Preprocess {
        return Err(usage("-E, -M and -MM are for one kernel; name one with --kernel"));
    }
    if parsed.stage == Stage::Link && parsed.emit != Emit::Program {
        return Err(usage(
            "only a program can be for several kernels; leave out --emit, -S and --passes, or name one kernel",
        ));
    }
    if parsed.inputs.iter().any(|input| input == "-") {
        return Err(usage(
            "standard input can be read only once, and is compiled for each kernel; give a file",
        ));
    }
    Ok(())
}
