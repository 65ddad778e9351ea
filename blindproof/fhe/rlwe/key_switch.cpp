#include "blindproof/fhe/rlwe/key_switch.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {

namespace {

/// The digits of a polynomial, made group by group of limbs.
class Digits {
 public:
  explicit Digits(const NttPoly& c)
      : c_(c),
        q_limbs_(c.basis().q_limbs),
        scaled_(c.ring_ptr(), c.basis(), c.secrecy()) {
    const Ring& ring = c.ring();
    BLINDPROOF_CHECK(!c.basis().with_p && ring.p_count() > 0,
                     "decomposes polynomials over Q, in rings with special moduli");
    base::parallel_for(c.limbs(), [&](std::size_t i) {
      std::size_t digit = 0;
      while (end(digit) <= i) ++digit;
      const std::uint64_t factor = ring.digit_converter(q_limbs_, digit).inverse(i - begin(digit));
      std::ranges::copy(c.limb(i), scaled_.limb(i).begin());
      poly::ntt_inverse_scaled(c.tables(i), factor, scaled_.limb(i));
    });
    for (std::size_t digit = 0; digit < ring.digit_count(q_limbs_); ++digit) {
      std::vector<const std::uint64_t*> in;
      for (std::size_t i = begin(digit); i < end(digit); ++i) in.push_back(scaled_.limb(i).data());
      conversions_.emplace_back(ring.digit_converter(q_limbs_, digit), std::move(in), ring.degree(), c.secrecy());
    }
  }

  std::size_t count() const noexcept { return conversions_.size(); }
  bool owns(std::size_t digit, std::size_t limb) const noexcept { return limb >= begin(digit) && limb < end(digit); }

  /// Coefficients of a digit's limbs first .. last - 1 of {q_limbs, with P}, but of its own moduli. `target(i)` is where
  /// limb i belongs.
  template <class Target>
  void convert(std::size_t digit, std::size_t first, std::size_t last, Target&& target) const {
    std::vector<std::uint64_t*> out;
    for (std::size_t i = first; i < last; ++i) {
      if (!owns(digit, i)) out.push_back(target(i).data());
    }
    const std::size_t skipped = std::clamp(first, begin(digit), end(digit)) - begin(digit);
    conversions_[digit].finish(first - skipped, out);
  }

 private:
  std::size_t begin(std::size_t digit) const noexcept { return c_.ring().digit_begin(digit); }
  std::size_t end(std::size_t digit) const noexcept { return c_.ring().digit_end(digit, q_limbs_); }

  const NttPoly& c_;
  std::size_t q_limbs_;
  CoeffPoly scaled_;  // by what conversions need
  std::vector<PreparedConversion> conversions_;
};

/// Limb i of the sums over digits. a[j] is limb i of digit j.
void sum_digits(const Ring& ring, std::size_t q_limbs, const KeySwitchKey& key, std::size_t i,
                std::span<const std::uint64_t* const> a, std::span<std::uint64_t> c0, std::span<std::uint64_t> c1) {
  const std::size_t key_limb = i < q_limbs ? i : i + key.q_limbs() - q_limbs;
  std::vector<const std::uint64_t*> b0, b1;
  for (std::size_t j = 0; j < a.size(); ++j) {
    b0.push_back(key.b[j].limb(key_limb).data());
    b1.push_back(key.a[j].limb(key_limb).data());
  }
  field::inner_products(ring.modulus({q_limbs, true}, i), a, b0, b1, c0, c1);
}

void require_fit(const RingPtr& ring, std::size_t q_limbs, const KeySwitchKey& key) {
  BLINDPROOF_CHECK(key.q_limbs() >= q_limbs && key.b.front().ring_ptr() == ring,
                   "the key is for fewer limbs or another ring");
}

LimbSource sums(const Decomposition& digits, const KeySwitchKey& key) {
  return {2, Secrecy::kPublic, [&](std::size_t i, std::span<std::span<std::uint64_t>> to) { accumulate_limb(digits, key, i, to[0], to[1]); }};
}

// body(i, sum) for each limb; sum(c0, c1) writes that limb of both sums.
template <class Body>
void accumulate_limbs(const NttPoly& c, const KeySwitchKey& key, Body&& body) {
  const std::size_t q_limbs = c.basis().q_limbs, n = c.degree();
  require_fit(c.ring_ptr(), q_limbs, key);
  const Digits digits(c);
  const Basis basis{q_limbs, true};
  for_limb_groups(c.ring(), c.ring().limbs(basis), [&](std::size_t first, std::size_t last) {
    LimbBuffer scratch((last - first) * digits.count() * n, c.secrecy());
    const auto limb = [&](std::size_t i, std::size_t j) {
      return scratch.words().subspan(((i - first) * digits.count() + j) * n, n);
    };
    for (std::size_t j = 0; j < digits.count(); ++j) {
      digits.convert(j, first, last, [&](std::size_t i) { return limb(i, j); });
    }
    for (std::size_t i = first; i < last; ++i) {
      std::vector<const std::uint64_t*> a;
      for (std::size_t j = 0; j < digits.count(); ++j) {
        if (!digits.owns(j, i)) poly::ntt_forward(c.ring().tables(basis, i), limb(i, j));
        a.push_back(digits.owns(j, i) ? c.limb(i).data() : limb(i, j).data());
      }
      body(i, [&](std::span<std::uint64_t> c0, std::span<std::uint64_t> c1) { sum_digits(c.ring(), q_limbs, key, i, a, c0, c1); });
    }
  });
}

}  // namespace

Decomposition decompose(const NttPoly& c) {
  const Digits digits(c);
  Decomposition result{c.basis().q_limbs, {}};
  for (std::size_t j = 0; j < digits.count(); ++j) result.digits.emplace_back(c.ring_ptr(), Basis{result.q_limbs, true}, c.secrecy());
  for_limb_groups(c.ring(), result.digits[0].limbs(), [&](std::size_t first, std::size_t last) {
    for (std::size_t j = 0; j < digits.count(); ++j) {
      digits.convert(j, first, last, [&](std::size_t i) { return result.digits[j].limb(i); });
    }
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t j = 0; j < digits.count(); ++j) {
        const std::span<std::uint64_t> limb = result.digits[j].limb(i);
        if (digits.owns(j, i)) {
          std::ranges::copy(c.limb(i), limb.begin());
        } else {
          poly::ntt_forward(result.digits[j].tables(i), limb);
        }
      }
    }
  });
  return result;
}

void accumulate_limb(const Decomposition& digits, const KeySwitchKey& key, std::size_t i, std::span<std::uint64_t> c0,
                     std::span<std::uint64_t> c1) {
  const RingPtr& ring = digits.digits.front().ring_ptr();
  require_fit(ring, digits.q_limbs, key);
  std::vector<const std::uint64_t*> a;
  for (const NttPoly& digit : digits.digits) a.push_back(digit.limb(i).data());
  sum_digits(*ring, digits.q_limbs, key, i, a, c0, c1);
}

Pair accumulate(const NttPoly& c, const KeySwitchKey& key) {
  const Basis basis{c.basis().q_limbs, true};
  Pair result{NttPoly(c.ring_ptr(), basis), NttPoly(c.ring_ptr(), basis)};
  accumulate_limbs(c, key, [&](std::size_t i, auto&& sum) { sum(result.c0.limb(i), result.c1.limb(i)); });
  return result;
}

void accumulate_each(const NttPoly& c, const KeySwitchKey& key, const PairSink& sink) {
  const std::size_t n = c.degree();
  accumulate_limbs(c, key, [&](std::size_t i, auto&& sum) {
    LimbBuffer scratch(2 * n, Secrecy::kPublic);
    const std::span<std::uint64_t> c0 = scratch.words().first(n), c1 = scratch.words().last(n);
    sum(c0, c1);
    sink(i, c0, c1);
  });
}

void switch_each(const Decomposition& digits, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish) {
  BLINDPROOF_CHECK(division.from == (Basis{digits.q_limbs, true}), "a division for another level");
  divide_each(digits.digits.front().ring(), sums(digits, key), division, t, finish);
}

void switch_each(const NttPoly& c, const KeySwitchKey& key, const Division& division, std::uint64_t t,
                 const LimbSink& finish) {
  // Sums are stored here: the first halves of all conversions, of the digits and of the division, would be read in
  // turns, more than caches hold in large rings.
  Pair pair = accumulate(c, key);
  NttPoly* polynomials[] = {&pair.c0, &pair.c1};
  divide_each(polynomials, division, t, finish);
}

Pair key_switch(const NttPoly& c, const KeySwitchKey& key) {
  Pair result{NttPoly(c.ring_ptr(), c.basis()), NttPoly(c.ring_ptr(), c.basis())};
  switch_each(c, key, c.ring().drop_p(c.basis().q_limbs), 1,
              [&](std::size_t k, std::size_t i, std::span<std::uint64_t> limb) {
                std::ranges::copy(limb, (k == 0 ? result.c0 : result.c1).limb(i).begin());
              });
  return result;
}

void add_lifted(NttPoly& acc, const NttPoly& a) {
  BLINDPROOF_CHECK(acc.basis() == (Basis{a.basis().q_limbs, true}) && !a.basis().with_p && acc.ring_ptr() == a.ring_ptr(),
                   "a polynomial over Q joins a sum over QP of its level");
  base::parallel_for(a.limbs(), [&](std::size_t i) {
    field::scale_add(a.modulus(i), a.limb(i), a.ring().p_modulo(i), acc.limb(i));
  });
}

}  // namespace blindproof::fhe::rlwe
