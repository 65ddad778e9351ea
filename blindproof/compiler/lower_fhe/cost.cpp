#include "blindproof/compiler/lower_fhe/cost.h"

#include <cmath>
#include <set>

#include "blindproof/base/check.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::compiler {
namespace {

// Seconds for each coefficient of a limb.
constexpr double kButterfly = 0.096e-9;    // of a transform, times log2 N
constexpr double kMultiplyAdd = 0.75e-9;   // with an operand that comes from memory
constexpr double kConversion = 0.10e-9;    // for each pair of moduli
constexpr double kPass = 0.45e-9;          // permutations, sums

}  // namespace

MatrixCounts counts_of(const fheml::SparseMatrix& matrix, const fheml::Layout& in, const fheml::Layout& out, std::size_t slots) {
  const std::vector<std::size_t> numbers = fheml::SlotMatrix::numbers_of(matrix, in, out, slots);
  const auto diagonals = fhe::rlwe::DiagonalMatrix::create(numbers, slots, 0);
  BLINDPROOF_CHECK(diagonals.ok(), "diagonals lie within the slots");
  std::set<std::size_t> babies, giants;
  for (const std::size_t d : numbers) {
    giants.insert(diagonals->giant_of(d));
    babies.insert(d - diagonals->giant_of(d));
  }
  return {numbers.size(), babies.size() - babies.count(0), giants.size() - giants.count(0), fheml::SlotMatrix::folds_of(in, out, slots).size()};
}

CostModel::CostModel(const fhe::ckks::Parameters& parameters)
    : size_(std::exp2(parameters.log_degree)), log_degree_(parameters.log_degree),
      limbs_per_level_(parameters.scale_bits < field::Modulus::kMaxBits ? 1 : 2), special_(parameters.special_limbs),
      per_digit_(std::ceil(q_limbs(parameters.levels) / parameters.digits)) {
  BLINDPROOF_CHECK(parameters.special_limbs > 0, "the special moduli are known");
}

double CostModel::digits(int level) const { return std::ceil(q_limbs(level) / per_digit_); }

double CostModel::decompose(int level) const {
  const double q = q_limbs(level), out = digits(level) * (q + special_) - q;
  return size_ * ((q + out) * log_degree_ * kButterfly + q * (q + special_ - per_digit_) * kConversion);
}

double CostModel::key_switch(int level) const {
  const double q = q_limbs(level), limbs = q + special_;
  return size_ * (2 * digits(level) * limbs * kMultiplyAdd + 2 * limbs * kPass);
}

double CostModel::divide(int level) const {
  const double q = q_limbs(level);
  return size_ * ((q + special_) * log_degree_ * kButterfly + q * special_ * kConversion + q * kPass);
}

double CostModel::rescale(int level) const {
  return size_ * 2 * limbs_per_level_ * ((q_limbs(level) + 1) * log_degree_ * kButterfly + q_limbs(level) * kPass);
}

double CostModel::product(int level) const {
  return size_ * 4 * q_limbs(level) * kMultiplyAdd + decompose(level) + key_switch(level) + 2 * divide(level) + rescale(level);
}

double CostModel::matrix(int level, const MatrixCounts& counts) const {
  const double limbs = q_limbs(level) + special_;
  const double babies = static_cast<double>(counts.baby_steps), giants = static_cast<double>(counts.giant_steps);
  return decompose(level) + babies * key_switch(level) + giants * (divide(level) + decompose(level) + key_switch(level)) +
         size_ * 2 * limbs * static_cast<double>(counts.diagonals) * kMultiplyAdd + 2 * divide(level) + rescale(level) +
         static_cast<double>(counts.folds) * rotation(level - 1);
}

// Of degree d: about 2 sqrt(d) products, spread over its levels.
double CostModel::polynomial(int level, const fhe::ckks::Polynomial& polynomial) const {
  const int depth = fhe::ckks::depth(polynomial);
  const double products = 2 * std::sqrt(static_cast<double>(polynomial.coefficients.size() - 1));
  return products * product(level - depth / 2);
}

double CostModel::program(const fheml::Program& program) const {
  const std::vector<int> levels = fheml::levels_of(program.steps, program.client.parameters.levels);
  const std::vector<fheml::Layout> layouts = fheml::layouts_of(program.client.input, program.steps);
  const std::size_t slots = static_cast<std::size_t>(size_) / 2;
  double total = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const fheml::Step& step = program.steps[i];
    if (const auto* affine = std::get_if<fheml::AffineStep>(&step.operation)) {
      for (const fheml::AffineStep::Term& term : affine->terms) {
        total += matrix(levels[i + 1] + 1, counts_of(term.matrix, layouts[term.value], affine->layout, slots));
      }
    } else if (const auto* of = std::get_if<fheml::PolynomialStep>(&step.operation)) {
      total += polynomial(levels[of->value], of->polynomial);
    } else {
      total += product(levels[i + 1] + 1);
    }
  }
  return total;
}

}  // namespace blindproof::compiler
