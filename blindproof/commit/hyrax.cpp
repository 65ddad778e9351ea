#include "blindproof/commit/hyrax.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/msm.h"
#include "blindproof/poly/multilinear.h"

namespace blindproof::commit {
namespace {

constexpr std::size_t kRowsForMultiples = 100;  // from here on the table of multiples pays for itself

}  // namespace

std::size_t size(const IntegerSpan& values) {
  return std::visit([](auto v) { return v.size(); }, values);
}

Int128 at(const IntegerSpan& values, std::size_t index) {
  return std::visit([&](auto v) { return static_cast<Int128>(v[index]); }, values);
}

base::ByteSpan bytes(const IntegerSpan& values, std::size_t begin, std::size_t count) {
  return std::visit(
      [&](auto v) {
        auto part = v.subspan(begin, count);
        return base::ByteSpan(reinterpret_cast<const std::uint8_t*>(part.data()), part.size_bytes());
      },
      values);
}

Fr to_field(const IntegerSpan& values, std::size_t index) { return Fr::from_i128(at(values, index)); }

FrVector padded_table(const TensorLayout& layout, const IntegerSpan& values) {
  BLINDPROOF_CHECK(size(values) == layout.cells(), "wrong number of values");
  const std::size_t padded = std::size_t{1} << layout.bits();
  std::vector<Fr> table(padded);
  const std::vector<std::uint32_t> indices = layout.padded_indices();
  std::visit(
      [&](auto v) {
        base::parallel_ranges(indices.size(), 4096, [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) {
            if constexpr (sizeof(v[i]) == 16) {
              table[indices[i]] = Fr::from_i128(v[i]);
            } else {
              table[indices[i]] = Fr::from_i64(v[i]);
            }
          }
        });
      },
      values);
  return FrVector(table);
}

Fr evaluate(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> z) {
  const std::vector<Fr> weights = layout.row_weights(z);
  Fr sum = Fr::zero();
  for (bool partial : {false, true}) {
    if (partial ? !layout.has_partial() : !layout.has_full()) continue;
    const std::vector<Fr> u = combine_class(layout, values, weights, partial);
    const std::vector<Fr> eq = poly::eq_values(z.first(layout.column_bits()));
    const std::vector<std::uint32_t> columns = layout.columns(partial);
    for (std::size_t k = 0; k < u.size(); ++k) sum += eq[columns[k]] * u[k];
  }
  return sum;
}

std::vector<Fr> combine_class(const TensorLayout& layout, const IntegerSpan& values, std::span<const Fr> row_weights,
                              bool partial) {
  const std::size_t rows = layout.rows(), cells = layout.row_cells(partial);
  BLINDPROOF_CHECK(row_weights.size() == rows, "one weight per row");
  // Rows of a class that follow each other at one distance form a matrix; a tensor has few of those.
  std::vector<std::size_t> members;
  for (std::size_t start = 0; start < layout.row_period(); ++start)
    for (std::size_t r = start; r < rows; r += layout.row_period())
      if (layout.is_partial(r) == partial && !row_weights[r].is_zero()) members.push_back(r);
  std::vector<Fr> out(cells);
  if (members.empty()) return out;
  FrVector sum;
  std::vector<Fr> weights;
  for (std::size_t first = 0; first < members.size();) {
    std::size_t last = first + 1;
    const std::size_t begin = layout.row_begin(members[first]);
    std::size_t stride = cells;
    if (last < members.size() && layout.row_begin(members[last]) > begin) {
      stride = layout.row_begin(members[last]) - begin;
      while (last < members.size() && layout.row_begin(members[last]) == begin + (last - first) * stride) ++last;
    }
    weights.clear();
    for (std::size_t i = first; i < last; ++i) weights.push_back(row_weights[members[i]]);
    std::visit(
        [&](auto v) {
          if constexpr (sizeof(v[0]) == 16) {
            for (std::size_t i = first; i < last; ++i)
              for (std::size_t k = 0; k < cells; ++k)
                out[k] += weights[i - first] * Fr::from_i128(v[layout.row_begin(members[i]) + k]);
          } else {
            using Int = std::remove_cvref_t<decltype(v[0])>;
            FrVector part = field::combine_rows(
                field::MatrixView<Int>{v.data() + begin, last - first, cells, stride}, weights);
            if (sum.size() == 0) {
              sum = std::move(part);
            } else {
              field::add_scaled(sum, Fr::one(), part);
            }
          }
        },
        values);
    first = last;
  }
  if (sum.size() != 0) {
    const std::vector<Fr> plain = sum.to_vector();
    for (std::size_t k = 0; k < cells; ++k) out[k] += plain[k];
  }
  return out;
}

std::vector<G1Affine> commit_rows(const Generators& generators, const TensorLayout& layout, const IntegerSpan& values,
                                  std::span<const Fr> blinds) {
  const std::size_t rows = layout.rows();
  BLINDPROOF_CHECK(blinds.size() == rows && size(values) == layout.cells(), "shape of the commitment");
  // The generators that a class uses, in cell order.
  auto class_generators = [&](bool partial) {
    std::vector<G1Affine> points;
    for (std::uint32_t column : layout.columns(partial)) points.push_back(generators.g()[column]);
    return points;
  };
  std::vector<G1> starts(rows);
  base::parallel_for(rows, [&](std::size_t r) { starts[r] = generators.blinding(blinds[r]); });
  std::vector<G1Affine> out(rows);

  const bool by_table = rows >= kRowsForMultiples && !layout.has_partial() &&
                        !std::holds_alternative<std::span<const Int128>>(values);
  if (by_table) {
    std::vector<G1Affine> affine_starts(rows);
    curve::batch_to_affine(starts, affine_starts);
    const std::size_t cells = layout.row_cells(false);
    const std::vector<std::uint32_t> columns = layout.columns(false);
    std::visit(
        [&](auto v) {
          using Int = std::remove_cvref_t<decltype(v[0])>;
          if constexpr (sizeof(Int) <= 8) {
            generators.multiples().commit_rows(field::MatrixView<Int>{v.data(), rows, cells, cells}, columns, affine_starts,
                                               out);
          }
        },
        values);
    return out;
  }

  std::vector<G1Affine> full = class_generators(false);
  std::vector<G1Affine> part = layout.has_partial() ? class_generators(true) : std::vector<G1Affine>{};
  auto row_sum = [&](std::size_t r) {
    const bool partial = layout.is_partial(r);
    const std::size_t begin = layout.row_begin(r), cells = layout.row_cells(partial);
    const std::span<const G1Affine> points = partial ? part : full;
    return std::visit(
        [&](auto v) {
          if constexpr (sizeof(v[0]) == 16) {
            std::vector<Fr> scalars(cells);
            for (std::size_t k = 0; k < cells; ++k) scalars[k] = Fr::from_i128(v[begin + k]);
            return curve::msm(points, scalars);
          } else {
            return curve::msm_small(points, v.subspan(begin, cells));
          }
        },
        values);
  };
  base::parallel_for(rows, [&](std::size_t r) { starts[r] += row_sum(r); });
  curve::batch_to_affine(starts, out);
  return out;
}

}  // namespace blindproof::commit
