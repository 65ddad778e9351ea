#include "blindproof/service/http/rate_limits.h"

#include <algorithm>
#include <cmath>

namespace blindproof::service::http {

double RateLimits::tokens_at(const Bucket& bucket, Time now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
  return std::min(burst_, bucket.tokens + std::max(0.0, seconds) * per_second_);
}

std::optional<std::chrono::seconds> RateLimits::take(const std::string& key, Time now) {
  if (per_second_ <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= forget_at_) forget_full(now);
  Bucket& bucket = buckets_.try_emplace(key, Bucket{burst_, now}).first->second;
  bucket.tokens = tokens_at(bucket, now);
  bucket.filled = std::max(bucket.filled, now);
  if (bucket.tokens < 1) return std::chrono::seconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / per_second_)));
  bucket.tokens -= 1;
  return std::nullopt;
}

std::size_t RateLimits::keys() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

/// A full bucket is what a key that was never seen has.
void RateLimits::forget_full(Time now) {
  std::erase_if(buckets_, [&](const auto& entry) { return tokens_at(entry.second, now) >= burst_; });
  forget_at_ = std::max<std::size_t>(1024, 2 * buckets_.size());
}

}  // namespace blindproof::service::http
