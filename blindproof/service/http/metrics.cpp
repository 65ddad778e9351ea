#include "blindproof/service/http/metrics.h"

#include <cstdio>

namespace blindproof::service::http {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

void Metrics::count_request(const std::string& method, const std::string& route, int status, double seconds) {
  const std::string labels = "method=\"" + method + "\",route=\"" + route + "\",status=\"" + std::to_string(status) + "\"";
  const std::lock_guard lock(mutex_);
  Series& series = series_[labels];
  ++series.count;
  series.sum += seconds;
  for (std::size_t i = 0; i < kBounds.size(); ++i) series.below[i] += seconds <= kBounds[i] ? 1u : 0u;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text = "# HELP blindproof_http_request_seconds Time from a request's head to its response.\n# TYPE blindproof_http_request_seconds histogram\n";
  const std::string name = "blindproof_http_request_seconds";
  for (const auto& [labels, series] : series_) {
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      text += name + "_bucket{" + labels + ",le=\"" + number(kBounds[i]) + "\"} " + std::to_string(series.below[i]) + "\n";
    }
    text += name + "_bucket{" + labels + ",le=\"+Inf\"} " + std::to_string(series.count) + "\n";
    text += name + "_sum{" + labels + "} " + number(series.sum) + "\n" + name + "_count{" + labels + "} " + std::to_string(series.count) + "\n";
  }
  return text;
}

}  // namespace blindproof::service::http
