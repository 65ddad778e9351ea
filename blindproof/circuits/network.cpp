#include "blindproof/circuits/network.h"

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>
#include <variant>

#include "blindproof/base/check.h"
#include "blindproof/commit/poseidon.h"

namespace blindproof::circuits {
namespace {

using base::ErrorCode;

constexpr int kWordBits = 252;  // sums of digits stay below r

base::Error unsupported(const std::string& what) {
  return base::error(ErrorCode::kUnsupported, "model",
                     "circuits take chains of fully connected layers in rescaled arithmetic; this model has " + what);
}

/// Appends words of floor(252 / bits) integers each, the first lowest, as value - least.
void pack(std::span<const Int128> values, int bits, Int128 least, std::vector<Fr>& words) {
  const std::size_t each = static_cast<std::size_t>(kWordBits / bits);
  for (std::size_t begin = 0; begin < values.size(); begin += each) {
    const std::size_t end = std::min(values.size(), begin + each);
    Fr word;
    for (std::size_t i = end; i > begin; --i)
      word = word * Fr::power_of_two(bits) + Fr::from_i128(values[i - 1] - least);
    words.push_back(word);
  }
}

Fr vector_hash(std::string_view domain, std::span<const std::int64_t> values, std::int64_t least, std::int64_t greatest,
               const Fr& salt) {
  const int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(greatest - least))));
  std::vector<Int128> wide(values.begin(), values.end());
  for (const Int128 value : wide) BLINDPROOF_CHECK(value >= least && value <= greatest, "a value outside its range");
  std::vector<Fr> list = {salt};
  pack(wide, bits, least, list);
  return commit::hash_list(domain, list);
}

void append(const model::ParameterValues& values, std::vector<Int128>& list) {
  for (std::size_t i = 0; i < model::value_count(values); ++i) list.push_back(model::value_at(values, i));
}

std::vector<Fr> parameter_inputs(const NetworkParameters& parameters) {
  std::vector<Fr> result;
  for (const std::vector<Int128>* list : {&parameters.weights, &parameters.biases, &parameters.multipliers}) {
    for (const Int128 value : *list) result.push_back(Fr::from_i128(value));
  }
  return result;
}

/// Requires: at most 31 bytes.
Fr big_endian(std::span<const std::uint8_t> bytes) {
  field::Limbs limbs{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    limbs[i / 8] |= std::uint64_t{bytes[bytes.size() - 1 - i]} << (8 * (i % 8));
  return Fr::from_limbs(limbs);
}

}  // namespace

base::Result<Network> network_of(const model::Architecture& architecture) {
  namespace op = model::integer_op;
  if (architecture.arithmetic != model::Arithmetic::kRescaled) return unsupported("exact arithmetic");
  Network network;
  network.input_min = architecture.input_min;
  network.input_max = architecture.input_max;
  network.input_scale = architecture.input_scale;
  network.output_scale = architecture.output_scale;
  network.finish = architecture.finish;
  const op::Dense* dense = nullptr;
  model::TensorId tensor = architecture.input;
  for (const model::IntegerNode& node : architecture.nodes) {
    if (node.inputs.size() != 1 || node.inputs[0] != tensor) return unsupported("a branch");
    tensor = node.output;
    if (const auto* linear = std::get_if<op::Dense>(&node.op)) {
      if (dense != nullptr) return unsupported("two linear layers without a requantisation between them");
      dense = linear;
    } else if (const auto* requantize = std::get_if<op::Requantize>(&node.op)) {
      if (dense == nullptr) return unsupported("a requantisation that follows no linear layer");
      const auto* clamp = std::get_if<op::Requantize::Clamp>(&requantize->activation);
      if (clamp == nullptr) return unsupported("an activation by table");
      const model::ParameterInfo& weight = architecture.parameters[dense->weight];
      Layer layer;
      layer.outputs = weight.shape[0];
      layer.inputs = weight.shape[1];
      layer.weight_bits = weight.bits;
      if (dense->bias) layer.bias_bits = architecture.parameters[*dense->bias].bits;
      if (requantize->multiplier) layer.multiplier_bits = architecture.parameters[*requantize->multiplier].bits;
      layer.factor = requantize->factor;
      layer.shift = requantize->shift;
      layer.low = clamp->low;
      layer.high = clamp->high;
      layer.hi_min = requantize->hi_min;
      layer.hi_max = requantize->hi_max;
      const std::size_t before = network.layers.empty() ? layer.inputs : network.layers.back().outputs;
      if (layer.inputs != before) return unsupported("a layer that is applied to several vectors");
      network.layers.push_back(layer);
      dense = nullptr;
    } else if (!std::holds_alternative<op::Reshape>(node.op)) {
      return unsupported("the operator " + std::string(model::op_name(node.op)));
    }
  }
  if (dense != nullptr || tensor != architecture.output || network.layers.empty()) {
    return unsupported("another end than a requantised linear layer");
  }
  if (model::element_count(architecture.shapes[architecture.input]) != network.layers.front().inputs) {
    return unsupported("a layer that is applied to several vectors");
  }
  return network;
}

NetworkParameters parameters_of(const model::IntegerGraph& graph) {
  namespace op = model::integer_op;
  NetworkParameters result;
  for (const model::IntegerNode& node : graph.architecture.nodes) {
    if (const auto* dense = std::get_if<op::Dense>(&node.op)) {
      append(graph.values[dense->weight], result.weights);
      if (dense->bias) append(graph.values[*dense->bias], result.biases);
    } else if (const auto* requantize = std::get_if<op::Requantize>(&node.op)) {
      if (requantize->multiplier) append(graph.values[*requantize->multiplier], result.multipliers);
    }
  }
  return result;
}

Fr architecture_hash(const Network& network) {
  std::vector<Fr> list = {Fr::from_u64(network.layers.size()),
                          Fr::from_i64(network.input_min),
                          Fr::from_i64(network.input_max),
                          Fr::from_u64(std::bit_cast<std::uint64_t>(network.input_scale)),
                          Fr::from_u64(std::bit_cast<std::uint64_t>(network.output_scale)),
                          Fr::from_u64(static_cast<std::uint64_t>(network.finish))};
  for (const Layer& layer : network.layers) {
    const Fr row[] = {Fr::from_u64(layer.inputs),
                      Fr::from_u64(layer.outputs),
                      Fr::from_i64(layer.weight_bits),
                      Fr::from_i64(layer.bias_bits),
                      Fr::from_i64(layer.multiplier_bits),
                      Fr::from_i64(layer.factor),
                      Fr::from_u64(layer.shift),
                      Fr::from_i64(layer.low),
                      Fr::from_i64(layer.high),
                      Fr::from_i64(layer.hi_min),
                      Fr::from_i64(layer.hi_max)};
    list.insert(list.end(), std::begin(row), std::end(row));
  }
  return commit::hash_list("blindproof/archi", list);
}

Fr model_hash(const Network& network, const NetworkParameters& parameters, const Fr& salt) {
  std::vector<Fr> list = {architecture_hash(network), salt};
  std::span<const Int128> weights = parameters.weights;
  std::span<const Int128> biases = parameters.biases;
  std::span<const Int128> multipliers = parameters.multipliers;
  const auto take = [&list](std::span<const Int128>& values, std::size_t count, int bits, Int128 least) {
    BLINDPROOF_CHECK(count <= values.size(), "parameters of another network");
    pack(values.first(count), bits, least, list);
    values = values.subspan(count);
  };
  for (const Layer& layer : network.layers) {
    take(weights, layer.inputs * layer.outputs, layer.weight_bits, -(Int128{1} << (layer.weight_bits - 1)));
    if (layer.bias_bits > 0) take(biases, layer.outputs, layer.bias_bits, -(Int128{1} << (layer.bias_bits - 1)));
    if (layer.multiplier_bits > 0) take(multipliers, layer.outputs, layer.multiplier_bits, 0);
  }
  BLINDPROOF_CHECK(weights.empty() && biases.empty() && multipliers.empty(), "parameters of another network");
  return commit::hash_list("blindproof/model", list);
}

Fr input_hash(const Network& network, std::span<const std::int64_t> input, const Fr& salt) {
  return vector_hash("blindproof/input", input, network.input_min, network.input_max, salt);
}

Fr output_hash(const Network& network, std::span<const std::int64_t> output, const Fr& salt) {
  return vector_hash("blindproof/outpt", output, network.layers.back().low, network.layers.back().high, salt);
}

std::vector<Fr> inference_inputs(const NetworkParameters& parameters, std::span<const std::int64_t> input,
                                 const Salts& salts) {
  std::vector<Fr> result = parameter_inputs(parameters);
  for (const std::int64_t value : input) result.push_back(Fr::from_i64(value));
  result.insert(result.end(), {salts.model, salts.input, salts.output});
  return result;
}

std::vector<Fr> receipt_inputs(const ReceiptTerms& terms) {
  const std::span<const std::uint8_t> digest = terms.receipt_hash;
  return {Fr::from_u64(terms.chain_id), big_endian(terms.contract),     big_endian(terms.recipient),
          Fr::from_u64(terms.units),    Fr::from_u64(terms.unit_price), Fr::from_u64(terms.nonce),
          Fr::from_u64(terms.deadline), big_endian(digest.first(16)),   big_endian(digest.last(16))};
}

std::vector<Fr> receipt_inference_inputs(const NetworkParameters& parameters, std::span<const std::int64_t> input,
                                         const Salts& salts, const ReceiptTerms& terms) {
  std::vector<Fr> result = inference_inputs(parameters, input, salts);
  const std::vector<Fr> receipt = receipt_inputs(terms);
  result.insert(result.end(), receipt.begin(), receipt.end());
  return result;
}

std::vector<Fr> model_integrity_inputs(const NetworkParameters& parameters, const Fr& model_salt,
                                       const RegistrationTerms& terms) {
  std::vector<Fr> result = parameter_inputs(parameters);
  result.insert(result.end(),
                {model_salt, Fr::from_u64(terms.chain_id), big_endian(terms.contract), big_endian(terms.owner)});
  return result;
}

}  // namespace blindproof::circuits
