// How many requests a second an API key may make: a token bucket for each.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace blindproof::service::http {

class RateLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `burst` requests at once, `per_second` on average. per_second 0: no limit.
  RateLimits(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  /// Nothing if the request may go on, otherwise for how long to wait.   Memory: of keys used within the time that fills a bucket.
  std::optional<std::chrono::seconds> take(const std::string& key, Time now);
  std::size_t keys() const;

 private:
  struct Bucket {
    double tokens;
    Time filled;
  };
  void forget_full(Time now);
  double tokens_at(const Bucket& bucket, Time now) const;

  const double per_second_, burst_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::size_t forget_at_ = 1024;
};

}  // namespace blindproof::service::http
