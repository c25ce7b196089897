// SPDX-License-Identifier: MIT OR Apache-2.0

// What the registration (C++) and the passes (Rust, lib.rs) know of each other.

#ifndef GPUFAS_PLUGIN_H
#define GPUFAS_PLUGIN_H

#include <cstddef>
#include <cstdint>

#include "llvm-c/Types.h"

namespace llvm {
class Module;
}

extern "C" {

// Text that its giver owns.
struct GpufasText {
	const char *bytes;
	size_t length;
};

// Parameters of a pass: `Settings` of lib.rs.
struct GpufasSettings {
	uint32_t target;
	uint32_t optimization;
	// Whether LLVM's own pipeline takes the place of the step that optimises.
	uint32_t default_pipeline;
	// Whether the module is made relocatable.
	uint32_t relocatable;
};

// What a pass says: `Message` of lib.rs.
struct GpufasMessage {
	// 0 is a remark, 1 a warning, 2 an error.
	uint32_t severity;
	// The kind of a remark: one bit of GPUFAS_PASSED and so on.
	uint32_t remark;
	uint32_t line;
	uint32_t column;
	GpufasText pass;
	GpufasText file;
	GpufasText function;
	// In one line.
	GpufasText text;
	// The rest: more lines, without places in them for which LLVM has a form of its own.
	GpufasText notes;
};

// Kinds of remarks.
enum GpufasRemark : uint32_t {
	GPUFAS_PASSED = 1,
	GPUFAS_MISSED = 2,
	GPUFAS_ANALYSIS = 4,
};

// What is kept of a module between its passes: `State` of lib.rs.
struct GpufasState;

enum GpufasOutcome : uint32_t {
	// The pass has run.
	GPUFAS_DONE,
	// It has not, since an error was found in the module before.
	GPUFAS_SKIPPED,
	// It has found errors.
	GPUFAS_REFUSED,
	// It, or LLVM, has failed and may have left anything in the module.
	GPUFAS_BROKEN,
};

using GpufasReport = void (*)(LLVMModuleRef module, const GpufasMessage *message);

// What the passes give: `Passes` of lib.rs. Functions by their addresses, so that the library shows LLVM one name only.
struct GpufasPasses {
	// The name of a step, in the order of the whole pipeline; no bytes behind the last one.
	GpufasText (*step)(size_t step);

	// Reads parameters (`cuda;O3`) of a step, or of the whole pipeline if `step` is not one. Gives why it cannot: no
	// bytes if it can, else a text that is good until the thread's next call.
	GpufasText (*parse)(size_t step, GpufasText parameters, GpufasSettings *settings);

	// The same the other way: the parameters of a step, with `<` and `>` if there are any.
	GpufasText (*parameters)(size_t step, const GpufasSettings *settings);

	// The parameters of steps in LLVM's own pipeline of an optimisation level.
	void (*default_pipeline)(uint32_t optimization, GpufasSettings *settings);

	GpufasState *(*new_state)();
	void (*delete_state)(GpufasState *state);

	// Runs a step on a module that stays the caller's. `remarks` are the kinds of remarks that are wanted.
	GpufasOutcome (*run)(size_t step, const GpufasSettings *settings, uint32_t remarks, LLVMModuleRef module,
			     GpufasState *state, GpufasReport report);
};

// Registers everything with an llvm::PassBuilder. llvmGetPassPluginInfo() is written in Rust, since rustc exports nothing
// else from a library, and has this called with what LLVM gives.
void gpufas_plugin_register(void *pass_builder, const GpufasPasses *passes);
}

// Tells LLVM's handler of diagnostics what a pass says.
void gpufasReport(LLVMModuleRef module, const GpufasMessage *message);

#endif
