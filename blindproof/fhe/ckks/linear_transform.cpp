#include "blindproof/fhe/ckks/linear_transform.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>

#include "blindproof/base/check.h"

namespace blindproof::fhe::ckks {
namespace {

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "linear transformation", std::move(detail));
}

base::Error mismatch(std::string detail) {
  return base::error(base::ErrorCode::kMismatch, "linear transformation", std::move(detail));
}

// Key switches: one inner product for each baby step; a decomposition, a division and an inner product for each giant step, which
// together cost about three times as much.
std::size_t cheapest_baby_steps(const Diagonals& diagonals, std::size_t slots) {
  std::size_t best = 1;
  double least = INFINITY;
  for (std::size_t steps = 1; steps <= slots; steps *= 2) {
    std::map<std::size_t, bool> babies, giants;
    for (const auto& [d, values] : diagonals) {
      babies[d % steps] = true;
      giants[d / steps] = true;
    }
    const double cost = static_cast<double>(babies.size()) + 3 * static_cast<double>(giants.size());
    if (cost < least) {
      least = cost;
      best = steps;
    }
  }
  return best;
}

struct Sum {
  std::optional<rlwe::Pair> pair;

  void add(rlwe::Pair&& term) {
    if (!pair) {
      pair = std::move(term);
    } else {
      add_to(pair->c0, term.c0);
      add_to(pair->c1, term.c1);
    }
  }
};

}  // namespace

Diagonals diagonals_of(const std::vector<std::vector<double>>& matrix, std::size_t slots) {
  Diagonals result;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    BLINDPROOF_CHECK(matrix.size() <= slots && matrix[i].size() <= slots && matrix[i].size() == matrix[0].size(),
                     "at most N/2 rows and columns, rows of equal length");
    for (std::size_t j = 0; j < matrix[i].size(); ++j) {
      if (matrix[i][j] == 0) continue;
      std::vector<std::complex<double>>& diagonal = result[(j + slots - i) % slots];
      diagonal.resize(slots);
      diagonal[i] = matrix[i][j];
    }
  }
  return result;
}

base::Result<LinearTransform> LinearTransform::create(const Encoder& encoder, const Diagonals& diagonals, int level,
                                                      std::size_t baby_steps) {
  const ContextPtr& context = encoder.context();
  const std::size_t slots = context->slots();
  if (level < 1 || level > context->top_level()) {
    return invalid("level " + std::to_string(level) + " has no level below it, or doesn't exist");
  }
  if (diagonals.empty()) return invalid("the matrix is zero");
  if (baby_steps != 0 && (!std::has_single_bit(baby_steps) || baby_steps > slots)) {
    return invalid("the number of baby steps must be a power of two, at most " + std::to_string(slots));
  }
  LinearTransform result(context, level, baby_steps != 0 ? baby_steps : cheapest_baby_steps(diagonals, slots));
  std::vector<double> row_sums(slots);
  for (const auto& [d, values] : diagonals) {
    if (d >= slots || values.size() != slots) {
      return invalid("diagonals are numbered below " + std::to_string(slots) + " and have as many entries");
    }
    const std::size_t baby = d % result.baby_steps_, giant = d - baby;
    std::vector<std::complex<double>> rotated(slots);
    double largest = 0;
    for (std::size_t i = 0; i < slots; ++i) {
      rotated[(i + giant) % slots] = values[i];
      row_sums[i] += std::abs(values[i]);
      largest = std::max(largest, std::abs(values[i]));
    }
    BLINDPROOF_ASSIGN(rlwe::NttPoly encoded, encoder.encode_extended(rotated, level, context->scale(level)));
    result.squares_ += largest * largest;
    result.giants_[giant].emplace(baby, std::move(encoded));
  }
  result.row_sum_ = *std::ranges::max_element(row_sums);
  return result;
}

std::vector<std::int64_t> LinearTransform::rotations() const {
  std::map<std::size_t, bool> steps;
  for (const auto& [giant, babies] : giants_) {
    if (giant != 0) steps[giant] = true;
    for (const auto& [baby, diagonal] : babies) {
      if (baby != 0) steps[baby] = true;
    }
  }
  std::vector<std::int64_t> result;
  for (const auto& [step, used] : steps) result.push_back(static_cast<std::int64_t>(step));
  return result;
}

Outcome LinearTransform::apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const {
  if (a.context() != context_) return mismatch("the ciphertext belongs to another context");
  if (a.level() != level_ || a.scale() != context_->scale(level_)) {
    return mismatch("the transformation is for ciphertexts at level " + std::to_string(level_) + " and its scale, this one is at level " +
                    std::to_string(a.level()) + ": bring it there with lower_to()");
  }
  if (a.parts().size() != 2) return mismatch("takes ciphertexts of degree 1: relinearise the product first");
  const rlwe::Ring& ring = *context_->ring();
  const std::size_t q_limbs = context_->q_limbs(level_);
  const auto find = [&](std::size_t step) { return keys.find(rlwe::rotation_element(ring.log_degree(), static_cast<std::int64_t>(step)), q_limbs); };

  // P times the rotations of a, over Q and P.
  std::map<std::size_t, rlwe::Pair> babies;
  const rlwe::Decomposition digits = rlwe::decompose(a.parts()[1]);
  for (const auto& [giant, diagonals] : giants_) {
    for (const auto& [baby, diagonal] : diagonals) {
      if (babies.contains(baby)) continue;
      if (baby == 0) {
        rlwe::Pair lifted{rlwe::NttPoly::zero(context_->ring(), {q_limbs, true}),
                          rlwe::NttPoly::zero(context_->ring(), {q_limbs, true})};
        add_lifted(lifted.c0, a.parts()[0]);
        add_lifted(lifted.c1, a.parts()[1]);
        babies.emplace(baby, std::move(lifted));
        continue;
      }
      BLINDPROOF_ASSIGN(const rlwe::GaloisKey* key, find(baby));
      rlwe::Pair sum = rlwe::accumulate(digits, key->key);
      add_lifted(sum.c0, a.parts()[0]);
      babies.emplace(baby, rlwe::Pair{permuted(sum.c0, key->permutation), permuted(sum.c1, key->permutation)});
    }
  }

  Sum total;
  for (const auto& [giant, diagonals] : giants_) {
    std::optional<rlwe::Pair> inner;
    for (const auto& [baby, diagonal] : diagonals) {
      const rlwe::Pair& rotated = babies.at(baby);
      if (!inner) {
        inner = rlwe::Pair{product(rotated.c0, diagonal), product(rotated.c1, diagonal)};
      } else {
        multiply_add(inner->c0, rotated.c0, diagonal);
        multiply_add(inner->c1, rotated.c1, diagonal);
      }
    }
    if (giant == 0) {
      total.add(std::move(*inner));
      continue;
    }
    BLINDPROOF_ASSIGN(const rlwe::GaloisKey* key, find(giant));
    rlwe::Pair switched = rlwe::accumulate(divide(std::move(inner->c1), ring.drop_p(q_limbs)), key->key);
    add_to(switched.c0, inner->c0);
    total.add({permuted(switched.c0, key->permutation), permuted(switched.c1, key->permutation)});
  }
  const rlwe::Division& division = ring.drop_p_and_last(q_limbs);
  rlwe::Parts parts;
  parts.push_back(divide(std::move(total.pair->c0), division));
  parts.push_back(divide(std::move(total.pair->c1), division));

  // Rotations of one error are errors of different slots: they add as independent ones. Giant steps switch once each.
  const double root = std::sqrt(static_cast<double>(ring.degree()));
  const double switching = root * rlwe::key_switch_noise(ring, q_limbs), rounding = root * rlwe::rounding_noise(ring);
  const double scale = context_->scale(level_);
  const double last = static_cast<double>(ring.parameters().q[q_limbs - 1]);
  const double count = static_cast<double>(giants_.size());
  double diagonals = 0;
  for (const auto& [giant, terms] : giants_) diagonals += static_cast<double>(terms.size());
  const double encoding = a.prediction().magnitude * scale * std::sqrt(diagonals * static_cast<double>(ring.degree()) / 12);
  const double noise = std::hypot(std::sqrt(squares_) * scale * std::hypot(a.prediction().noise, switching), encoding,
                                  std::sqrt(count) * switching);
  return Ciphertext(context_, level_ - 1, a.scale() * scale / last, std::move(parts),
                    {a.prediction().magnitude * row_sum_, std::hypot(noise / last, rounding)});
}

}  // namespace blindproof::fhe::ckks
