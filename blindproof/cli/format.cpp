#include "blindproof/cli/format.h"

#include <algorithm>
#include <cstdio>

namespace blindproof::cli {
namespace {

using model::Int128;

template <class... Arguments>
std::string print(const char* format, Arguments... arguments) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, arguments...);
  return buffer;
}

std::string text_of(Int128 value) { return base::to_string(value); }
std::string text_of(double value) { return format_real(value); }

template <class T>
std::string list(std::span<const T> values, std::size_t limit) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ", ";
    if (i == limit) {
      text += "... " + format_count(values.size()) + " values";
      break;
    }
    text += text_of(values[i]);
  }
  return text + "]";
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string fill(width - std::min(width, text.size()), ' ');
  return left ? text + fill : fill + text;
}

}  // namespace

std::string format_count(std::size_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string format_bytes(std::size_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1000) return std::to_string(bytes) + " B";
  if (bytes < 1000000) return print("%.1f kB", value / 1e3);
  if (bytes < 1000000000) return print("%.1f MB", value / 1e6);
  return print("%.2f GB", value / 1e9);
}

std::string format_seconds(double seconds) {
  if (seconds < 1e-3) return print("%.0f us", seconds * 1e6);
  if (seconds < 1) return print("%.1f ms", seconds * 1e3);
  return print("%.2f s", seconds);
}

std::string format_percent(double percent) { return print("%.2f%%", percent); }
std::string format_real(double value) { return print("%.6g", value); }

std::string format_values(std::span<const Int128> values, std::size_t limit) { return list(values, limit); }
std::string format_values(std::span<const double> values, std::size_t limit) { return list(values, limit); }

Json integer_json(Int128 value) {
  constexpr Int128 kExact = Int128{1} << 53;
  if (value >= -kExact && value <= kExact) return static_cast<std::int64_t>(value);
  return base::to_string(value);
}

Json integers_json(std::span<const Int128> values) {
  Json array = Json::array();
  for (Int128 value : values) array.push_back(integer_json(value));
  return array;
}

Sheet& Sheet::line(const std::string& name, const std::string& value) {
  lines_.emplace_back(name, value);
  return *this;
}

std::string Sheet::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : lines_) text += "  " + padded(name, width, true) + "  " + value + "\n";
  return text;
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) line += " " + padded(row[i], widths[i] + (i > 0 ? 1 : 0), i == 0);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace blindproof::cli
