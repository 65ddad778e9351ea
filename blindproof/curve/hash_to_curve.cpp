#include "blindproof/curve/hash_to_curve.h"

#include <algorithm>
#include <array>

#include "blindproof/base/bytes.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/curve/kernels.h"

namespace blindproof::curve {
namespace {

constexpr std::string_view kDomain = "blindproof hash to curve v1";

struct Candidate {
  Fq x;
  bool odd;
};

// Hashes continue from the label's state.
crypto::Shake256 label_state(std::string_view label) {
  base::ByteWriter header;
  header.text(kDomain);
  header.text(label);
  crypto::Shake256 state;
  state.absorb(header.bytes());
  return state;
}

Candidate candidate(const crypto::Shake256& label, std::uint64_t index, std::uint64_t counter) {
  std::array<std::uint8_t, 16> numbers;
  for (std::size_t i = 0; i < 8; ++i) {
    numbers[i] = static_cast<std::uint8_t>(index >> (8 * i));
    numbers[8 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  }
  crypto::Shake256 hash = label;
  hash.absorb(numbers);
  std::array<std::uint8_t, 65> bytes;
  hash.squeeze(bytes);
  return {Fq::from_wide_bytes(std::span(bytes).first<64>()), (bytes[64] & 1) != 0};
}

// Points first, first+1, ...: each round tries one candidate for each point that is still missing.
void derive_range(const Kernels& kernels, const crypto::Shake256& label, std::uint64_t first, std::span<G1Affine> out) {
  std::vector<std::size_t> missing(out.size());
  for (std::size_t i = 0; i < missing.size(); ++i) missing[i] = i;
  std::vector<Candidate> candidates(out.size());
  std::vector<Fq> squares(out.size()), roots(out.size());
  for (std::uint64_t counter = 0; !missing.empty(); ++counter) {
    for (std::size_t i = 0; i < missing.size(); ++i) {
      candidates[i] = candidate(label, first + missing[i], counter);
      squares[i] = candidates[i].x.squared() * candidates[i].x + Fq::from_u64(3);
    }
    kernels.square_roots(squares.data(), missing.size(), roots.data());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      if (!(roots[i].squared() == squares[i])) {
        missing[kept++] = missing[i];
        continue;
      }
      const bool odd = (roots[i].to_limbs()[0] & 1) != 0;
      out[missing[i]] = {candidates[i].x, odd == candidates[i].odd ? roots[i] : -roots[i]};
    }
    missing.resize(kept);
  }
}

}  // namespace

G1Affine hash_to_curve(std::string_view label, std::uint64_t index) {
  G1Affine point;
  derive_range(active_kernels(), label_state(label), index, {&point, 1});
  return point;
}

std::vector<G1Affine> derive_generators(std::string_view label, std::size_t count) {
  const crypto::Shake256 state = label_state(label);
  std::vector<G1Affine> points(count);
  base::parallel_ranges(count, 256, [&](std::size_t begin, std::size_t end) {
    derive_range(active_kernels(), state, begin, std::span(points).subspan(begin, end - begin));
  });
  return points;
}

}  // namespace blindproof::curve
