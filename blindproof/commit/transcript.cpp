#include "blindproof/commit/transcript.h"

#include <algorithm>

#include "blindproof/crypto/keccak.h"

namespace blindproof::commit {
namespace {

enum class Kind : std::uint8_t { kProtocol = 0, kAbsorb = 1, kChallenge = 2 };

void chain(std::array<std::uint8_t, 64>& state, Kind kind, std::string_view label, base::ByteSpan data,
           std::span<std::uint8_t> extra) {
  base::ByteWriter header;
  header.raw(state);
  header.u8(static_cast<std::uint8_t>(kind));
  header.text(label);
  header.u64(data.size());
  crypto::Shake256 hash;
  hash.absorb(header.bytes());
  hash.absorb(data);
  hash.squeeze(state);
  if (!extra.empty()) hash.squeeze(extra);
}

}  // namespace

Transcript::Transcript(std::string_view protocol) { chain(state_, Kind::kProtocol, protocol, {}, {}); }

void Transcript::absorb(std::string_view label, base::ByteSpan data) { chain(state_, Kind::kAbsorb, label, data, {}); }

void Transcript::absorb(std::string_view label, const Fr& value) { absorb(label, value.to_bytes()); }

Fr Transcript::challenge(std::string_view label) {
  std::array<std::uint8_t, 64> wide;
  chain(state_, Kind::kChallenge, label, {}, wide);
  return Fr::from_wide_bytes(wide);
}

}  // namespace blindproof::commit
