#include "blindproof/base/result.h"

namespace blindproof::base {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kIo: return "io";
    case ErrorCode::kMalformed: return "malformed";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kInvalidArgument: return "invalid-argument";
    case ErrorCode::kMismatch: return "mismatch";
    case ErrorCode::kRejected: return "rejected";
  }
  return "unknown";
}

std::string Error::message() const { return place.empty() ? detail : place + ": " + detail; }

}  // namespace blindproof::base
