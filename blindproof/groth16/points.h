// Points as sections hold them, and as the hashes of ceremonies take them.
#pragma once

#include <span>
#include <vector>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"
#include "blindproof/groth16/sections.h"

namespace blindproof::groth16 {

using curve::G1Affine;
using curve::G2Affine;
using field::Fq;
using field::Fr;

inline constexpr std::size_t kG1Bytes = 64, kG2Bytes = 128;

/// In sections: coordinates times 2^256, as in memory, little-endian; the identity is zeros.
template <class Point>
base::ByteSpan bytes_of(std::span<const Point> points) {
  return {reinterpret_cast<const std::uint8_t*>(points.data()), points.size_bytes()};
}

/// Points `first`, .., `first + count - 1` of a section (count of them from `first`, not more), canonical but not checked further.
/// Errors: kIo; kMalformed, also beyond the section's end.
template <class Point>
base::Result<std::vector<Point>> read_points(const Sections& sections, std::uint32_t section, std::size_t first, std::size_t count);
extern template base::Result<std::vector<G1Affine>> read_points(const Sections&, std::uint32_t, std::size_t, std::size_t);
extern template base::Result<std::vector<G2Affine>> read_points(const Sections&, std::uint32_t, std::size_t, std::size_t);

/// The next points of a reader; zeros after a failure, which also is one coordinate that isn't reduced.
G1Affine read_g1(base::ByteReader& reader);
G2Affine read_g2(base::ByteReader& reader);

/// Whether every point is in its group (the identity is).
bool in_group(std::span<const G1Affine> points);
bool in_group(std::span<const G2Affine> points);

// In hashes: big-endian numbers, x before y, in Fq2 the factor of u before the other; the identity is zeros.
base::Bytes uncompressed(std::span<const G1Affine> points);
base::Bytes uncompressed(std::span<const G2Affine> points);
/// x alone; the highest bit says that y is the larger of both roots, the next one that the point is the identity.
base::Bytes compressed(std::span<const G1Affine> points);
base::Bytes compressed(std::span<const G2Affine> points);

/// Whether it lies above (q - 1) / 2.
bool is_larger_root(const Fq& y);
/// By the factor of u, or by the other if that is zero.
bool is_larger_root(const curve::Fq2& y);

}  // namespace blindproof::groth16
