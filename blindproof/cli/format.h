// Numbers and tensors for people.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/cli/session.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::cli {

std::string format_count(std::size_t count);     // "109,386"
std::string format_bytes(std::size_t bytes);     // "108.4 kB"
std::string format_seconds(double seconds);      // "12.3 ms"
std::string format_percent(double percent);      // "97.85%"
std::string format_real(double value);           // six significant digits
/// "[-3, 5, 12, ...]", at most `limit` of them.
std::string format_values(std::span<const model::Int128> values, std::size_t limit = 16);
std::string format_values(std::span<const double> values, std::size_t limit = 16);

/// Numbers that JSON readers hold exactly, decimal text for larger ones.
Json integer_json(model::Int128 value);
Json integers_json(std::span<const model::Int128> values);

/// Lines "  name   value" with the values in one column.
class Sheet {
 public:
  Sheet& line(const std::string& name, const std::string& value);
  std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

/// Columns, the first one left-aligned and the others right-aligned.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace blindproof::cli
