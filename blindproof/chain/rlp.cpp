#include "blindproof/chain/rlp.h"

#include <algorithm>

namespace blindproof::chain {
namespace {

base::Bytes minimal(Uint128 value) {
  base::Bytes bytes;
  for (; value > 0; value >>= 8) bytes.push_back(static_cast<std::uint8_t>(value & 0xff));
  std::ranges::reverse(bytes);
  return bytes;
}

base::Bytes prefixed(std::uint8_t offset, base::ByteSpan content) {
  base::Bytes out;
  if (content.size() < 56) {
    out.push_back(static_cast<std::uint8_t>(offset + content.size()));
  } else {
    const base::Bytes length = minimal(content.size());
    out.push_back(static_cast<std::uint8_t>(offset + 55 + length.size()));
    out.insert(out.end(), length.begin(), length.end());
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

}  // namespace

base::Bytes rlp_bytes(base::ByteSpan bytes) {
  if (bytes.size() == 1 && bytes[0] < 0x80) return {bytes[0]};
  return prefixed(0x80, bytes);
}

base::Bytes rlp_integer(Uint128 value) { return rlp_bytes(minimal(value)); }

base::Bytes rlp_list(std::span<const base::Bytes> items) {
  base::Bytes content;
  for (const base::Bytes& item : items) content.insert(content.end(), item.begin(), item.end());
  return prefixed(0xc0, content);
}

base::Bytes rlp_list(std::initializer_list<base::Bytes> items) { return rlp_list(std::span(items.begin(), items.size())); }

}  // namespace blindproof::chain
