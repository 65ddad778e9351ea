#include "blindproof/client_side/verify.h"

#include <chrono>

#include "blindproof/client_side/answers.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::client_side {
namespace {

using base::ErrorCode;
using model::Int128;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Values can be compared with a hidden tensor only through an opening.
base::Status comparable(const char* what, const std::optional<std::vector<Int128>>& given, const zkml::VisibleTensor& tensor,
                        const Evidence& evidence, std::optional<zkml::OpenedTensor> zkml::Opening::*opened) {
  if (!given || !tensor.hidden) return {};
  if (!evidence.opening) {
    return base::error(ErrorCode::kInvalidArgument, what,
                       std::string("can't be compared: the proof hides its ") + what + ". Give the prover's opening, or leave the values out");
  }
  if (!((*evidence.opening).*opened)) {
    return base::error(ErrorCode::kInvalidArgument, "opening",
                       std::string("opens no ") + what + ", which this proof hides; ask the prover for the opening of this proof");
  }
  return {};
}

TensorReport describe(const zkml::VisibleTensor& tensor, const model::Shape& shape) {
  TensorReport report;
  report.shape = shape;
  report.hidden = tensor.hidden;
  if (tensor.hidden) {
    report.commitment = commitment_digest(tensor);
  } else {
    report.values = tensor.values;
  }
  return report;
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

base::Status check(const Evidence& evidence, Verdict& verdict) {
  const zkml::Statement& statement = evidence.proof.statement;
  static_cast<void>(commit::Generators::standard());  // derived once per process, outside the times
  const Clock::time_point registration = Clock::now();
  BLINDPROOF_ASSIGN(const zkml::RegisteredModel model, zkml::RegisteredModel::check(evidence.key));
  verdict.registration_seconds = seconds_since(registration);
  if (statement.model != evidence.key->id) {
    return base::error(ErrorCode::kMismatch, "statement.model",
                       "the proof is about model " + base::to_hex(statement.model) + ", the key is of another");
  }
  BLINDPROOF_TRY(check_context(statement.context, evidence.context));
  const Clock::time_point proof = Clock::now();
  BLINDPROOF_TRY(zkml::verify_inference(model, evidence.proof));
  verdict.proof_seconds = seconds_since(proof);
  if (evidence.opening) BLINDPROOF_TRY(zkml::check_opening(*evidence.key, statement, *evidence.opening));
  const zkml::Opening opening = evidence.opening.value_or(zkml::Opening{});
  BLINDPROOF_TRY(check_tensor(evidence.input, statement.input, opening.input, "statement.input", verdict.input));
  return check_tensor(evidence.output, statement.output, opening.output, "statement.output", verdict.output);
}

}  // namespace

std::string arithmetic_name(const model::Architecture& architecture) {
  return architecture.arithmetic == model::Arithmetic::kRescaled ? "rescaled" : "exact";
}

std::string commitment_digest(const zkml::VisibleTensor& tensor) {
  base::ByteWriter writer;
  for (const auto& row : tensor.rows) writer.raw(curve::encode(row));
  return base::to_hex(crypto::sha256(writer.bytes()));
}

base::Status check_comparable(const Evidence& evidence) {
  const zkml::Statement& statement = evidence.proof.statement;
  BLINDPROOF_TRY(comparable("input", evidence.input, statement.input, evidence, &zkml::Opening::input));
  return comparable("output", evidence.output, statement.output, evidence, &zkml::Opening::output);
}

base::Result<Verdict> verify(const Evidence& evidence) {
  BLINDPROOF_TRY(check_comparable(evidence));
  Verdict verdict;
  const model::Architecture& arch = evidence.key->architecture;
  const zkml::Statement& statement = evidence.proof.statement;
  verdict.model = evidence.key->id;
  verdict.arithmetic = arithmetic_name(arch);
  for (const auto& parameter : arch.parameters) verdict.parameters += model::element_count(parameter.shape);
  verdict.input = describe(statement.input, arch.shapes[arch.input]);
  verdict.output = describe(statement.output, arch.shapes[arch.output]);
  verdict.context = statement.context;
  if (const base::Status status = check(evidence, verdict); !status.ok()) {
    verdict.refusal = status.error();
    return verdict;
  }
  if (!verdict.output.hidden) {
    verdict.output_reals = model::dequantize_output(arch, verdict.output.values);
    verdict.top_class = top_class(verdict.output.shape, verdict.output.values);
  }
  return verdict;
}

}  // namespace blindproof::client_side
