#include "blindproof/chain/json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "blindproof/base/check.h"

namespace blindproof::chain {
namespace {

using Kind = JsonValue::Kind;

// Length of the UTF-8 sequence that starts at `text[0]`; 0 if it is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0}; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const std::uint8_t first = byte(0), second = byte(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool above = first == 0xf4 && second >= 0x90;
    return overlong || above ? 0 : 4;
  }
  return 0;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto push = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xc0 | code_point >> 6);
    push(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    push(0xe0 | code_point >> 12);
    push(0x80 | (code_point >> 6 & 0x3f));
    push(0x80 | (code_point & 0x3f));
  } else {
    push(0xf0 | code_point >> 18);
    push(0x80 | (code_point >> 12 & 0x3f));
    push(0x80 | (code_point >> 6 & 0x3f));
    push(0x80 | (code_point & 0x3f));
  }
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, std::string_view place, const JsonLimits& limits) : text_(text), place_(place), limits_(limits) {}

  base::Result<JsonValue> document() {
    JsonValue value;
    if (read_value(value, 0)) {
      skip_space();
      if (position_ < text_.size()) fail("goes on after its value");
    }
    if (error_) return *error_;
    return value;
  }

 private:
  bool fail(std::string detail, base::ErrorCode code = base::ErrorCode::kMalformed) {
    if (!error_) error_ = base::error(code, std::string(place_), "byte " + std::to_string(position_) + ": " + std::move(detail));
    return false;
  }

  char peek() const noexcept { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool take(char expected) noexcept {
    if (position_ >= text_.size() || text_[position_] != expected) return false;
    ++position_;
    return true;
  }
  bool take(std::string_view word) noexcept {
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  void skip_space() noexcept {
    while (position_ < text_.size() && std::string_view(" \t\n\r").find(text_[position_]) != std::string_view::npos) ++position_;
  }

  bool read_value(JsonValue& out, std::size_t depth) {
    if (++values_ > limits_.values) return fail("more than " + std::to_string(limits_.values) + " values", base::ErrorCode::kLimit);
    skip_space();
    if (position_ >= text_.size()) return fail("ends where a value should stand");
    const char first = peek();
    if (first == '{' || first == '[') {
      if (depth == limits_.depth) return fail("more than " + std::to_string(limits_.depth) + " levels", base::ErrorCode::kLimit);
      return first == '{' ? read_object(out, depth + 1) : read_array(out, depth + 1);
    }
    if (first == '"') {
      out.kind = Kind::kText;
      return read_text(out.text);
    }
    if (first == '-' || is_digit(first)) return read_number(out);
    if (take("null")) return true;
    out.kind = Kind::kBoolean;
    out.boolean = first == 't';
    if (take("true") || take("false")) return true;
    return fail("no JSON value");
  }

  bool read_object(JsonValue& out, std::size_t depth) {
    out.kind = Kind::kObject;
    ++position_;
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      if (peek() != '"') return fail("a key in quotes should stand here");
      JsonMember member;
      if (!read_text(member.key)) return false;
      skip_space();
      if (!take(':')) return fail("':' should stand here");
      if (!read_value(member.value, depth)) return false;
      out.members.push_back(std::move(member));
      skip_space();
    } while (take(','));
    if (!take('}')) return fail("',' or '}' should stand here");
    return keys_differ(out);
  }

  bool keys_differ(const JsonValue& object) {
    std::vector<std::string_view> keys;
    keys.reserve(object.members.size());
    for (const JsonMember& member : object.members) keys.emplace_back(member.key);
    std::ranges::sort(keys);
    const auto twice = std::ranges::adjacent_find(keys);
    return twice == keys.end() || fail("the object before has the key \"" + std::string(twice->substr(0, 64)) + "\" twice");
  }

  bool read_array(JsonValue& out, std::size_t depth) {
    out.kind = Kind::kArray;
    ++position_;
    skip_space();
    if (take(']')) return true;
    do {
      if (!read_value(out.elements.emplace_back(), depth)) return false;
      skip_space();
    } while (take(','));
    return take(']') || fail("',' or ']' should stand here");
  }

  bool read_digits() {
    if (!is_digit(peek())) return fail("a digit should stand here");
    while (is_digit(peek())) ++position_;
    return true;
  }

  bool read_number(JsonValue& out) {
    const std::size_t begin = position_;
    take('-');
    if (take('0')) {
      if (is_digit(peek())) return fail("a number with a zero in front");
    } else if (!read_digits()) {
      return false;
    }
    if (take('.') && !read_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!read_digits()) return false;
    }
    out.kind = Kind::kNumber;
    out.text = text_.substr(begin, position_ - begin);
    return true;
  }

  bool read_text(std::string& out) {
    ++position_;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '"') {
        ++position_;
        return true;
      }
      if (static_cast<std::uint8_t>(c) < 0x20) return fail("a control character inside a text");
      if (c == '\\') {
        ++position_;
        if (!read_escape(out)) return false;
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(position_));
      if (length == 0) return fail("no valid UTF-8");
      out.append(text_.substr(position_, length));
      position_ += length;
    }
    return fail("ends inside a text");
  }

  bool read_escape(std::string& out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = peek();
    if (const std::size_t at = kLetters.find(letter); position_ < text_.size() && at != std::string_view::npos) {
      out.push_back(kMeanings[at]);
      ++position_;
      return true;
    }
    if (!take('u')) return fail("an unknown escape");
    std::uint32_t code_point = 0;
    if (!read_hex4(code_point)) return false;
    if (code_point >= 0xdc00 && code_point <= 0xdfff) return fail("half a surrogate pair");
    if (code_point >= 0xd800 && code_point <= 0xdbff) {
      std::uint32_t low = 0;
      if (!take("\\u")) return fail("half a surrogate pair");
      if (!read_hex4(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail("half a surrogate pair");
      code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code_point);
    return true;
  }

  bool read_hex4(std::uint32_t& out) {
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit = 0;
      if (is_digit(c)) {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<std::uint32_t>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<std::uint32_t>(c - 'A') + 10;
      } else {
        return fail("four hexadecimal digits should stand here");
      }
      out = out << 4 | digit;
      ++position_;
    }
    return true;
  }

  std::string_view text_, place_;
  const JsonLimits& limits_;
  std::size_t position_ = 0, values_ = 0;
  std::optional<base::Error> error_;
};

void write_text(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    static constexpr std::string_view kShort = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
    if (const std::size_t at = kShort.find(c); at != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetters[at]);
    } else if (static_cast<std::uint8_t>(c) < 0x20) {
      static constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\u00";
      out.push_back(kDigits[static_cast<std::uint8_t>(c) >> 4]);
      out.push_back(kDigits[static_cast<std::uint8_t>(c) & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

struct Style {
  bool canonical = false;
  bool indented = false;
};

void new_line(std::string& out, const Style& style, std::size_t level) {
  if (!style.indented) return;
  out.push_back('\n');
  out.append(2 * level, ' ');
}

void write_value(std::string& out, const JsonValue& value, const Style& style, std::size_t level) {
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBoolean:
      out += value.boolean ? "true" : "false";
      return;
    case Kind::kNumber:
      out += value.text;
      return;
    case Kind::kText:
      write_text(out, value.text);
      return;
    case Kind::kArray: {
      out.push_back('[');
      for (std::size_t i = 0; i < value.elements.size(); ++i) {
        if (i > 0) out.push_back(',');
        new_line(out, style, level + 1);
        write_value(out, value.elements[i], style, level + 1);
      }
      if (!value.elements.empty()) new_line(out, style, level);
      out.push_back(']');
      return;
    }
    case Kind::kObject: {
      std::vector<const JsonMember*> members;
      for (const JsonMember& member : value.members) {
        if (!style.canonical || !member.value.is(Kind::kNull)) members.push_back(&member);
      }
      // The order of UTF-8 bytes, which std::string compares as unsigned ones, is the order of code points.
      if (style.canonical) std::ranges::sort(members, {}, [](const JsonMember* m) -> const std::string& { return m->key; });
      out.push_back('{');
      for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0) out.push_back(',');
        new_line(out, style, level + 1);
        write_text(out, members[i]->key);
        out += style.indented ? ": " : ":";
        write_value(out, members[i]->value, style, level + 1);
      }
      if (!members.empty()) new_line(out, style, level);
      out.push_back('}');
      return;
    }
  }
}

std::string write(const JsonValue& value, const Style& style) {
  std::string out;
  write_value(out, value, style, 0);
  return out;
}

}  // namespace

JsonValue JsonValue::make_boolean(bool value) {
  JsonValue made;
  made.kind = Kind::kBoolean;
  made.boolean = value;
  return made;
}

JsonValue JsonValue::make_number(std::string text) {
  JsonValue made;
  made.kind = Kind::kNumber;
  made.text = std::move(text);
  return made;
}

JsonValue JsonValue::make_number(std::uint64_t value) { return make_number(std::to_string(value)); }

JsonValue JsonValue::make_text(std::string text) {
  JsonValue made;
  made.kind = Kind::kText;
  made.text = std::move(text);
  return made;
}

JsonValue JsonValue::make_array(std::vector<JsonValue> elements) {
  JsonValue made;
  made.kind = Kind::kArray;
  made.elements = std::move(elements);
  return made;
}

JsonValue JsonValue::make_object() {
  JsonValue made;
  made.kind = Kind::kObject;
  return made;
}

const JsonValue* JsonValue::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(members, key, &JsonMember::key);
  return found == members.end() ? nullptr : &found->value;
}

void JsonValue::set(std::string_view key, JsonValue value) {
  BLINDPROOF_CHECK(kind == Kind::kObject, "only objects have members");
  const auto found = std::ranges::find(members, key, &JsonMember::key);
  if (found != members.end()) {
    found->value = std::move(value);
  } else {
    members.push_back({std::string(key), std::move(value)});
  }
}

void JsonValue::remove(std::string_view key) noexcept {
  std::erase_if(members, [&](const JsonMember& member) { return member.key == key; });
}

base::Result<JsonValue> parse_json(base::ByteSpan bytes, std::string_view place, const JsonLimits& limits) {
  if (bytes.size() > limits.bytes) {
    return base::error(base::ErrorCode::kLimit, std::string(place),
                       "has " + std::to_string(bytes.size()) + " bytes; allowed are " + std::to_string(limits.bytes));
  }
  return Parser({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, place, limits).document();
}

std::string write_json(const JsonValue& value) { return write(value, {}); }
std::string write_json_indented(const JsonValue& value) { return write(value, {.canonical = false, .indented = true}); }
std::string write_canonical_json(const JsonValue& value) { return write(value, {.canonical = true, .indented = false}); }

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace blindproof::chain
