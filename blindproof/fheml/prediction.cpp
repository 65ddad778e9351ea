#include "blindproof/fheml/prediction.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::fheml {
namespace {

namespace ckks = fhe::ckks;
namespace rlwe = fhe::rlwe;

double norm_of(const std::vector<double>& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

std::vector<double> multiply_transposed(const SparseMatrix& a, const std::vector<double>& x) {
  std::vector<double> result(a.columns);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::uint64_t k = a.begins[i]; k < a.begins[i + 1]; ++k) result[a.column[k]] += static_cast<double>(a.value[k]) * x[i];
  }
  return result;
}

// The norms of all rows, and of the matrix by its longest row and column.
struct Norms {
  double row1 = 0, row2 = 0, frobenius = 0, by_sums = 0;
};

Norms norms_of(const SparseMatrix& matrix) {
  Norms norms;
  std::vector<double> columns(matrix.columns);
  double squares = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    double sum = 0, square = 0;
    for (std::uint64_t k = matrix.begins[i]; k < matrix.begins[i + 1]; ++k) {
      const double size = std::abs(static_cast<double>(matrix.value[k]));
      sum += size;
      square += size * size;
      columns[matrix.column[k]] += size;
    }
    norms.row1 = std::max(norms.row1, sum);
    norms.row2 = std::max(norms.row2, std::sqrt(square));
    squares += square;
  }
  norms.frobenius = std::sqrt(squares);
  if (!columns.empty()) norms.by_sums = std::sqrt(norms.row1 * *std::ranges::max_element(columns));
  return norms;
}

// The entries by the window of slots that they read, for results in one window; with columns being slots of that window.
using Pieces = std::map<std::size_t, SparseMatrix>;

Pieces pieces_of(const std::vector<SlotMatrix::Placement>& placements, const Layout& in, const Layout& out, std::size_t rows, std::size_t slots,
                 std::size_t window) {
  std::map<std::size_t, std::vector<std::vector<std::pair<std::uint32_t, float>>>> entries;
  for (const SlotMatrix::Placement& at : placements) {
    if (out.shift > 0 && at.slot / out.period != window) continue;
    const std::size_t read = (at.slot + at.diagonal) % slots;
    auto& piece = entries[read / in.period];
    if (piece.empty()) piece.resize(rows);
    piece[at.row].emplace_back(static_cast<std::uint32_t>(read % in.period), at.value);
  }
  Pieces pieces;
  for (auto& [index, piece] : entries) {
    SparseMatrix& matrix = pieces[index];
    matrix.columns = in.period;
    for (auto& row : piece) {
      std::ranges::sort(row, {}, &std::pair<std::uint32_t, float>::first);
      matrix.append_row(row);
    }
  }
  return pieces;
}

// All pieces beside each other.
SparseMatrix joined(const Pieces& pieces) {
  SparseMatrix result;
  const std::size_t rows = pieces.begin()->second.rows;
  std::vector<std::pair<std::uint32_t, float>> row;
  for (std::size_t i = 0; i < rows; ++i) {
    row.clear();
    std::size_t offset = 0;
    for (const auto& [index, piece] : pieces) {
      for (std::uint64_t k = piece.begins[i]; k < piece.begins[i + 1]; ++k) {
        row.emplace_back(static_cast<std::uint32_t>(offset + piece.column[k]), piece.value[k]);
      }
      offset += piece.columns;
    }
    result.append_row(row);
    result.columns = offset;
  }
  return result;
}

}  // namespace

double spectral_bound(const SparseMatrix& matrix) {
  constexpr int kPowers = 6;
  constexpr std::size_t kVectors = 8;
  constexpr double kAlpha = 32;  // kAlpha^-kVectors = 2^-40
  const Norms norms = norms_of(matrix);
  if (norms.frobenius == 0) return 0;
  std::array<double, kVectors> logs{};
  base::parallel_for(kVectors, [&](std::size_t i) {
    std::mt19937_64 random(i + 1);
    std::normal_distribution<double> gaussian;
    std::vector<double> x(matrix.columns);
    for (double& value : x) value = gaussian(random);
    std::vector<double> y = multiply(matrix, x);
    for (int power = 0; power < kPowers; ++power) {
      const double length = norm_of(y);
      if (length == 0) break;
      logs[i] += std::log(length);
      for (double& value : y) value /= length;
      y = multiply(matrix, multiply_transposed(matrix, y));
    }
    logs[i] += std::log(std::max(norm_of(y), 1e-300));
  });
  const double largest = *std::ranges::max_element(logs) + std::log(kAlpha * std::sqrt(2 / M_PI));
  return std::min({std::exp(largest / (2 * kPowers + 1)), norms.frobenius, norms.by_sums});
}

Influence::Influence(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots, bool independent) {
  const Norms norms = norms_of(matrix);
  bounds_.row1 = norms.row1;
  bounds_.own_row2 = norms.row2;
  bounds_.own_matrix = std::min(norms.frobenius, norms.by_sums);

  const std::vector<SlotMatrix::Placement> placements = SlotMatrix::placements_of(matrix, in, out, slots);
  const std::size_t windows = out.shift > 0 ? slots / out.period : 1;
  for (std::size_t window = 0; window < windows; ++window) {
    const Pieces pieces = pieces_of(placements, in, out, matrix.rows, slots, window);
    if (independent) {
      bounds_.row2 = norms.row2;
      bounds_.matrix = std::max(bounds_.matrix, pieces.size() == 1 ? spectral_bound(pieces.begin()->second) : spectral_bound(joined(pieces)));
      continue;
    }
    // Errors of different windows may be alike: sum_g |M_g^T y| is at most sum_g |M_g|, and, where no row has entries in more than m pieces, at most
    // sqrt(m sum_g |M_g|^2), by Cauchy-Schwarz.
    std::vector<double> row_norms(matrix.rows);
    std::vector<std::size_t> in_pieces(matrix.rows);
    double sum = 0, squares = 0;
    for (const auto& [index, piece] : pieces) {
      const double bound = spectral_bound(piece);
      sum += bound;
      squares += bound * bound;
      for (std::size_t row = 0; row < matrix.rows; ++row) {
        double square = 0;
        for (std::uint64_t k = piece.begins[row]; k < piece.begins[row + 1]; ++k) {
          square += static_cast<double>(piece.value[k]) * static_cast<double>(piece.value[k]);
        }
        row_norms[row] += std::sqrt(square);
        in_pieces[row] += square > 0;
      }
    }
    const double most = static_cast<double>(*std::ranges::max_element(in_pieces));
    bounds_.matrix = std::max(bounds_.matrix, std::min(sum, std::sqrt(most * squares)));
    bounds_.row2 = std::max(bounds_.row2, *std::ranges::max_element(row_norms));
  }

  const std::vector<std::size_t> numbers = SlotMatrix::numbers_of(matrix, in, out, slots);
  const auto diagonals = rlwe::DiagonalMatrix::create(numbers, slots, 0);
  BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
  std::map<std::size_t, bool> giants;
  for (const std::size_t number : numbers) giants[diagonals->giant_of(number)] = true;
  diagonals_ = static_cast<double>(numbers.size());
  giant_steps_ = static_cast<double>(giants.size());
  fold_ = std::exp2(static_cast<double>(SlotMatrix::folds_of(in, out, slots).size()));
}

Influence::Influence(const Bounds& bounds, std::size_t diagonals, std::size_t giant_steps, std::size_t fold)
    : bounds_(bounds),
      diagonals_(static_cast<double>(diagonals)),
      giant_steps_(static_cast<double>(giant_steps)),
      fold_(static_cast<double>(fold)) {}

ckks::Prediction Influence::apply(const ckks::Context& context, int level, const ckks::Prediction& in) const {
  return apply(context, level, in, std::sqrt(static_cast<double>(context.ring()->degree()) / 12), 1);  // of rounded coefficients
}

ckks::Prediction Influence::apply_encrypted(const ckks::Context& context, int level, const ckks::Prediction& in) const {
  return apply(context, level, in, ckks::predict_fresh(context, 0).noise, 2);
}

ckks::Prediction Influence::apply(const ckks::Context& context, int level, const ckks::Prediction& in, double diagonal_noise,
                                  double switches_per_giant_step) const {
  const rlwe::Ring& ring = *context.ring();
  const double root = std::sqrt(static_cast<double>(ring.degree())), spread = std::sqrt(fold_);
  const double switching = root * rlwe::key_switch_noise(ring, context.q_limbs(level)), rounding = root * rlwe::rounding_noise(ring);
  const double scale = context.scale(level), last = context.level_modulus(level);
  // Errors of the diagonals, which are independent of each other and of all else, times the rotations.
  const double diagonals = std::sqrt(diagonals_) * diagonal_noise * (in.magnitude * scale + std::hypot(in.noise, switching));
  // What is added in each slot before the fold, and by the fold's own rotations.
  const double before = std::hypot(diagonals, std::sqrt(switches_per_giant_step * giant_steps_) * switching) / last;
  const double fold = fold_ > 1 ? root * rlwe::key_switch_noise(ring, context.q_limbs(level - 1)) : 0;
  const double added = spread * std::hypot(before, rounding, fold);
  const double noise = scale / last * std::min(bounds_.row2 * in.joint, bounds_.row1 * in.noise);
  const double joint = scale / last * bounds_.matrix * in.joint;
  return {in.magnitude * bounds_.row1, std::hypot(noise, scale / last * bounds_.own_row2 * switching, added),
          std::hypot(joint, scale / last * bounds_.own_matrix * switching, added)};
}

ckks::Prediction predict_output(const Program& program, const ckks::Context& context) {
  const std::vector<int> levels = levels_of(program.steps, context.top_level());
  const std::vector<Layout> layouts = layouts_of(program.client.input, program.steps);
  const double root = std::sqrt(static_cast<double>(context.ring()->degree())), rounding = root * rlwe::rounding_noise(*context.ring());
  const auto switching = [&](int level) { return root * rlwe::key_switch_noise(*context.ring(), context.q_limbs(level)); };
  std::vector<ckks::Prediction> values{predict_input(context, program.client.input_magnitude, true)};
  // Scales of all levels are about the same.
  const auto lowered = [&](ValueId id, int level) { return levels[id] == level ? values[id] : values[id].plus(rounding); };
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    ckks::Prediction result{0, 0, 0};
    if (const auto* affine = std::get_if<AffineStep>(&step.operation)) {
      for (const AffineStep::Term& term : affine->terms) {
        const int level = levels[i + 1] + 1;
        const Influence influence(term.matrix, layouts[term.value], affine->layout, context.slots(), term.value == 0);
        const ckks::Prediction part = influence.apply(context, level, lowered(term.value, level));
        result = {result.magnitude + part.magnitude, result.noise + part.noise, result.joint + part.joint};
      }
    } else if (const auto* polynomial = std::get_if<PolynomialStep>(&step.operation)) {
      constexpr int kSamples = 512;
      double slope = 0, size = 0;
      for (int at = 0; at < kSamples; ++at) {
        const double x = 2.0 * at / kSamples - 1, width = 2.0 / kSamples;
        slope = std::max(slope, std::abs(ckks::evaluate(polynomial->polynomial, x + width) - ckks::evaluate(polynomial->polynomial, x)) / width);
      }
      for (const double c : polynomial->polynomial.coefficients) size += std::abs(c);
      const double depth = levels[polynomial->value] - levels[i + 1];
      const double own = std::exp2(depth) * size * std::hypot(rounding, switching(levels[i + 1]) / context.level_modulus(levels[i + 1] + 1));
      result = values[polynomial->value].times(slope).plus(own);
    } else {
      const auto& product = std::get<ProductStep>(step.operation);
      const int level = levels[i + 1] + 1;
      const ckks::Prediction a = lowered(product.a, level), b = lowered(product.b, level);
      const double scale = context.scale(level), last = context.level_modulus(level);
      result = {a.magnitude * b.magnitude, scale * (a.magnitude * b.noise + b.magnitude * a.noise) + a.noise * b.noise,
                scale * (a.magnitude * b.joint + b.magnitude * a.joint) + a.noise * b.joint};
      result = result.plus(switching(level)).times(1 / last).plus(rounding);
    }
    result.magnitude = result.magnitude > 0 ? std::min(result.magnitude, step.magnitude) : step.magnitude;
    values.push_back(result);
  }
  ckks::Prediction& output = values.back();
  output.joint *= std::sqrt(static_cast<double>(context.slots()) / static_cast<double>(program.client.output.period));
  return output;
}

ckks::Prediction predict_input(const ckks::Context& context, double magnitude, bool all_seeded) {
  if (!all_seeded) return ckks::predict_fresh(context, magnitude);
  const double rounding = std::sqrt(1.0 / 12);
  const double noise = std::sqrt(static_cast<double>(context.ring()->degree())) * std::hypot(rounding, rlwe::fresh_secret_key_noise());
  return {magnitude, noise, noise};
}

}  // namespace blindproof::fheml
