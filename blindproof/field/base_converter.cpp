#include "blindproof/field/base_converter.h"

#include <algorithm>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/field/residue_kernels.h"

namespace blindproof::field {

BaseConverter::BaseConverter(std::vector<Modulus> from, std::vector<Modulus> to)
    : from_(std::move(from)), to_(std::move(to)) {
  BLINDPROOF_CHECK(!from_.empty() && !to_.empty(), "BaseConverter: an empty basis");
  BLINDPROOF_CHECK(from_.size() <= kMaxFrom, "BaseConverter: too many primes");
  const auto product_without = [&](std::size_t skipped, const Modulus& p) {
    std::uint64_t product = 1;
    for (std::size_t i = 0; i < from_.size(); ++i) {
      if (i != skipped) product = p.multiply(product, p.reduce(from_[i].value()));
    }
    return product;
  };
  for (std::size_t i = 0; i < from_.size(); ++i) {
    const Modulus& q = from_[i];
    const std::uint64_t others = product_without(i, q);
    BLINDPROOF_CHECK(others != 0, "BaseConverter: a prime occurs twice");
    inverses_.push_back(q.fixed_factor(q.inverse(others)));
    reciprocals_.push_back(1.0 / static_cast<double>(q.value()));
  }
  factors_.reserve(to_.size() * (from_.size() + 1));
  for (const Modulus& p : to_) {
    for (std::size_t i = 0; i < from_.size(); ++i) factors_.push_back(product_without(i, p));
    factors_.push_back(p.negate(product_without(from_.size(), p)));
  }
}

void BaseConverter::prepare(std::span<const std::uint64_t* const> in, std::span<std::uint64_t* const> prepared,
                            std::size_t n) const {
  BLINDPROOF_CHECK(in.size() == from_.size() && prepared.size() == from_.size() + 1,
                   "BaseConverter: a vector for each prime, and one more");
  residue_kernels().prepare({from_.data(), inverses_.data(), reciprocals_.data(), from_.size()}, in.data(),
                            prepared.data(), n);
}

void BaseConverter::finish(std::size_t j, std::span<const std::uint64_t* const> prepared, std::uint64_t* out,
                           std::size_t n) const {
  const std::size_t terms = from_.size() + 1;
  BLINDPROOF_CHECK(prepared.size() == terms && j < to_.size(), "BaseConverter: a vector for each prime, and one more");
  residue_kernels().finish(to_[j], factors_.data() + j * terms, terms, prepared.data(), out, n);
}

void BaseConverter::convert(std::span<const std::uint64_t* const> in, std::span<std::uint64_t* const> out,
                            std::size_t n) const {
  BLINDPROOF_CHECK(in.size() == from_.size() && out.size() == to_.size(), "BaseConverter: a vector for each prime");
  constexpr std::size_t kColumns = 512;  // what is prepared stays in the cache
  std::vector<std::uint64_t> words((from_.size() + 1) * kColumns);
  std::vector<std::uint64_t*> prepared;
  for (std::size_t i = 0; i <= from_.size(); ++i) prepared.push_back(words.data() + i * kColumns);
  std::vector<const std::uint64_t*> from(in.begin(), in.end()), read(prepared.begin(), prepared.end());
  for (std::size_t begin = 0; begin < n; begin += kColumns) {
    const std::size_t count = std::min(kColumns, n - begin);
    for (std::size_t i = 0; i < in.size(); ++i) from[i] = in[i] + begin;
    prepare(from, prepared, count);
    for (std::size_t j = 0; j < out.size(); ++j) finish(j, read, out[j] + begin, count);
  }
}

}  // namespace blindproof::field
