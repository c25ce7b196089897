// SPDX-License-Identifier: MIT OR Apache-2.0

// What passes say, as diagnostics of LLVM: opt prints them, clang shows them with the source line.

#include "plugin.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DebugLoc.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <string>

using namespace llvm;

namespace {

StringRef text(const GpufasText &text)
{
	return StringRef(text.bytes, text.length);
}

// clang looks up the source line of diagnostics of this kind.
class PassDiagnostic final : public DiagnosticInfoUnsupported {
public:
	PassDiagnostic(const Function &function, const Twine &message, const DiagnosticLocation &location,
		       DiagnosticSeverity severity)
		: DiagnosticInfoUnsupported(function, message, location, severity)
	{
	}

	// Without the function's type, which LLVM's own form has.
	void print(DiagnosticPrinter &printer) const override
	{
		if (isLocationAvailable())
			printer << getLocationStr() << ": ";
		printer << getMessage();
	}
};

// The function that a diagnostic is about, else any that has debug information.
const Function *functionOf(const Module &module, StringRef name)
{
	if (const Function *function = module.getFunction(name))
		return function;
	for (const Function &function : module)
		if (function.getSubprogram())
			return &function;
	return module.empty() ? nullptr : &*module.begin();
}

// The file of a name in debug information: clang knows it by its folder, too.
DIFile *fileCalled(const Module &module, StringRef name)
{
	DebugInfoFinder found;

	found.processModule(module);
	for (DICompileUnit *unit : found.compile_units())
		if (unit->getFilename() == name)
			return unit->getFile();
	for (DISubprogram *subprogram : found.subprograms())
		if (subprogram->getFilename() == name)
			return subprogram->getFile();
	for (DIScope *scope : found.scopes())
		if (scope->getFilename() == name)
			return scope->getFile();
	return DIFile::get(module.getContext(), name, "");
}

// A position in any file. LLVM makes locations of debug information only, and clang reads no other; the nodes belong to
// nothing in the module, so they are not part of it.
DiagnosticLocation locationOf(const Module &module, const Function &function, const GpufasMessage &message)
{
	const Function *scoped = function.getSubprogram() ? &function : functionOf(module, "");
	DISubprogram *subprogram = scoped ? scoped->getSubprogram() : nullptr;

	if (!subprogram || !message.file.length || !message.line)
		return DiagnosticLocation();
	LLVMContext &context = module.getContext();
	DIFile *file = fileCalled(module, text(message.file));
	DILexicalBlockFile *scope = DILexicalBlockFile::get(context, subprogram, file, 0);
	return DiagnosticLocation(DebugLoc(DILocation::get(context, message.line, message.column, scope)));
}

// A remark as LLVM's own passes make them, so that the same options show or record it.
void remark(const Function &function, const GpufasMessage &message, const std::string &words)
{
	const Module &module = *function.getParent();
	const DiagnosticLocation location = locationOf(module, function, message);
	const std::string pass = text(message.pass).str();
	const BasicBlock *block = &function.front();
	LLVMContext &context = module.getContext();

	switch (message.remark) {
	case GPUFAS_PASSED:
		context.diagnose(OptimizationRemark(pass.c_str(), "Passed", location, block) << words);
		break;
	case GPUFAS_MISSED:
		context.diagnose(OptimizationRemarkMissed(pass.c_str(), "Missed", location, block) << words);
		break;
	case GPUFAS_ANALYSIS:
		context.diagnose(OptimizationRemarkAnalysis(pass.c_str(), "Analysis", location, block) << words);
		break;
	}
}

} // namespace

void gpufasReport(LLVMModuleRef raw, const GpufasMessage *message)
{
	Module &module = *unwrap(raw);
	LLVMContext &context = module.getContext();
	const DiagnosticSeverity severity = message->severity == 2 ? DS_Error
					    : message->severity == 1 ? DS_Warning
								     : DS_Remark;
	std::string whole = text(message->text).str();

	if (message->notes.length)
		whole += "\n" + text(message->notes).str();
	const Function *function = functionOf(module, text(message->function));
	if (severity == DS_Remark) {
		if (function && !function->isDeclaration())
			remark(*function, *message, text(message->text).str());
		return;
	}
	// Without a position clang would show that of the function.
	if (!function || !message->file.length) {
		context.diagnose(DiagnosticInfoGeneric(whole, severity));
		return;
	}
	context.diagnose(PassDiagnostic(*function, whole, locationOf(module, *function, *message), severity));
}
