#include "blindproof/circuits/witness_solver.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "blindproof/base/check.h"

namespace blindproof::circuits {
namespace {

using base::ErrorCode;
using groth16::Combinations;
using groth16::R1cs;

constexpr int kElementBits = 254;

/// Exponents e of 2^e, -253 <= e <= 253.
class PowersOfTwo {
 public:
  PowersOfTwo() {
    const Fr half = Fr::from_u64(2).inverse();
    Fr power = Fr::one();
    Fr inverse = Fr::one();
    for (int e = 0; e < kElementBits; ++e) {
      entries_.push_back({power.montgomery(), e});
      if (e > 0) entries_.push_back({inverse.montgomery(), -e});
      power = power.doubled();
      inverse *= half;
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& x, const Entry& y) { return x.limbs < y.limbs; });
  }
  std::optional<int> exponent(const Fr& value) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), value.montgomery(),
                                     [](const Entry& x, const field::Limbs& limbs) { return x.limbs < limbs; });
    if (at == entries_.end() || at->limbs != value.montgomery()) return std::nullopt;
    return at->exponent;
  }

 private:
  struct Entry {
    field::Limbs limbs;
    int exponent;
  };
  std::vector<Entry> entries_;
};

bool is_constant(const Combinations& list, std::size_t i) {
  for (std::uint64_t k = list.begins[i]; k < list.begins[i + 1]; ++k) {
    if (list.wires[k] != 0) return false;
  }
  return true;
}

Fr constant_of(const Combinations& list, std::size_t i) {
  Fr sum;
  for (std::uint64_t k = list.begins[i]; k < list.begins[i + 1]; ++k) {
    if (list.wires[k] == 0) sum += list.factors[k];
  }
  return sum;
}

}  // namespace

/// Counts unknown wires of each constraint and goes where no choice is left. Every constraint is looked at a bounded
/// number of times, whatever the file says.
class WitnessSolver::Planner {
 public:
  explicit Planner(WitnessSolver& solver)
      : solver_(solver),
        r1cs_(*solver.r1cs_),
        coefficient_(r1cs_.wires),
        seen_(r1cs_.wires),
        known_(r1cs_.wires),
        bit_(r1cs_.wires) {}

  base::Status run() {
    const std::size_t count = r1cs_.constraints();
    shapes_.resize(count);
    unknown_.resize(count);
    unknown_others_.resize(count);
    tried_.resize(count);
    for (std::size_t i = 0; i < count; ++i) classify(i);
    list_users();
    set(0);
    for (std::uint32_t i = 0; i < solver_.input_count(); ++i) set(1 + r1cs_.outputs + i);
    planning_ = true;
    for (std::uint32_t i = 0; i < count; ++i) consider(i);
    while (!queue_.empty()) {
      const std::uint32_t constraint = queue_.back();
      queue_.pop_back();
      if (unknown_[constraint] > 0) take(constraint);
    }
    const auto open = std::find(known_.begin(), known_.end(), false);
    if (open == known_.end()) return {};
    return base::error(ErrorCode::kUnsupported, "r1cs",
                       "the inputs don't determine wire " + std::to_string(open - known_.begin()) +
                           " by steps that leave no choice; compile the circuit with circom's --O1");
  }

 private:
  enum class Shape : std::uint8_t { kLinear, kTwoValues, kProduct, kBoolean };

  /// Distinct wires of a constraint; for those of kLinear and kTwoValues, coefficient_ holds the coefficients of A B -
  /// C or of A.
  void gather(std::size_t i, Shape shape) {
    for (const std::uint32_t wire : wires_) {
      seen_[wire] = false;
      coefficient_[wire] = Fr();
    }
    wires_.clear();
    if (shape == Shape::kLinear) {
      if (is_constant(r1cs_.a, i)) {
        add(r1cs_.b, i, constant_of(r1cs_.a, i));
      } else {
        add(r1cs_.a, i, constant_of(r1cs_.b, i));
      }
      add(r1cs_.c, i, -Fr::one());
    } else if (shape == Shape::kProduct) {
      add(r1cs_.a, i, Fr::one());
      add(r1cs_.b, i, Fr::one());
      add(r1cs_.c, i, Fr::one());
    } else {
      add(r1cs_.a, i, Fr::one());
    }
    if (shape == Shape::kProduct) return;
    const auto end = std::remove_if(wires_.begin(), wires_.end(), [this](std::uint32_t wire) {
      if (!coefficient_[wire].is_zero()) return false;
      seen_[wire] = false;
      return true;
    });
    wires_.erase(end, wires_.end());
  }

  void add(const Combinations& list, std::size_t i, const Fr& factor) {
    for (std::uint64_t k = list.begins[i]; k < list.begins[i + 1]; ++k) {
      const std::uint32_t wire = list.wires[k];
      if (!seen_[wire]) {
        seen_[wire] = true;
        wires_.push_back(wire);
      }
      coefficient_[wire] += factor * list.factors[k];
    }
  }

  /// If constraint i says A = 0 or A = v: v.
  std::optional<Fr> two_values(std::size_t i) {
    if (r1cs_.c.begins[i] != r1cs_.c.begins[i + 1]) return std::nullopt;
    gather(i, Shape::kTwoValues);
    std::uint32_t lead = 0;
    for (const std::uint32_t wire : wires_) lead = std::max(lead, wire);
    if (lead == 0) return std::nullopt;
    // B's coefficients, in place: all of A's but the constant must be `scale` times these.
    Fr lead_of_b;
    Fr constant_of_b = constant_of(r1cs_.b, i);
    for (std::uint64_t k = r1cs_.b.begins[i]; k < r1cs_.b.begins[i + 1]; ++k) {
      if (r1cs_.b.wires[k] == lead) lead_of_b += r1cs_.b.factors[k];
    }
    if (lead_of_b.is_zero()) return std::nullopt;
    const Fr scale = coefficient_[lead] == lead_of_b ? Fr::one() : coefficient_[lead] * lead_of_b.inverse();
    const Fr constant = coefficient_[0];
    add(r1cs_.b, i, -scale);
    const bool same = std::all_of(wires_.begin(), wires_.end(),
                                  [this](std::uint32_t wire) { return wire == 0 || coefficient_[wire].is_zero(); });
    if (!same) return std::nullopt;
    return constant - scale * constant_of_b;
  }

  void classify(std::size_t i) {
    shapes_[i] = Shape::kProduct;
    if (is_constant(r1cs_.a, i) || is_constant(r1cs_.b, i)) {
      shapes_[i] = Shape::kLinear;
    } else if (const std::optional<Fr> other = two_values(i)) {
      shapes_[i] = Shape::kTwoValues;
      gather(i, Shape::kTwoValues);
      if (std::count_if(wires_.begin(), wires_.end(), [](std::uint32_t wire) { return wire != 0; }) == 1) {
        shapes_[i] = Shape::kBoolean;  // k x + d = 0 or v
        const std::uint32_t wire = wires_[0] != 0 ? wires_[0] : wires_[1];
        const Fr at_zero = coefficient_[0];
        const Fr at_one = at_zero + coefficient_[wire];
        const auto allowed = [&](const Fr& value) { return value.is_zero() || value == *other; };
        if (allowed(at_zero) && allowed(at_one)) bit_[wire] = true;
      }
    }
  }

  void list_users() {
    const std::size_t count = r1cs_.constraints();
    user_begins_.assign(std::size_t{r1cs_.wires} + 1, 0);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = 0; i < count; ++i) {
        if (shapes_[i] == Shape::kBoolean) continue;
        gather(i, shapes_[i]);
        if (pass == 0) {
          unknown_[i] = static_cast<std::uint32_t>(wires_.size());
          unknown_others_[i] = static_cast<std::uint32_t>(
              std::count_if(wires_.begin(), wires_.end(), [this](std::uint32_t wire) { return !bit_[wire]; }));
          for (const std::uint32_t wire : wires_) ++user_begins_[wire + 1];
        } else {
          for (const std::uint32_t wire : wires_) users_[user_begins_[wire]++] = static_cast<std::uint32_t>(i);
        }
      }
      if (pass == 0) {
        for (std::size_t wire = 0; wire < r1cs_.wires; ++wire) user_begins_[wire + 1] += user_begins_[wire];
        users_.resize(user_begins_.back());
      } else {  // filling moved each begin to its end
        std::move_backward(user_begins_.begin(), user_begins_.end() - 1, user_begins_.end());
        user_begins_[0] = 0;
      }
    }
  }

  void set(std::uint32_t wire) {
    if (known_[wire]) return;
    known_[wire] = true;
    for (std::uint64_t k = user_begins_[wire]; k < user_begins_[wire + 1]; ++k) {
      const std::uint32_t constraint = users_[k];
      --unknown_[constraint];
      if (!bit_[wire]) --unknown_others_[constraint];
      if (planning_) consider(constraint);
    }
  }

  void consider(std::uint32_t constraint) {
    const bool one = unknown_[constraint] == 1;
    if (unknown_[constraint] == 0 || (!one && (unknown_others_[constraint] > 0 || tried_[constraint]))) return;
    if (!one) tried_[constraint] = true;
    queue_.push_back(constraint);
  }

  void take(std::uint32_t constraint) {
    const Shape shape = shapes_[constraint];
    if (shape == Shape::kProduct) {
      take_product(constraint);
      return;
    }
    if (shape == Shape::kBoolean) return;
    if (unknown_[constraint] > static_cast<std::uint32_t>(kElementBits)) return;
    gather(constraint, shape);
    unknown_wires_.clear();
    for (const std::uint32_t wire : wires_) {
      if (!known_[wire]) unknown_wires_.push_back(wire);
    }
    if (shape == Shape::kLinear && unknown_wires_.size() == 1) {
      add_value(constraint, unknown_wires_[0], coefficient_[unknown_wires_[0]]);
    } else if (std::all_of(unknown_wires_.begin(), unknown_wires_.end(),
                           [this](std::uint32_t wire) { return bit_[wire]; })) {
      take_bits(constraint, shape);
    }
  }

  // One unknown wire, in C alone.
  void take_product(std::uint32_t i) {
    for (const Combinations* list : {&r1cs_.a, &r1cs_.b}) {
      for (std::uint64_t k = list->begins[i]; k < list->begins[i + 1]; ++k) {
        if (!known_[list->wires[k]]) return;
      }
    }
    Fr coefficient;
    std::uint32_t unknown = 0;
    for (std::uint64_t k = r1cs_.c.begins[i]; k < r1cs_.c.begins[i + 1]; ++k) {
      const std::uint32_t wire = r1cs_.c.wires[k];
      if (known_[wire]) continue;
      if (unknown != 0 && unknown != wire) return;
      unknown = wire;
      coefficient -= r1cs_.c.factors[k];
    }
    if (unknown != 0 && !coefficient.is_zero()) add_value(i, unknown, coefficient);
  }

  void add_value(std::uint32_t constraint, std::uint32_t wire, const Fr& coefficient) {
    Step step{constraint, wire, -inverse(coefficient), 0, 0, Kind::kValue};
    solver_.steps_.push_back(step);
    set(wire);
  }

  void take_bits(std::uint32_t constraint, Shape shape) {
    std::vector<Fr> factors;
    for (const std::uint32_t wire : unknown_wires_) factors.push_back(coefficient_[wire]);
    // A = 0 or v: A - v * (one more bit) = 0.
    if (shape == Shape::kTwoValues) {
      const std::vector<std::uint32_t> kept = unknown_wires_;
      const std::optional<Fr> other = two_values(constraint);
      unknown_wires_ = kept;
      if (!other || other->is_zero()) return;
      factors.push_back(-*other);
    }
    const Fr scale = inverse(factors[0]);
    std::vector<int> exponents;
    for (const Fr& factor : factors) {
      const std::optional<int> exponent = powers_.exponent(factor * scale);
      if (!exponent) return;
      exponents.push_back(*exponent);
    }
    const auto [least, greatest] = std::minmax_element(exponents.begin(), exponents.end());
    const int low = *least;
    const int span = *greatest - low;
    std::vector<int> sorted = exponents;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return;
    if (span >= kElementBits || (span == kElementBits - 1 && exponents.size() != kElementBits)) return;
    if (span == kElementBits - 1) ++solver_.strict_;

    const Fr down = low < 0 ? Fr::power_of_two(-low) : inverse(Fr::power_of_two(low));
    Step step{constraint,
              0,
              -(scale * down),
              solver_.bits_.size(),
              static_cast<std::uint32_t>(unknown_wires_.size()),
              shape == Shape::kTwoValues ? Kind::kBitsOrOneMore : Kind::kBits};
    for (std::size_t i = 0; i < unknown_wires_.size(); ++i) {
      solver_.bits_.push_back({unknown_wires_[i], static_cast<std::uint32_t>(exponents[i] - low)});
    }
    solver_.steps_.push_back(step);
    const std::vector<std::uint32_t> found = unknown_wires_;
    for (const std::uint32_t wire : found) set(wire);
  }

  /// Coefficients repeat: nearly all are powers of two or 1.
  Fr inverse(const Fr& value) {
    if (value == last_) return last_inverse_;
    last_ = value;
    if (value == Fr::one()) return last_inverse_ = value;
    if (value == -Fr::one()) return last_inverse_ = value;
    return last_inverse_ = value.inverse();
  }

  WitnessSolver& solver_;
  const R1cs& r1cs_;
  const PowersOfTwo powers_;
  std::vector<Fr> coefficient_;  // scratch, by wire
  std::vector<bool> seen_;
  std::vector<std::uint32_t> wires_, unknown_wires_;

  std::vector<Shape> shapes_;
  std::vector<std::uint32_t> unknown_, unknown_others_;  // wires, and those that are no bits, by constraint
  std::vector<bool> tried_;
  std::vector<bool> known_, bit_;
  std::vector<std::uint64_t> user_begins_;
  std::vector<std::uint32_t> users_, queue_;
  bool planning_ = false;  // no constraint is queued before all inputs are known
  Fr last_ = Fr::one(), last_inverse_ = Fr::one();
};

base::Result<WitnessSolver> WitnessSolver::make(const R1cs& r1cs) {
  if (std::uint64_t{r1cs.outputs} + r1cs.inputs + r1cs.private_inputs >= r1cs.wires) {
    return base::error(ErrorCode::kMalformed, "r1cs", "has more inputs and outputs than wires");
  }
  WitnessSolver solver(r1cs);
  Planner planner(solver);
  BLINDPROOF_TRY(planner.run());
  return solver;
}

std::size_t WitnessSolver::input_count() const { return std::size_t{r1cs_->inputs} + r1cs_->private_inputs; }

base::Result<std::vector<Fr>> WitnessSolver::solve(std::span<const Fr> inputs) const {
  BLINDPROOF_CHECK(inputs.size() == input_count(), "another number of inputs");
  std::vector<Fr> values(r1cs_->wires);  // a wire that isn't known yet counts as 0, and so drops out of its constraint
  values[0] = Fr::one();
  std::copy(inputs.begin(), inputs.end(), values.begin() + 1 + static_cast<std::ptrdiff_t>(r1cs_->outputs));
  for (const Step& step : steps_) {
    Fr rest = r1cs_->a.value(step.constraint, values);
    if (step.kind != Kind::kBitsOrOneMore) {
      rest = rest * r1cs_->b.value(step.constraint, values) - r1cs_->c.value(step.constraint, values);
    }
    const Fr result = step.factor * rest;
    if (step.kind == Kind::kValue) {
      values[step.wire] = result;
      continue;
    }
    const field::Limbs sum = result.to_limbs();
    for (std::uint64_t i = step.bits; i < step.bits + step.bit_count; ++i) {
      values[bits_[i].wire] = Fr::from_u64(sum[bits_[i].exponent / 64] >> (bits_[i].exponent % 64) & 1);
    }
  }
  const std::size_t violated = groth16::first_violation(*r1cs_, values);
  if (violated < r1cs_->constraints()) {
    return base::error(ErrorCode::kInvalidArgument, "inputs",
                       "violate constraint " + std::to_string(violated) +
                           " of the circuit: some value is outside its range or doesn't fit the others");
  }
  return values;
}

}  // namespace blindproof::circuits
