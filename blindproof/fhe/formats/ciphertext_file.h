// .bpct: ciphertexts, alone or as an array of numbers.
//
// A file says nothing of errors and magnitudes that could be believed. Ciphertexts come out of it with unlimited error: they
// can be decrypted, and computed with after the program that receives them said what it assumes of them.
#pragma once

#include <vector>

#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/header.h"

namespace blindproof::fhe::formats {

inline constexpr std::size_t kMaxCiphertexts = 1u << 16;
inline constexpr std::size_t kMaxDimensions = 8;

enum class Content : std::uint8_t { kProgram, kIntegers, kReals, kComplex, kBatch };

/// What the slots are. Arrays are row-major, in consecutive slots of consecutive ciphertexts. Ciphertexts of a program for batches hold an
/// element each, slot i that of sample i.
struct Layout {
  Content content = Content::kProgram;
  std::vector<std::size_t> shape;  // of an array, where a dimension may be 0; of a batch, the number of samples

  friend bool operator==(const Layout&, const Layout&) = default;
};

/// Slots of one ciphertext: N/2 for CKKS, otherwise N.
std::size_t slots_of(const AnyContext& context) noexcept;
/// Ciphertexts that an array takes.   Errors: kLimit above kMaxCiphertexts or kMaxDimensions.
base::Result<std::size_t> ciphertexts_of(const AnyContext& context, std::span<const std::size_t> shape);

using AnyCiphertexts =
    std::variant<std::vector<ckks::Ciphertext>, std::vector<bfv::Ciphertext>, std::vector<bgv::Ciphertext>>;

struct CiphertextFile {
  Header header;
  Layout layout;
  AnyCiphertexts ciphertexts;  // of the header's scheme
};

/// Errors: kMismatch for ciphertexts of another context than the header's; kInvalidArgument for none, or a layout that
/// doesn't fit their number.
base::Result<base::Bytes> write_ciphertexts(const CiphertextFile& file);

/// Errors: those of read_header, kMalformed, kLimit; kRejected for a ciphertext whose message stands in the open.
base::Result<CiphertextFile> parse_ciphertexts(base::ByteSpan bytes, Contexts& contexts);

// The same ciphertexts, with what the program assumes of them: as if freshly encrypted, or this.
ckks::Ciphertext assume_fresh(ckks::Ciphertext a, double magnitude);
bfv::Ciphertext assume_fresh(bfv::Ciphertext a);
bgv::Ciphertext assume_fresh(bgv::Ciphertext a);
ckks::Ciphertext assume(ckks::Ciphertext a, const ckks::Prediction& prediction);
bfv::Ciphertext assume(bfv::Ciphertext a, double noise, int secret_power);
bgv::Ciphertext assume(bgv::Ciphertext a, double deviation, int secret_power);

}  // namespace blindproof::fhe::formats
