// Witnesses of a model's circuits (docs/spec/chain.md): what `groth16_prove` proves, made from a `.bpm` and the compiled circuit.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "blindproof/circuits/network.h"
#include "blindproof/engine/files.h"

namespace blindproof::engine {

/// NeuralNetworkInference, ModelIntegrity or ReceiptInference.
struct InferenceStatement {};
using CircuitStatement = std::variant<InferenceStatement, circuits::RegistrationTerms, circuits::ReceiptTerms>;

struct ModelWitnessRequest {
  Path model, circuit;          // .bpm, .r1cs of this model's network and of the statement
  std::optional<Path> input;    // a sample; ModelIntegrity takes none
  std::optional<std::size_t> index;
  std::optional<Path> salts;    // JSON: those that are missing there are drawn
  CircuitStatement statement;
};

/// Secret but for the digests and the public values.
struct ModelWitness {
  std::vector<field::Fr> wires, public_values;
  circuits::Salts salts;
  circuits::Digests digests;
  bool has_input = false;  // ModelIntegrity: of salts and digests only those of the model mean anything
  field::Fr architecture_hash;
  std::size_t constraints = 0;
  double seconds = 0;
};

/// Errors: those of reading; kUnsupported for models that circuits don't take; kMismatch for the circuit of another network or statement; kInvalidArgument for
/// an input that is missing, superfluous or doesn't fit.
base::Result<ModelWitness> make_model_witness(const ModelWitnessRequest& request);

/// `out.wtns`, and the salts as JSON in `salts_out`, both readable by their owner alone. The salts first: without them nobody can show later what the digests
/// are of, or use the same model digest again.
base::Status write_model_witness(const ModelWitness& witness, const Path& out, const Path& salts_out);

/// Beside the witness.
Path salts_path(const Path& witness);

}  // namespace blindproof::engine
