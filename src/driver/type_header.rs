// SPDX-License-Identifier: MIT OR Apache-2.0

//! `--emit header`: a kernel's types as a C header.

use crate::arguments::Arguments;
use crate::error::{Error, Result};
use crate::kernel::type_information;
use crate::{crash, output};

/// Writes a header of the type information that the command line names.
pub(super) fn write(arguments: &Arguments) -> Result<()> {
    let [file] = arguments.btf.as_slice() else {
        return Err(Error::Internal("a header is made of one file".into()));
    };
    output::check(&arguments.output_path(), &[file.display().to_string()])?;
    crash::doing(&format!("writing the types of {} as C", file.display()));
    let types = type_information::read(file)?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let header = types
        .c_header(&name, &arguments.types)
        .map_err(|error| Error::Input { path: file.display().to_string(), reason: error.to_string() })?;
    output::write(&arguments.output_path(), header.as_bytes())
}
