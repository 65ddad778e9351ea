// Long vectors of Fr in the layout of the fast kernels.
//
// Eight elements form a pack; the bytes inside a pack belong to the active kernel set (kernel_set.h) and to nobody
// else: read and write elements through at/set or the bulk conversions. Values are lazily reduced inside a pack; at()
// is exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "blindproof/field/prime_field.h"

namespace blindproof::field {

/// Storage of eight elements, whatever the kernel set: the widest layout is 5 limbs of 52 bits in 8 lanes.
struct alignas(64) FrPack {
  std::uint64_t words[40];
};

class FrVector {
 public:
  FrVector() = default;
  /// `size` zeros.
  explicit FrVector(std::size_t size);
  explicit FrVector(std::span<const Fr> values);
  /// `size` elements whose values (padding included) are unspecified until they are written.
  static FrVector uninitialized(std::size_t size);
  FrVector(const FrVector& other);
  FrVector(FrVector&& other) noexcept
      : packs_(std::move(other.packs_)), size_(std::exchange(other.size_, std::size_t{0})) {}
  FrVector& operator=(const FrVector& other);
  FrVector& operator=(FrVector&& other) noexcept {
    packs_ = std::move(other.packs_);
    size_ = std::exchange(other.size_, std::size_t{0});
    return *this;
  }

  static FrVector from_integers(std::span<const std::int8_t> values);
  static FrVector from_integers(std::span<const std::int16_t> values);
  static FrVector from_integers(std::span<const std::int32_t> values);
  static FrVector from_integers(std::span<const std::int64_t> values);

  std::size_t size() const { return size_; }
  std::size_t pack_count() const { return (size_ + 7) / 8; }
  FrPack* packs() { return packs_.get(); }
  const FrPack* packs() const { return packs_.get(); }

  Fr at(std::size_t index) const;
  void set(std::size_t index, const Fr& value);
  std::vector<Fr> to_vector() const;
  /// Shrinks without moving anything. Requires: size <= this->size().
  void truncate(std::size_t size) { size_ = size; }

 private:
  struct Free {
    Free() noexcept : bytes(0) {}
    explicit Free(std::size_t block_bytes) noexcept : bytes(block_bytes) {}
    std::size_t bytes;  // of the block, which truncate() doesn't change
    void operator()(FrPack* packs) const noexcept;
  };
  std::unique_ptr<FrPack[], Free> packs_;
  std::size_t size_ = 0;
};

/// sum_i a_i b_i.  Requires: equal sizes.
Fr dot(const FrVector& a, const FrVector& b);
/// sum_i a_i b_i with small b.  Requires: equal sizes.
Fr dot(const FrVector& a, std::span<const std::int8_t> b);
Fr dot(const FrVector& a, std::span<const std::int16_t> b);
Fr dot(const FrVector& a, std::span<const std::int32_t> b);
Fr dot(const FrVector& a, std::span<const std::int64_t> b);
/// acc_i += factor * a_i for i < a.size().  Requires: a.size() <= acc.size().
void add_scaled(FrVector& acc, const Fr& factor, const FrVector& a);

/// A matrix of small integers, row-major, that is read in place.
template <class Int>
struct MatrixView {
  const Int* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;  // elements from one row to the next
};

/// out_j = sum_i weights_i * matrix[i][j]: one pass over the matrix, on all threads.
/// Requires: weights.size() == matrix.rows.
FrVector combine_rows(const MatrixView<std::int8_t>& matrix, std::span<const Fr> weights);
FrVector combine_rows(const MatrixView<std::int16_t>& matrix, std::span<const Fr> weights);
FrVector combine_rows(const MatrixView<std::int32_t>& matrix, std::span<const Fr> weights);
FrVector combine_rows(const MatrixView<std::int64_t>& matrix, std::span<const Fr> weights);

}  // namespace blindproof::field
