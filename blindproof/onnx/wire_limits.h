// A look at a protobuf message's bytes before protobuf builds objects from them.
#pragma once

#include <cstddef>
#include <string>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"

namespace google::protobuf {
class Descriptor;
}

namespace blindproof::onnx {

struct WireLimits {
  std::size_t fields = std::size_t{1} << 22;          // nested messages, strings and unpacked numbers
  std::size_t packed_varints = std::size_t{1} << 28;  // in packed repeated fields: 8 bytes each when parsed
  int depth = 32;
};

/// An empty nested message takes two bytes on the wire and hundreds in memory, so the file's size alone bounds nothing.
/// Walks the message as `descriptor` describes it. Errors: kLimit; kMalformed if it isn't a protobuf message.
base::Status check_wire_limits(base::ByteSpan bytes, const google::protobuf::Descriptor& descriptor,
                               const WireLimits& limits, const std::string& place);

}  // namespace blindproof::onnx
