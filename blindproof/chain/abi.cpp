#include "blindproof/chain/abi.h"

#include <algorithm>
#include <charconv>

#include "blindproof/crypto/keccak.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;

constexpr std::size_t kWord = 32;

void append(base::Bytes& out, base::ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// Heads in order (static values, and offsets of dynamic ones), then the dynamic values.
base::Bytes encode_sequence(std::span<const AbiValue> items) {
  std::vector<base::Bytes> encoded;
  std::size_t head_size = 0;
  for (const AbiValue& item : items) {
    encoded.push_back(item.encode());
    head_size += item.is_dynamic() ? kWord : encoded.back().size();
  }
  base::Bytes head, tail;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_dynamic()) {
      append(head, word_of(Uint128{head_size + tail.size()}));
      append(tail, encoded[i]);
    } else {
      append(head, encoded[i]);
    }
  }
  append(head, tail);
  return head;
}

// The number in "uint64" or "bytes32"; 0 if it has none or not only digits.
unsigned number_in(std::string_view type, std::string_view name) {
  unsigned number = 0;
  const std::string_view digits = type.substr(std::min(name.size(), type.size()));
  const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return failure == std::errc() && stop == digits.data() + digits.size() ? number : 0;
}

}  // namespace

Word word_of(Uint128 value) {
  Word word{};
  for (std::size_t i = 0; i < 16; ++i) word[31 - i] = static_cast<std::uint8_t>(value >> (8 * i) & 0xff);
  return word;
}

Word word_of(const Address& address) {
  Word word{};
  std::ranges::copy(address.bytes, word.begin() + 12);
  return word;
}

base::Result<Word> parse_decimal_word(std::string_view text, std::string_view place) {
  const auto refused = [&](std::string detail) { return base::error(ErrorCode::kInvalidArgument, std::string(place), std::move(detail)); };
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  constexpr std::size_t kMaxDigits = 78;
  if (!digits || (text.size() > 1 && text[0] == '0')) return refused("must be a whole number in decimal digits");
  if (text.size() > kMaxDigits) return refused("must be below 2^256");
  Word word{};
  for (const char c : text) {
    unsigned carry = static_cast<unsigned>(c - '0');
    for (std::size_t i = word.size(); i-- > 0;) {
      carry += 10u * word[i];
      word[i] = static_cast<std::uint8_t>(carry & 0xff);
      carry >>= 8;
    }
    if (carry != 0) return refused("must be below 2^256");
  }
  return word;
}

base::Result<Uint128> integer_of(const Word& word, std::string_view place) {
  if (std::any_of(word.begin(), word.begin() + 16, [](std::uint8_t b) { return b != 0; })) {
    return base::error(ErrorCode::kUnsupported, std::string(place), "is 2^128 or more");
  }
  Uint128 value = 0;
  for (std::size_t i = 16; i < 32; ++i) value = value << 8 | word[i];
  return value;
}

base::Result<Address> address_of(const Word& word, std::string_view place) {
  if (std::any_of(word.begin(), word.begin() + 12, [](std::uint8_t b) { return b != 0; })) {
    return base::error(ErrorCode::kMalformed, std::string(place), "is no address");
  }
  Address address;
  std::copy(word.begin() + 12, word.end(), address.bytes.begin());
  return address;
}

bool AbiValue::is_dynamic() const noexcept {
  return kind_ == Kind::kBytes || kind_ == Kind::kArray || (kind_ == Kind::kTuple && std::ranges::any_of(items_, &AbiValue::is_dynamic));
}

base::Bytes AbiValue::encode() const {
  switch (kind_) {
    case Kind::kWord:
      return bytes_;
    case Kind::kTuple:
      return encode_sequence(items_);
    case Kind::kBytes: {
      const Word size = word_of(Uint128{bytes_.size()});
      base::Bytes out(size.begin(), size.end());
      append(out, bytes_);
      out.resize((out.size() + kWord - 1) / kWord * kWord);
      return out;
    }
    case Kind::kArray: {
      const Word size = word_of(Uint128{items_.size()});
      base::Bytes out(size.begin(), size.end());
      append(out, encode_sequence(items_));
      return out;
    }
  }
  return {};
}

base::Bytes encode_arguments(std::vector<AbiValue> arguments) { return AbiValue::tuple(std::move(arguments)).encode(); }

std::array<std::uint8_t, 4> selector_of(std::string_view signature) {
  const auto hash = crypto::keccak256(base::as_bytes(signature));
  return {hash[0], hash[1], hash[2], hash[3]};
}

base::Bytes encode_call(std::string_view signature, std::vector<AbiValue> arguments) {
  const auto selector = selector_of(signature);
  base::Bytes out(selector.begin(), selector.end());
  append(out, encode_arguments(std::move(arguments)));
  return out;
}

base::Result<AbiValue> parse_abi_value(std::string_view type, std::string_view text, std::string_view place) {
  const auto refused = [&](std::string detail) { return base::error(ErrorCode::kInvalidArgument, std::string(place), std::move(detail)); };
  if (type == "address") {
    BLINDPROOF_ASSIGN(const Address address, parse_address(text, place));
    return AbiValue(address);
  }
  if (type == "bool") {
    if (text != "true" && text != "false") return refused("must be true or false");
    return AbiValue(Uint128{text == "true"});
  }
  if (type == "string") return AbiValue::text(text);
  if (type.starts_with("uint")) {
    const unsigned bits = number_in(type, "uint");
    if (bits == 0 || bits > 256 || bits % 8 != 0)
      return base::error(ErrorCode::kUnsupported, std::string(place), "type " + std::string(type));
    BLINDPROOF_ASSIGN(const Word value, parse_decimal_word(text, place));
    const auto above = static_cast<std::ptrdiff_t>(value.size() - bits / 8);
    if (std::any_of(value.begin(), value.begin() + above, [](std::uint8_t b) { return b != 0; }))
      return refused("does not fit " + std::string(type));
    return AbiValue(value);
  }
  if (type.starts_with("bytes") && !type.ends_with(']')) {
    const auto bytes = text.starts_with("0x") ? base::from_hex(text.substr(2)) : base::Result<base::Bytes>(refused(""));
    if (!bytes.ok()) return refused("must be 0x and an even number of hexadecimal digits");
    if (type == "bytes") return AbiValue::bytes(*bytes);
    const unsigned size = number_in(type, "bytes");
    if (size < 1 || size > 32) return base::error(ErrorCode::kUnsupported, std::string(place), "type " + std::string(type));
    if (bytes->size() != size) return refused("must have " + std::to_string(size) + " bytes");
    Word word{};
    std::ranges::copy(*bytes, word.begin());
    return AbiValue(word);
  }
  return base::error(ErrorCode::kUnsupported, std::string(place), "arguments of type " + std::string(type) + " can't be given here");
}

base::Result<Word> AbiReader::word() {
  if (bytes_.size() - position_ < kWord) return base::error(ErrorCode::kMalformed, place_, "the contract returned too few bytes");
  Word word;
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), kWord, word.begin());
  position_ += kWord;
  return word;
}

base::Result<Uint128> AbiReader::integer() {
  BLINDPROOF_ASSIGN(const Word read, word());
  return integer_of(read, place_);
}

base::Result<Address> AbiReader::address() {
  BLINDPROOF_ASSIGN(const Word read, word());
  return address_of(read, place_);
}

base::Result<bool> AbiReader::boolean() {
  BLINDPROOF_ASSIGN(const Uint128 value, integer());
  if (value > 1) return base::error(ErrorCode::kMalformed, place_, "is neither true nor false");
  return value == 1;
}

base::Result<base::Bytes> AbiReader::bytes(std::size_t max_size) {
  BLINDPROOF_ASSIGN(const Uint128 offset, integer());
  const auto malformed = [&] { return base::error(ErrorCode::kMalformed, place_, "the contract returned bytes that end too early"); };
  if (offset > bytes_.size() || bytes_.size() - static_cast<std::size_t>(offset) < kWord) return malformed();
  const base::ByteSpan from = bytes_.subspan(static_cast<std::size_t>(offset));
  Word size_word;
  std::copy_n(from.begin(), kWord, size_word.begin());
  BLINDPROOF_ASSIGN(const Uint128 size, integer_of(size_word, place_));
  if (size > from.size() - kWord) return malformed();
  if (size > max_size)
    return base::error(ErrorCode::kLimit, place_, "the contract returned more than " + std::to_string(max_size) + " bytes");
  const base::ByteSpan content = from.subspan(kWord, static_cast<std::size_t>(size));
  return base::Bytes(content.begin(), content.end());
}

}  // namespace blindproof::chain
