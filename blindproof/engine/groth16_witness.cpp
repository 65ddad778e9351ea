#include "blindproof/engine/groth16_witness.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "blindproof/circuits/witness_solver.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/witness.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using field::Fr;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxSaltsBytes = 4096;

struct SaltName {
  const char* name;
  Fr circuits::Salts::*salt;
};
constexpr std::array<SaltName, 3> kSaltNames{{{"model", &circuits::Salts::model}, {"input", &circuits::Salts::input}, {"output", &circuits::Salts::output}}};

// 248 bits, below r whatever they are.
Fr draw_salt() {
  std::array<std::uint8_t, 32> bytes{};
  crypto::random_bytes(std::span(bytes).first(31));
  return *Fr::from_bytes(bytes);
}

base::Result<circuits::Salts> choose_salts(const std::optional<Path>& path) {
  circuits::Salts salts{draw_salt(), draw_salt(), draw_salt()};
  if (!path) return salts;
  const auto malformed = [&](std::string detail) { return base::error(ErrorCode::kMalformed, path->string(), std::move(detail)); };
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(*path, kMaxSaltsBytes));
  const Json json = Json::parse(bytes, nullptr, false);
  if (!json.is_object()) return malformed("is no JSON object of salts");
  for (const auto& [key, value] : json.items()) {
    const SaltName* known = nullptr;
    for (const SaltName& candidate : kSaltNames) {
      if (key == candidate.name) known = &candidate;
    }
    if (known == nullptr) return malformed("has another member than \"model\", \"input\" and \"output\"");
    const std::optional<Fr> salt = value.is_string() ? groth16::from_decimal<Fr>(value.get_ref<const std::string&>()) : std::nullopt;
    if (!salt) return malformed("has a salt that is no decimal string below the field's order");
    salts.*(known->salt) = *salt;
  }
  return salts;
}

base::Result<std::vector<std::int64_t>> read_input(const ModelWitnessRequest& request, const model::Architecture& architecture) {
  if (!request.input) return base::error(ErrorCode::kInvalidArgument, "--input", "is needed: the statement is about an inference");
  BLINDPROOF_ASSIGN(const std::vector<float> sample, read_sample(*request.input, architecture.shapes[architecture.input], request.index));
  return in_file(*request.input, model::quantize_input(architecture, sample));
}

}  // namespace

base::Result<ModelWitness> make_model_witness(const ModelWitnessRequest& request) {
  const Stopwatch watch;
  const auto* registration = std::get_if<circuits::RegistrationTerms>(&request.statement);
  if (registration != nullptr && (request.input || request.index)) {
    return base::error(ErrorCode::kInvalidArgument, "--input", "belongs to no statement about the model alone");
  }
  BLINDPROOF_ASSIGN(model::ModelFile file, read_model(request.model));
  crypto::wipe(file.blinding_seed);
  const model::Architecture& architecture = file.graph.architecture;
  BLINDPROOF_ASSIGN(const circuits::Network network, in_file(request.model, circuits::network_of(architecture)));
  const circuits::NetworkParameters parameters = circuits::parameters_of(file.graph);

  ModelWitness witness;
  BLINDPROOF_ASSIGN(witness.salts, choose_salts(request.salts));
  witness.architecture_hash = circuits::architecture_hash(network);
  witness.digests.model = circuits::model_hash(network, parameters, witness.salts.model);
  std::vector<Fr> inputs;
  if (registration != nullptr) {
    inputs = circuits::model_integrity_inputs(parameters, witness.salts.model, *registration);
  } else {
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> input, read_input(request, architecture));
    std::vector<std::int64_t> output;
    for (const model::Int128 value : model::run_integer(file.graph, input)) output.push_back(static_cast<std::int64_t>(value));  // clamped
    witness.has_input = true;
    witness.digests.input = circuits::input_hash(network, input, witness.salts.input);
    witness.digests.output = circuits::output_hash(network, output, witness.salts.output);
    const auto* terms = std::get_if<circuits::ReceiptTerms>(&request.statement);
    inputs = terms == nullptr ? circuits::inference_inputs(parameters, input, witness.salts)
                              : circuits::receipt_inference_inputs(parameters, input, witness.salts, *terms);
  }

  const auto other_circuit = [&](const std::string& detail) {
    return base::error(ErrorCode::kMismatch, request.circuit.string(), "is the circuit of another network or statement: " + detail);
  };
  BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::read_r1cs(request.circuit));
  BLINDPROOF_ASSIGN(const circuits::WitnessSolver solver, in_file(request.circuit, circuits::WitnessSolver::make(r1cs)));
  if (solver.input_count() != inputs.size()) {
    return other_circuit("it takes " + std::to_string(solver.input_count()) + " inputs, this model and statement have " + std::to_string(inputs.size()));
  }
  base::Result<std::vector<Fr>> solved = solver.solve(inputs);
  if (!solved.ok()) return other_circuit(solved.error().message());
  witness.wires = *std::move(solved);
  const auto public_begin = witness.wires.begin() + 1;
  witness.public_values.assign(public_begin, public_begin + r1cs.public_wires());
  const std::vector<Fr> digests = {witness.digests.model, witness.digests.input, witness.digests.output};
  if (std::holds_alternative<InferenceStatement>(request.statement) && witness.public_values != digests) {
    return other_circuit("its public values aren't the digests of this model, input and output");
  }
  witness.constraints = r1cs.constraints();
  witness.seconds = watch.seconds();
  return witness;
}

base::Status write_model_witness(const ModelWitness& witness, const Path& out, const Path& salts_out) {
  if (salts_out == out) return base::error(ErrorCode::kInvalidArgument, salts_out.string(), "is the witness' own name");
  BLINDPROOF_TRY(check_writable(out));
  Json salts;
  for (const SaltName& entry : kSaltNames) {
    if (witness.has_input || entry.salt == &circuits::Salts::model) salts[entry.name] = groth16::to_decimal(witness.salts.*(entry.salt));
  }
  BLINDPROOF_TRY(base::write_file_atomic(salts_out, base::as_bytes(salts.dump(1) + "\n"), base::FileMode::kSecret));
  return base::write_file_atomic(out, groth16::write_witness(witness.wires), base::FileMode::kSecret);
}

Path salts_path(const Path& witness) { return Path(witness).replace_extension(".salts"); }

}  // namespace blindproof::engine
