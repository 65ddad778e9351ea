#include "blindproof/service/store/records.h"

#include <algorithm>
#include <array>

#include "blindproof/base/bytes.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/sha256.h"

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

crypto::Digest256 audit_link(const crypto::Digest256& before, const AuditEntry& entry) {
  base::ByteWriter writer;
  writer.raw(before);
  writer.i64(entry.at_ms);
  for (const std::string* text : {&entry.tenant, &entry.actor, &entry.action, &entry.object, &entry.detail}) writer.text(*text);
  return crypto::sha256(writer.bytes());
}

}  // namespace blindproof::service::store
