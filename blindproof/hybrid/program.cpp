#include "blindproof/hybrid/program.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;

/// Products in sequence, at most.
std::size_t product_depth(const model::Architecture& architecture) {
  std::vector<std::size_t> depth(architecture.shapes.size(), 0);
  for (const model::IntegerNode& node : architecture.nodes) {
    std::size_t deepest = 0;
    for (const model::TensorId input : node.inputs) deepest = std::max(deepest, depth[input]);
    depth[node.output] = deepest + (std::holds_alternative<model::integer_op::Multiply>(node.op) ? 1 : 0);
  }
  return *std::max_element(depth.begin(), depth.end());
}

/// What a deeper network would take at the very least: one weight of 1 a layer, and t just above the values' declared size.
std::string depth_figures(const model::Architecture& architecture) {
  const std::size_t depth = product_depth(architecture);
  if (depth < 2) return "";
  const std::vector<int> bits = model::worst_case_bits(architecture);
  const double log_t = std::max(16, bits[architecture.output]) + 1;
  double phase = log_t + std::log2(frbgv::kErrorBound + 0.5);
  for (std::size_t i = 0; i < depth; ++i) phase = 2 * phase + frbgv::kLogDegree;
  char text[256];
  std::snprintf(text, sizeof text,
                ". Its %zu products in sequence take the phase to %.0f bits (plaintext modulus of %.0f bits by the declared ranges), before %d bits and more of "
                "flood; 252 are there",
                depth, phase, log_t, kHidingBits);
  return text;
}

std::vector<std::int32_t> weights_of(const model::IntegerGraph& graph, model::ParameterId id) {
  const model::ParameterValues& values = graph.values[id];
  std::vector<std::int32_t> out(model::value_count(values));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int32_t>(model::value_at(values, i));
  return out;
}

std::vector<Ciphertext> apply_layer(const model::IntegerGraph& graph, const Network::Layer& layer, std::span<const Ciphertext> in) {
  std::vector<Ciphertext> out = frbgv::combine(weights_of(graph, layer.weight), layer.outputs, in);
  if (layer.bias) {
    base::parallel_for(out.size(), [&](std::size_t i) {
      frbgv::add_constant(out[i], Fr::from_i128(model::value_at(graph.values[*layer.bias], i)));
    });
  }
  return out;
}

}  // namespace

base::Result<Spec> Spec::create(model::Architecture architecture, Bounds bounds, std::uint64_t evaluations) {
  BLINDPROOF_TRY(model::validate(architecture));
  auto network = read_network(architecture);
  if (!network.ok()) {
    base::Error error = std::move(network).error();
    error.detail += depth_figures(architecture);
    return error;
  }
  if (bounds.size() != (network->second ? 2u : 1u))
    return base::error(ErrorCode::kMalformed, "bounds", "there is not one for each dense layer");
  for (const LayerBounds& bound : bounds) {
    if (bound.bias < 0 || bound.bias > (Int128{1} << 112) || bound.weight_l1 > std::uint64_t{1} << 56)
      return base::error(ErrorCode::kMalformed, "bounds", "they are out of range");
  }
  BLINDPROOF_ASSIGN(const Parameters parameters, compute_parameters(architecture, *network, bounds, evaluations));
  return Spec(std::move(architecture), *network, std::move(bounds), parameters);
}

SlotEncoder Spec::encoder(std::size_t degree) const { return *SlotEncoder::create(degree, parameters_.t); }

base::Result<Program> Program::create(model::IntegerGraph graph, std::uint64_t evaluations) {
  BLINDPROOF_TRY(model::validate(graph.architecture));
  // Before the bounds: a model of another kind may have layers without any.
  if (const auto network = read_network(graph.architecture); !network.ok()) {
    auto error = Spec::create(graph.architecture, {}, evaluations).error();
    return error;
  }
  BLINDPROOF_TRY(model::validate(graph));
  Bounds bounds = find_bounds(graph);
  BLINDPROOF_ASSIGN(Spec spec, Spec::create(graph.architecture, std::move(bounds), evaluations));
  return Program(std::move(graph), std::move(spec));
}

std::vector<Ciphertext> evaluate_unprotected(const Program& program, std::span<const Ciphertext> features, std::vector<Ciphertext>* hidden) {
  const Network& network = program.spec().network();
  BLINDPROOF_CHECK(features.size() == network.inputs(), "a ciphertext for each feature");
  std::vector<Ciphertext> first = apply_layer(program.graph(), network.first, features);
  if (!network.square) return first;
  std::vector<Ciphertext> squares;
  squares.reserve(first.size());
  for (const Ciphertext& z : first) squares.push_back(frbgv::square(z));
  if (hidden != nullptr) *hidden = std::move(first);
  if (!network.second) return squares;
  return apply_layer(program.graph(), *network.second, squares);
}

Evaluation evaluate(const Program& program, const frbgv::Ring& ring, const EvaluationInputs& inputs, crypto::Csprng& random) {
  BLINDPROOF_CHECK(inputs.key != nullptr && inputs.records >= 1 && inputs.records <= ring.degree(), "a key and a number of records");
  const Spec& spec = program.spec();
  const std::uint64_t t = spec.parameters().t;
  Evaluation result;
  result.outputs = evaluate_unprotected(program, inputs.features, &result.hidden);
  result.rerandomizer = frbgv::draw_rerandomizer(ring, t, rerandomizer_shape(spec.network(), spec.parameters()), random);
  result.vanishing = frbgv::vanishing_values(ring, spec.encoder(ring.degree()), inputs.records);
  base::parallel_for(result.outputs.size(), [&](std::size_t o) {
    frbgv::add_rerandomizer(ring, *inputs.key, t, result.vanishing, result.rerandomizer, o, result.outputs[o]);
  });
  return result;
}

base::Result<std::vector<Ciphertext>> encrypt_records(const Spec& spec, const frbgv::SecretKey& secret, std::span<const std::int64_t> values,
                                                      const frbgv::Seed& seed, crypto::Csprng& random) {
  const std::size_t features = spec.features(), records = values.size() / features, degree = secret.ring()->degree();
  if (values.size() % features != 0)
    return base::error(ErrorCode::kInvalidArgument, "records", "each has " + std::to_string(features) + " features");
  if (records == 0 || records > degree)
    return base::error(ErrorCode::kLimit, "records", "1 to " + std::to_string(degree) + " fit one batch, these are " + std::to_string(records));
  const model::Architecture& architecture = spec.architecture();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < architecture.input_min || values[i] > architecture.input_max)
      return base::error(ErrorCode::kInvalidArgument, "record " + std::to_string(i / features) + ", feature " + std::to_string(i % features),
                         "is outside the range that the model declares");
  }
  const SlotEncoder encoder = spec.encoder(degree);
  std::vector<crypto::Csprng> streams;
  for (std::size_t d = 0; d < features; ++d) {
    crypto::SecretSeed stream;
    random.fill(stream.expose_mutable());
    streams.emplace_back(stream);
  }
  std::vector<Ciphertext> out(features);
  base::parallel_for(features, [&](std::size_t d) {
    frbgv::SecretIntegers slots(records);
    for (std::size_t p = 0; p < records; ++p) slots[p] = values[p * features + d];
    out[d] = frbgv::encrypt(secret, encoder, slots, seed, d, streams[d]);
  });
  return out;
}

base::Result<Answers> decrypt_records(const Spec& spec, const frbgv::SecretKey& secret, std::span<const Ciphertext> outputs, std::size_t records) {
  const std::size_t degree = secret.ring()->degree();
  if (outputs.size() != spec.outputs())
    return base::error(ErrorCode::kMismatch, "outputs", "the model has " + std::to_string(spec.outputs()) + ", these are " + std::to_string(outputs.size()));
  for (const Ciphertext& c : outputs) {
    if (c.size() != spec.network().components())
      return base::error(ErrorCode::kMismatch, "outputs", "have " + std::to_string(c.size()) + " components, not those of the model's answers");
  }
  if (records == 0 || records > degree) return base::error(ErrorCode::kMismatch, "records", "no batch has so many");
  const SlotEncoder encoder = spec.encoder(degree);
  Answers answers;
  answers.values.resize(records * outputs.size());
  std::vector<int> bits(outputs.size());
  base::parallel_for(outputs.size(), [&](std::size_t o) {
    const frbgv::Decryption d = frbgv::decrypt(secret, encoder, outputs[o]);
    bits[o] = d.phase_bits;
    for (std::size_t p = 0; p < records; ++p) answers.values[p * outputs.size() + o] = d.slots[p];
  });
  answers.phase_bits = *std::max_element(bits.begin(), bits.end());
  if (answers.phase_bits > static_cast<int>(spec.parameters().phase_bits) + 1)
    return base::error(ErrorCode::kRejected, "outputs", "they don't decrypt: another key, or no evaluation of this model");
  return answers;
}

}  // namespace blindproof::hybrid
