#include "blindproof/field/base_converter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/field/residue_kernels.h"

namespace blindproof::field {
namespace {

// Of vectors that several moduli need: this much of each stays in the cache until all have had it.
constexpr std::size_t kColumns = 2048;

}  // namespace

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

void BaseConverter::overflow(std::span<const std::uint64_t* const> in, std::uint64_t* v, std::size_t n) const {
  BLINDPROOF_CHECK(in.size() == from_.size(), "BaseConverter: a vector for each prime");
  residue_kernels().overflow(reciprocals_.data(), from_.size(), in.data(), v, n);
}

void BaseConverter::finish(std::span<const std::uint64_t* const> in_and_v, std::size_t first,
                           std::span<std::uint64_t* const> out, std::size_t n) const {
  const std::size_t terms = from_.size() + 1;
  BLINDPROOF_CHECK(in_and_v.size() == terms && first + out.size() <= to_.size(),
                   "BaseConverter: a vector for each prime, and one more");
  std::array<const std::uint64_t*, kMaxFrom + 1> block;
  for (std::size_t begin = 0; begin < n; begin += kColumns) {
    const std::size_t count = std::min(kColumns, n - begin);
    for (std::size_t i = 0; i < terms; ++i) block[i] = in_and_v[i] + begin;
    for (std::size_t j = 0; j < out.size(); ++j) {
      residue_kernels().finish(to_[first + j], factors_.data() + (first + j) * terms, terms, block.data(),
                               out[j] + begin, count);
    }
  }
}

void BaseConverter::convert(std::span<const std::uint64_t* const> in, std::span<std::uint64_t* const> out,
                            std::size_t n) const {
  BLINDPROOF_CHECK(in.size() == from_.size() && out.size() == to_.size(), "BaseConverter: a vector for each prime");
  constexpr std::size_t kBlock = 512;  // what is scaled stays in the cache
  const std::size_t terms = from_.size() + 1;
  std::vector<std::uint64_t> words(terms * kBlock);
  std::vector<const std::uint64_t*> read;
  for (std::size_t i = 0; i < terms; ++i) read.push_back(words.data() + i * kBlock);
  std::vector<std::uint64_t*> to(out.begin(), out.end());
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t count = std::min(kBlock, n - begin);
    for (std::size_t i = 0; i < in.size(); ++i) {
      residue_kernels().scale(from_[i], in[i] + begin, inverses_[i], words.data() + i * kBlock, count);
    }
    overflow(std::span(read).first(in.size()), words.data() + in.size() * kBlock, count);
    for (std::size_t j = 0; j < out.size(); ++j) to[j] = out[j] + begin;
    finish(read, 0, to, count);
  }
}

}  // namespace blindproof::field
