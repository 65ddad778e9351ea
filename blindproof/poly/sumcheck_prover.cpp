#include "blindproof/poly/sumcheck_prover.h"

#include <bit>
#include <utility>

#include "blindproof/base/check.h"

namespace blindproof::poly {
namespace {

RoundTables tables_of(FrVector& f, FrVector& g) {
  BLINDPROOF_CHECK(f.size() == g.size() && std::has_single_bit(f.size()), "two tables of 2^n values");
  const auto log_size = static_cast<std::size_t>(std::countr_zero(f.size()));
  if (log_size >= 3) return RoundTables({f.packs(), g.packs()}, log_size);
  const std::vector<Fr> f_values = f.to_vector(), g_values = g.to_vector();
  return RoundTables({std::span<const Fr>(f_values), std::span<const Fr>(g_values)}, log_size);
}

}  // namespace

ProductProver::ProductProver(FrVector f, FrVector g) : f_(std::move(f)), g_(std::move(g)), tables_(tables_of(f_, g_)) {}

EqProductProver::EqProductProver(std::span<const Fr> z, FrVector f, FrVector g)
    : eq_(z), f_(std::move(f)), g_(std::move(g)), tables_(tables_of(f_, g_)) {
  BLINDPROOF_CHECK(tables_.log_size() == z.size(), "one coordinate for each variable");
}

}  // namespace blindproof::poly
