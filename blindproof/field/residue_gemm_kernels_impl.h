// The product over any lane engine (residue_lanes_portable.h). Included by one source file for each kernel set, whose tile has
// a type of an anonymous namespace among its arguments.
//
// A tile of kRows rows by kPacks packs of lanes is summed in registers, over all columns. Vectors come in blocks of kPacks packs,
// copied so that the blocks of all columns follow each other: the originals, of lengths that are powers of two, would share few lines of
// the cache. As many blocks are copied at a time as stay in the cache while all rows read them.
#pragma once

#include "blindproof/field/prime_field.h"
#include "blindproof/field/residue_gemm_kernels.h"

namespace blindproof::field {

template <class Tile>
struct ResidueGemmTemplates {
  using E = typename Tile::Engine;
  using Word = typename E::Word;
  using Operand = typename E::Operand;
  using Constants = typename E::Constants;
  using Sum = typename E::Sum;
  static constexpr std::size_t kRows = Tile::kRows, kPacks = Tile::kPacks, kLanes = E::kLanes;
  static constexpr std::size_t kBlock = kPacks * kLanes;
  static constexpr std::size_t kMostBlocks = 8;

  /// out[r][begin ..] for the rows of one panel, `count` entries.
  template <std::size_t kCount>
  BLINDPROOF_INLINE static void panel(const ResidueGemm& gemm, const std::uint64_t* matrix, const std::uint64_t* vectors,
                                      std::uint64_t* const* out, std::size_t begin, std::size_t count) {
    const Constants k(*gemm.q);
    const std::size_t run = Tile::terms_between_folds(*gemm.q);
    Sum sums[kCount][kPacks];
    for (std::size_t c = 0; c < gemm.columns;) {
      const std::size_t end = gemm.columns - c < run ? gemm.columns : c + run;
      for (; c < end; ++c, matrix += kCount, vectors += kBlock) {
        Operand x[kPacks];
        for (std::size_t p = 0; p < kPacks; ++p) x[p] = Tile::load(vectors + p * kLanes);
        for (std::size_t r = 0; r < kCount; ++r) {
          const Operand weight = Tile::broadcast(matrix + r);
          for (std::size_t p = 0; p < kPacks; ++p) sums[r][p].add_product(k, x[p], weight);
        }
      }
      if (c < gemm.columns) {
        for (std::size_t r = 0; r < kCount; ++r) {
          for (std::size_t p = 0; p < kPacks; ++p) sums[r][p].fold(k);
        }
      }
    }
    for (std::size_t r = 0; r < kCount; ++r) {
      std::uint64_t* const row = out[r] + begin;
      if (count == kBlock) {
        for (std::size_t p = 0; p < kPacks; ++p) {
          Word value = sums[r][p].value(k);
          if (gemm.accumulate) value = E::add(k, value, E::load(row + p * kLanes));
          E::store(row + p * kLanes, value);
        }
      } else {
        alignas(64) std::uint64_t values[kBlock];
        for (std::size_t p = 0; p < kPacks; ++p) E::store(values + p * kLanes, sums[r][p].value(k));
        for (std::size_t i = 0; i < count; ++i) row[i] = gemm.accumulate ? gemm.q->add(row[i], values[i]) : values[i];
      }
    }
  }

  template <std::size_t kCount>
  BLINDPROOF_INLINE static bool some_rows(const ResidueGemm& gemm, std::size_t rows, const std::uint64_t* matrix,
                                          const std::uint64_t* vectors, std::uint64_t* const* out, std::size_t begin,
                                          std::size_t count) {
    if (rows != kCount) return false;
    panel<kCount>(gemm, matrix, vectors, out, begin, count);
    return true;
  }

  BLINDPROOF_INLINE static void pack_matrix(const ResidueGemm& gemm, std::uint64_t* packed) {
    for (std::size_t begin = 0; begin < gemm.rows; begin += kRows) {
      const std::size_t rows = gemm.rows - begin < kRows ? gemm.rows - begin : kRows;
      for (std::size_t c = 0; c < gemm.columns; ++c) {
        for (std::size_t r = 0; r < rows; ++r) *packed++ = Tile::pack(gemm.matrix[(begin + r) * gemm.stride + c]);
      }
    }
  }

  /// `count` entries of each vector from `begin` on, as blocks; missing ones are zero.
  BLINDPROOF_INLINE static void pack_vectors(const ResidueGemm& gemm, std::size_t begin, std::size_t count, std::uint64_t* packed) {
    const std::size_t whole = count / kBlock, stride = gemm.columns * kBlock;
    for (std::size_t c = 0; c < gemm.columns; ++c) {
      const std::uint64_t* const from = gemm.in[c] + begin;
      std::uint64_t* const to = packed + c * kBlock;
      for (std::size_t b = 0; b < whole; ++b) {
        for (std::size_t i = 0; i < kBlock; i += kLanes) {
          Tile::store(to + b * stride + i, E::operand(E::load(from + b * kBlock + i)));
        }
      }
      if (whole * kBlock < count) {
        for (std::size_t i = 0; i < kBlock; ++i) {
          to[whole * stride + i] = Tile::pack(whole * kBlock + i < count ? from[whole * kBlock + i] : 0);
        }
      }
    }
  }

  static void multiply(const ResidueGemm& gemm, std::uint64_t* packed_matrix, std::uint64_t* packed_vectors) {
    pack_matrix(gemm, packed_matrix);
    const std::size_t block_words = gemm.columns * kBlock;
    std::size_t blocks = kGemmVectorWords / block_words;
    blocks = blocks < 1 ? 1 : blocks > kMostBlocks ? kMostBlocks : blocks;
    for (std::size_t begin = 0; begin < gemm.n; begin += blocks * kBlock) {
      const std::size_t chunk = gemm.n - begin < blocks * kBlock ? gemm.n - begin : blocks * kBlock;
      pack_vectors(gemm, begin, chunk, packed_vectors);
      for (std::size_t row = 0; row < gemm.rows; row += kRows) {
        const std::size_t rows = gemm.rows - row < kRows ? gemm.rows - row : kRows;
        const std::uint64_t* const matrix = packed_matrix + row * gemm.columns;
        for (std::size_t b = 0; b * kBlock < chunk; ++b) {
          const std::size_t at = begin + b * kBlock, count = chunk - b * kBlock < kBlock ? chunk - b * kBlock : kBlock;
          const std::uint64_t* const vectors = packed_vectors + b * block_words;
          std::uint64_t* const* const out = gemm.out + row;
          some_rows<kRows>(gemm, rows, matrix, vectors, out, at, count) || some_rows<1>(gemm, rows, matrix, vectors, out, at, count) ||
              some_rows<2>(gemm, rows, matrix, vectors, out, at, count) || some_rows<3>(gemm, rows, matrix, vectors, out, at, count);
        }
      }
    }
  }

  static_assert(kRows <= 4 && ResidueGemm::kMaxColumns * kBlock <= kGemmVectorWords);
  static constexpr ResidueGemmKernels table() { return {&multiply}; }
};

}  // namespace blindproof::field
