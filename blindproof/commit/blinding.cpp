#include "blindproof/commit/blinding.h"

#include "blindproof/crypto/keccak.h"

namespace blindproof::commit {
namespace {

std::vector<Fr> squeeze_scalars(crypto::Shake256& hash, std::size_t count) {
  std::vector<std::uint8_t> bytes(64 * count);
  hash.squeeze(bytes);
  std::vector<Fr> scalars(count);
  for (std::size_t i = 0; i < count; ++i) {
    scalars[i] = Fr::from_wide_bytes(std::span<const std::uint8_t, 64>(bytes.data() + 64 * i, 64));
  }
  return scalars;
}

std::array<std::uint8_t, 64> derive_key(std::string_view purpose, base::ByteSpan a, base::ByteSpan b) {
  base::ByteWriter writer;
  writer.text(purpose);
  writer.sized(a);
  writer.sized(b);
  crypto::Shake256 hash;
  hash.absorb(writer.bytes());
  std::array<std::uint8_t, 64> key;
  hash.squeeze(key);
  return key;
}

}  // namespace

SeededBlinds::SeededBlinds(const Seed& seed, std::string_view label)
    : key_(derive_key("blindproof v1 row blinds", seed, base::as_bytes(label))) {}

Fr SeededBlinds::row_blind(std::size_t tensor, std::size_t row, base::ByteSpan row_bytes) const {
  base::ByteWriter header;
  header.raw(key_);
  header.u64(tensor);
  header.u64(row);
  header.u64(row_bytes.size());
  crypto::Shake256 hash;
  hash.absorb(header.bytes());
  hash.absorb(row_bytes);
  return squeeze_scalars(hash, 1)[0];
}

HedgedBlinds::HedgedBlinds(base::ByteSpan entropy, base::ByteSpan witness_digest,
                           const std::array<std::uint8_t, 64>& transcript_state)
    : key_(derive_key("blindproof v1 hedged blinds", entropy, witness_digest)), transcript_state_(transcript_state) {}

Fr HedgedBlinds::blind(std::string_view label, std::span<const Fr>) {
  return mask(label, {}, Fr::zero()).blind;
}

BlindSource::Mask HedgedBlinds::mask(std::string_view label, std::span<const Fr> values, const Fr&) {
  base::ByteWriter header;
  header.raw(key_);
  header.raw(transcript_state_);
  header.text(label);
  header.u64(counter_++);
  crypto::Shake256 hash;
  hash.absorb(header.bytes());
  Mask mask;
  mask.values = squeeze_scalars(hash, values.size() + 1);
  mask.blind = mask.values.back();
  mask.values.pop_back();
  return mask;
}

}  // namespace blindproof::commit
