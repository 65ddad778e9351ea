#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/curve/msm.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {

using base::ErrorCode;

VerifierContext::VerifierContext(const Generators& generators, std::string_view protocol, base::ByteSpan proof)
    : Context(generators, protocol), proof_(proof) {}

void VerifierContext::exchange(Kind kind, base::ByteSpan, std::span<std::uint8_t, 32> out) {
  if (proof_.size() - position_ < 32) {
    too_short_ = true;
    std::fill(out.begin(), out.end(), std::uint8_t{0});
  } else {
    std::copy_n(proof_.begin() + static_cast<std::ptrdiff_t>(position_), 32, out.begin());
    position_ += 32;
  }
  if (kind == Kind::kPoint) points_seen_.insert(points_seen_.end(), out.begin(), out.end());
}

Fr VerifierContext::blind_for(std::string_view, std::span<const Fr>) {
  BLINDPROOF_CHECK(false, "a verifier blinds nothing");
}

commit::BlindSource::Mask VerifierContext::mask_for(std::string_view, std::span<const Fr>, const Fr&) {
  BLINDPROOF_CHECK(false, "a verifier masks nothing");
}

base::Status VerifierContext::finish() {
  const GroupEquation equation = prove_records(prove_openings());
  if (too_short_) return base::error(ErrorCode::kMalformed, "proof.length", "the proof ends too early");
  if (position_ != proof_.size()) {
    return base::error(ErrorCode::kMalformed, "proof.length",
                       std::to_string(proof_.size() - position_) + " bytes too many at the end of the proof");
  }
  if (bad_scalar_) return base::error(ErrorCode::kMalformed, "proof.scalar", "a response is not a canonical field element");
  std::vector<G1Affine> points(points_);
  if (const base::Status decoded = curve::decode_batch(points_seen_, points); !decoded.ok()) {
    return base::error(ErrorCode::kMalformed, "proof.point", decoded.error().detail);
  }
  std::vector<Fr> scalars = equation.message_points;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].commitment == nullptr) continue;
    for (std::size_t r = 0; r < tensors_[i].commitment->rows.size(); ++r) {
      if (equation.statement_rows[i][r].is_zero()) continue;
      points.push_back(tensors_[i].commitment->rows[r]);
      scalars.push_back(equation.statement_rows[i][r]);
    }
  }
  for (std::size_t j = 0; j < equation.generators.size(); ++j) {
    if (equation.generators[j].is_zero()) continue;
    points.push_back(generators_.g()[j]);
    scalars.push_back(equation.generators[j]);
  }
  points.push_back(generators_.h());
  scalars.push_back(equation.h);
  if (!curve::msm(points, scalars).is_identity()) {
    return base::error(ErrorCode::kRejected, "sigma", "the proof's equations don't hold: it proves nothing");
  }
  return {};
}

}  // namespace blindproof::proof::zk
