// JSON (RFC 8259) as receipts need it: bounded, numbers kept as they are written, duplicate keys refused, one canonical form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blindproof/base/bytes.h"

namespace blindproof::chain {

struct JsonMember;

/// One value. What belongs to another kind is empty.
struct JsonValue {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  // of a text: its characters in UTF-8; of a number: as it is written
  std::vector<JsonValue> elements;
  std::vector<JsonMember> members;  // in the order of the file, keys differ

  static JsonValue make_boolean(bool value);
  static JsonValue make_number(std::string text);
  static JsonValue make_number(std::uint64_t value);
  static JsonValue make_text(std::string text);
  static JsonValue make_array(std::vector<JsonValue> elements);
  static JsonValue make_object();

  bool is(Kind other) const noexcept { return kind == other; }
  bool is_object() const noexcept { return kind == Kind::kObject; }
  bool is_text() const noexcept { return kind == Kind::kText; }
  /// The member of this key; nullptr if there is none, or this is no object.
  const JsonValue* find(std::string_view key) const noexcept;
  /// Adds a member or replaces the one of this key. Requires: an object.
  void set(std::string_view key, JsonValue value);
  /// Does nothing if there is none.
  void remove(std::string_view key) noexcept;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

struct JsonLimits {
  std::size_t bytes = 1u << 20;
  std::size_t depth = 16;       // of nested arrays and objects
  std::size_t values = 16'384;  // null, true, numbers, texts, arrays, objects together
};

/// Exactly one value, surrounded by white space at most.
/// Errors: kLimit; kMalformed for anything that RFC 8259 doesn't allow, invalid UTF-8, lone surrogates, duplicate keys.
base::Result<JsonValue> parse_json(base::ByteSpan bytes, std::string_view place, const JsonLimits& limits = {});

/// Compact, members in their order.
std::string write_json(const JsonValue& value);
/// Two spaces for each level; members in their order, a line each.
std::string write_json_indented(const JsonValue& value);
/// Compact, members sorted by code points, those whose value is null left out at any depth.
/// docs/spec/receipts.md, section 2.
std::string write_canonical_json(const JsonValue& value);

/// Good if `text` is valid UTF-8 (shortest forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

}  // namespace blindproof::chain
