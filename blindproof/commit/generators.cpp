#include "blindproof/commit/generators.h"

#include <mutex>

#include "blindproof/base/check.h"
#include "blindproof/curve/hash_to_curve.h"
#include "blindproof/curve/msm.h"

namespace blindproof::commit {

struct Generators::Lazy {
  std::once_flag once;
  std::unique_ptr<curve::SmallScalarTable> multiples;
};

Generators::Generators(std::vector<G1Affine> g, const G1Affine& h)
    : g_(std::move(g)), h_(h), lazy_(std::make_shared<Lazy>()) {
  BLINDPROOF_CHECK(g_.size() == kGenerators, "wrong number of generators");
  for (std::size_t i = 0; i < kNarrowSlots; ++i) narrow_.emplace_back(g_[i]);
  narrow_.emplace_back(h_);
}

const Generators& Generators::standard() {
  static const Generators generators = [] {
    std::vector<G1Affine> points = curve::derive_generators("blindproof v1 generators", kGenerators + 1);
    const G1Affine h = points.back();
    points.pop_back();
    return Generators(std::move(points), h);
  }();
  return generators;
}

G1 Generators::commit_narrow(std::span<const Fr> values, const Fr& blind) const {
  BLINDPROOF_CHECK(values.size() <= kNarrowSlots, "too many values");
  G1 sum = narrow_[kNarrowSlots].multiply(blind);
  for (std::size_t i = 0; i < values.size(); ++i) sum += narrow_[i].multiply(values[i]);
  return sum;
}

G1 Generators::commit(std::span<const Fr> values, const Fr& blind) const {
  BLINDPROOF_CHECK(values.size() <= g_.size(), "too many values");
  if (values.size() <= kNarrowSlots) return commit_narrow(values, blind);
  return curve::msm(g().first(values.size()), values) + blinding(blind);
}

G1 Generators::blinding(const Fr& blind) const { return narrow_[kNarrowSlots].multiply(blind); }

const curve::SmallScalarTable& Generators::multiples() const {
  std::call_once(lazy_->once, [this] { lazy_->multiples = std::make_unique<curve::SmallScalarTable>(g_); });
  return *lazy_->multiples;
}

}  // namespace blindproof::commit
