// What the float graph's tensors look like on the calibration samples.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/compiler/quantize/normalise.h"

namespace blindproof::compiler {

/// Counts of |x| in bins of 1/32 octave, so that one pass is enough and counts add up in any order.
class MagnitudeHistogram {
 public:
  void add(float value);
  void merge(const MagnitudeHistogram& other);

  double max() const { return static_cast<double>(max_); }
  bool nonnegative() const { return min_ >= 0; }
  /// A bound that at most `count * (1 - share)` magnitudes exceed.
  double quantile(double share) const;
  /// The bound of least mean square error for rounding to multiples of bound / levels and clipping.
  double least_error_bound(double levels) const;

 private:
  static constexpr int kDroppedBits = 18;
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(std::size_t{1} << (31 - kDroppedBits));
  float min_ = 0, max_ = 0;  // of the values and 0; of the magnitudes
};

/// How far activations are clipped.
enum class Clipping { kMaximum, kQuantile9999, kQuantile999, kLeastError };
inline constexpr std::array kClippings = {Clipping::kMaximum, Clipping::kQuantile9999, Clipping::kQuantile999,
                                          Clipping::kLeastError};
std::string_view clipping_name(Clipping clipping);
double clipping_bound(const MagnitudeHistogram& histogram, Clipping clipping, double levels);

struct Calibration {
  std::vector<MagnitudeHistogram> histograms;  // by tensor of the normalised graph
  std::vector<std::vector<float>> scores;      // of the original graph, by sample
};

/// Errors: kInvalidArgument for samples of the wrong size or not finite; kUnsupported if the network itself overflows.
base::Result<Calibration> calibrate(const model::FloatGraph& original, const NormalisedGraph& normalised,
                                    std::span<const std::vector<float>> samples);

}  // namespace blindproof::compiler
