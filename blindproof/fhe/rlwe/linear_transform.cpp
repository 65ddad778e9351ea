#include "blindproof/fhe/rlwe/linear_transform.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

constexpr const char* kOperation = "linear transformation";

constexpr std::size_t kMaxBabySteps = 1024;  // that are tried

// How many different values `of` has.
template <class Of>
std::size_t count_different(const std::vector<std::size_t>& diagonals, std::vector<std::size_t>& seen, std::size_t mark, Of&& of) {
  std::size_t count = 0;
  for (const std::size_t d : diagonals) {
    std::size_t& last = seen[of(d)];
    count += last != mark;
    last = mark;
  }
  return count;
}

// Key switches: one inner product for each baby step; a decomposition, a division and an inner product for each giant step, which
// together cost about three times as much. Matrices of convolutions do best with steps like the width of their image.
std::size_t cheapest_baby_steps(const std::vector<std::size_t>& diagonals, std::size_t row) {
  std::size_t best = 1, least = SIZE_MAX;
  std::vector<std::size_t> babies(row), giants(row);
  for (std::size_t steps = 1; steps <= std::min(row, kMaxBabySteps); ++steps) {
    const std::size_t cost = count_different(diagonals, babies, steps, [&](std::size_t d) { return d % steps; }) +
                             3 * count_different(diagonals, giants, steps, [&](std::size_t d) { return d / steps; });
    if (cost < least) {
      least = cost;
      best = steps;
    }
  }
  return best;
}

using BabySteps = std::map<std::size_t, std::variant<NttPoly, CompactPoly>>;

// A rotation of the operand, times P; by 0 without a key.
struct BabyStep {
  std::size_t steps;
  const GaloisKey* key;
};

// For each giant step the sum over baby steps of diagonals times rotations. Limb by limb, so that digits are read from memory once for all rotations, and
// rotations never reach it; column by column, so that these are read from the cache once for all giant steps. Keys and diagonals, which are most of the data,
// are read once. Compact diagonals are transformed one giant step after the other, while the limb's tables are in the cache.
std::map<std::size_t, Pair> inner_sums(const Parts& a, const std::vector<BabyStep>& steps, const std::map<std::size_t, BabySteps>& giants) {
  constexpr std::size_t kColumns = 512, kTerms = 64;
  const RingPtr& ring = a[0].ring_ptr();
  const std::size_t degree = ring->degree(), q_limbs = a[0].basis().q_limbs;
  const Basis basis{q_limbs, true};
  std::map<std::size_t, Pair> sums;
  std::size_t most = 0;  // diagonals of a giant step
  for (const auto& [giant, diagonals] : giants) {
    sums.emplace(giant, Pair{NttPoly(ring, basis), NttPoly(ring, basis)});
    most = std::max(most, diagonals.size());
  }
  const bool rotates = std::ranges::any_of(steps, [](const BabyStep& step) { return step.key != nullptr; });
  const Decomposition digits = rotates ? decompose(a[1]) : Decomposition{};
  std::map<std::size_t, std::size_t> index;  // of a baby step
  for (std::size_t k = 0; k < steps.size(); ++k) index.emplace(steps[k].steps, k);

  const bool compact = std::holds_alternative<CompactPoly>(giants.begin()->second.begin()->second);
  const std::size_t columns = std::min(kColumns, degree), chunks = degree / columns;
  base::parallel_for(ring->limbs(basis), [&](std::size_t limb) {
    const field::Modulus& q = ring->modulus(basis, limb);
    LimbBuffer rotated(2 * steps.size() * degree, Secrecy::kPublic), sum(2 * degree, Secrecy::kPublic);
    const auto rotation = [&](std::size_t k, std::size_t half) { return rotated.words().subspan((2 * k + half) * degree, degree); };
    for (std::size_t k = 0; k < steps.size(); ++k) {
      const bool within_q = limb < q_limbs;  // P times anything is 0 modulo P
      if (steps[k].key == nullptr) {
        for (const std::size_t half : {0u, 1u}) {
          if (within_q) {
            field::scale(q, a[half].limb(limb), ring->p_modulo(limb), rotation(k, half));
          } else {
            std::ranges::fill(rotation(k, half), 0);
          }
        }
        continue;
      }
      const std::span<std::uint64_t> c0 = sum.words().first(degree), c1 = sum.words().last(degree);
      accumulate_limb(digits, steps[k].key->key, limb, c0, c1);
      if (within_q) field::scale_add(q, a[0].limb(limb), ring->p_modulo(limb), c0);
      field::permute(steps[k].key->permutation, c0, rotation(k, 0));
      field::permute(steps[k].key->permutation, c1, rotation(k, 1));
    }

    LimbBuffer scratch(compact ? most * degree : 0, Secrecy::kSecret);
    std::vector<const std::uint64_t*> diagonal, c0, c1;
    std::vector<std::uint64_t> more0(columns), more1(columns);
    const auto add_chunk = [&](std::size_t chunk, Pair& sum_of_step, const BabySteps& diagonals) {
      const auto part = [&](auto& poly) { return poly.limb(limb).subspan(chunk * columns, columns); };
      bool first = true;
      const auto flush = [&] {
        if (first) {
          field::inner_products(q, diagonal, c0, c1, part(sum_of_step.c0), part(sum_of_step.c1));
        } else {
          field::inner_products(q, diagonal, c0, c1, more0, more1);
          field::add(q, part(sum_of_step.c0), more0, part(sum_of_step.c0));
          field::add(q, part(sum_of_step.c1), more1, part(sum_of_step.c1));
        }
        first = false;
        diagonal.clear();
        c0.clear();
        c1.clear();
      };
      std::size_t at = 0;
      for (const auto& [baby, poly] : diagonals) {
        if (diagonal.size() == kTerms) flush();
        const std::size_t k = index.at(baby);
        diagonal.push_back(compact ? scratch.words().data() + at * degree + chunk * columns : part(std::get<NttPoly>(poly)).data());
        c0.push_back(rotation(k, 0).data() + chunk * columns);
        c1.push_back(rotation(k, 1).data() + chunk * columns);
        ++at;
      }
      flush();
    };
    if (!compact) {
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
        for (const auto& [giant, diagonals] : giants) add_chunk(chunk, sums.at(giant), diagonals);
      }
      return;
    }
    for (const auto& [giant, diagonals] : giants) {
      std::size_t at = 0;
      for (const auto& [baby, poly] : diagonals) {
        compact_values(ring->tables(basis, limb), std::get<CompactPoly>(poly), scratch.words().subspan(at++ * degree, degree));
      }
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) add_chunk(chunk, sums.at(giant), diagonals);
    }
  });
  return sums;
}

}  // namespace

base::Result<Parts> join_giant_steps(std::map<std::size_t, Pair>&& inner, const GaloisKeys& keys, std::uint64_t t) {
  const RingPtr ring = inner.begin()->second.c0.ring_ptr();
  const std::size_t q_limbs = inner.begin()->second.c0.basis().q_limbs;
  std::optional<Pair> total;
  for (auto& [giant, sum] : inner) {
    if (giant == 0) {  // the first, if it is there
      total.emplace(std::move(sum));
      continue;
    }
    BLINDPROOF_ASSIGN(const GaloisKey* key, keys.find(rotation_element(ring->log_degree(), static_cast<std::int64_t>(giant)), q_limbs));
    const NttPoly c1 = divide(std::move(sum.c1), ring->drop_p(q_limbs), t);
    const bool first = !total.has_value();
    if (first) total.emplace(Pair{NttPoly(ring, sum.c0.basis()), NttPoly(ring, sum.c0.basis())});
    accumulate_each(c1, key->key, [&](std::size_t i, std::span<std::uint64_t> s0, std::span<std::uint64_t> s1) {
      const field::Modulus& q = sum.c0.modulus(i);
      field::add(q, s0, sum.c0.limb(i), s0);
      if (first) {
        field::permute(key->permutation, s0, total->c0.limb(i));
        field::permute(key->permutation, s1, total->c1.limb(i));
        return;
      }
      LimbBuffer rotated(ring->degree(), Secrecy::kPublic);
      for (const auto& [from, to] : {std::pair{s0, total->c0.limb(i)}, std::pair{s1, total->c1.limb(i)}}) {
        field::permute(key->permutation, from, rotated.words());
        field::add(q, to, rotated.words(), to);
      }
    });
  }
  Parts result;
  result.push_back(std::move(total->c0));
  result.push_back(std::move(total->c1));
  return result;
}

base::Error DiagonalMatrix::wrong_size(std::size_t slots) {
  return invalid(kOperation, "diagonals have " + std::to_string(slots) + " entries");
}

base::Result<DiagonalMatrix> DiagonalMatrix::create(const std::vector<std::size_t>& numbers, std::size_t row,
                                                    std::size_t baby_steps) {
  if (numbers.empty()) return invalid(kOperation, "the matrix is zero");
  if (std::ranges::any_of(numbers, [&](std::size_t d) { return d >= row; })) {
    return invalid(kOperation, "diagonals are numbered below " + std::to_string(row));
  }
  if (baby_steps > row) return invalid(kOperation, "there are at most " + std::to_string(row) + " baby steps");
  return DiagonalMatrix(baby_steps != 0 ? baby_steps : cheapest_baby_steps(numbers, row));
}

std::size_t DiagonalMatrix::size() const noexcept {
  std::size_t count = 0;
  for (const auto& [giant, diagonals] : giants_) count += diagonals.size();
  return count;
}

void DiagonalMatrix::insert(std::size_t diagonal, NttPoly poly) {
  giants_[giant_of(diagonal)].emplace(diagonal % baby_steps_, std::move(poly));
}

void DiagonalMatrix::insert(std::size_t diagonal, CompactPoly poly) {
  giants_[giant_of(diagonal)].emplace(diagonal % baby_steps_, std::move(poly));
}

std::vector<std::int64_t> DiagonalMatrix::rotations() const {
  std::set<std::size_t> steps;
  for (const auto& [giant, diagonals] : giants_) {
    steps.insert(giant);
    for (const auto& [baby, diagonal] : diagonals) steps.insert(baby);
  }
  steps.erase(0);
  return {steps.begin(), steps.end()};
}

base::Result<Parts> DiagonalMatrix::apply(const Parts& a, const GaloisKeys& keys, std::uint64_t t) const {
  BLINDPROOF_TRY(require_degree(kOperation, a, 1));
  const RingPtr& ring = a[0].ring_ptr();
  const std::size_t q_limbs = a[0].basis().q_limbs;
  std::map<std::size_t, const GaloisKey*> chosen;
  for (const std::int64_t step : rotations()) {
    BLINDPROOF_ASSIGN(const GaloisKey* key, keys.find(rotation_element(ring->log_degree(), step), q_limbs));
    BLINDPROOF_TRY(require_key(kOperation, a, key->key));
    chosen.emplace(static_cast<std::size_t>(step), key);
  }

  std::map<std::size_t, BabyStep> babies;
  for (const auto& [giant, diagonals] : giants_) {
    for (const auto& [baby, diagonal] : diagonals) babies.emplace(baby, BabyStep{baby, baby == 0 ? nullptr : chosen.at(baby)});
  }
  std::vector<BabyStep> steps;
  for (const auto& [baby, step] : babies) steps.push_back(step);
  BLINDPROOF_ASSIGN(Parts result, join_giant_steps(inner_sums(a, steps, giants_), keys, t));
  for (NttPoly& part : result) part.declassify();  // diagonals count as secrets, ciphertexts don't
  return result;
}

base::Result<IntegerMatrix> encode_matrix(const RingPtr& ring, std::size_t q_limbs, const SlotEncoder& encoder,
                                          const Diagonals<std::int64_t>& diagonals, std::uint64_t factor,
                                          std::size_t baby_steps) {
  const std::size_t slots = encoder.slots();
  BLINDPROOF_TRY(DiagonalMatrix::create(diagonals, slots / 2, slots, baby_steps));
  std::vector<std::size_t> numbers;
  for (const auto& [d, values] : diagonals) numbers.push_back(d);
  return encode_matrix(ring, q_limbs, encoder, numbers, [&](std::size_t d) { return diagonals.at(d); }, factor, baby_steps);
}

base::Result<IntegerMatrix> encode_matrix(const RingPtr& ring, std::size_t q_limbs, const SlotEncoder& encoder,
                                          const std::vector<std::size_t>& numbers, const MakeDiagonal& diagonal,
                                          std::uint64_t factor, std::size_t baby_steps) {
  const std::size_t row = encoder.slots() / 2;
  BLINDPROOF_ASSIGN(DiagonalMatrix matrix, DiagonalMatrix::create(numbers, row, baby_steps));
  std::vector<std::optional<base::Result<NttPoly>>> encoded(numbers.size());
  std::vector<double> norms(numbers.size());
  base::parallel_for(numbers.size(), [&](std::size_t i) {
    const std::vector<std::int64_t> rotated = rotated_right(diagonal(numbers[i]), row, matrix.giant_of(numbers[i]));
    base::Result<std::vector<std::uint64_t>> coefficients = encoder.encode(std::span<const std::int64_t>(rotated));
    if (!coefficients.ok()) {
      encoded[i].emplace(std::move(coefficients).error());
      return;
    }
    for (std::uint64_t& c : *coefficients) c = encoder.t().multiply(c, factor);
    norms[i] = centered_norm(encoder.t(), *coefficients);
    encoded[i].emplace(centered_product(ring, {q_limbs, true}, encoder.t(), *coefficients, 1));
  });
  double norm = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!encoded[i]->ok()) return std::move(*encoded[i]).error();
    norm += norms[i];
    matrix.insert(numbers[i], *std::move(*encoded[i]));
  }
  return IntegerMatrix{std::move(matrix), norm};
}

}  // namespace blindproof::fhe::rlwe
