#include "blindproof/poly/fr_fft.h"

#include <algorithm>
#include <string>
#include <utility>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/poly/fr_fft_kernels.h"

namespace blindproof::poly {
namespace {

using field::FrVector;

const FrFftKernels& kernels() {
  switch (field::kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma: return kFrFftKernelsIfma;
    case base::Simd::kAvx2: return kFrFftKernelsAdx;
#endif
    default: return kFrFftKernelsPortable;
  }
}

// Below, rows and columns aren't whole packs.
constexpr int kLeastLogSize = 6;

std::size_t reversed(std::size_t i, int bits) {
  std::size_t result = 0;
  for (int k = 0; k < bits; ++k) result |= (i >> k & 1) << (bits - 1 - k);
  return result;
}

std::vector<std::uint32_t> reversals(int bits) {
  std::vector<std::uint32_t> result(std::size_t{1} << bits);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<std::uint32_t>(reversed(i, bits));
  return result;
}

Fr power(Fr base, std::size_t exponent) { return base.power({exponent, 0, 0, 0}); }

// w^0, .., w^(2^(bits-1) - 1)
FrVector powers_of(const Fr& w, int bits) {
  std::vector<Fr> powers(std::max<std::size_t>(1, (std::size_t{1} << bits) / 2));
  powers[0] = Fr::one();
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * w;
  return FrVector(powers);
}

// For sizes below a block of packs.
void transform_few(std::vector<Fr>& a, const Fr& w, const Fr& factor) {
  const std::vector<Fr> in = a;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Fr wi = power(w, i);
    Fr sum, x = factor;
    for (const Fr& value : in) {
      sum += value * x;
      x *= wi;
    }
    a[i] = sum;
  }
}

}  // namespace

Fr FrFft::root(int log_size) {
  BLINDPROOF_CHECK(log_size >= 0 && log_size <= kMaxLogSize, "roots of unity have orders up to 2^28");
  static const Fr last = [] {
    field::Limbs exponent = Fr::kModulus;  // (r - 1) / 2^28
    for (std::size_t i = 0; i < 4; ++i) exponent[i] = exponent[i] >> 28 | (i + 1 < 4 ? exponent[i + 1] << 36 : 0);
    return Fr::from_u64(5).power(exponent);
  }();
  Fr w = last;
  for (int k = kMaxLogSize; k > log_size; --k) w = w.squared();
  return w;
}

base::Result<FrFft> FrFft::create(int log_size) {
  if (log_size < 0 || log_size > kMaxLogSize) {
    return base::error(base::ErrorCode::kInvalidArgument, "Fourier transform", "of 2^" + std::to_string(log_size) + " points: 2^0 to 2^28 are supported");
  }
  return FrFft(log_size);
}

FrFft::FrFft(int log_size) : log_size_(log_size) {
  const Fr w = root(log_size);
  forward_ = {{}, {}, w, Fr::one()};
  inverse_ = {{}, {}, w.inverse(), Fr::from_u64(size()).inverse()};
  if (log_size < kLeastLogSize) return;
  const int log_rows = log_size / 2, log_columns = log_size - log_rows;
  for (Direction* direction : {&forward_, &inverse_}) {
    direction->column_roots = powers_of(power(direction->root, std::size_t{1} << log_columns), log_rows);
    direction->row_roots = powers_of(power(direction->root, std::size_t{1} << log_rows), log_columns);
  }
}

void FrFft::forward(FrVector& a) const { run(forward_, a); }
void FrFft::inverse(FrVector& a) const { run(inverse_, a); }

// Element r C + c lies in row r and column c. With i = k1 + R k2:
//   result_i = sum_c w_C^(c k2) w^(c k1) sum_r w_R^(r k1) a_(r C + c)
void FrFft::run(const Direction& direction, FrVector& a) const {
  BLINDPROOF_CHECK(a.size() == size(), "a vector of the transform's size");
  if (log_size_ < kLeastLogSize) {
    std::vector<Fr> values = a.to_vector();
    transform_few(values, direction.root, direction.factor);
    a = FrVector(values);
    return;
  }
  const FrFftKernels& use = kernels();
  const int log_rows = log_size_ / 2, log_columns = log_size_ - log_rows;
  const std::size_t rows = std::size_t{1} << log_rows, columns = std::size_t{1} << log_columns, row_packs = columns / 8;
  const std::vector<std::uint32_t> row_order = reversals(log_rows), column_order = reversals(log_columns);
  base::parallel_for(row_packs, [&](std::size_t group) {
    FrVector work = FrVector::uninitialized(8 * rows);
    for (std::size_t r = 0; r < rows; ++r) work.packs()[row_order[r]] = a.packs()[r * row_packs + group];
    use.transform(work.packs(), log_rows, direction.column_roots.packs());
    use.multiply_by_powers(work.packs(), rows, direction.factor, power(direction.root, 8 * group), direction.root);
    for (std::size_t r = 0; r < rows; ++r) a.packs()[r * row_packs + group] = work.packs()[r];
  });
  FrVector result = FrVector::uninitialized(size());
  base::parallel_for(rows / 8, [&](std::size_t group) {
    FrVector work = FrVector::uninitialized(8 * columns);
    for (std::size_t pack = 0; pack < row_packs; ++pack) {
      FrPack* out[8];
      for (std::size_t l = 0; l < 8; ++l) out[l] = work.packs() + column_order[8 * pack + l];
      use.transpose(a.packs() + 8 * group * row_packs + pack, row_packs, out);
    }
    use.transform(work.packs(), log_columns, direction.row_roots.packs());
    for (std::size_t c = 0; c < columns; ++c) result.packs()[c * (rows / 8) + group] = work.packs()[c];
  });
  a = std::move(result);
}

void multiply_by_powers(FrVector& a, const Fr& base) {
  const FrFftKernels& use = kernels();
  base::parallel_ranges(a.pack_count(), 1024, [&](std::size_t begin, std::size_t end) {
    use.multiply_along(a.packs() + begin, end - begin, power(base, 8 * begin), base);
  });
}

void multiply_subtract(FrVector& a, const FrVector& b, const FrVector& c) {
  BLINDPROOF_CHECK(a.size() == b.size() && a.size() == c.size(), "equal sizes");
  const FrFftKernels& use = kernels();
  base::parallel_ranges(a.pack_count(), 1024, [&](std::size_t begin, std::size_t end) {
    use.multiply_subtract(a.packs() + begin, b.packs() + begin, c.packs() + begin, end - begin);
  });
}

}  // namespace blindproof::poly
