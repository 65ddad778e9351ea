#include "blindproof/poly/multilinear.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/kernels.h"

namespace blindproof::poly {
namespace {

constexpr std::size_t kGrain = 512;  // packs for one thread

/// The tables behind one EqFactors of a whole point of at least three variables.
struct PointFactors {
  FrVector low, high;
  EqFactors factors;
  std::size_t blocks;

  explicit PointFactors(std::span<const Fr> z) {
    const std::size_t low_variables = z.size() < 6 ? 3 : z.size() / 2;
    low = FrVector(eq_values(z.first(low_variables)));
    high = FrVector(eq_values(z.subspan(low_variables)));
    factors = {low.packs(), low.pack_count(), high.packs()};
    blocks = high.size();
  }
  std::size_t grain() const { return kGrain / factors.low_packs; }
};

}  // namespace

void append_eq_variable(std::vector<Fr>& table, const Fr& variable) {
  const std::size_t size = table.size();
  table.resize(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    table[size + i] = table[i] * variable;
    table[i] -= table[size + i];
  }
}

std::vector<Fr> eq_values(std::span<const Fr> z) {
  std::vector<Fr> table;
  table.reserve(std::size_t{1} << z.size());
  table.push_back(Fr::one());
  for (const Fr& variable : z) append_eq_variable(table, variable);
  return table;
}

FrVector eq_table(std::span<const Fr> z) {
  if (z.size() < 3) return FrVector(eq_values(z));
  const PointFactors point(z);
  FrVector table = FrVector::uninitialized(std::size_t{1} << z.size());
  base::parallel_ranges(point.blocks, point.grain(), [&](std::size_t begin, std::size_t end) {
    poly_kernels().outer_product(point.factors, begin, end, table.packs());
  });
  return table;
}

Fr eq_at(std::span<const Fr> z, std::span<const Fr> x) {
  BLINDPROOF_CHECK(z.size() == x.size(), "eq_at: points of different lengths");
  Fr product = Fr::one();
  for (std::size_t i = 0; i < z.size(); ++i) {
    const Fr both = z[i] * x[i];
    product *= both.doubled() + Fr::one() - z[i] - x[i];
  }
  return product;
}

namespace {

/// sum_{i < used} prod_j weights(j)[bit j of i].
template <class Weights>
Fr cut_product_sum(std::size_t variables, std::size_t used, const Weights& weights) {
  BLINDPROOF_CHECK(variables < 64 && used <= std::size_t{1} << variables, "more values than the variables address");
  // Over the lower j variables: `all` of them, and those below used mod 2^j.
  Fr all = Fr::one(), below;
  for (std::size_t j = 0; j < variables; ++j) {
    const auto [zero, one] = weights(j);
    below = (used >> j & 1) != 0 ? zero * all + one * below : zero * below;
    all *= zero + one;
  }
  return used >> variables != 0 ? all : below;
}

}  // namespace

Fr cut_eq_at(std::span<const Fr> z, std::size_t used, std::span<const Fr> x) {
  BLINDPROOF_CHECK(z.size() == x.size(), "cut_eq_at: points of different lengths");
  return cut_product_sum(z.size(), used, [&](std::size_t j) {
    return std::pair((Fr::one() - z[j]) * (Fr::one() - x[j]), z[j] * x[j]);
  });
}

Fr cut_sum_at(std::span<const Fr> z, std::size_t used) {
  return cut_product_sum(z.size(), used, [&](std::size_t j) { return std::pair(Fr::one() - z[j], z[j]); });
}

Fr evaluate(const FrVector& f, std::span<const Fr> z) {
  BLINDPROOF_CHECK(z.size() < 64 && f.size() == std::size_t{1} << z.size(),
                   "evaluate: the table needs 2^variables values");
  if (z.size() < 3) return evaluate(f.to_vector(), z);
  const PointFactors point(z);
  Fr sum;
  std::mutex mutex;
  base::parallel_ranges(point.blocks, point.grain(), [&](std::size_t begin, std::size_t end) {
    const Fr part = poly_kernels().weighted_sum(point.factors, f.packs(), begin, end);
    std::lock_guard lock(mutex);
    sum += part;
  });
  return sum;
}

Fr evaluate(std::span<const Fr> values, std::span<const Fr> z) {
  BLINDPROOF_CHECK(z.size() < 64 && values.size() <= std::size_t{1} << z.size(),
                   "evaluate: more values than 2^variables");
  if (values.empty()) return Fr::zero();
  // Variables above the last used index are zero there.
  const auto used = static_cast<std::size_t>(std::bit_width(values.size() - 1));
  const std::vector<Fr> low = eq_values(z.first(used / 2));
  const std::vector<Fr> high = eq_values(z.subspan(used / 2, used - used / 2));
  Fr sum;
  for (std::size_t block = 0; block * low.size() < values.size(); ++block) {
    const std::span<const Fr> row = values.subspan(block * low.size());
    Fr part;
    for (std::size_t i = 0; i < std::min(low.size(), row.size()); ++i) part += low[i] * row[i];
    sum += high[block] * part;
  }
  for (const Fr& variable : z.subspan(used)) sum *= Fr::one() - variable;
  return sum;
}

}  // namespace blindproof::poly
