#include "blindproof/base/check.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {

ProverContext::ProverContext(const Generators& generators, std::string_view protocol, base::ByteSpan entropy,
                             base::ByteSpan witness_digest)
    : Context(generators, protocol),
      own_blinds_(std::make_unique<commit::HedgedBlinds>(entropy, witness_digest, transcript_.state())),
      blinds_(own_blinds_.get()) {}

ProverContext::ProverContext(const Generators& generators, std::string_view protocol, commit::BlindSource& blinds)
    : Context(generators, protocol), blinds_(&blinds) {}

base::Bytes ProverContext::finish() {
  prove_records(prove_openings());
  return std::move(proof_);
}

void ProverContext::exchange(Kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) {
  std::copy(sent.begin(), sent.end(), out.begin());
  proof_.insert(proof_.end(), sent.begin(), sent.end());
}

Fr ProverContext::blind_for(std::string_view label, std::span<const Fr> values) { return blinds_->blind(label, values); }

commit::BlindSource::Mask ProverContext::mask_for(std::string_view label, std::span<const Fr> values, const Fr& blind) {
  return blinds_->mask(label, values, blind);
}

void ProverContext::bad_scalar() { BLINDPROOF_CHECK(false, "a prover's own scalar is canonical"); }

std::vector<std::string> ProverContext::violated() const {
  std::vector<std::string> labels;
  for (const Record& record : records_) {
    Fr sum = record.linear.value();
    for (const Product& p : record.products) sum += p.a.value() * p.b.value();
    if (!sum.is_zero()) labels.push_back(record.label);
  }
  return labels;
}

std::vector<Fr> ProverContext::secret_scalars() const {
  std::vector<Fr> scalars;
  for (const Message& message : messages_) scalars.insert(scalars.end(), message.values.begin(), message.values.end());
  return scalars;
}

}  // namespace blindproof::proof::zk
