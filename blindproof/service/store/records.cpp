#include "blindproof/service/store/records.h"

#include <algorithm>
#include <array>

#include "blindproof/crypto/random.h"

namespace blindproof::service::store {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kIdSize = 26, kTimeSize = 10;

}  // namespace

std::string make_id(TimeMs now) {
  std::string id(kIdSize, '0');
  auto time = static_cast<std::uint64_t>(now);
  for (std::size_t i = kTimeSize; i-- > 0; time >>= 5) id[i] = kAlphabet[time & 31];
  std::array<std::uint8_t, kIdSize - kTimeSize> random;
  crypto::random_bytes(random);
  for (std::size_t i = 0; i < random.size(); ++i) id[kTimeSize + i] = kAlphabet[random[i] & 31];
  return id;
}

bool is_id(std::string_view text) {
  return text.size() == kIdSize && std::ranges::all_of(text, [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

std::string_view job_status_name(JobStatus status) {
  switch (status) {
    case JobStatus::kQueued: return "queued";
    case JobStatus::kRunning: return "running";
    case JobStatus::kSucceeded: return "succeeded";
    case JobStatus::kFailed: return "failed";
    case JobStatus::kCancelled: return "cancelled";
  }
  return "?";
}

}  // namespace blindproof::service::store
