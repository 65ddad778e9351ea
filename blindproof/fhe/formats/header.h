// What all files of keys and ciphertexts begin with: their kind, parameters and key. Formats: docs/spec/fhe-files.md.
#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/crypto/random.h"
#include "blindproof/fhe/bfv/context.h"
#include "blindproof/fhe/bgv/context.h"
#include "blindproof/fhe/ckks/context.h"

namespace blindproof::fhe::formats {

using AnyContext = std::variant<ckks::ContextPtr, bfv::ContextPtr, bgv::ContextPtr>;

/// Says which things belong to one secret key. Random, and no proof of anything.
using KeyId = std::array<std::uint8_t, 16>;
KeyId generate_key_id(crypto::Csprng& random);

const rlwe::RingPtr& ring_of(const AnyContext& context) noexcept;
/// What errors of fresh keys are multiplied by: the plaintext modulus for BGV, otherwise 1.
std::uint64_t error_multiplier_of(const AnyContext& context) noexcept;
/// "CKKS", "BFV" or "BGV".
std::string scheme_name(const AnyContext& context);
/// Of the named set with these parameters, or "".
std::string parameters_name(const AnyContext& context);
rlwe::SecurityLevel security_of(const AnyContext& context) noexcept;

/// Of one of the named sets of any scheme.   Errors: kInvalidArgument for another name, listing them.
base::Result<AnyContext> create_context(std::string_view name);

base::Bytes write_parameters(const AnyContext& context);

/// The contexts that files are read into. Files of equal parameters share one, as operations on their contents require.
class Contexts {
 public:
  /// Any parameters that reach their security level. Tables of the largest take some hundred megabytes.
  Contexts() = default;
  /// These parameters alone.
  explicit Contexts(AnyContext only) : restricted_(true) { add(std::move(only)); }

  void add(AnyContext context);
  /// Errors: kMalformed; kUnsupported for moduli that the builder would not choose; kInvalidArgument for parameters that the
  /// builder refuses; kMismatch for others than the allowed ones.
  base::Result<AnyContext> find(base::ByteSpan parameters);

 private:
  struct Known {
    base::Bytes parameters;
    AnyContext context;
  };
  std::vector<Known> known_;
  bool restricted_ = false;
};

enum class Kind { kSecretKey, kPublicKey, kEvaluationKeys, kCiphertexts };
/// "secret key", ...
std::string_view kind_name(Kind kind) noexcept;
/// Errors: kMalformed if no such file begins like this.
base::Result<Kind> kind_of(base::ByteSpan bytes);

struct Header {
  AnyContext context;
  KeyId key_id;
};

void write_header(base::ByteWriter& writer, Kind kind, const Header& header);
/// Errors: kMalformed for another kind, kUnsupported for another version, those of Contexts::find.
base::Result<Header> read_header(base::ByteReader& reader, Kind kind, Contexts& contexts);

inline constexpr std::size_t kChecksumBytes = 32;
base::Bytes with_checksum(base::ByteWriter&& writer);
/// What stands before the checksum.   Errors: kMalformed for a damaged or truncated file.
base::Result<base::ByteSpan> checked(base::ByteSpan bytes, std::string_view place);

}  // namespace blindproof::fhe::formats
