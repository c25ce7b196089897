// SPDX-License-Identifier: MIT OR Apache-2.0

// Registers the passes with LLVM: each by its name, the whole pipeline as gpufas<TARGET>, and in clang's own pipeline.

#include "plugin.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <utility>

using namespace llvm;

namespace {

constexpr StringLiteral WholePipeline = "gpufas";

// The longest pipeline that there are classes of passes for.
constexpr size_t MostSteps = 32;

// A pass that fails, for tests.
constexpr size_t FailingStep = MostSteps - 1;

// Set before anything else is called.
const GpufasPasses *rust;

StringRef nameOf(size_t step)
{
	const GpufasText name = rust->step(step);
	return StringRef(name.bytes, name.length);
}

size_t stepCount()
{
	size_t count = 0;

	while (count < FailingStep && !nameOf(count).empty())
		++count;
	return count;
}

size_t stepCalled(StringRef name)
{
	for (size_t step = 0; step < stepCount(); ++step)
		if (nameOf(step) == name)
			return step;
	return MostSteps;
}

// What passes tell each other about a module, such as the numbers of source lines. It is no property of the module's
// code, so nothing that changes the code makes it invalid.
class StateAnalysis : public AnalysisInfoMixin<StateAnalysis> {
	friend AnalysisInfoMixin<StateAnalysis>;
	static AnalysisKey Key;

	struct Delete {
		void operator()(GpufasState *state) const { rust->delete_state(state); }
	};

public:
	class Result {
		std::unique_ptr<GpufasState, Delete> state{ rust->new_state() };

	public:
		GpufasState *get() const { return state.get(); }

		bool invalidate(Module &, const PreservedAnalyses &, ModuleAnalysisManager::Invalidator &)
		{
			return false;
		}
	};

	Result run(Module &, ModuleAnalysisManager &) { return Result(); }
};

AnalysisKey StateAnalysis::Key;

// Code generation goes on after an error, in clang; it must not meet what LLVM does not take.
void empty(Module &module)
{
	for (Function &function : module)
		function.deleteBody();
}

// The kinds of remarks that the user asks this pass for: -Rpass= of clang, -pass-remarks= of opt.
uint32_t wantedRemarks(const Module &module, StringRef pass)
{
	const DiagnosticHandler *handler = module.getContext().getDiagHandlerPtr();

	if (!handler)
		return 0;
	return (handler->isPassedOptRemarkEnabled(pass) ? GPUFAS_PASSED : 0) |
	       (handler->isMissedOptRemarkEnabled(pass) ? GPUFAS_MISSED : 0) |
	       (handler->isAnalysisRemarkEnabled(pass) ? GPUFAS_ANALYSIS : 0);
}

PreservedAnalyses runStep(size_t step, const GpufasSettings &settings, Module &module, ModuleAnalysisManager &analyses)
{
	GpufasState *state = analyses.getResult<StateAnalysis>(module).get();

	switch (rust->run(step, &settings, wantedRemarks(module, nameOf(step)), wrap(&module), state, gpufasReport)) {
	case GPUFAS_SKIPPED:
		return PreservedAnalyses::all();
	case GPUFAS_BROKEN:
		empty(module);
		break;
	case GPUFAS_DONE:
	case GPUFAS_REFUSED:
		break;
	}
	return PreservedAnalyses::none();
}

// A class for each step, since LLVM's names of passes are those of classes.
template <size_t Step> class StepPass : public PassInfoMixin<StepPass<Step>> {
	GpufasSettings settings;

public:
	explicit StepPass(const GpufasSettings &settings) : settings(settings) {}

	static StringRef name() { return nameOf(Step); }

	// Also for functions that are not to be optimised.
	static bool isRequired() { return true; }

	void printPipeline(raw_ostream &stream, function_ref<StringRef(StringRef)>)
	{
		const GpufasText parameters = rust->parameters(Step, &settings);

		stream << name() << StringRef(parameters.bytes, parameters.length);
	}

	PreservedAnalyses run(Module &module, ModuleAnalysisManager &analyses)
	{
		return runStep(Step, settings, module, analyses);
	}
};

template <size_t... Steps>
void addStep(size_t step, const GpufasSettings &settings, ModulePassManager &passes, std::index_sequence<Steps...>)
{
	((step == Steps ? passes.addPass(StepPass<Steps>(settings)) : void()), ...);
}

void addStep(size_t step, const GpufasSettings &settings, ModulePassManager &passes)
{
	addStep(step, settings, passes, std::make_index_sequence<MostSteps>());
}

// Reads the parameters behind a pass's name. What is wrong with them LLVM does not ask for, so it is said here.
bool parse(size_t step, StringRef pass, StringRef parameters, GpufasSettings &settings)
{
	const GpufasText wrong = rust->parse(step, { parameters.data(), parameters.size() }, &settings);

	if (!wrong.length)
		return true;
	errs() << "error: " << pass << ": " << StringRef(wrong.bytes, wrong.length) << "\n";
	return false;
}

bool parsePass(StringRef pass, ModulePassManager &passes)
{
	StringRef name = pass, parameters;
	const size_t start = pass.find('<');

	if (start != StringRef::npos && pass.ends_with(">")) {
		name = pass.take_front(start);
		parameters = pass.slice(start + 1, pass.size() - 1);
	}
	const size_t step = name == nameOf(FailingStep) ? FailingStep : stepCalled(name);
	GpufasSettings settings;
	if ((step == MostSteps && name != WholePipeline) || !parse(step, pass, parameters, settings))
		return false;
	if (step != MostSteps) {
		addStep(step, settings, passes);
		return true;
	}
	for (size_t each = 0; each < stepCount(); ++each)
		addStep(each, settings, passes);
	return true;
}

// Whether this is opt with `-passes=`, which names all that is to run.
bool pipelineIsNamed()
{
	const auto &options = cl::getRegisteredOptions();
	const auto passes = options.find("passes");

	return passes != options.end() && passes->second->getNumOccurrences();
}

// The whole pipeline around clang's own optimisation, for programs of one file.
void extendDefaultPipeline(PassBuilder &builder)
{
	const size_t optimization = stepCalled("optimize");
	const auto settings = [](OptimizationLevel level) {
		GpufasSettings settings;
		rust->default_pipeline(level.getSpeedupLevel(), &settings);
		return settings;
	};

	builder.registerPipelineStartEPCallback([=](ModulePassManager &passes, OptimizationLevel level) {
		for (size_t step = 0; step < optimization; ++step)
			addStep(step, settings(level), passes);
	});
	builder.registerOptimizerLastEPCallback(
		[=](ModulePassManager &passes, OptimizationLevel level, ThinOrFullLTOPhase) {
			for (size_t step = optimization + 1; step < stepCount(); ++step)
				addStep(step, settings(level), passes);
		});
}

} // namespace

void gpufas_plugin_register(void *pass_builder, const GpufasPasses *passes)
{
	rust = passes;
	PassBuilder &builder = *static_cast<PassBuilder *>(pass_builder);

	builder.registerAnalysisRegistrationCallback(
		[](ModuleAnalysisManager &analyses) { analyses.registerPass([] { return StateAnalysis(); }); });
	builder.registerPipelineParsingCallback(
		[](StringRef pass, ModulePassManager &passes, ArrayRef<PassBuilder::PipelineElement> inner) {
			return inner.empty() && parsePass(pass, passes);
		});
	if (PassInstrumentationCallbacks *callbacks = builder.getPassInstrumentationCallbacks())
		for (size_t step = 0; step < stepCount(); ++step)
			callbacks->addClassToPassName(nameOf(step), nameOf(step));
	if (!pipelineIsNamed())
		extendDefaultPipeline(builder);
}
