#include "blindproof/envelope/json.h"

#include <set>
#include <string>
#include <vector>

namespace blindproof::envelope {

base::Result<Json> parse_json(std::string_view text, std::size_t max_size) {
  const auto failed = [](base::ErrorCode code, std::string detail) { return base::error(code, "JSON", std::move(detail)); };
  if (text.size() > max_size) {
    return failed(base::ErrorCode::kLimit, "has " + std::to_string(text.size()) + " bytes; allowed are " + std::to_string(max_size));
  }
  std::vector<std::set<std::string, std::less<>>> members;
  bool repeated = false;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      members.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      members.pop_back();
    } else if (event == Json::parse_event_t::key) {
      repeated |= !members.back().insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  // Depth first, on the text itself: the parser would build what is too deep before the callback could refuse it.
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char character : text) {
    if (in_string) {
      in_string = escaped || character != '"';
      escaped = !escaped && character == '\\';
    } else if (character == '"') {
      in_string = true;
    } else if (character == '{' || character == '[') {
      if (++depth > kMaxJsonDepth) return failed(base::ErrorCode::kLimit, "is nested too deeply");
    } else if (character == '}' || character == ']') {
      --depth;
    }
  }
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded()) return failed(base::ErrorCode::kMalformed, "can't be parsed");
  if (repeated) return failed(base::ErrorCode::kMalformed, "has a member twice in one object");
  return json;
}

}  // namespace blindproof::envelope
