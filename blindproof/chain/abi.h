// Ethereum's contract ABI, as far as our contracts need it: words, bytes, texts, arrays and tuples of them.
// Ref: Solidity documentation, "Contract ABI Specification".
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/address.h"
#include "blindproof/chain/quantity.h"

namespace blindproof::chain {

/// 32 bytes, big-endian.
using Word = std::array<std::uint8_t, 32>;

Word word_of(Uint128 value);
Word word_of(const Address& address);
/// Errors: kInvalidArgument unless `text` is decimal digits without leading zeros, below 2^256.
base::Result<Word> parse_decimal_word(std::string_view text, std::string_view place);
/// Errors: kUnsupported for 2^128 and more.
base::Result<Uint128> integer_of(const Word& word, std::string_view place);
/// Errors: kMalformed unless the upper 12 bytes are zero.
base::Result<Address> address_of(const Word& word, std::string_view place);

/// An argument.
class AbiValue {
 public:
  AbiValue(const Word& word) : kind_(Kind::kWord), bytes_(word.begin(), word.end()) {}
  AbiValue(Uint128 value) : AbiValue(word_of(value)) {}
  AbiValue(const Address& address) : AbiValue(word_of(address)) {}
  static AbiValue bytes(base::ByteSpan bytes) { return {Kind::kBytes, {bytes.begin(), bytes.end()}, {}}; }
  static AbiValue text(std::string_view text) { return bytes(base::as_bytes(text)); }
  /// A struct, or an array whose length its type states.
  static AbiValue tuple(std::vector<AbiValue> items) { return {Kind::kTuple, {}, std::move(items)}; }
  static AbiValue array(std::vector<AbiValue> items) { return {Kind::kArray, {}, std::move(items)}; }

  bool is_dynamic() const noexcept;
  base::Bytes encode() const;

 private:
  enum class Kind { kWord, kBytes, kTuple, kArray };
  AbiValue(Kind kind, base::Bytes bytes, std::vector<AbiValue> items) : kind_(kind), bytes_(std::move(bytes)), items_(std::move(items)) {}

  Kind kind_;
  base::Bytes bytes_;
  std::vector<AbiValue> items_;
};

base::Bytes encode_arguments(std::vector<AbiValue> arguments);
/// The first four bytes of the Keccak-256 of "name(type,type)", then the arguments.
base::Bytes encode_call(std::string_view signature, std::vector<AbiValue> arguments);
std::array<std::uint8_t, 4> selector_of(std::string_view signature);

/// A value as somebody types it, for a type such as address, uint64, bytes32, bytes, string, bool.
/// Errors: kInvalidArgument for a text that isn't of the type; kUnsupported for other types.
base::Result<AbiValue> parse_abi_value(std::string_view type, std::string_view text, std::string_view place);

/// What a call returned: whole words, read from the front.
class AbiReader {
 public:
  AbiReader(base::ByteSpan bytes, std::string_view place) : bytes_(bytes), place_(place) {}
  base::Result<Word> word();
  base::Result<Uint128> integer();
  base::Result<Address> address();
  base::Result<bool> boolean();
  /// Of dynamic type: follows the offset that stands here.   Errors: kMalformed; kLimit above `max_size`.
  base::Result<base::Bytes> bytes(std::size_t max_size);

 private:
  base::ByteSpan bytes_;
  std::string place_;
  std::size_t position_ = 0;
};

}  // namespace blindproof::chain
