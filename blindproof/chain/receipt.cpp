#include "blindproof/chain/receipt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "blindproof/base/base64url.h"

namespace blindproof::chain {
namespace {

using base::ErrorCode;
using Kind = JsonValue::Kind;

constexpr std::size_t kMaxText = 256;
constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;
constexpr double kMinDecimal = 1e-4, kMaxDecimal = 9007199254740992.0;
constexpr std::array<std::string_view, 3> kNotSigned = {"receipt_hash", "signature", "attestations"};

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_lower_hex(std::string_view text, std::size_t size) {
  return text.size() == size && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::int64_t> integer(const JsonValue& value) {
  if (!value.is(Kind::kNumber)) return std::nullopt;
  std::int64_t number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, failure] = std::from_chars(value.text.data(), end, number);
  if (failure != std::errc() || stop != end || number > kMaxInteger || number < -kMaxInteger || value.text == "-0") return std::nullopt;
  return number;
}

bool is_canonical_decimal(const std::string& text) {
  if (text.find('.') == std::string::npos || text.find_first_of("eE") != std::string::npos || text.size() > 32) return false;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end) return false;
  const double magnitude = std::abs(number);
  if (magnitude >= kMaxDecimal || (magnitude < kMinDecimal && text != "0.0")) return false;
  std::array<char, 64> shortest;
  const auto written = std::to_chars(shortest.data(), shortest.data() + shortest.size(), number, std::chars_format::fixed);
  std::string expected(shortest.data(), written.ptr);
  if (expected.find('.') == std::string::npos) expected += ".0";
  return text == expected;
}

// Nanoseconds since 1970; nothing unless `text` is an RFC 3339 time.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> seconds;
  std::int64_t nanoseconds = 0;

  bool read() {
    const int year = number(4), month = (expect('-'), number(2)), day = (expect('-'), number(2));
    const int hour = (expect('T'), number(2)), minute = (expect(':'), number(2)), second = (expect(':'), number(2));
    if (!good_) return false;
    if (!text_.empty() && text_[0] == '.') {
      text_.remove_prefix(1);
      std::size_t digits = 0;
      while (digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9') ++digits;
      if (digits < 1 || digits > 9) return false;
      std::int64_t fraction = number(static_cast<int>(digits));
      for (std::size_t i = digits; i < 9; ++i) fraction *= 10;
      nanoseconds = fraction;
    }
    int offset = 0;
    if (text_ != "Z") {
      if (text_.empty() || (text_[0] != '+' && text_[0] != '-')) return false;
      const int sign = text_[0] == '-' ? -1 : 1;
      text_.remove_prefix(1);
      const int hours = number(2), minutes = (expect(':'), number(2));
      if (!good_ || hours > 23 || minutes > 59 || !text_.empty()) return false;
      offset = sign * (60 * hours + minutes);
    }
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
    if (day > kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0)) return false;
    // Years that begin in March end with the leap day.
    const std::int64_t y = year - (month <= 2 ? 1 : 0), m = (month + 9) % 12;
    const std::int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719'468;
    seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
    return true;
  }

 private:
  int number(int digits) {
    if (!good_ || text_.size() < static_cast<std::size_t>(digits) || !all_digits(text_.substr(0, static_cast<std::size_t>(digits)))) {
      good_ = false;
      return 0;
    }
    int value = 0;
    for (const char c : text_.substr(0, static_cast<std::size_t>(digits))) value = 10 * value + (c - '0');
    text_.remove_prefix(static_cast<std::size_t>(digits));
    return value;
  }
  void expect(char c) {
    good_ = good_ && !text_.empty() && text_[0] == c;
    if (good_) text_.remove_prefix(1);
  }

  std::string_view text_;
  bool good_ = true;
};

// What a field may hold; the empty text says that it may.
using Rule = std::string (*)(const JsonValue&);

std::string rule_text(const JsonValue& value) {
  const auto is_control = [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; };
  const bool good = value.is_text() && !value.text.empty() && value.text.size() <= kMaxText && std::ranges::none_of(value.text, is_control);
  return good ? "" : "must be a text of 1 to 256 bytes without control characters";
}

std::string rule_version(const JsonValue& value) { return value.is_text() && value.text == "1.0" ? "" : "must be \"1.0\""; }

std::string rule_amount(const JsonValue& value) {
  return value.is(Kind::kNumber) && !value.text.starts_with('-') ? "" : "must be a number that is not negative";
}

std::string rule_price(const JsonValue& value) {
  if (!value.is_text()) return rule_amount(value);
  const std::string_view text = value.text;
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point), fraction = text.substr(std::min(point + 1, text.size()));
  const bool good =
      text.size() <= 80 && all_digits(whole) && (whole.size() == 1 || whole[0] != '0') && (point == text.size() || all_digits(fraction));
  return good ? "" : "must be a number that is not negative, or its decimal text";
}

std::string rule_count(const JsonValue& value) {
  const auto number = integer(value);
  return number && *number >= 0 ? "" : "must be an integer that is not negative";
}

std::string rule_chain_id(const JsonValue& value) {
  const auto number = integer(value);
  return number && *number > 0 ? "" : "must be a positive integer";
}

std::string rule_nonce(const JsonValue& value) { return value.is_text() ? rule_text(value) : rule_count(value); }

std::string rule_hash(const JsonValue& value) {
  std::string_view digits = value.text;
  for (const std::string_view prefix : {"sha256:", "0x"}) {
    if (digits.starts_with(prefix)) {
      digits.remove_prefix(prefix.size());
      break;
    }
  }
  return value.is_text() && is_lower_hex(digits, 64) ? ""
                                                     : "must be 64 lower-case hexadecimal digits, with or without sha256: or 0x in front";
}

std::string rule_receipt_hash(const JsonValue& value) {
  return value.is_text() && is_lower_hex(value.text, 64) ? "" : "must be 64 lower-case hexadecimal digits";
}

std::string rule_time(const JsonValue& value) {
  if (value.is_text()) return TimeReader(value.text).read() ? "" : "must be a time such as 2026-01-31T23:59:59Z";
  const auto number = integer(value);
  return number && *number >= 0 ? "" : "must be a time such as 2026-01-31T23:59:59Z, or Unix seconds";
}

std::string rule_object(const JsonValue& value) { return value.is_object() ? "" : "must be an object"; }

std::string rule_signature(const JsonValue& value) {
  if (!value.is_object()) return "must be an object";
  for (const JsonMember& member : value.members) {
    if (member.key != "alg" && member.key != "key_id" && member.key != "sig") return "has an unknown field";
  }
  const JsonValue *alg = value.find("alg"), *key_id = value.find("key_id"), *sig = value.find("sig");
  if (alg == nullptr || !alg->is_text() || alg->text != "Ed25519") return "alg must be \"Ed25519\"";
  if (key_id == nullptr || !key_id->is_text() || !is_key_id(key_id->text))
    return "key_id must be 1 to 64 characters of A-Z a-z 0-9 . _ : -";
  const bool good = sig != nullptr && sig->is_text() && sig->text.size() == 86 && base::from_base64url(sig->text).ok();
  return good ? "" : "sig must be 64 bytes in base64url without padding";
}

std::string rule_attestations(const JsonValue& value) {
  const bool good = value.is(Kind::kArray) && value.elements.size() <= kMaxAttestations &&
                    std::ranges::all_of(value.elements, [](const JsonValue& e) { return e.is_object(); });
  return good ? "" : "must be an array of at most 16 objects";
}

struct Field {
  std::string_view name;
  bool required;
  Rule rule;
};
constexpr std::array<Field, 21> kFields = {{{"version", true, rule_version},
                                            {"receipt_id", true, rule_text},
                                            {"job_id", true, rule_text},
                                            {"provider", true, rule_text},
                                            {"client", true, rule_text},
                                            {"units", true, rule_amount},
                                            {"unit_type", true, rule_text},
                                            {"started_at", true, rule_time},
                                            {"completed_at", true, rule_time},
                                            {"price", false, rule_price},
                                            {"model", false, rule_text},
                                            {"prompt_hash", false, rule_hash},
                                            {"duration_ms", false, rule_count},
                                            {"artifact_hash", false, rule_hash},
                                            {"coordinator_id", false, rule_text},
                                            {"nonce", false, rule_nonce},
                                            {"chain_id", false, rule_chain_id},
                                            {"metadata", false, rule_object},
                                            {"receipt_hash", false, rule_receipt_hash},
                                            {"signature", false, rule_signature},
                                            {"attestations", false, rule_attestations}}};

base::Error malformed(std::string_view place, std::string_view field, std::string detail) {
  return base::error(ErrorCode::kMalformed, std::string(place) + ": " + std::string(field), std::move(detail));
}

base::Status check_numbers(const JsonValue& value, std::string_view place, std::string_view field) {
  if (value.is(Kind::kNumber) && !integer(value) && !is_canonical_decimal(value.text)) {
    return malformed(place, field,
                     "the number " + value.text.substr(0, 40) +
                         " is not in canonical form: integers up to 2^53 - 1, or the shortest decimals, without exponent");
  }
  for (const JsonValue& element : value.elements) BLINDPROOF_TRY(check_numbers(element, place, field));
  for (const JsonMember& member : value.members) BLINDPROOF_TRY(check_numbers(member.value, place, field));
  return base::Status::good();
}

base::Status check_times(const JsonValue& json, std::string_view place) {
  const JsonValue &started = *json.find("started_at"), &completed = *json.find("completed_at");
  if (started.kind != completed.kind)
    return malformed(place, "completed_at", "must be written as started_at is: both as text, or both as integers");
  if (!started.is_text()) {
    if (*integer(started) <= *integer(completed)) return base::Status::good();
  } else {
    TimeReader first(started.text), second(completed.text);
    if (first.read() && second.read() && std::pair(*first.seconds, first.nanoseconds) <= std::pair(*second.seconds, second.nanoseconds)) {
      return base::Status::good();
    }
  }
  return malformed(place, "completed_at", "is before started_at");
}

base::Error rejected(std::string_view check, std::string detail) {
  return base::error(ErrorCode::kRejected, std::string(check), std::move(detail));
}

}  // namespace

base::Result<Receipt> Receipt::parse(base::ByteSpan bytes, std::string_view place) {
  JsonLimits limits;
  limits.bytes = kMaxReceiptBytes;
  BLINDPROOF_ASSIGN(JsonValue json, parse_json(bytes, place, limits));
  return from_json(std::move(json), place);
}

base::Result<Receipt> Receipt::from_json(JsonValue json, std::string_view place) {
  if (!json.is_object()) return base::error(ErrorCode::kMalformed, std::string(place), "is no JSON object");
  for (const JsonMember& member : json.members) {
    if (std::ranges::find(kFields, member.key, &Field::name) == kFields.end()) {
      return malformed(place, member.key.substr(0, 64), "receipts have no such field; further ones belong into metadata");
    }
  }
  for (const Field& field : kFields) {
    const JsonValue* value = json.find(field.name);
    if (value == nullptr || value->is(Kind::kNull)) {
      if (field.required) return malformed(place, field.name, "is missing");
      continue;
    }
    if (std::string problem = field.rule(*value); !problem.empty()) return malformed(place, field.name, std::move(problem));
    BLINDPROOF_TRY(check_numbers(*value, place, field.name));
  }
  BLINDPROOF_TRY(check_times(json, place));
  Receipt receipt(std::move(json));
  if (const std::size_t size = receipt.canonical().size(); size > kMaxCanonicalBytes) {
    return base::error(ErrorCode::kLimit, std::string(place),
                       "has " + std::to_string(size) + " bytes in canonical form; allowed are " + std::to_string(kMaxCanonicalBytes));
  }
  return receipt;
}

std::string Receipt::write() const { return write_json_indented(json_) + "\n"; }

std::string Receipt::canonical() const {
  JsonValue signed_part = json_;
  for (const std::string_view name : kNotSigned) signed_part.remove(name);
  return write_canonical_json(signed_part);
}

Digest256 Receipt::hash() const { return crypto::sha256(base::as_bytes(canonical())); }

std::optional<ReceiptSignature> Receipt::signature() const {
  const JsonValue* signature = json_.find("signature");
  if (signature == nullptr || signature->is(Kind::kNull)) return std::nullopt;
  ReceiptSignature read{signature->find("key_id")->text, {}};
  std::ranges::copy(base::from_base64url(signature->find("sig")->text).value(), read.bytes.begin());
  return read;
}

std::optional<std::uint64_t> Receipt::integer_units() const {
  const auto units = integer(*json_.find("units"));
  return units ? std::optional(static_cast<std::uint64_t>(*units)) : std::nullopt;
}

std::optional<std::uint64_t> Receipt::chain_id() const {
  const JsonValue* value = json_.find("chain_id");
  if (value == nullptr || value->is(Kind::kNull)) return std::nullopt;
  return static_cast<std::uint64_t>(*integer(*value));
}

void Receipt::sign(const Ed25519SecretKey& key) {
  const std::string bytes = canonical();
  JsonValue signature = JsonValue::make_object();
  signature.set("alg", JsonValue::make_text("Ed25519"));
  signature.set("key_id", JsonValue::make_text(key.public_key().key_id));
  signature.set("sig", JsonValue::make_text(base::to_base64url(key.sign(base::as_bytes(bytes)))));
  json_.set("receipt_hash", JsonValue::make_text(base::to_hex(crypto::sha256(base::as_bytes(bytes)))));
  json_.set("signature", std::move(signature));
}

base::Status Receipt::attach(JsonValue attestation) {
  const JsonValue* before = json_.find("attestations");
  JsonValue list = before == nullptr || before->is(Kind::kNull) ? JsonValue::make_array({}) : *before;
  if (list.elements.size() == kMaxAttestations) {
    return base::error(ErrorCode::kLimit, "attestations",
                       "there are " + std::to_string(kMaxAttestations) + " already, as many as there may be");
  }
  list.elements.push_back(std::move(attestation));
  json_.set("attestations", std::move(list));
  return base::Status::good();
}

base::Status Receipt::verify(const Ed25519PublicKey& key) const {
  const auto claimed = signature();
  const JsonValue* claimed_hash = json_.find("receipt_hash");
  if (!claimed) return rejected("receipt.signed", "the receipt has no signature");
  if (claimed_hash == nullptr || claimed_hash->is(Kind::kNull)) return rejected("receipt.signed", "the receipt has no receipt_hash");
  const std::string bytes = canonical();
  const std::string actual = base::to_hex(crypto::sha256(base::as_bytes(bytes)));
  if (claimed_hash->text != actual) {
    return rejected("receipt.hash",
                    "receipt_hash is " + claimed_hash->text + ", but the fields hash to " + actual + ": a field was altered");
  }
  if (claimed->key_id != key.key_id) {
    return rejected("receipt.key_id", "signed by the key \"" + claimed->key_id + "\"; the given one is \"" + key.key_id + "\"");
  }
  if (!key.verify(base::as_bytes(bytes), claimed->bytes))
    return rejected("receipt.signature", "the signature is not the given key's over this receipt");
  return base::Status::good();
}

}  // namespace blindproof::chain
