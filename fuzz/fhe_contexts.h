// Rings small enough for a fuzzer. They hide nothing.
#pragma once

#include <algorithm>
#include <cstring>

#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/formats/header.h"
#include "blindproof/testing/insecure_parameters.h"

namespace fuzz {

using namespace blindproof;

inline fhe::formats::AnyContext tiny_ckks() {
  return testing::InsecureParameters::ckks({.log_degree = 6, .scale_bits = 25, .levels = 1, .first_bits = 30, .digits = 2}).value();
}
inline fhe::ckks::ContextPtr tiny_program_context() {
  return testing::InsecureParameters::ckks({.log_degree = 6, .scale_bits = 25, .levels = 4, .first_bits = 30, .digits = 2}).value();
}
inline fhe::formats::AnyContext tiny_bfv() {
  return testing::InsecureParameters::bfv({.log_degree = 6, .t = 257, .limbs = 2, .limb_bits = 30, .digits = 2}).value();
}
inline fhe::formats::AnyContext tiny_bgv() {
  return testing::InsecureParameters::bgv({.log_degree = 6, .t = 257, .levels = 1, .digits = 1}).value();
}

inline fhe::formats::Contexts tiny_contexts() {
  fhe::formats::Contexts contexts(tiny_ckks());
  contexts.add(tiny_bfv());
  contexts.add(tiny_bgv());
  return contexts;
}

/// Puts the checksum where the table of evaluation keys should have it, by the number of keys that it announces.
inline void mend_table(base::Bytes& bytes) {
  constexpr std::size_t kBeforeParameters = 6, kKeyId = 16, kEntry = 73;
  if (bytes.size() < kBeforeParameters + 2) return;
  const std::size_t count_at = kBeforeParameters + 2 + (bytes[6] | std::size_t{bytes[7]} << 8) + kKeyId;
  if (bytes.size() < count_at + 4) return;
  std::uint32_t count = 0;
  std::memcpy(&count, bytes.data() + count_at, 4);
  const std::size_t end = count_at + 4 + kEntry * std::min<std::size_t>(count, 1 << 16);
  if (bytes.size() < end + fhe::formats::kChecksumBytes) return;
  std::ranges::copy(crypto::sha256(base::ByteSpan(bytes).first(end)), bytes.begin() + static_cast<std::ptrdiff_t>(end));
}

}  // namespace fuzz
