#include "blindproof/fhe/rlwe/ring.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"

namespace blindproof::fhe::rlwe {
namespace {

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "ring parameters", std::move(detail));
}

double log2_product(std::span<const std::uint64_t> moduli) {
  double sum = 0;
  for (const std::uint64_t q : moduli) sum += std::log2(static_cast<double>(q));
  return sum;
}

}  // namespace

base::Result<RingPtr> Ring::create(const RingParameters& parameters) {
  const std::size_t count = parameters.q.size();
  if (count < 1 || count > 64) return invalid("needs 1 to 64 ciphertext moduli, has " + std::to_string(count));
  if (parameters.p.size() > 16) {
    return invalid("has " + std::to_string(parameters.p.size()) + " special moduli, at most 16 are supported");
  }
  if (parameters.digits < 1 || static_cast<std::size_t>(parameters.digits) > count) {
    return invalid("the number of digits must lie between 1 and that of ciphertext moduli, " + std::to_string(count));
  }
  std::vector<std::uint64_t> all = parameters.q;
  all.insert(all.end(), parameters.p.begin(), parameters.p.end());
  std::vector<std::uint64_t> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return invalid("two moduli are equal");
  std::vector<poly::NttTables> tables;
  tables.reserve(all.size());
  for (const std::uint64_t value : all) {
    BLINDPROOF_ASSIGN(const field::Modulus modulus, field::Modulus::create(value));
    BLINDPROOF_ASSIGN(poly::NttTables table, poly::NttTables::create(modulus, parameters.log_degree));
    tables.push_back(std::move(table));
  }
  const std::size_t digits = static_cast<std::size_t>(parameters.digits);
  const double log2_p = log2_product(parameters.p);
  for (std::size_t digit = 0; digit < digits && !parameters.p.empty(); ++digit) {
    const std::size_t begin = digit * count / digits, end = (digit + 1) * count / digits;
    if (log2_product(std::span(parameters.q).subspan(begin, end - begin)) > log2_p + 1) {
      return invalid("the special moduli are smaller than digit " + std::to_string(digit) +
                     " of the ciphertext moduli: use more special moduli or more digits");
    }
  }
  return RingPtr(new Ring(parameters, std::move(tables)));
}

Ring::Ring(const RingParameters& parameters, std::vector<poly::NttTables> tables)
    : parameters_(parameters), tables_(std::move(tables)) {
  const bool has_p = p_count() > 0;
  for (std::size_t i = 0; i < q_count(); ++i) {
    std::uint64_t product = 1;
    const field::Modulus& q = tables_[i].modulus();
    for (const std::uint64_t p : parameters_.p) product = q.multiply(product, q.reduce(p));
    p_modulo_.push_back(product);
  }
  for (std::size_t q_limbs = 1; q_limbs <= q_count(); ++q_limbs) {
    if (q_limbs >= 2) drop_last_.push_back(make_division({q_limbs, false}, true, false));
    if (!has_p) continue;
    drop_p_.push_back(make_division({q_limbs, true}, false, true));
    if (q_limbs >= 2) drop_p_and_last_.push_back(make_division({q_limbs, true}, true, true));
    const Basis basis{q_limbs, true};
    std::vector<field::BaseConverter>& converters = digit_converters_.emplace_back();
    for (std::size_t digit = 0; digit < digit_count(q_limbs); ++digit) {
      std::vector<field::Modulus> own, others;
      for (std::size_t i = 0; i < limbs(basis); ++i) {
        const bool is_own = i >= digit_begin(digit) && i < digit_end(digit, q_limbs);
        (is_own ? own : others).push_back(modulus(basis, i));
      }
      converters.emplace_back(std::move(own), std::move(others));
    }
  }
}

Division Ring::make_division(const Basis& from, bool drop_last, bool drop_p) const {
  const Basis to{from.q_limbs - (drop_last ? 1 : 0), from.with_p && !drop_p};
  std::vector<std::size_t> dropped;
  std::vector<field::Modulus> source, target;
  for (std::size_t i = 0; i < limbs(from); ++i) {
    const bool is_dropped = i < from.q_limbs ? drop_last && i + 1 == from.q_limbs : drop_p;
    if (is_dropped) dropped.push_back(i);
    (is_dropped ? source : target).push_back(modulus(from, i));
  }
  std::vector<std::uint64_t> inverses;
  for (const field::Modulus& q : target) {
    std::uint64_t product = 1;
    for (const field::Modulus& d : source) product = q.multiply(product, q.reduce(d.value()));
    inverses.push_back(q.inverse(product));
  }
  return {from, to, std::move(dropped), field::BaseConverter(std::move(source), std::move(target)), std::move(inverses)};
}

std::size_t Ring::digit_count(std::size_t q_limbs) const noexcept {
  std::size_t count = 0;
  while (digit_begin(count) < q_limbs) ++count;
  return count;
}

double Ring::log2_modulus(const Basis& basis) const noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < limbs(basis); ++i) sum += std::log2(static_cast<double>(modulus(basis, i).value()));
  return sum;
}

}  // namespace blindproof::fhe::rlwe
