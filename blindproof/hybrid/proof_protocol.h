// The proof of an evaluation on ciphertexts: one function, run by prover and verifier. docs/spec/hybrid.md, "Protocol".
//
// Everything happens in the transform's domain, where a ciphertext is its components' values at N points and the evaluation is N
// copies of the plain network over Fr. A ciphertext is seen as a polynomial in the secret key's variable S and taken at a random S:
//   y_S(o,p) - D_S(o,p) = c(o) + sum_i V(o,i) (b(i) + sum_d W(i,d) x_S(d,p))^2
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "blindproof/fhe/frbgv/rerandomizer.h"
#include "blindproof/proof/zk/context.h"
#include "blindproof/zkml/model_key.h"

namespace blindproof::hybrid {

using commit::TensorSecret;
using fhe::frbgv::Ciphertext;
using fhe::frbgv::kErrorBound;
using fhe::frbgv::kLimbBits;
using fhe::frbgv::Ring;
using field::Fr;
using field::FrVector;
using Digest = std::array<std::uint8_t, 32>;

inline constexpr std::string_view kHybridProtocol = "blindproof v1 hybrid inference";
inline constexpr std::size_t kMaxContextBytes = 1 << 16;
inline constexpr std::uint32_t kMaxFloodBits = fhe::frbgv::kLimbBits * fhe::frbgv::kMaxFloodLimbs;

/// Which network an architecture is, for this level: a dense layer, perhaps a square, perhaps a second dense layer.
struct Network {
  struct Layer {
    model::ParameterId weight = 0;
    std::optional<model::ParameterId> bias;
    std::size_t inputs = 0, outputs = 0;
  };
  Layer first;
  bool square = false;
  std::optional<Layer> second;  // only after a square

  std::size_t inputs() const { return first.inputs; }
  std::size_t outputs() const { return second ? second->outputs : first.outputs; }
  /// Of an output ciphertext.
  std::size_t components() const { return square ? 3 : 2; }
};
/// Errors: kUnsupported, naming the node, for every other graph.
base::Result<Network> read_network(const model::Architecture& architecture);

/// All that is public about one evaluation, in the order in which it is absorbed.
struct Statement {
  zkml::ModelId model{};
  std::uint64_t plaintext_modulus = 0;
  std::uint32_t flood_bits = 0;    // a multiple of kLimbBits
  std::uint64_t evaluations = 0;   // that flood_bits is meant for
  std::uint64_t records = 0;       // used slots
  Digest public_key{}, input{}, output{};
  base::Bytes context;             // at most kMaxContextBytes
};

/// What the statement's digests stand for.
struct PublicValues {
  const fhe::frbgv::PublicKey* key = nullptr;
  std::span<const Ciphertext> inputs, outputs;
  const FrVector* vanishing = nullptr;  // Z, for the statement's records
};

/// A re-randomiser's tensors, axes [outputs, columns, N], read in place (fhe/frbgv/rerandomizer.h).
struct RerandomizerColumns {
  commit::IntegerSpan masks, errors, limbs;
};
RerandomizerColumns columns_of(const fhe::frbgv::Rerandomizer& rerandomizer);
/// The shape that a statement asks for.
fhe::frbgv::RerandomizerShape rerandomizer_shape(const Network& network, const Statement& statement);

/// What only the prover has.
struct ProofWitness {
  const std::vector<TensorSecret>* parameters = nullptr;  // by position in ModelKey::tensors
  std::span<const Ciphertext> hidden;                        // with a square: b + W x, by unit; 2 components
  RerandomizerColumns rerandomizer;
};

/// Absorbs the statement and runs everything but finish(). `witness` for a prover.
/// Requires: values of the right numbers and sizes; flood_bits a multiple of kLimbBits in [kLimbBits, kMaxFloodBits].
/// Caller must: have compared digests and parameters.
void run_hybrid(proof::zk::Context& context, const zkml::ModelKey& key, const Network& network, const Statement& statement,
                const Ring& ring, const PublicValues& values, const ProofWitness* witness);

}  // namespace blindproof::hybrid
