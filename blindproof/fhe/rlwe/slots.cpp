#include "blindproof/fhe/rlwe/slots.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"

namespace blindproof::fhe::rlwe {
namespace {

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "slots", std::move(detail));
}

}  // namespace

base::Result<SlotEncoder> SlotEncoder::create(std::uint64_t t, int log_degree) {
  BLINDPROOF_ASSIGN(const field::Modulus modulus, field::Modulus::create(t));
  BLINDPROOF_ASSIGN(poly::NttTables tables, poly::NttTables::create(modulus, log_degree));
  return SlotEncoder(std::move(tables));
}

SlotEncoder::SlotEncoder(poly::NttTables tables) : tables_(std::move(tables)), positions_(tables_.degree()) {
  const std::size_t row = tables_.degree() / 2, order = 4 * row;
  std::size_t power = 1;
  for (std::size_t j = 0; j < row; ++j, power = power * 5 % order) {
    positions_[j] = static_cast<std::uint32_t>(poly::ntt_index(tables_.log_degree(), power));
    positions_[row + j] = static_cast<std::uint32_t>(poly::ntt_index(tables_.log_degree(), order - power));
  }
}

base::Result<std::vector<std::uint64_t>> SlotEncoder::encode(std::span<const std::uint64_t> slots) const {
  if (slots.size() > positions_.size()) {
    return invalid(std::to_string(slots.size()) + " values are more than the " + std::to_string(positions_.size()) +
                   " slots");
  }
  std::vector<std::uint64_t> values(positions_.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] >= t().value()) {
      return invalid("value " + std::to_string(i) + " is not below the plaintext modulus " + std::to_string(t().value()));
    }
    values[positions_[i]] = slots[i];
  }
  poly::ntt_inverse(tables_, values);
  return values;
}

base::Result<std::vector<std::uint64_t>> SlotEncoder::encode(std::span<const std::int64_t> slots) const {
  const std::int64_t half = static_cast<std::int64_t>(t().value() / 2);
  std::vector<std::uint64_t> residues(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] < -half || slots[i] > half) {
      return invalid("value " + std::to_string(i) + " is not between -" + std::to_string(half) + " and " +
                     std::to_string(half) + ", half of the plaintext modulus");
    }
    residues[i] = static_cast<std::uint64_t>(slots[i]) + (t().value() & static_cast<std::uint64_t>(slots[i] >> 63));
  }
  return encode(std::span<const std::uint64_t>(residues));
}

std::vector<std::uint64_t> SlotEncoder::decode(std::span<const std::uint64_t> coefficients) const {
  BLINDPROOF_CHECK(coefficients.size() == positions_.size(), "N coefficients");
  std::vector<std::uint64_t> values(coefficients.begin(), coefficients.end());
  poly::ntt_forward(tables_, values);
  std::vector<std::uint64_t> slots(values.size());
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = values[positions_[i]];
  return slots;
}

std::vector<std::int64_t> SlotEncoder::decode_signed(std::span<const std::uint64_t> coefficients) const {
  const std::vector<std::uint64_t> slots = decode(coefficients);
  std::vector<std::int64_t> result(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) result[i] = t().centered(slots[i]);
  return result;
}

NttPoly centered_product(const RingPtr& ring, const Basis& basis, const field::Modulus& t,
                         std::span<const std::uint64_t> coefficients, std::uint64_t factor) {
  std::vector<std::int64_t> integers(coefficients.size());
  std::ranges::transform(coefficients, integers.begin(),
                         [&](std::uint64_t c) { return t.centered(t.multiply(c, factor)); });
  return values_of_signed(ring, basis, integers, Secrecy::kSecret);
}

double centered_norm(const field::Modulus& t, std::span<const std::uint64_t> coefficients) {
  double squares = 0;
  for (const std::uint64_t c : coefficients) {
    const double value = static_cast<double>(t.centered(c));
    squares += value * value;
  }
  return std::sqrt(squares);
}

PlainFactor make_factor(const RingPtr& ring, const field::Modulus& t, std::span<const std::uint64_t> coefficients) {
  return {centered_product(ring, {ring->q_count(), false}, t, coefficients, 1), centered_norm(t, coefficients)};
}

}  // namespace blindproof::fhe::rlwe
