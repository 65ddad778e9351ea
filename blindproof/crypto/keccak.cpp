#include "blindproof/crypto/keccak.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "blindproof/base/check.h"
#include "blindproof/base/cpu.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::crypto {
namespace {

constexpr std::array<std::uint64_t, 24> kRoundConstants = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

void xor_byte(KeccakState& state, std::size_t position, std::uint8_t byte) noexcept {
  state[position / 8] ^= std::uint64_t{byte} << (8 * (position % 8));
}

std::uint8_t byte_at(const KeccakState& state, std::size_t position) noexcept {
  return static_cast<std::uint8_t>(state[position / 8] >> (8 * (position % 8)));
}

std::uint64_t load_little_endian(const std::uint8_t* bytes) noexcept {
  std::uint64_t lane;
  std::memcpy(&lane, bytes, sizeof lane);
  if constexpr (std::endian::native == std::endian::big) lane = __builtin_bswap64(lane);
  return lane;
}

void store_little_endian(std::uint8_t* bytes, std::uint64_t lane) noexcept {
  if constexpr (std::endian::native == std::endian::big) lane = __builtin_bswap64(lane);
  std::memcpy(bytes, &lane, sizeof lane);
}

/// Theta, rho and pi gather the five lanes that chi combines into a row. `in` and `out` never alias, so a pair of
/// rounds needs no moves between them.
[[gnu::always_inline]] inline void round(const std::uint64_t (&in)[25], std::uint64_t (&out)[25],
                                         std::uint64_t constant) noexcept {
  const std::uint64_t c0 = in[0] ^ in[5] ^ in[10] ^ in[15] ^ in[20];
  const std::uint64_t c1 = in[1] ^ in[6] ^ in[11] ^ in[16] ^ in[21];
  const std::uint64_t c2 = in[2] ^ in[7] ^ in[12] ^ in[17] ^ in[22];
  const std::uint64_t c3 = in[3] ^ in[8] ^ in[13] ^ in[18] ^ in[23];
  const std::uint64_t c4 = in[4] ^ in[9] ^ in[14] ^ in[19] ^ in[24];
  const std::uint64_t d0 = c4 ^ std::rotl(c1, 1), d1 = c0 ^ std::rotl(c2, 1), d2 = c1 ^ std::rotl(c3, 1);
  const std::uint64_t d3 = c2 ^ std::rotl(c4, 1), d4 = c3 ^ std::rotl(c0, 1);
  auto chi = [&out](std::size_t row, std::uint64_t b0, std::uint64_t b1, std::uint64_t b2, std::uint64_t b3,
                    std::uint64_t b4) {
    out[row] = b0 ^ (~b1 & b2);
    out[row + 1] = b1 ^ (~b2 & b3);
    out[row + 2] = b2 ^ (~b3 & b4);
    out[row + 3] = b3 ^ (~b4 & b0);
    out[row + 4] = b4 ^ (~b0 & b1);
  };
  chi(0, in[0] ^ d0, std::rotl(in[6] ^ d1, 44), std::rotl(in[12] ^ d2, 43), std::rotl(in[18] ^ d3, 21),
      std::rotl(in[24] ^ d4, 14));
  out[0] ^= constant;
  chi(5, std::rotl(in[3] ^ d3, 28), std::rotl(in[9] ^ d4, 20), std::rotl(in[10] ^ d0, 3), std::rotl(in[16] ^ d1, 45),
      std::rotl(in[22] ^ d2, 61));
  chi(10, std::rotl(in[1] ^ d1, 1), std::rotl(in[7] ^ d2, 6), std::rotl(in[13] ^ d3, 25), std::rotl(in[19] ^ d4, 8),
      std::rotl(in[20] ^ d0, 18));
  chi(15, std::rotl(in[4] ^ d4, 27), std::rotl(in[5] ^ d0, 36), std::rotl(in[11] ^ d1, 10), std::rotl(in[17] ^ d2, 15),
      std::rotl(in[23] ^ d3, 56));
  chi(20, std::rotl(in[2] ^ d2, 62), std::rotl(in[8] ^ d3, 55), std::rotl(in[14] ^ d4, 39), std::rotl(in[15] ^ d0, 41),
      std::rotl(in[21] ^ d1, 2));
}

[[gnu::always_inline]] inline void permute(KeccakState& state) noexcept {
  std::uint64_t even[25], odd[25];
  std::copy(state.begin(), state.end(), even);
  for (std::size_t i = 0; i < kRoundConstants.size(); i += 2) {
    round(even, odd, kRoundConstants[i]);
    round(odd, even, kRoundConstants[i + 1]);
  }
  std::copy(even, even + 25, state.begin());
}

void permute_portable(KeccakState& state) noexcept { permute(state); }

#if defined(__x86_64__)
// The same code with and-not in one instruction and rotations that don't overwrite their source.
[[gnu::target("bmi,bmi2")]] void permute_bmi(KeccakState& state) noexcept { permute(state); }
#endif

auto choose_permutation() noexcept {
#if defined(__x86_64__)
  const bool bmi = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (bmi && base::simd_level() != base::Simd::kPortable) return permute_bmi;
#endif
  return permute_portable;
}

}  // namespace

void keccak_f1600(KeccakState& state) noexcept {
  static const auto chosen = choose_permutation();
  chosen(state);
}

void KeccakSponge::absorb(ByteSpan bytes) noexcept {
  BLINDPROOF_CHECK(!squeezing_, "absorb() after squeeze()");
  while (!bytes.empty()) {
    if (position_ == 0 && bytes.size() >= kRate) {
      for (std::size_t i = 0; i < kRate / 8; ++i) state_[i] ^= load_little_endian(&bytes[8 * i]);
      keccak_f1600(state_);
      bytes = bytes.subspan(kRate);
      continue;
    }
    const std::size_t taken = std::min(bytes.size(), kRate - position_);
    for (std::size_t i = 0; i < taken; ++i) xor_byte(state_, position_ + i, bytes[i]);
    bytes = bytes.subspan(taken);
    position_ += taken;
    if (position_ == kRate) {
      keccak_f1600(state_);
      position_ = 0;
    }
  }
}

void KeccakSponge::squeeze(std::span<std::uint8_t> out) noexcept {
  if (!squeezing_) {
    xor_byte(state_, position_, suffix_);
    xor_byte(state_, kRate - 1, 0x80);
    squeezing_ = true;
    position_ = kRate;
  }
  while (!out.empty()) {
    if (position_ == kRate) {
      keccak_f1600(state_);
      position_ = 0;
    }
    const std::size_t taken = std::min(out.size(), kRate - position_);
    if (taken == kRate) {
      for (std::size_t i = 0; i < kRate / 8; ++i) store_little_endian(&out[8 * i], state_[i]);
    } else {
      for (std::size_t i = 0; i < taken; ++i) out[i] = byte_at(state_, position_ + i);
    }
    position_ += taken;
    out = out.subspan(taken);
  }
}

KeccakSponge::~KeccakSponge() { wipe({reinterpret_cast<std::uint8_t*>(state_.data()), sizeof state_}); }

void shake256(ByteSpan input, std::span<std::uint8_t> out) noexcept {
  Shake256 xof;
  xof.absorb(input);
  xof.squeeze(out);
}

Digest256 keccak256(ByteSpan input) noexcept {
  KeccakSponge sponge(0x01);
  sponge.absorb(input);
  Digest256 digest;
  sponge.squeeze(digest);
  return digest;
}

}  // namespace blindproof::crypto
