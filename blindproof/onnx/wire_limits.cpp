#include "blindproof/onnx/wire_limits.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cstdint>

namespace blindproof::onnx {
namespace {

using base::ByteSpan;
using base::ErrorCode;
using base::Status;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Ref: protobuf.dev/programming-guides/encoding. Groups (3 and 4) don't occur in ONNX.
enum WireType : std::uint64_t { kVarint = 0, kFixed64 = 1, kSized = 2, kFixed32 = 5 };

class Walker {
 public:
  Walker(const WireLimits& limits, const std::string& place)
      : place_(place), fields_(limits.fields), packed_(limits.packed_varints) {}

  Status walk(ByteSpan bytes, const Descriptor& descriptor, int depth) {
    if (depth == 0) return base::error(ErrorCode::kLimit, place_, "messages are nested too deeply");
    std::size_t at = 0;
    while (at < bytes.size()) {
      std::uint64_t tag = 0, size = 0;
      if (!varint(bytes, at, tag)) return malformed();
      if (fields_-- == 0) return base::error(ErrorCode::kLimit, place_, "too many fields");
      switch (tag & 7) {
        case kVarint:
          if (!varint(bytes, at, size)) return malformed();
          continue;
        case kFixed64:
          size = 8;
          break;
        case kFixed32:
          size = 4;
          break;
        case kSized:
          if (!varint(bytes, at, size)) return malformed();
          break;
        default:
          return malformed();
      }
      if (size > bytes.size() - at) return malformed();
      const ByteSpan content = bytes.subspan(at, static_cast<std::size_t>(size));
      at += static_cast<std::size_t>(size);
      if ((tag & 7) == kSized) BLINDPROOF_TRY(walk_sized(content, descriptor, tag >> 3, depth));
    }
    return {};
  }

 private:
  Status walk_sized(ByteSpan content, const Descriptor& descriptor, std::uint64_t number, int depth) {
    if (number == 0 || number > static_cast<std::uint64_t>(FieldDescriptor::kMaxNumber)) return malformed();
    const FieldDescriptor* field = descriptor.FindFieldByNumber(static_cast<int>(number));
    if (field == nullptr) return {};  // kept as bytes
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return walk(content, *field->message_type(), depth - 1);
    const bool fixed = field->type() == FieldDescriptor::TYPE_FLOAT || field->type() == FieldDescriptor::TYPE_DOUBLE;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING || fixed) return {};
    const auto count = static_cast<std::size_t>(
        std::count_if(content.begin(), content.end(), [](std::uint8_t byte) { return byte < 0x80; }));
    if (count > packed_) return base::error(ErrorCode::kLimit, place_, "too many packed integers");
    packed_ -= count;
    return {};
  }

  static bool varint(ByteSpan bytes, std::size_t& at, std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at == bytes.size()) return false;
      const std::uint8_t byte = bytes[at++];
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  Status malformed() const { return base::error(ErrorCode::kMalformed, place_, "is not an ONNX file, or is damaged"); }

  const std::string& place_;
  std::size_t fields_, packed_;
};

}  // namespace

base::Status check_wire_limits(ByteSpan bytes, const Descriptor& descriptor, const WireLimits& limits,
                               const std::string& place) {
  return Walker(limits, place).walk(bytes, descriptor, limits.depth);
}

}  // namespace blindproof::onnx
