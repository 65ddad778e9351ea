#include "blindproof/field/fr_vector.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/fr_kernels.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/field/pack_memory.h"

namespace blindproof::field {
namespace {

constexpr std::size_t kLanes = 8;

// Packs that one thread should have to do, so that waking it pays (10 to 30 us of work).
constexpr std::size_t kGrain = 1024;

/// The sum of body(begin, end) over ranges that cover [0, count).
template <class Body>
Fr parallel_sum(std::size_t count, const Body& body) {
  Fr sum;
  std::mutex mutex;
  base::parallel_ranges(count, kGrain, [&](std::size_t begin, std::size_t end) {
    const Fr part = body(begin, end);
    std::lock_guard lock(mutex);
    sum += part;
  });
  return sum;
}

template <class Int>
Fr dot_integers(const FrVector& a, std::span<const Int> b) {
  BLINDPROOF_CHECK(a.size() == b.size(), "dot: sizes differ");
  const std::size_t packs = a.size() / kLanes;
  Fr sum = parallel_sum(packs, [&](std::size_t begin, std::size_t end) {
    return fr_kernels().integers<Int>().dot(a.packs() + begin, b.data() + begin * kLanes, end - begin);
  });
  for (std::size_t i = packs * kLanes; i < a.size(); ++i) sum += a.at(i) * Fr::from_i64(b[i]);
  return sum;
}

template <class Int>
FrVector convert_integers(std::span<const Int> values) {
  FrVector result = FrVector::uninitialized(values.size());
  const std::size_t packs = values.size() / kLanes;
  const auto& kernels = fr_kernels().integers<Int>();
  base::parallel_ranges(packs, kGrain, [&](std::size_t begin, std::size_t end) {
    kernels.from_integers(values.data() + begin * kLanes, end - begin, result.packs() + begin);
  });
  if (values.size() % kLanes != 0) {
    Int rest[kLanes] = {};
    std::copy(values.begin() + static_cast<std::ptrdiff_t>(packs * kLanes), values.end(), rest);
    kernels.from_integers(rest, 1, result.packs() + packs);
  }
  return result;
}

template <class Int>
FrVector combine(const MatrixView<Int>& matrix, std::span<const Fr> weights) {
  BLINDPROOF_CHECK(weights.size() == matrix.rows, "combine_rows: one weight for each row");
  const auto& kernels = fr_kernels().integers<Int>();
  std::vector<std::uint64_t> prepared(matrix.rows * kPreparedWords);
  base::parallel_ranges(matrix.rows, 4096, [&](std::size_t begin, std::size_t end) {
    kernels.prepare_weights(weights.data() + begin, end - begin, prepared.data() + begin * kPreparedWords);
  });

  // Columns are independent, so split them first; a matrix too narrow for that is split into bands of rows as well.
  constexpr std::size_t kPanel = 64;             // columns: at least a cache line of each row
  constexpr std::size_t kWork = std::size_t{1} << 16;  // matrix entries: 10 to 30 us
  const std::size_t threads = base::thread_count();
  const std::size_t panels = (matrix.columns + kPanel - 1) / kPanel;
  const std::size_t wanted = std::min(4 * threads, std::max<std::size_t>(1, matrix.rows * matrix.columns / kWork));
  const std::size_t strips = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, panels));
  const std::size_t most_bands = std::max<std::size_t>(1, matrix.rows / 64);
  const std::size_t bands = threads == 1 ? 1 : std::clamp<std::size_t>(wanted / strips, 1, most_bands);

  FrVector result = FrVector::uninitialized(matrix.columns);
  std::vector<FrVector> partial;
  for (std::size_t band = 1; band < bands; ++band) partial.push_back(FrVector::uninitialized(matrix.columns));
  base::parallel_for(strips * bands, [&](std::size_t task) {
    const std::size_t strip = task / bands, band = task % bands;
    const std::size_t first = panels * strip / strips * kPanel;
    const std::size_t last = std::min(matrix.columns, panels * (strip + 1) / strips * kPanel);
    const std::size_t row = matrix.rows * band / bands, row_end = matrix.rows * (band + 1) / bands;
    if (first >= last) return;
    const MatrixView<Int> part{matrix.data + row * matrix.stride + first, row_end - row, last - first, matrix.stride};
    FrVector& out = band == 0 ? result : partial[band - 1];
    kernels.combine_rows(part, weights.data() + row, prepared.data() + row * kPreparedWords,
                         out.packs() + first / kLanes);
  });
  for (const FrVector& part : partial) fr_kernels().add(result.packs(), part.packs(), result.pack_count());
  return result;
}

}  // namespace

const FrKernels& fr_kernels() noexcept {
  switch (kernel_set()) {
#if defined(__x86_64__)
    case base::Simd::kIfma: return kFrKernelsIfma;
    case base::Simd::kAvx2: return kFrKernelsAdx;
#endif
    default: return kFrKernelsPortable;
  }
}

void FrVector::Free::operator()(FrPack* packs) const noexcept { release_packs(packs, bytes); }

FrVector FrVector::uninitialized(std::size_t size) {
  FrVector result;
  if (size == 0) return result;
  BLINDPROOF_CHECK(size <= (SIZE_MAX - sizeof(FrPack)) / sizeof(Fr), "a vector that fits memory");
  std::size_t bytes = (size + kLanes - 1) / kLanes * sizeof(FrPack);
  void* memory = acquire_packs(bytes);
  result.packs_ = {static_cast<FrPack*>(memory), Free(bytes)};
  result.size_ = size;
  return result;
}

FrVector::FrVector(std::size_t size) : FrVector(uninitialized(size)) {
  if (pack_count() > 0) std::memset(packs(), 0, pack_count() * sizeof(FrPack));  // zero is all zeros in every layout
}

FrVector::FrVector(std::span<const Fr> values) : FrVector(uninitialized(values.size())) {
  base::parallel_ranges(pack_count(), kGrain, [&](std::size_t begin, std::size_t end) {
    const std::size_t count = std::min(values.size(), end * kLanes) - begin * kLanes;
    fr_kernels().from_fields(values.data() + begin * kLanes, count, packs() + begin);
  });
}

FrVector::FrVector(const FrVector& other) : FrVector(uninitialized(other.size_)) {
  if (pack_count() > 0) std::memcpy(packs(), other.packs(), pack_count() * sizeof(FrPack));
}

FrVector& FrVector::operator=(const FrVector& other) {
  if (this != &other) *this = FrVector(other);
  return *this;
}

FrVector FrVector::from_integers(std::span<const std::int8_t> values) { return convert_integers(values); }
FrVector FrVector::from_integers(std::span<const std::int16_t> values) { return convert_integers(values); }
FrVector FrVector::from_integers(std::span<const std::int32_t> values) { return convert_integers(values); }
FrVector FrVector::from_integers(std::span<const std::int64_t> values) { return convert_integers(values); }

Fr FrVector::at(std::size_t index) const {
  BLINDPROOF_DCHECK(index < size_, "index out of range");
  return fr_kernels().get(packs_[index / kLanes], index % kLanes);
}

void FrVector::set(std::size_t index, const Fr& value) {
  BLINDPROOF_DCHECK(index < size_, "index out of range");
  fr_kernels().set(packs_[index / kLanes], index % kLanes, value);
}

std::vector<Fr> FrVector::to_vector() const {
  std::vector<Fr> values(size_);
  base::parallel_ranges(pack_count(), kGrain, [&](std::size_t begin, std::size_t end) {
    const std::size_t count = std::min(size_, end * kLanes) - begin * kLanes;
    fr_kernels().to_fields(packs() + begin, count, values.data() + begin * kLanes);
  });
  return values;
}

Fr dot(const FrVector& a, const FrVector& b) {
  BLINDPROOF_CHECK(a.size() == b.size(), "dot: sizes differ");
  const std::size_t packs = a.size() / kLanes;
  Fr sum = parallel_sum(packs, [&](std::size_t begin, std::size_t end) {
    return fr_kernels().dot(a.packs() + begin, b.packs() + begin, end - begin);
  });
  for (std::size_t i = packs * kLanes; i < a.size(); ++i) sum += a.at(i) * b.at(i);
  return sum;
}

Fr dot(const FrVector& a, std::span<const std::int8_t> b) { return dot_integers(a, b); }
Fr dot(const FrVector& a, std::span<const std::int16_t> b) { return dot_integers(a, b); }
Fr dot(const FrVector& a, std::span<const std::int32_t> b) { return dot_integers(a, b); }
Fr dot(const FrVector& a, std::span<const std::int64_t> b) { return dot_integers(a, b); }

void add_scaled(FrVector& acc, const Fr& factor, const FrVector& a) {
  BLINDPROOF_CHECK(a.size() <= acc.size(), "add_scaled: the accumulator is too short");
  const std::size_t packs = a.size() / kLanes;
  base::parallel_ranges(packs, kGrain, [&](std::size_t begin, std::size_t end) {
    fr_kernels().add_scaled(acc.packs() + begin, factor, a.packs() + begin, end - begin);
  });
  for (std::size_t i = packs * kLanes; i < a.size(); ++i) acc.set(i, acc.at(i) + factor * a.at(i));
}

FrVector combine_rows(const MatrixView<std::int8_t>& matrix, std::span<const Fr> weights) {
  return combine(matrix, weights);
}
FrVector combine_rows(const MatrixView<std::int16_t>& matrix, std::span<const Fr> weights) {
  return combine(matrix, weights);
}
FrVector combine_rows(const MatrixView<std::int32_t>& matrix, std::span<const Fr> weights) {
  return combine(matrix, weights);
}
FrVector combine_rows(const MatrixView<std::int64_t>& matrix, std::span<const Fr> weights) {
  return combine(matrix, weights);
}

}  // namespace blindproof::field
