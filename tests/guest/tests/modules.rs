// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel module is built and loaded on every kernel.

use std::path::Path;

use gpufas_guest::kernels::{KERNELS, KernelSpec};
use gpufas_guest::{Error, Guest};

/// Set where everything is asked for, and not only the kernels of every run.
const MATRIX: &str = "GPUFAS_TEST_MATRIX";

fn load(spec: &KernelSpec) -> Result<(), Error> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules/trivial");
    let modules = spec.modules(&source, &[], &|_| {})?;
    let guest =
        Guest::builder(&spec.fetch(&|_| {})?).memory_mib(256).module(modules.join("trivial.ko")).boot()?;
    let list = || guest.read_file("/proc/modules");
    assert!(!list()?.contains("trivial"));
    guest.load_module("trivial", "number=7")?;
    assert!(list()?.contains("trivial"));
    let parameter = "/sys/module/trivial/parameters/number";
    assert_eq!(guest.read_file(parameter)?, "7\n");
    guest.write_file(parameter, "8")?;
    assert_eq!(guest.read_file(parameter)?, "8\n");
    let again = guest.load_module("trivial", "").unwrap_err();
    assert!(matches!(&again, Error::Refused { message, .. } if message.contains("exists")), "{again}");
    guest.unload_module("trivial")?;
    assert!(!list()?.contains("trivial"));
    let log = guest.kernel_log(None)?;
    for text in ["trivial: loaded with number 7", "trivial: unloaded with number 8"] {
        assert!(log.records.iter().any(|record| record.text == text), "no message: {text}");
    }
    let none = guest.load_module("none", "").unwrap_err();
    assert!(matches!(&none, Error::Refused { message, .. } if message.contains("No such file")), "{none}");
    Ok(())
}

#[test]
fn a_module_is_loaded_on_every_kernel() {
    let all = std::env::var_os(MATRIX).is_some();
    let failures: Vec<_> = KERNELS
        .iter()
        .filter(|spec| all || spec.often)
        .filter_map(|spec| load(spec).err().map(|error| format!("{}: {error}", spec.name)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
