#include "blindproof/commit/poseidon.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "blindproof/base/check.h"

namespace blindproof::commit {
namespace {

constexpr std::size_t kFullRounds = kPoseidonFullRounds;
constexpr std::size_t kMaxWidth = kPoseidonMaxInputs + 1;
// For 128 bits of security, t = 2, 3, ...
constexpr std::array<std::size_t, kPoseidonMaxInputs> kPartialRounds = {56, 57, 56, 60, 60, 63, 64, 63,
                                                                        60, 66, 60, 65, 70, 60, 64, 68};

// The paper's appendix E: an LFSR of 80 bits whose start describes the instance. Of each pair of its bits the second
// counts if the first is 1.
class Grain {
 public:
  Grain(std::size_t width, std::size_t partial_rounds) {
    put(1, 2);  // a prime field
    put(0, 4);  // powers as S-boxes
    put(254, 12);
    put(width, 12);
    put(kFullRounds, 10);
    put(partial_rounds, 10);
    put((std::uint64_t{1} << 30) - 1, 30);
    for (int i = 0; i < 160; ++i) clock();
  }

  /// 254 bits, most significant first.
  field::Limbs integer() {
    field::Limbs value{};
    for (int i = 0; i < 254; ++i) {
      for (std::size_t limb = 3; limb > 0; --limb) value[limb] = value[limb] << 1 | value[limb - 1] >> 63;
      value[0] = value[0] << 1 | (next() ? 1u : 0u);
    }
    return value;
  }

 private:
  void put(std::uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) append((value >> i & 1) != 0);
  }
  void append(bool bit) { state_ = state_ >> 1 | static_cast<base::Uint128>(bit ? 1 : 0) << 79; }
  bool clock() {
    const bool bit = ((state_ >> 62 ^ state_ >> 51 ^ state_ >> 38 ^ state_ >> 23 ^ state_ >> 13 ^ state_) & 1) != 0;
    append(bit);
    return bit;
  }
  bool next() {
    for (;;) {
      const bool counts = clock();
      const bool bit = clock();
      if (counts) return bit;
    }
  }

  base::Uint128 state_ = 0;  // 80 bits, the oldest lowest
};

PoseidonParameters make_parameters(std::size_t width) {
  const std::size_t partial_rounds = kPartialRounds[width - 2];
  Grain grain(width, partial_rounds);
  PoseidonParameters result;
  result.rounds = kFullRounds + partial_rounds;
  while (result.round_constants.size() < result.rounds * width) {
    const field::Limbs value = grain.integer();
    if (field::detail::less(value, Fr::kModulus)) result.round_constants.push_back(Fr::from_limbs(value));
  }
  std::vector<Fr> numbers(2 * width);
  for (Fr& number : numbers) {
    field::Limbs value = grain.integer();  // reduced here, not drawn again
    if (!field::detail::less(value, Fr::kModulus)) {
      std::uint64_t borrow = 0;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const base::Uint128 difference = static_cast<base::Uint128>(value[i]) - Fr::kModulus[i] - borrow;
        value[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
      }
    }
    number = Fr::from_limbs(value);
  }
  result.matrix.resize(width * width);
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t j = 0; j < width; ++j) result.matrix[i * width + j] = numbers[i] + numbers[width + j];
  }
  field::batch_invert(std::span(result.matrix));
  return result;
}

Fr fifth_power(const Fr& x) { return x.squared().squared() * x; }

}  // namespace

const PoseidonParameters& poseidon_parameters(std::size_t width) {
  BLINDPROOF_CHECK(width >= 2 && width <= kMaxWidth, "Poseidon has 2 to 17 elements of state");
  static std::array<std::once_flag, kMaxWidth + 1> made;
  static std::array<PoseidonParameters, kMaxWidth + 1> all;
  std::call_once(made[width], [width] { all[width] = make_parameters(width); });
  return all[width];
}

Fr poseidon(std::span<const Fr> inputs) {
  BLINDPROOF_CHECK(!inputs.empty() && inputs.size() <= kPoseidonMaxInputs, "Poseidon takes 1 to 16 elements");
  const std::size_t width = inputs.size() + 1;
  const PoseidonParameters& parameters = poseidon_parameters(width);
  const Fr* constant = parameters.round_constants.data();
  std::array<Fr, kMaxWidth> state{};
  std::array<Fr, kMaxWidth> mixed{};
  std::copy(inputs.begin(), inputs.end(), state.begin() + 1);
  for (std::size_t round = 0; round < parameters.rounds; ++round) {
    const bool full = round < kFullRounds / 2 || round >= parameters.rounds - kFullRounds / 2;
    for (std::size_t i = 0; i < width; ++i) {
      state[i] += *constant++;
      if (full || i == 0) state[i] = fifth_power(state[i]);
    }
    const Fr* entry = parameters.matrix.data();
    for (std::size_t i = 0; i < width; ++i) {
      mixed[i] = *entry++ * state[0];
      for (std::size_t j = 1; j < width; ++j) mixed[i] += *entry++ * state[j];
    }
    std::swap(state, mixed);
  }
  return state[0];
}

Fr hash_list(std::string_view domain, std::span<const Fr> list) {
  BLINDPROOF_CHECK(domain.size() == 16 && !list.empty(), "a domain of 16 characters and at least one element");
  field::Limbs start{list.size(), 0, 0, 0};
  for (std::size_t i = 0; i < domain.size(); ++i) {
    start[2 - i / 8] |= std::uint64_t{static_cast<unsigned char>(domain[i])} << (56 - 8 * (i % 8));
  }
  std::array<Fr, kPoseidonMaxInputs> block;
  block[0] = Fr::from_limbs(start);
  while (!list.empty()) {
    const std::size_t count = std::min(list.size(), block.size() - 1);
    std::copy_n(list.begin(), count, block.begin() + 1);
    std::fill(block.begin() + 1 + static_cast<std::ptrdiff_t>(count), block.end(), Fr());
    block[0] = poseidon(block);
    list = list.subspan(count);
  }
  return block[0];
}

}  // namespace blindproof::commit
