#include "blindproof/curve/g1.h"

#include <algorithm>
#include <string>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/kernels.h"

namespace blindproof::curve {
namespace {

constexpr std::uint8_t kIdentityFlag = 0x40;
constexpr std::uint8_t kOddFlag = 0x80;

Fq curve_right_side(const Fq& x) { return x.squared() * x + Fq::from_u64(3); }

bool is_odd(const Fq& value) { return (value.to_limbs()[0] & 1) != 0; }

}  // namespace

G1Affine G1Affine::generator() { return {Fq::one(), Fq::from_u64(2)}; }

bool G1Affine::is_on_curve() const { return is_identity() || y.squared() == curve_right_side(x); }

EncodedPoint encode(const G1Affine& point) {
  if (point.is_identity()) {
    EncodedPoint bytes{};
    bytes[31] = kIdentityFlag;
    return bytes;
  }
  EncodedPoint bytes = point.x.to_bytes();
  if (is_odd(point.y)) bytes[31] |= kOddFlag;
  return bytes;
}

namespace {

// Decodes a few points at a time, so that square roots are taken in lanes. The index of the first bad one, or `count`.
std::size_t decode_range(const std::uint8_t* bytes, std::size_t count, G1Affine* out) {
  constexpr std::size_t kGroup = 64;
  std::array<Fq, kGroup> squares, roots;
  for (std::size_t begin = 0; begin < count; begin += kGroup) {
    const std::size_t size = std::min(kGroup, count - begin);
    std::size_t good = size;  // points that may still turn out well
    for (std::size_t i = 0; i < good; ++i) {
      EncodedPoint encoded;
      std::copy_n(bytes + (begin + i) * kEncodedPointBytes, kEncodedPointBytes, encoded.begin());
      const std::uint8_t flags = encoded[31] & (kIdentityFlag | kOddFlag);
      encoded[31] = static_cast<std::uint8_t>(encoded[31] ^ flags);
      const std::optional<Fq> x = Fq::from_bytes(encoded);
      if (!x || ((flags & kIdentityFlag) != 0 && (!x->is_zero() || (flags & kOddFlag) != 0))) {
        good = i;
        break;
      }
      out[begin + i].x = *x;
      squares[i] = curve_right_side(*x);
    }
    active_kernels().square_roots(squares.data(), good, roots.data());
    for (std::size_t i = 0; i < good; ++i) {
      const std::uint8_t top = bytes[(begin + i) * kEncodedPointBytes + 31];
      if ((top & kIdentityFlag) != 0) {
        out[begin + i] = {};
        continue;
      }
      if (!(roots[i].squared() == squares[i])) return begin + i;
      out[begin + i].y = is_odd(roots[i]) == ((top & kOddFlag) != 0) ? roots[i] : -roots[i];
    }
    if (good < size) return begin + good;
  }
  return count;
}

}  // namespace

std::optional<G1Affine> decode(std::span<const std::uint8_t, kEncodedPointBytes> bytes) {
  G1Affine point;
  if (decode_range(bytes.data(), 1, &point) == 0) return std::nullopt;
  return point;
}

base::Status decode_batch(std::span<const std::uint8_t> bytes, std::span<G1Affine> out) {
  BLINDPROOF_CHECK(bytes.size() == kEncodedPointBytes * out.size(), "32 bytes for each point");
  constexpr std::size_t kPointsPerTask = 256;
  const std::size_t tasks = (out.size() + kPointsPerTask - 1) / kPointsPerTask;
  std::vector<std::size_t> first_bad(tasks);
  base::parallel_for(tasks, [&](std::size_t task) {
    const std::size_t begin = task * kPointsPerTask;
    const std::size_t count = std::min(kPointsPerTask, out.size() - begin);
    first_bad[task] = begin + decode_range(bytes.data() + begin * kEncodedPointBytes, count, out.data() + begin);
  });
  for (std::size_t task = 0; task < tasks; ++task) {
    if (first_bad[task] == std::min((task + 1) * kPointsPerTask, out.size())) continue;
    return base::error(
        base::ErrorCode::kMalformed, "points",
        "point " + std::to_string(first_bad[task]) + " is not the canonical encoding of a point on the curve");
  }
  return {};
}

}  // namespace blindproof::curve
