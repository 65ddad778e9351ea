#include "blindproof/compiler/quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/quantize/lowering.h"

namespace blindproof::compiler {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

Status check_options(const QuantizeOptions& options, std::size_t samples, std::size_t rows) {
  const auto wrong = [](std::string detail) {
    return base::error(ErrorCode::kInvalidArgument, "quantize", std::move(detail));
  };
  if (options.weight_bits < 2 || options.weight_bits > 16) return wrong("weights have 2 to 16 bits");
  if (options.activation_bits < 4 || options.activation_bits > 16) return wrong("activations have 4 to 16 bits");
  if (!(options.max_accuracy_loss >= 0)) return wrong("the accuracy loss allowed must be at least 0");
  if (samples == 0) return wrong("there are no calibration samples; a few hundred typical inputs are needed");
  if (!options.labels.empty() && options.labels.size() != samples * rows) {
    return wrong(std::to_string(options.labels.size()) + " labels for " + std::to_string(samples * rows) + " outputs");
  }
  return {};
}

// The class that a row of scores stands for.
template <class Score>
std::uint32_t class_of(std::span<const Score> row, Score threshold) {
  if (row.size() == 1) return row[0] > threshold ? 1 : 0;
  return static_cast<std::uint32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

struct Quality {
  std::size_t float_right = 0, integer_right = 0, agreeing = 0, rows = 0;
  double error = 0;  // relative root mean square
};

class Judge {
 public:
  Judge(std::span<const std::vector<float>> samples, const Calibration& calibration, const QuantizeOptions& options,
        std::size_t row_size, double threshold)
      : samples_(samples), calibration_(calibration), options_(options), row_size_(row_size), threshold_(threshold) {}

  Result<Quality> operator()(const model::IntegerGraph& graph) const {
    struct Partial {
      Quality quality;
      double difference = 0, square = 0;
    };
    model::Architecture raw = graph.architecture;
    raw.finish = model::Finish::kNone;
    std::vector<Partial> partial(samples_.size());
    base::parallel_for(samples_.size(), [&](std::size_t i) {
      const auto input = model::quantize_input(graph.architecture, samples_[i]);  // calibrate() has checked the samples
      const std::vector<double> scores = model::dequantize_output(raw, model::run_integer(graph, *input));
      const std::vector<float>& reference = calibration_.scores[i];
      Partial& sum = partial[i];
      for (std::size_t k = 0; k < scores.size(); ++k) {
        const double expected = static_cast<double>(reference[k]), difference = scores[k] - expected;
        sum.difference += difference * difference;
        sum.square += expected * expected;
      }
      for (std::size_t at = 0; at < scores.size(); at += row_size_) {
        const auto wanted =
            class_of<float>(std::span(reference).subspan(at, row_size_), static_cast<float>(threshold_));
        const auto got = class_of<double>(std::span<const double>(scores).subspan(at, row_size_), threshold_);
        const std::size_t row = (i * scores.size() + at) / row_size_;
        const std::uint32_t right = options_.labels.empty() ? wanted : options_.labels[row];
        sum.quality.float_right += wanted == right;
        sum.quality.integer_right += got == right;
        sum.quality.agreeing += got == wanted;
        ++sum.quality.rows;
      }
    });
    Partial total;
    for (const Partial& each : partial) {
      total.quality.float_right += each.quality.float_right;
      total.quality.integer_right += each.quality.integer_right;
      total.quality.agreeing += each.quality.agreeing;
      total.quality.rows += each.quality.rows;
      total.difference += each.difference;
      total.square += each.square;
    }
    total.quality.error = total.square > 0 ? std::sqrt(total.difference / total.square) : std::sqrt(total.difference);
    return total.quality;
  }

 private:
  std::span<const std::vector<float>> samples_;
  const Calibration& calibration_;
  const QuantizeOptions& options_;
  std::size_t row_size_;
  double threshold_;
};

std::string percent(double value) {
  const auto hundredths = static_cast<long>(std::lround(value * 100));
  const std::string digits = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + "." + (digits.size() < 2 ? "0" : "") + digits + "%";
}

Status check_loss(const QuantizeOutcome& outcome, const QuantizeOptions& options) {
  const double loss = outcome.float_accuracy - outcome.integer_accuracy;
  if (loss <= options.max_accuracy_loss) return {};
  const std::string what =
      outcome.labelled
          ? "accuracy on the calibration samples falls from " + percent(outcome.float_accuracy) + " to " +
                percent(outcome.integer_accuracy)
          : "only " + percent(outcome.agreement) +
                " of the calibration samples keep the float model's answer (give labels to compare accuracies)";
  return base::error(
      ErrorCode::kLimit, "quantize",
      what + ", a loss above the limit of " + percent(options.max_accuracy_loss) +
          "; try more --activation-bits or --weight-bits, more calibration samples, or allow a larger loss");
}

}  // namespace

Result<QuantizeOutcome> quantize(const model::FloatGraph& graph, std::span<const std::vector<float>> samples,
                                 const QuantizeOptions& options) {
  BLINDPROOF_ASSIGN(const NormalisedGraph normalised, normalise(graph));
  const model::Shape& output = normalised.graph.shapes[normalised.graph.output];
  const std::size_t row_size = output.empty() ? 1 : output.back();
  BLINDPROOF_TRY(check_options(options, samples.size(), model::element_count(output) / row_size));
  const bool exact = options.arithmetic == model::Arithmetic::kExact;
  const std::size_t phases = exact ? 2 : 1 + kClippings.size();
  options.progress.report("calibrate", 0, phases);
  BLINDPROOF_ASSIGN(const Calibration calibration, calibrate(graph, normalised, samples));
  const bool ends_in_sigmoid = std::holds_alternative<model::float_op::Sigmoid>(normalised.graph.nodes.back().op);
  const Judge judge(samples, calibration, options, row_size, ends_in_sigmoid ? 0.5 : 0);

  struct Candidate {
    Lowered lowered;
    Quality quality;
    std::string clipping;
  };
  std::optional<Candidate> best;
  const auto consider = [&](Lowered lowered, std::string_view clipping) -> Status {
    BLINDPROOF_ASSIGN(const Quality quality, judge(lowered.graph));
    // The smaller error, unless it costs more right answers than chance would.
    const std::size_t chance = std::max<std::size_t>(1, quality.rows / 500);
    const bool better =
        !best || quality.integer_right > best->quality.integer_right + chance ||
        (quality.integer_right + chance >= best->quality.integer_right && quality.error < best->quality.error);
    if (better) best = Candidate{std::move(lowered), quality, std::string(clipping)};
    return {};
  };
  if (exact) {
    options.progress.report("quantize", 1, phases);
    BLINDPROOF_ASSIGN(Lowered lowered, lower_exact(normalised, calibration, options));
    BLINDPROOF_TRY(consider(std::move(lowered), clipping_name(Clipping::kMaximum)));
  } else {
    for (std::size_t i = 0; i < kClippings.size(); ++i) {
      options.progress.report("quantize", 1 + i, phases);
      BLINDPROOF_ASSIGN(Lowered lowered, lower_rescaled(normalised, calibration, options, kClippings[i]));
      BLINDPROOF_TRY(consider(std::move(lowered), clipping_name(kClippings[i])));
    }
  }
  options.progress.report("quantize", phases, phases);

  QuantizeOutcome outcome;
  const auto share = [&](std::size_t count) {
    return 100 * static_cast<double>(count) / static_cast<double>(best->quality.rows);
  };
  outcome.labelled = !options.labels.empty();
  outcome.float_accuracy = share(best->quality.float_right);
  outcome.integer_accuracy = share(best->quality.integer_right);
  outcome.agreement = share(best->quality.agreeing);
  outcome.output_error = best->quality.error;
  outcome.clipping = best->clipping;
  outcome.graph = std::move(best->lowered.graph);
  for (LayerSummary& layer : best->lowered.layers) {
    if (layer.parameters + layer.lookups > 0) outcome.layers.push_back(std::move(layer));
  }
  BLINDPROOF_TRY(check_loss(outcome, options));
  return outcome;
}

}  // namespace blindproof::compiler
