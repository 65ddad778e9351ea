// What the examples share: values out of results, checks, aligned lines and times.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "blindproof/base/result.h"

namespace blindproof::examples {

[[noreturn]] inline void fail(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// The value, or the end of the program with the error's message. A program that lives on uses BLINDPROOF_ASSIGN.
template <class T>
T unwrap(base::Result<T> result) {
  if (!result.ok()) fail(result.error().message());
  return std::move(result).value();
}

inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

inline void title(const char* text) { std::printf("\n%s\n", text); }

/// "  step ....  printf-style text".
__attribute__((format(printf, 2, 3))) inline void line(const char* step, const char* format, ...) {
  std::printf("  %-46s ", step);
  std::va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}

/// Prints the error that `result` must be.
template <class T>
void line_of_error(const char* step, const base::Result<T>& result) {
  require(!result.ok(), step);
  std::printf("  %s\n    -> %s\n", step, result.error().message().c_str());
}

/// The first values, as text.
template <class T>
std::string head(std::span<const T> values, std::size_t count, const char* format) {
  std::string text;
  for (const T& value : values.first(std::min(count, values.size()))) {
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, format, value);
    text += buffer;
  }
  return text + (values.size() > count ? " ..." : "");
}

/// The largest |a_i - b_i| over the slots of b.
template <class Slots>
double largest_difference(const Slots& a, const Slots& b) {
  require(a.size() >= b.size(), "there are too few slots to compare");
  double largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return largest;
}

/// Median of 5 runs or more, until they have taken 50 ms together, after one that warms up.
template <class Body>
double median_ms(Body&& body) {
  body();
  std::vector<double> times;
  double total = 0;
  while (times.size() < 5 || (total < 50 && times.size() < 1000)) {
    const auto start = std::chrono::steady_clock::now();
    body();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    total += times.back();
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace blindproof::examples
