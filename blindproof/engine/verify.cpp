#include "blindproof/engine/verify.h"

#include <memory>
#include <utility>

#include "blindproof/crypto/sha256.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using model::Int128;

struct Evidence {
  std::shared_ptr<const zkml::ModelKey> key;
  zkml::InferenceProof proof;
  std::optional<zkml::Opening> opening;
  std::optional<std::vector<Int128>> input, output;  // what the verifier knows
};

// Values can be compared with a hidden tensor only through an opening.
base::Status check_comparable(const Path& given, const char* option, const zkml::VisibleTensor& tensor,
                              const Evidence& evidence, std::optional<zkml::OpenedTensor> zkml::Opening::*opened) {
  if (!tensor.hidden) return {};
  const std::string what = std::string(option).substr(2);
  if (!evidence.opening) {
    return base::error(ErrorCode::kInvalidArgument, option,
                       given.string() + " can't be compared: the proof hides its " + what +
                           ". Give the prover's opening with --opening, or leave " + option + " out");
  }
  if (!((*evidence.opening).*opened)) {
    return base::error(ErrorCode::kInvalidArgument, "--opening",
                       "opens no " + what + ", which this proof hides; ask the prover for the opening of this proof");
  }
  return {};
}

base::Result<Evidence> gather(const VerifyRequest& request, Verdict& verdict) {
  Evidence evidence;
  BLINDPROOF_ASSIGN(zkml::ModelKey key, read_model_key(request.model_key));
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(request.proof, kMaxProofBytes));
  verdict.proof_bytes = bytes.size();
  base::Result<zkml::InferenceProof> proof = zkml::parse_inference_proof(bytes);
  if (!proof.ok()) return in_file(request.proof, std::move(proof).error());
  evidence.proof = *std::move(proof);
  if (request.opening) {
    BLINDPROOF_ASSIGN(evidence.opening, read_opening(*request.opening));
  }
  const model::Architecture& arch = key.architecture;
  const zkml::Statement& statement = evidence.proof.statement;
  if (request.input) {
    BLINDPROOF_TRY(
        check_comparable(*request.input, "--input", statement.input, evidence, &zkml::Opening::input));
    BLINDPROOF_ASSIGN(const std::vector<float> sample,
                      read_sample(*request.input, arch.shapes[arch.input], request.index));
    base::Result<std::vector<std::int64_t>> input = model::quantize_input(arch, sample);
    if (!input.ok()) return in_file(*request.input, std::move(input).error());
    evidence.input.emplace(input->begin(), input->end());
  }
  if (request.output) {
    BLINDPROOF_TRY(
        check_comparable(*request.output, "--output", statement.output, evidence, &zkml::Opening::output));
    BLINDPROOF_ASSIGN(evidence.output, read_integers(*request.output));
  }
  evidence.key = std::make_shared<const zkml::ModelKey>(std::move(key));
  return evidence;
}

std::string digest_rows(const std::vector<commit::G1Affine>& rows) {
  base::ByteWriter writer;
  for (const auto& row : rows) writer.raw(curve::encode(row));
  return base::to_hex(crypto::sha256(writer.bytes()));
}

TensorReport describe(const zkml::VisibleTensor& tensor, const model::Shape& shape) {
  TensorReport report;
  report.shape = shape;
  report.hidden = tensor.hidden;
  if (tensor.hidden) {
    report.commitment = digest_rows(tensor.rows);
  } else {
    report.values = tensor.values;
  }
  return report;
}

void describe(const Evidence& evidence, Verdict& verdict) {
  const model::Architecture& arch = evidence.key->architecture;
  const zkml::Statement& statement = evidence.proof.statement;
  verdict.model = evidence.key->id;
  verdict.arithmetic = arch.arithmetic == model::Arithmetic::kRescaled ? "rescaled" : "exact";
  for (const auto& parameter : arch.parameters) verdict.parameters += model::element_count(parameter.shape);
  verdict.input = describe(statement.input, arch.shapes[arch.input]);
  verdict.output = describe(statement.output, arch.shapes[arch.output]);
  verdict.context = statement.context;
}

base::Status check_context(const base::Bytes& proven, const std::optional<base::Bytes>& given) {
  if (proven == given.value_or(base::Bytes{})) return {};
  if (!given)
    return base::error(ErrorCode::kRejected, "statement.context",
                       "the proof was made for a context; give the one you expect with --context");
  return base::error(ErrorCode::kRejected, "statement.context",
                     proven.empty() ? "the proof was made for no context" : "the proof was made for another context");
}

base::Status compare(const std::vector<Int128>& given, const std::vector<Int128>& proven, const char* place) {
  if (given.size() != proven.size()) {
    return base::error(ErrorCode::kRejected, place, "has " + std::to_string(proven.size()) + " values, not " +
                                                        std::to_string(given.size()));
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] != proven[i]) {
      return base::error(ErrorCode::kRejected, place,
                         "differs from the given one, first at value " + std::to_string(i));
    }
  }
  return {};
}

// What the verifier knows against what the statement shows or the opening reveals.
base::Status check_tensor(const std::optional<std::vector<Int128>>& given, const zkml::VisibleTensor& tensor,
                          const std::optional<zkml::OpenedTensor>& opened, const char* place, TensorReport& report) {
  report.opened = tensor.hidden && opened.has_value();
  if (!given) return {};
  BLINDPROOF_TRY(compare(*given, tensor.hidden ? opened->values : tensor.values, place));
  report.compared = true;
  return {};
}

base::Status check(const Evidence& evidence, const VerifyRequest& request, Verdict& verdict) {
  const zkml::Statement& statement = evidence.proof.statement;
  static_cast<void>(commit::Generators::standard());  // derived once per process, outside the times
  const Stopwatch registration;
  BLINDPROOF_ASSIGN(const zkml::RegisteredModel model, zkml::RegisteredModel::check(evidence.key));
  verdict.registration_seconds = registration.seconds();
  if (statement.model != evidence.key->id) {
    return base::error(ErrorCode::kMismatch, "statement.model",
                       "the proof is about model " + base::to_hex(statement.model) + ", the key is of another");
  }
  BLINDPROOF_TRY(check_context(statement.context, request.context));
  const Stopwatch proof;
  BLINDPROOF_TRY(zkml::verify_inference(model, evidence.proof));
  verdict.proof_seconds = proof.seconds();
  if (evidence.opening) BLINDPROOF_TRY(zkml::check_opening(*evidence.key, statement, *evidence.opening));
  const zkml::Opening opening = evidence.opening.value_or(zkml::Opening{});
  BLINDPROOF_TRY(check_tensor(evidence.input, statement.input, opening.input, "statement.input", verdict.input));
  return check_tensor(evidence.output, statement.output, opening.output, "statement.output", verdict.output);
}

}  // namespace

base::Result<Verdict> verify(const VerifyRequest& request) {
  Verdict verdict;
  BLINDPROOF_ASSIGN(const Evidence evidence, gather(request, verdict));
  describe(evidence, verdict);
  if (const base::Status status = check(evidence, request, verdict); !status.ok()) {
    verdict.refusal = status.error();
    return verdict;
  }
  if (!verdict.output.hidden) {
    verdict.output_reals = model::dequantize_output(evidence.key->architecture, verdict.output.values);
    verdict.top_class = top_class(verdict.output.shape, verdict.output.values);
  }
  return verdict;
}

}  // namespace blindproof::engine
