#include "blindproof/compiler/quantize/calibration.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "blindproof/base/thread_pool.h"

namespace blindproof::compiler {

void MagnitudeHistogram::add(float value) {
  const float magnitude = std::fabs(value);
  min_ = std::min(min_, value);
  max_ = std::max(max_, magnitude);
  ++counts_[std::bit_cast<std::uint32_t>(magnitude) >> kDroppedBits];
}

void MagnitudeHistogram::merge(const MagnitudeHistogram& other) {
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

double MagnitudeHistogram::quantile(double share) const {
  std::uint64_t total = 0;
  for (std::uint64_t count : counts_) total += count;
  const double allowed = static_cast<double>(total) * (1 - share);
  std::uint64_t above = 0;
  for (std::size_t bin = counts_.size(); bin-- > 0;) {
    above += counts_[bin];
    if (static_cast<double>(above) > allowed) {
      const auto end = static_cast<std::uint32_t>(bin + 1) << kDroppedBits;
      return std::min(max(), static_cast<double>(std::bit_cast<float>(end)));
    }
  }
  return max();
}

double MagnitudeHistogram::least_error_bound(double levels) const {
  double best = max(), best_error = INFINITY;
  for (double share = 1; share > 0.15; share *= 0.95) {
    const double bound = max() * share, step = bound / levels;
    double error = 0;
    for (std::size_t bin = 1; bin < counts_.size(); ++bin) {
      if (counts_[bin] == 0) continue;
      const auto middle = (static_cast<std::uint32_t>(bin) << kDroppedBits) + (std::uint32_t{1} << (kDroppedBits - 1));
      const double value = static_cast<double>(std::bit_cast<float>(middle));
      const double each = value > bound ? (value - bound) * (value - bound) : step * step / 12;
      error += static_cast<double>(counts_[bin]) * each;
    }
    if (error < best_error) {
      best_error = error;
      best = bound;
    }
  }
  return best;
}

std::string_view clipping_name(Clipping clipping) {
  switch (clipping) {
    case Clipping::kMaximum:
      return "maximum";
    case Clipping::kQuantile9999:
      return "99.99%";
    case Clipping::kQuantile999:
      return "99.9%";
    case Clipping::kLeastError:
      return "least error";
  }
  return "";
}

double clipping_bound(const MagnitudeHistogram& histogram, Clipping clipping, double levels) {
  switch (clipping) {
    case Clipping::kMaximum:
      return histogram.max();
    case Clipping::kQuantile9999:
      return histogram.quantile(0.9999);
    case Clipping::kQuantile999:
      return histogram.quantile(0.999);
    case Clipping::kLeastError:
      return histogram.least_error_bound(levels);
  }
  return histogram.max();
}

base::Result<Calibration> calibrate(const model::FloatGraph& original, const NormalisedGraph& normalised,
                                    std::span<const std::vector<float>> samples) {
  const std::size_t size = model::element_count(original.shapes[original.input]);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const bool finite = std::all_of(samples[i].begin(), samples[i].end(), [](float x) { return std::isfinite(x); });
    if (samples[i].size() == size && finite) continue;
    return base::error(base::ErrorCode::kInvalidArgument, "calibration sample " + std::to_string(i),
                       finite ? std::to_string(samples[i].size()) + " values; the model takes " +
                                    model::to_string(original.shapes[original.input])
                              : "a value is NaN or infinite");
  }
  constexpr std::size_t kChunks = 8;
  const std::size_t tensors = normalised.graph.shapes.size();
  std::vector<std::vector<MagnitudeHistogram>> partial(kChunks);
  Calibration result;
  result.scores.resize(samples.size());
  std::vector<char> overflow(kChunks, 0);
  base::parallel_for(kChunks, [&](std::size_t chunk) {
    partial[chunk].resize(tensors);
    for (std::size_t i = chunk; i < samples.size(); i += kChunks) {
      result.scores[i] = std::move(model::run_float(original, samples[i])[normalised.scores]);
      const auto values = model::run_float(normalised.graph, samples[i]);
      for (std::size_t id = 0; id < tensors; ++id) {
        for (float value : values[id]) {
          if (std::isfinite(value)) {
            partial[chunk][id].add(value);
          } else {
            overflow[chunk] = 1;
          }
        }
      }
    }
  });
  if (std::count(overflow.begin(), overflow.end(), 1) != 0) {
    return base::error(base::ErrorCode::kUnsupported, "calibration",
                       "the float network overflows on a calibration sample");
  }
  result.histograms = std::move(partial[0]);
  for (std::size_t chunk = 1; chunk < kChunks; ++chunk) {
    for (std::size_t id = 0; id < tensors; ++id) result.histograms[id].merge(partial[chunk][id]);
  }
  return result;
}

}  // namespace blindproof::compiler
