#include "blindproof/engine/verify.h"

#include <memory>
#include <utility>

#include "blindproof/engine/samples.h"

namespace blindproof::engine {
namespace {

struct Gathered {
  client_side::Evidence evidence;
  std::size_t proof_bytes = 0;
};

base::Result<Gathered> gather(const VerifyRequest& request) {
  Gathered gathered;
  client_side::Evidence& evidence = gathered.evidence;
  BLINDPROOF_ASSIGN(zkml::ModelKey key, read_model_key(request.model_key));
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(request.proof, kMaxProofBytes));
  gathered.proof_bytes = bytes.size();
  BLINDPROOF_ASSIGN(evidence.proof, in_file(request.proof, zkml::parse_inference_proof(bytes)));
  if (request.opening) {
    BLINDPROOF_ASSIGN(evidence.opening, read_opening(*request.opening));
  }
  const model::Architecture& arch = key.architecture;
  if (request.input) {
    BLINDPROOF_ASSIGN(const std::vector<float> sample, read_sample(*request.input, arch.shapes[arch.input], request.index));
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> input, in_file(*request.input, model::quantize_input(arch, sample)));
    evidence.input.emplace(input.begin(), input.end());
  }
  if (request.output) {
    BLINDPROOF_ASSIGN(evidence.output, read_integers(*request.output));
  }
  evidence.context = request.context;
  evidence.key = std::make_shared<const zkml::ModelKey>(std::move(key));
  return gathered;
}

}  // namespace

base::Result<Verdict> verify(const VerifyRequest& request) {
  BLINDPROOF_ASSIGN(const Gathered gathered, gather(request));
  base::Result<Verdict> verdict = client_side::verify(gathered.evidence);
  if (!verdict.ok()) {
    base::Error error = std::move(verdict).error();
    error.place = "--" + error.place;  // the option that was given, or is missing
    return error;
  }
  verdict->proof_bytes = gathered.proof_bytes;
  return verdict;
}

}  // namespace blindproof::engine
