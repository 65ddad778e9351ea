#include "blindproof/testing/equivocation.h"

#include "blindproof/base/check.h"
#include "blindproof/curve/fixed_base.h"

namespace blindproof::testing {

KnownLogarithms::KnownLogarithms() {
  const curve::FixedBaseTable base(curve::G1Affine::generator());
  std::vector<curve::G1> multiples;
  Fr log = Fr::from_u64(0x9e3779b97f4a7c15);
  for (std::size_t i = 0; i <= commit::kGenerators; ++i) {
    log = log.squared() + Fr::from_u64(i);
    logs_.push_back(log);
    multiples.push_back(base.multiply(log));
  }
  std::vector<curve::G1Affine> points(multiples.size());
  curve::batch_to_affine(multiples, points);
  const curve::G1Affine h = points.back();
  points.pop_back();
  inverse_log_h_ = logs_.back().inverse();
  generators_ = std::make_unique<commit::Generators>(std::move(points), h);
}

Fr KnownLogarithms::solve(std::span<const Fr> old_values, const Fr& old_blind, std::span<const Fr> values) const {
  BLINDPROOF_CHECK(old_values.size() == values.size(), "another message shape: the schedule depends on the witness");
  Fr sum;
  for (std::size_t i = 0; i < values.size(); ++i) sum += (old_values[i] - values[i]) * logs_[i];
  return old_blind + sum * inverse_log_h_;
}

Fr RecordingBlinds::random() {
  std::array<std::uint8_t, 64> wide;
  random_.fill(wide);
  return Fr::from_wide_bytes(wide);
}

Fr RecordingBlinds::blind(std::string_view label, std::span<const Fr> values) {
  const Fr blind = random();
  blinded_[std::string(label)] = {{values.begin(), values.end()}, blind};
  return blind;
}

commit::BlindSource::Mask RecordingBlinds::mask(std::string_view label, std::span<const Fr> values, const Fr& blind) {
  Mask mask;
  for (std::size_t i = 0; i < values.size(); ++i) mask.values.push_back(random());
  mask.blind = random();
  masked_[std::string(label)] = {{{values.begin(), values.end()}, blind}, mask};
  return mask;
}

Fr EquivocatingBlinds::blind(std::string_view label, std::span<const Fr> values) {
  const auto& old = recorded_.blinded(label);
  return logarithms_.solve(old.values, old.blind, values);
}

commit::BlindSource::Mask EquivocatingBlinds::mask(std::string_view label, std::span<const Fr> values, const Fr& blind) {
  // d' + e v' = d + e v, and d' commits to what d commits to as soon as v' does to what v does.
  const auto& old = recorded_.masked(label);
  BLINDPROOF_CHECK(old.of.values.size() == values.size(), "another message shape: the schedule depends on the witness");
  Mask mask = old.mask;
  for (std::size_t i = 0; i < values.size(); ++i) mask.values[i] += challenge_ * (old.of.values[i] - values[i]);
  mask.blind += challenge_ * (old.of.blind - blind);
  return mask;
}

}  // namespace blindproof::testing
