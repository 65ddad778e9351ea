#if defined(__AVX512IFMA__)

#include "blindproof/field/lanes_ifma.h"
#include "blindproof/field/lanes_probe_impl.h"

namespace blindproof::field {
namespace {

struct IfmaProbe {};

template <class E>
BLINDPROOF_INLINE void reduce_integer(const std::uint64_t* words, ProbePack& out) {
  typename E::Vector limb[7];
  for (int k = 0; k < 7; ++k) limb[k] = _mm512_loadu_si512(words + 8 * k);
  E::store(out.words, E::reduce_integer(limb));
}

}  // namespace

constinit const LaneProbe kFrProbeIfma = LaneProbeTemplates<IfmaLanes<Fr, IfmaProbe>>::probe();
constinit const LaneProbe kFqProbeIfma = LaneProbeTemplates<IfmaLanes<Fq, IfmaProbe>>::probe();

void reduce_integer_ifma(const std::uint64_t* words, bool fq, ProbePack& out) {
  if (fq) {
    reduce_integer<IfmaLanes<Fq, IfmaProbe>>(words, out);
  } else {
    reduce_integer<IfmaLanes<Fr, IfmaProbe>>(words, out);
  }
}

}  // namespace blindproof::field

#endif
