#include "blindproof/commit/generators.h"

#include <array>
#include <mutex>

#include "blindproof/base/check.h"
#include "blindproof/curve/hash_to_curve.h"
#include "blindproof/curve/msm.h"

namespace blindproof::commit {
namespace {

constexpr int kWindowBits = 10;  // five tables of 0.8 MiB, 3 ms to build

}  // namespace

struct Generators::Lazy {
  std::once_flag once;
  std::unique_ptr<curve::SmallScalarTable> multiples;
};

Generators::Generators(std::vector<G1Affine> g, const G1Affine& h)
    : g_(std::move(g)), h_(h), lazy_(std::make_shared<Lazy>()) {
  BLINDPROOF_CHECK(g_.size() == kGenerators, "wrong number of generators");
  for (std::size_t i = 0; i < kNarrowSlots; ++i) narrow_.emplace_back(g_[i], kWindowBits);
  narrow_.emplace_back(h_, kWindowBits);
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
  std::array<const curve::FixedBaseTable*, kNarrowSlots + 1> tables;
  std::array<Fr, kNarrowSlots + 1> scalars;
  for (std::size_t i = 0; i < values.size(); ++i) {
    tables[i] = &narrow_[i];
    scalars[i] = values[i];
  }
  tables[values.size()] = &narrow_[kNarrowSlots];
  scalars[values.size()] = blind;
  const std::size_t terms = values.size() + 1;
  return curve::multiply_sum(std::span(tables).first(terms), std::span<const Fr>(scalars).first(terms));
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
