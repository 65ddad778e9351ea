// Whether two samples look as if they came from one distribution.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace blindproof::fhe::rlwe {

/// The largest distance between the two empirical distribution functions, times the square root of half the harmonic mean of
/// the sizes: above 2 with probability below 2^-10 for samples of one distribution.   Ref: Smirnov's test.
inline double smirnov_statistic(std::vector<double> a, std::vector<double> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  const double n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  double largest = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    (a[i] <= b[j] ? i : j) += 1;
    largest = std::max(largest, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return largest * std::sqrt(n * m / (n + m));
}

inline bool look_alike(const std::vector<double>& a, const std::vector<double>& b) { return smirnov_statistic(a, b) < 2; }

}  // namespace blindproof::fhe::rlwe
