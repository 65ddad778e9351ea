#include "blindproof/engine/run_model.h"

#include <algorithm>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

// An arg-max output is a class already.
std::optional<std::size_t> class_of(const model::FloatGraph& graph, const std::vector<double>& values) {
  const bool is_index = !graph.nodes.empty() && std::holds_alternative<model::float_op::ArgMax>(graph.nodes.back().op);
  if (is_index && values.size() == 1) return static_cast<std::size_t>(values[0]);
  const model::Shape& shape = graph.shapes[graph.output];
  if (shape.empty() || shape.back() != values.size() || values.size() < 2) return std::nullopt;
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

void judge(const Samples& samples, const std::vector<std::optional<std::size_t>>& classes, RunOutcome& outcome) {
  if (!std::all_of(classes.begin(), classes.end(), [](const auto& c) { return c.has_value(); })) return;
  for (const auto& c : classes) outcome.classes.push_back(*c);
  if (samples.labels.size() != classes.size() || classes.empty()) return;
  std::size_t right = 0;
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (*classes[i] == samples.labels[i]) ++right;
  outcome.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(classes.size());
}

base::Status run_integers(const model::IntegerGraph& graph, const Samples& samples, const base::Progress& progress,
                          RunOutcome& outcome) {
  const model::Architecture& arch = graph.architecture;
  std::vector<std::vector<std::int64_t>> inputs;
  for (const auto& x : samples.x) {
    BLINDPROOF_ASSIGN(std::vector<std::int64_t> input, model::quantize_input(arch, x));
    inputs.push_back(std::move(input));
  }
  const std::size_t count = inputs.size();
  outcome.output_shape = arch.shapes[arch.output];
  outcome.real_shape = real_output_shape(arch);
  outcome.integers.resize(count);
  outcome.reals.resize(count);
  std::vector<std::optional<std::size_t>> classes(count);
  constexpr std::size_t kBlock = 64;  // between two reports
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    progress.report("running", begin, count);
    base::parallel_for(std::min(kBlock, count - begin), [&](std::size_t offset) {
      const std::size_t i = begin + offset;
      outcome.integers[i] = model::run_integer(graph, inputs[i]);
      outcome.reals[i] = model::dequantize_output(arch, outcome.integers[i]);
      classes[i] = top_class(outcome.output_shape, outcome.integers[i]);
    });
  }
  progress.report("running", count, count);
  judge(samples, classes, outcome);
  return {};
}

void run_floats(const model::FloatGraph& graph, const Samples& samples, const base::Progress& progress,
                RunOutcome& outcome) {
  const std::size_t count = samples.x.size();
  outcome.output_shape = outcome.real_shape = graph.shapes[graph.output];
  outcome.reals.resize(count);
  std::vector<std::optional<std::size_t>> classes(count);
  constexpr std::size_t kBlock = 64;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    progress.report("running", begin, count);
    base::parallel_for(std::min(kBlock, count - begin), [&](std::size_t offset) {
      const std::size_t i = begin + offset;
      const std::vector<float> output = std::move(model::run_float(graph, samples.x[i])[graph.output]);
      outcome.reals[i].assign(output.begin(), output.end());
      classes[i] = class_of(graph, outcome.reals[i]);
    });
  }
  progress.report("running", count, count);
  judge(samples, classes, outcome);
}

}  // namespace

base::Result<RunOutcome> run_model(const RunRequest& request, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const model::ModelFile file, read_model(request.model));
  if (request.use_float_graph && !file.float_graph) {
    return base::error(ErrorCode::kInvalidArgument, request.model.string(),
                       "has no float network inside; run without --float");
  }
  const model::Architecture& arch = file.graph.architecture;
  const model::Shape& shape =
      request.use_float_graph ? file.float_graph->shapes[file.float_graph->input] : arch.shapes[arch.input];
  BLINDPROOF_ASSIGN(Samples samples, read_samples(request.input, shape));
  if (request.index) {
    base::Result<Samples> one = take_sample(std::move(samples), *request.index);
    if (!one.ok()) return in_file(request.input, std::move(one).error());
    samples = *std::move(one);
  }
  RunOutcome outcome;
  outcome.batched = samples.batched;
  const Stopwatch watch;
  if (request.use_float_graph) {
    run_floats(*file.float_graph, samples, progress, outcome);
  } else if (const base::Status status = run_integers(file.graph, samples, progress, outcome); !status.ok()) {
    return in_file(request.input, status.error());
  }
  outcome.seconds = watch.seconds();
  return outcome;
}

}  // namespace blindproof::engine
