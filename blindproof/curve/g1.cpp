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

G1::G1(const G1Affine& point) {
  if (point.is_identity()) return;
  x_ = point.x;
  y_ = point.y;
  zz_ = zzz_ = Fq::one();
}

G1 G1::from_xyzz(const Fq& x, const Fq& y, const Fq& zz, const Fq& zzz) {
  G1 point;
  point.x_ = x;
  point.y_ = y;
  point.zz_ = zz;
  point.zzz_ = zzz;
  return point;
}

G1Affine G1::to_affine() const {
  if (is_identity()) return {};
  // zzz/zz = z, so 1/zz = (zz/zzz)^2 with a single inversion.
  const Fq inverse_zzz = zzz_.inverse();
  const Fq inverse_z = zz_ * inverse_zzz;
  return {x_ * inverse_z.squared(), y_ * inverse_zzz};
}

G1 G1::doubled() const {  // dbl-2008-s-1 with a = 0; there is no point with y = 0, as the order is odd
  G1 r;
  const Fq u = y_.doubled();
  const Fq v = u.squared();
  const Fq w = u * v;
  const Fq s = x_ * v;
  const Fq x_squared = x_.squared();
  const Fq m = x_squared.doubled() + x_squared;
  r.x_ = m.squared() - s.doubled();
  r.y_ = m * (s - r.x_) - w * y_;
  r.zz_ = v * zz_;
  r.zzz_ = w * zzz_;
  return r;
}

G1& G1::operator+=(const G1& other) {  // add-2008-s
  if (other.is_identity()) return *this;
  if (is_identity()) return *this = other;
  const Fq u1 = x_ * other.zz_;
  const Fq s1 = y_ * other.zzz_;
  const Fq p = other.x_ * zz_ - u1;
  const Fq r = other.y_ * zzz_ - s1;
  if (p.is_zero()) return *this = r.is_zero() ? doubled() : identity();
  const Fq pp = p.squared();
  const Fq ppp = p * pp;
  const Fq q = u1 * pp;
  x_ = r.squared() - ppp - q.doubled();
  y_ = r * (q - x_) - s1 * ppp;
  zz_ = zz_ * other.zz_ * pp;
  zzz_ = zzz_ * other.zzz_ * ppp;
  return *this;
}

G1& G1::operator+=(const G1Affine& other) {  // madd-2008-s
  if (other.is_identity()) return *this;
  if (is_identity()) return *this = G1(other);
  const Fq p = other.x * zz_ - x_;
  const Fq r = other.y * zzz_ - y_;
  if (p.is_zero()) return *this = r.is_zero() ? doubled() : identity();
  const Fq pp = p.squared();
  const Fq ppp = p * pp;
  const Fq q = x_ * pp;
  x_ = r.squared() - ppp - q.doubled();
  y_ = r * (q - x_) - y_ * ppp;
  zz_ *= pp;
  zzz_ *= ppp;
  return *this;
}

G1 operator-(const G1& a) {
  G1 r = a;
  r.y_ = -r.y_;
  return r;
}

G1 operator*(const G1& a, const Fr& scalar) {
  // Signed windows of five bits: digits in [-16, 16).
  constexpr std::size_t kWindowBits = 5;
  constexpr std::size_t kWindows = 51;  // 255 bits: the top digit absorbs the last carry
  const field::Limbs limbs = scalar.to_limbs();
  std::array<int, kWindows> digits;
  int carry = 0;
  for (std::size_t i = 0; i < kWindows; ++i) {
    const std::size_t bit = i * kWindowBits;
    std::uint64_t bits = limbs[bit / 64] >> (bit % 64);
    if (bit % 64 > 64 - kWindowBits && bit / 64 + 1 < limbs.size()) bits |= limbs[bit / 64 + 1] << (64 - bit % 64);
    digits[i] = static_cast<int>(bits & 31) + carry;
    carry = digits[i] >= 16 ? 1 : 0;
    digits[i] -= 32 * carry;
  }

  std::array<G1, 16> multiples;
  multiples[0] = a;
  for (std::size_t i = 1; i < multiples.size(); ++i) multiples[i] = multiples[i - 1] + a;

  G1 sum;
  for (std::size_t i = kWindows; i-- > 0;) {
    if (!sum.is_identity()) {
      for (std::size_t k = 0; k < kWindowBits; ++k) sum = sum.doubled();
    }
    if (digits[i] > 0) sum += multiples[static_cast<std::size_t>(digits[i] - 1)];
    if (digits[i] < 0) sum -= multiples[static_cast<std::size_t>(-digits[i] - 1)];
  }
  return sum;
}

bool operator==(const G1& a, const G1& b) {
  if (a.is_identity() || b.is_identity()) return a.is_identity() && b.is_identity();
  return a.x_ * b.zz_ == b.x_ * a.zz_ && a.y_ * b.zzz_ == b.y_ * a.zzz_;
}

void batch_to_affine(std::span<const G1> points, std::span<G1Affine> out) {
  BLINDPROOF_CHECK(points.size() == out.size(), "one output for each point");
  std::vector<Fq> inverse_zzz(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) inverse_zzz[i] = points[i].zzz_;
  field::batch_invert(std::span<Fq>(inverse_zzz));
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Fq inverse_z = points[i].zz_ * inverse_zzz[i];  // zero for the identity
    out[i] = {points[i].x_ * inverse_z.squared(), points[i].y_ * inverse_zzz[i]};
  }
}

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
