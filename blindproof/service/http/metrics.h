// Counters in the text format of Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace blindproof::service::http {

class Metrics {
 public:
  /// `route` is a pattern, so that there are few series.
  void count_request(const std::string& method, const std::string& route, int status, double seconds);
  std::string text() const;

 private:
  static constexpr std::array<double, 8> kBounds = {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60};
  struct Series {
    std::uint64_t count = 0;
    std::array<std::uint64_t, kBounds.size()> below{};
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Series> series_;  // by labels
};

}  // namespace blindproof::service::http
