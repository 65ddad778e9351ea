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

struct Sum {
  std::optional<Pair> pair;

  void add(Pair&& term) {
    if (!pair) {
      pair = std::move(term);
    } else {
      add_to(pair->c0, term.c0);
      add_to(pair->c1, term.c1);
    }
  }
};

using BabySteps = std::map<std::size_t, std::variant<NttPoly, CompactPoly>>;

// For each giant step the sum over baby steps of diagonals times rotations. Column by column, so that the rotations are read
// from memory once for all giant steps; the diagonals, which are most of the data, are read once anyway. Compact diagonals are transformed one giant
// step after the other, while the limb's tables are in the cache.
std::map<std::size_t, Pair> inner_sums(const RingPtr& ring, std::size_t q_limbs, const std::map<std::size_t, BabySteps>& giants,
                                       const std::map<std::size_t, Pair>& babies) {
  constexpr std::size_t kColumns = 512, kTerms = 64;
  const Basis basis{q_limbs, true};
  const std::size_t degree = ring->degree();
  std::map<std::size_t, Pair> sums;
  std::size_t most = 0;  // diagonals of a giant step
  for (const auto& [giant, diagonals] : giants) {
    sums.emplace(giant, Pair{NttPoly(ring, basis), NttPoly(ring, basis)});
    most = std::max(most, diagonals.size());
  }
  const bool compact = std::holds_alternative<CompactPoly>(giants.begin()->second.begin()->second);
  const std::size_t columns = std::min(kColumns, degree), chunks = degree / columns;
  base::parallel_for(ring->limbs(basis), [&](std::size_t limb) {
    const field::Modulus& q = ring->modulus(basis, limb);
    LimbBuffer scratch(compact ? most * degree : 0, Secrecy::kSecret);
    std::vector<const std::uint64_t*> diagonal, c0, c1;
    std::vector<std::uint64_t> more0(columns), more1(columns);
    const auto add_chunk = [&](std::size_t chunk, Pair& sum, const BabySteps& diagonals) {
      const auto part = [&](auto& poly) { return poly.limb(limb).subspan(chunk * columns, columns); };
      bool first = true;
      const auto flush = [&] {
        if (first) {
          field::inner_products(q, diagonal, c0, c1, part(sum.c0), part(sum.c1));
        } else {
          field::inner_products(q, diagonal, c0, c1, more0, more1);
          field::add(q, part(sum.c0), more0, part(sum.c0));
          field::add(q, part(sum.c1), more1, part(sum.c1));
        }
        first = false;
        diagonal.clear();
        c0.clear();
        c1.clear();
      };
      std::size_t at = 0;
      for (const auto& [baby, poly] : diagonals) {
        if (diagonal.size() == kTerms) flush();
        const Pair& rotated = babies.at(baby);
        diagonal.push_back(compact ? scratch.words().data() + at * degree + chunk * columns : part(std::get<NttPoly>(poly)).data());
        c0.push_back(part(rotated.c0).data());
        c1.push_back(part(rotated.c1).data());
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
  Sum total;
  for (auto& [giant, sum] : inner) {
    if (giant == 0) {
      total.add(std::move(sum));
      continue;
    }
    BLINDPROOF_ASSIGN(const GaloisKey* key, keys.find(rotation_element(ring->log_degree(), static_cast<std::int64_t>(giant)), q_limbs));
    Pair switched = accumulate(divide(std::move(sum.c1), ring->drop_p(q_limbs), t), key->key);
    add_to(switched.c0, sum.c0);
    total.add({permuted(switched.c0, key->permutation), permuted(switched.c1, key->permutation)});
  }
  Parts result;
  result.push_back(std::move(total.pair->c0));
  result.push_back(std::move(total.pair->c1));
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

  // P times the rotations of a, over Q and P.
  std::map<std::size_t, Pair> babies;
  const Decomposition digits = decompose(a[1]);
  for (const auto& [giant, diagonals] : giants_) {
    for (const auto& [baby, diagonal] : diagonals) {
      if (babies.contains(baby)) continue;
      if (baby == 0) {
        Pair lifted{NttPoly::zero(ring, {q_limbs, true}), NttPoly::zero(ring, {q_limbs, true})};
        add_lifted(lifted.c0, a[0]);
        add_lifted(lifted.c1, a[1]);
        babies.emplace(baby, std::move(lifted));
        continue;
      }
      const GaloisKey& key = *chosen.at(baby);
      Pair sum = accumulate(digits, key.key);
      add_lifted(sum.c0, a[0]);
      babies.emplace(baby, Pair{permuted(sum.c0, key.permutation), permuted(sum.c1, key.permutation)});
    }
  }

  BLINDPROOF_ASSIGN(Parts result, join_giant_steps(inner_sums(ring, q_limbs, giants_, babies), keys, t));
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
