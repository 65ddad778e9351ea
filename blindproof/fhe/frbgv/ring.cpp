#include "blindproof/fhe/frbgv/ring.h"

#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/fhe/frbgv/kernels.h"
#include "blindproof/field/fr_kernels.h"

namespace blindproof::fhe::frbgv {
namespace {

constexpr std::size_t kLanes = 8;

std::size_t reversed(std::size_t i, int bits) {
  std::size_t r = 0;
  for (int b = 0; b < bits; ++b) r |= (i >> b & 1) << (bits - 1 - b);
  return r;
}

/// 5 generates Fr's multiplicative group.
Fr primitive_root(int log_order) {
  field::Limbs exponent = Fr::kModulus;
  exponent[0] -= 1;
  for (int shift = 0; shift < log_order; ++shift) {
    for (std::size_t i = 0; i < 4; ++i) exponent[i] = exponent[i] >> 1 | (i < 3 ? exponent[i + 1] << 63 : 0);
  }
  return Fr::from_u64(5).power(exponent);
}

TransformTables view(const FrVector& roots, const FrVector& tail, const Fr& scale) {
  return {roots.size(), roots.packs(), tail.packs(), scale};
}

}  // namespace

RingPtr Ring::create(int log_degree) { return RingPtr(new Ring(log_degree)); }

Ring::Ring(int log_degree) : degree_(std::size_t{1} << log_degree) {
  BLINDPROOF_CHECK(log_degree >= 6 && log_degree <= 16, "a ring of a supported degree");
  const Fr psi = primitive_root(log_degree + 1);
  forward_ = make_tables(log_degree, psi);
  inverse_ = make_tables(log_degree, psi.inverse());
  scale_ = Fr::from_u64(degree_).inverse();
}

// Block b of the pass with m blocks is modulo X^(N/m) - root^2, the root being psi^bitrev(m + b).
Ring::Tables Ring::make_tables(int log_degree, const Fr& psi) {
  const std::size_t degree = std::size_t{1} << log_degree, packs = degree / kLanes;
  std::vector<Fr> powers(degree), roots(degree);
  powers[0] = Fr::one();
  for (std::size_t i = 1; i < degree; ++i) powers[i] = powers[i - 1] * psi;
  for (std::size_t i = 0; i < degree; ++i) roots[i] = powers[reversed(i, log_degree)];
  std::vector<Fr> tail;
  tail.reserve(packs / kLanes * 7 * kLanes);
  for (std::size_t group = 0; group < packs / kLanes; ++group) {
    for (std::size_t parts = 1; parts <= 4; parts *= 2) {  // blocks of the pass that lie in one pack's place
      for (std::size_t part = 0; part < parts; ++part) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          tail.push_back(roots[packs * parts + (kLanes * group + lane) * parts + part]);
        }
      }
    }
  }
  roots.resize(packs);  // the passes within packs have theirs in `tail`
  return {FrVector(roots), FrVector(tail)};
}

void Ring::forward(FrVector& a) const {
  BLINDPROOF_CHECK(a.size() == degree_, "a polynomial of the ring");
  kernels().forward(view(forward_.roots, forward_.tail, scale_), a.packs());
}

void Ring::inverse(FrVector& a) const {
  BLINDPROOF_CHECK(a.size() == degree_, "values of the ring");
  kernels().inverse(view(inverse_.roots, inverse_.tail, scale_), a.packs());
}

// The points are w and w^-1 in pairs: sum_i w_i psi_i^j is the inverse transform with psi^-j in psi^j's place. As psi^-j = -psi^(N-j) on
// every point, v_0 = N c_0 and v_j = -N c_(N-j) for the inverse transform c.
void Ring::transpose_forward(FrVector& w) const {
  inverse(w);
  const std::vector<Fr> c = w.to_vector();
  const Fr n = Fr::from_u64(degree_);
  std::vector<Fr> v(degree_);
  v[0] = n * c[0];
  for (std::size_t j = 1; j < degree_; ++j) v[j] = -(n * c[degree_ - j]);
  w = FrVector(v);
}

void multiply(FrVector& a, const FrVector& b) {
  BLINDPROOF_CHECK(a.size() == b.size(), "multiply: sizes differ");
  kernels().multiply(a.packs(), b.packs(), a.pack_count(), a.packs());
}
void multiply_add(FrVector& acc, const FrVector& a, const FrVector& b) {
  BLINDPROOF_CHECK(acc.size() == a.size() && a.size() == b.size(), "multiply_add: sizes differ");
  kernels().multiply_add(acc.packs(), a.packs(), b.packs(), a.pack_count());
}
void add(FrVector& acc, const FrVector& a) {
  BLINDPROOF_CHECK(acc.size() == a.size(), "add: sizes differ");
  field::fr_kernels().add(acc.packs(), a.packs(), a.pack_count());
}
void subtract(FrVector& acc, const FrVector& a) {
  BLINDPROOF_CHECK(acc.size() == a.size(), "subtract: sizes differ");
  kernels().subtract(acc.packs(), a.packs(), a.pack_count());
}
void scale(FrVector& a, const Fr& factor) { kernels().scale(a.packs(), factor, a.pack_count()); }

}  // namespace blindproof::fhe::frbgv
