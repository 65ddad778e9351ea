#include "blindproof/fhe/rlwe/key_switch.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {

Decomposition decompose(const NttPoly& c) {
  const Ring& ring = c.ring();
  const std::size_t q_limbs = c.basis().q_limbs, n = c.degree();
  BLINDPROOF_CHECK(!c.basis().with_p && ring.p_count() > 0, "decomposes polynomials over Q, in rings with special moduli");
  const CoeffPoly coefficients = to_coefficients(NttPoly(c));
  const Basis basis{q_limbs, true};
  Decomposition result{q_limbs, {}};
  for (std::size_t digit = 0; digit < ring.digit_count(q_limbs); ++digit) {
    const std::size_t own_begin = ring.digit_begin(digit), own_end = ring.digit_end(digit, q_limbs);
    NttPoly raised(c.ring_ptr(), basis, c.secrecy());
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < raised.limbs(); ++i) {
      if (i < own_begin || i >= own_end) others.push_back(i);
    }
    base::parallel_ranges(n, 2048, [&](std::size_t begin, std::size_t end) {
      std::vector<const std::uint64_t*> in;
      std::vector<std::uint64_t*> out;
      for (std::size_t i = own_begin; i < own_end; ++i) in.push_back(coefficients.limb(i).data() + begin);
      for (const std::size_t i : others) out.push_back(raised.limb(i).data() + begin);
      ring.digit_converter(q_limbs, digit).convert(in, out, end - begin);
    });
    base::parallel_for(raised.limbs(), [&](std::size_t i) {
      if (i >= own_begin && i < own_end) {
        std::ranges::copy(c.limb(i), raised.limb(i).begin());
      } else {
        poly::ntt_forward(raised.tables(i), raised.limb(i));
      }
    });
    result.digits.push_back(std::move(raised));
  }
  return result;
}

Pair accumulate(const Decomposition& digits, const KeySwitchKey& key) {
  const RingPtr& ring = digits.digits.front().ring_ptr();
  BLINDPROOF_CHECK(key.q_limbs() >= digits.q_limbs && key.b.front().ring_ptr() == ring,
                   "the key is for fewer limbs or another ring");
  const Basis basis{digits.q_limbs, true};
  Pair sum{NttPoly(ring, basis), NttPoly(ring, basis)};
  const std::size_t count = digits.digits.size();
  base::parallel_for(sum.c0.limbs(), [&](std::size_t i) {
    const std::size_t key_limb = i < digits.q_limbs ? i : i + key.q_limbs() - digits.q_limbs;
    std::vector<const std::uint64_t*> a(count), b0(count), b1(count);
    for (std::size_t j = 0; j < count; ++j) {
      a[j] = digits.digits[j].limb(i).data();
      b0[j] = key.b[j].limb(key_limb).data();
      b1[j] = key.a[j].limb(key_limb).data();
    }
    field::inner_products(sum.c0.modulus(i), a, b0, b1, sum.c0.limb(i), sum.c1.limb(i));
  });
  return sum;
}

Pair key_switch(const NttPoly& c, const KeySwitchKey& key) {
  Pair sum = accumulate(decompose(c), key);
  const Division& division = c.ring().drop_p(c.basis().q_limbs);
  return {divide(std::move(sum.c0), division), divide(std::move(sum.c1), division)};
}

void add_lifted(NttPoly& acc, const NttPoly& a) {
  BLINDPROOF_CHECK(acc.basis() == (Basis{a.basis().q_limbs, true}) && !a.basis().with_p && acc.ring_ptr() == a.ring_ptr(),
                   "a polynomial over Q joins a sum over QP of its level");
  base::parallel_for(a.limbs(), [&](std::size_t i) {
    field::scale_add(a.modulus(i), a.limb(i), a.ring().p_modulo(i), acc.limb(i));
  });
}

}  // namespace blindproof::fhe::rlwe
