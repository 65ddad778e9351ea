#include "blindproof/engine/compile_model.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/crypto/random.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/onnx/import.h"

namespace blindproof::engine {
namespace {

// Too much accuracy lost is the user's own check failing, not input that can't be used.
base::Error explain(base::Error error) {
  if (error.code == base::ErrorCode::kLimit && error.place == "quantize")
    return base::error(base::ErrorCode::kRejected, "accuracy", std::move(error.detail));
  return error;
}

// What approximate evaluation needs to know of every tensor.
std::vector<model::FloatRange> measure_ranges(const model::FloatGraph& graph, const std::vector<std::vector<float>>& samples,
                                         const base::Progress& progress) {
  std::vector<model::FloatRange> ranges(graph.shapes.size());
  std::mutex merging;
  bool first = true;
  progress.report("ranges", 0, 0);
  base::parallel_for(samples.size(), [&](std::size_t i) {
    const std::vector<std::vector<float>> values = model::run_float(graph, samples[i]);
    const std::lock_guard lock(merging);
    for (std::size_t tensor = 0; tensor < ranges.size(); ++tensor) {
      const auto [low, high] = std::ranges::minmax(values[tensor]);
      ranges[tensor] = first ? model::FloatRange{low, high}
                             : model::FloatRange{std::min(ranges[tensor].low, low), std::max(ranges[tensor].high, high)};
    }
    first = false;
  });
  const auto is_finite = [](const model::FloatRange& range) { return std::isfinite(range.low) && std::isfinite(range.high); };
  return std::ranges::all_of(ranges, is_finite) ? ranges : std::vector<model::FloatRange>();
}

}  // namespace

base::Result<CompileOutcome> compile_model(const Path& onnx, const Path& calibration, const Path& out,
                                           const CompileOptions& options, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_TRY(check_writable(out));
  progress.report("reading", 0, 1);
  BLINDPROOF_ASSIGN(model::FloatGraph graph, onnx::import_onnx(onnx));
  BLINDPROOF_ASSIGN(Samples samples, read_samples(calibration, graph.shapes[graph.input]));

  compiler::QuantizeOptions quantize_options{options.arithmetic, options.weight_bits, options.activation_bits,
                                             options.per_channel, options.max_accuracy_loss, std::move(samples.labels),
                                             progress};
  base::Result<compiler::QuantizeOutcome> quantized = compiler::quantize(graph, samples.x, quantize_options);
  if (!quantized.ok()) return in_file(onnx, explain(std::move(quantized).error()));

  CompileOutcome outcome;
  // Better refused here than when somebody wants to prove it.
  base::Result<ModelSummary> summary = summarize(quantized->graph.architecture);
  if (!summary.ok()) return in_file(onnx, std::move(summary).error());
  outcome.summary = *std::move(summary);
  outcome.samples = samples.x.size();
  outcome.labelled = quantized->labelled;
  outcome.float_accuracy = quantized->float_accuracy;
  outcome.integer_accuracy = quantized->integer_accuracy;
  outcome.agreement = quantized->agreement;
  outcome.output_error = quantized->output_error;
  outcome.clipping = quantized->clipping;

  std::vector<model::FloatRange> ranges = measure_ranges(graph, samples.x, progress);
  model::ModelFile file{std::move(quantized->graph), {}, std::move(graph), std::move(ranges)};
  crypto::random_bytes(file.blinding_seed);
  base::Result<std::size_t> written = write_model(out, file);
  crypto::wipe(file.blinding_seed);
  BLINDPROOF_ASSIGN(outcome.file_bytes, std::move(written));
  outcome.seconds = watch.seconds();
  return outcome;
}

}  // namespace blindproof::engine
