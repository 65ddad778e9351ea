#include "blindproof/groth16/points.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <type_traits>

#include "blindproof/base/thread_pool.h"

namespace blindproof::groth16 {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(G1Affine) == kG1Bytes && sizeof(G2Affine) == kG2Bytes);

constexpr std::size_t kGrain = 4096;

bool is_reduced(const Fq& value) { return field::detail::less(value.montgomery(), Fq::kModulus); }
bool is_reduced(const curve::Fq2& value) { return is_reduced(value.c0) && is_reduced(value.c1); }
template <class Point>
bool is_reduced(const Point& point) {
  return is_reduced(point.x) && is_reduced(point.y);
}

template <class Point>
bool all_of(std::span<const Point> points, std::size_t grain, bool (*holds)(const Point&)) {
  std::atomic<bool> good = true;
  base::parallel_ranges(points.size(), grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && good; ++i) {
      if (!holds(points[i])) good = false;
    }
  });
  return good;
}

void write_big_endian(const Fq& value, std::uint8_t* out) {
  const field::Limbs limbs = value.to_limbs();
  for (std::size_t i = 0; i < 32; ++i) out[i] = static_cast<std::uint8_t>(limbs[3 - i / 8] >> (8 * (7 - i % 8)));
}
void write_big_endian(const curve::Fq2& value, std::uint8_t* out) {
  write_big_endian(value.c1, out);
  write_big_endian(value.c0, out + 32);
}

template <class Point>
base::Bytes uncompressed_of(std::span<const Point> points) {
  base::Bytes bytes(points.size() * sizeof(Point));
  base::parallel_ranges(points.size(), kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      write_big_endian(points[i].x, &bytes[i * sizeof(Point)]);
      write_big_endian(points[i].y, &bytes[i * sizeof(Point) + sizeof(Point) / 2]);
    }
  });
  return bytes;
}

template <class Point>
base::Bytes compressed_of(std::span<const Point> points) {
  constexpr std::size_t kSize = sizeof(Point) / 2;
  base::Bytes bytes(points.size() * kSize);
  base::parallel_ranges(points.size(), kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      std::uint8_t* const out = &bytes[i * kSize];
      write_big_endian(points[i].x, out);
      if (points[i].is_identity()) {
        out[0] = 0x40;
      } else if (is_larger_root(points[i].y)) {
        out[0] |= 0x80;
      }
    }
  });
  return bytes;
}

template <class Point>
Point read_point(base::ByteReader& reader) {
  Point point;
  const base::ByteSpan bytes = reader.raw(sizeof(Point));
  if (!reader.ok()) return {};
  std::memcpy(&point, bytes.data(), sizeof point);
  if (is_reduced(point)) return point;
  reader.fail("has a coordinate that isn't reduced");
  return {};
}

}  // namespace

template <class Point>
base::Result<std::vector<Point>> read_points(const Sections& sections, std::uint32_t section, std::size_t first, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<Point>);
  std::vector<Point> points(count);
  BLINDPROOF_TRY(sections.read(section, first * sizeof(Point), {reinterpret_cast<std::uint8_t*>(points.data()), count * sizeof(Point)}));
  if (!all_of<Point>(points, kGrain, is_reduced<Point>)) {
    return sections.malformed("section " + std::to_string(section) + " has a coordinate that isn't reduced");
  }
  return points;
}
template base::Result<std::vector<G1Affine>> read_points(const Sections&, std::uint32_t, std::size_t, std::size_t);
template base::Result<std::vector<G2Affine>> read_points(const Sections&, std::uint32_t, std::size_t, std::size_t);

G1Affine read_g1(base::ByteReader& reader) { return read_point<G1Affine>(reader); }
G2Affine read_g2(base::ByteReader& reader) { return read_point<G2Affine>(reader); }

bool in_group(std::span<const G1Affine> points) {
  return all_of<G1Affine>(points, kGrain, [](const G1Affine& point) { return point.is_on_curve(); });
}
bool in_group(std::span<const G2Affine> points) {
  return all_of<G2Affine>(points, 64, [](const G2Affine& point) { return point.is_in_group(); });
}

base::Bytes uncompressed(std::span<const G1Affine> points) { return uncompressed_of(points); }
base::Bytes uncompressed(std::span<const G2Affine> points) { return uncompressed_of(points); }
base::Bytes compressed(std::span<const G1Affine> points) { return compressed_of(points); }
base::Bytes compressed(std::span<const G2Affine> points) { return compressed_of(points); }

bool is_larger_root(const Fq& y) {
  // y > q/2 if and only if -y < y (as integers), and y isn't zero.
  return field::detail::less((-y).to_limbs(), y.to_limbs());
}
bool is_larger_root(const curve::Fq2& y) { return y.c1.is_zero() ? is_larger_root(y.c0) : is_larger_root(y.c1); }

}  // namespace blindproof::groth16
