// A model as the circuits take it (docs/spec/chain.md): a chain of fully connected layers, each with its
// requantisation, and the Poseidon digests that circuits make public.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/base/int128.h"
#include "blindproof/base/result.h"
#include "blindproof/field/prime_field.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::circuits {

using base::Int128;
using field::Fr;

/// y = clamp(round((W x + b) * m / 2^shift), low, high).
struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  int weight_bits = 0;
  int bias_bits = 0;        // 0: no biases
  int multiplier_bits = 0;  // 0: one public factor in place of multipliers
  std::int64_t factor = 1;
  std::uint32_t shift = 0;
  std::int64_t low = 0, high = 0;
  std::int64_t hi_min = 0, hi_max = 0;
};

struct Network {
  std::vector<Layer> layers;  // at least one
  std::int64_t input_min = 0, input_max = 0;
  double input_scale = 1, output_scale = 1;
  model::Finish finish = model::Finish::kNone;
};

/// Of all layers in their order: W[n][k] row-major, biases, multipliers.
struct NetworkParameters {
  std::vector<Int128> weights, biases, multipliers;
};

/// Salts hide what digests are of; each needs at least 128 random bits. A salt that is known makes its digest public.
struct Salts {
  Fr model, input, output;
};

struct Digests {
  Fr model, input, output;
};

/// Requires: a valid architecture.   Errors: kUnsupported for other operators, branches, tables or exact arithmetic, by
/// name.
base::Result<Network> network_of(const model::Architecture& architecture);

/// Requires: network_of(graph.architecture) succeeded, and a valid graph.
NetworkParameters parameters_of(const model::IntegerGraph& graph);

/// Digest of everything public about a network.
Fr architecture_hash(const Network& network);

/// Requires: parameters of this network.
Fr model_hash(const Network& network, const NetworkParameters& parameters, const Fr& salt);

/// Domain: integers in the network's input range, as many as the first layer takes.
Fr input_hash(const Network& network, std::span<const std::int64_t> input, const Fr& salt);

/// Domain: integers in the last layer's [low, high], as many as it has.
Fr output_hash(const Network& network, std::span<const std::int64_t> output, const Fr& salt);

// Inputs of the circuits in the order of their declarations: what WitnessSolver takes.

/// NeuralNetworkInference: weights, biases, multipliers, values, the salts.
std::vector<Fr> inference_inputs(const NetworkParameters& parameters, std::span<const std::int64_t> input,
                                 const Salts& salts);

using Address = std::array<std::uint8_t, 20>;  // big-endian

/// What a receipt settles. The amount is units * unit_price.
struct ReceiptTerms {
  std::uint64_t chain_id = 0;
  Address contract{}, recipient{};
  std::uint64_t units = 0, unit_price = 0, nonce = 0, deadline = 0;
  std::array<std::uint8_t, 32> receipt_hash{};  // a SHA-256 digest
};

/// ReceiptAttestation without its three digests; also the last inputs of ReceiptInference.
std::vector<Fr> receipt_inputs(const ReceiptTerms& terms);

/// ReceiptInference.
std::vector<Fr> receipt_inference_inputs(const NetworkParameters& parameters, std::span<const std::int64_t> input,
                                         const Salts& salts, const ReceiptTerms& terms);

/// ModelIntegrity: the owner registers with this contract on this chain.
struct RegistrationTerms {
  std::uint64_t chain_id = 0;
  Address contract{}, owner{};
};
std::vector<Fr> model_integrity_inputs(const NetworkParameters& parameters, const Fr& model_salt,
                                       const RegistrationTerms& terms);

}  // namespace blindproof::circuits
