#include "blindproof/fhe/formats/mapped.h"

#include <bit>
#include <cstring>
#include <memory>
#include <new>

#include "blindproof/base/check.h"

namespace blindproof::fhe::formats {

static_assert(std::endian::native == std::endian::little, "words are mapped as they stand");

std::size_t mapped_position(std::size_t position) noexcept { return (position + kMappedAlignment - 1) / kMappedAlignment * kMappedAlignment; }

std::size_t mapped_bytes(const rlwe::Ring& ring, const rlwe::Basis& basis) noexcept {
  return ring.limbs(basis) * ring.degree() * sizeof(std::uint64_t);
}

base::ByteSpan mapped_words(const rlwe::NttPoly& poly) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(poly.limb(0).data()), mapped_bytes(poly.ring(), poly.basis())};
}

rlwe::NttPoly mapped_poly(const base::MappedFile& memory, std::size_t offset, const rlwe::RingPtr& ring, const rlwe::Basis& basis) {
  const std::size_t size = mapped_bytes(*ring, basis);
  BLINDPROOF_CHECK(offset % kMappedAlignment == 0 && offset <= memory.bytes.size() && size <= memory.bytes.size() - offset,
                   "a polynomial within the mapped memory");
  auto* const words = reinterpret_cast<std::uint64_t*>(memory.bytes.data() + offset);
  return rlwe::NttPoly::adopt(ring, basis, rlwe::LimbBuffer::borrowed({words, size / sizeof(std::uint64_t)}, memory.owner));
}

base::MappedFile mapped_copy(base::ByteSpan bytes) {
  void* memory = ::operator new(bytes.size(), std::align_val_t{kMappedAlignment});
  std::memcpy(memory, bytes.data(), bytes.size());
  return {std::shared_ptr<void>(memory, [](void* p) { ::operator delete(p, std::align_val_t{kMappedAlignment}); }),
          {static_cast<std::uint8_t*>(memory), bytes.size()}};
}

}  // namespace blindproof::fhe::formats
