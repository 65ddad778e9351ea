// One evaluation in a small ring with everything that its proof is made of, open to be altered. The prover's side is computed
// here the plain way: transforms by definition, arithmetic element by element. INSECURE: no encryption at all, "ciphertexts"
// are random values.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/hybrid/proof_protocol.h"
#include "blindproof/proof/zk/dishonest_prover_test_support.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {

using Values = std::vector<Fr>;  // at the N points, or N coefficients

/// The values of a polynomial as frbgv/ring.h defines them.
inline Values transform_by_definition(const Values& coefficients) {
  const std::size_t degree = coefficients.size();
  field::Limbs exponent = field::FrParameters::kModulus;  // (r - 1) / 2N
  exponent[0] -= 1;
  for (std::size_t shift = degree * 2; shift > 1; shift /= 2)
    for (std::size_t i = 0; i < 4; ++i) exponent[i] = exponent[i] >> 1 | (i < 3 ? exponent[i + 1] << 63 : 0);
  const Fr psi = Fr::from_u64(5).power(exponent);
  Values powers(2 * degree), out(degree);
  powers[0] = Fr::one();
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * psi;
  for (std::size_t p = 0; p < degree; ++p) {
    std::size_t reversed = 0;
    for (std::size_t bit = 1, mirror = degree / 2; bit < degree; bit *= 2, mirror /= 2) reversed |= (p & bit) != 0 ? mirror : 0;
    for (std::size_t j = 0; j < degree; ++j) out[p] += coefficients[j] * powers[(2 * reversed + 1) * j % (2 * degree)];
  }
  return out;
}

/// Coefficients of one output's re-randomiser, as plain field elements.
struct PlainRerandomizer {
  Values u, u2, f0, f1, f2, f3, h;  // f2, f3: f'_0, f'_1
};

struct Job {
  std::shared_ptr<zkml::CommittedModel> model;
  Network network;
  fhe::frbgv::RingPtr ring = fhe::frbgv::Ring::create(6);
  Statement statement;
  std::mt19937_64 random{1};

  std::array<Values, 2> key;
  Values vanishing;
  std::vector<std::array<Values, 2>> inputs, hidden;
  std::vector<std::vector<Values>> outputs;  // by output, component
  struct {
    std::vector<std::int16_t> masks, errors;
    std::vector<std::int32_t> limbs;  // wider than a prover needs, so that a dishonest one can leave the ranges
  } columns;

  Fr random_fr() {
    std::array<std::uint8_t, 64> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return Fr::from_wide_bytes(bytes);
  }
  Values random_values() {
    Values values(ring->degree());
    for (Fr& v : values) v = random_fr();
    return values;
  }
  Fr parameter(model::ParameterId id, std::size_t index) const { return Fr::from_i128(model::value_at(model->graph().values[id], index)); }
  fhe::frbgv::RerandomizerShape shape() const { return rerandomizer_shape(network, statement); }

  /// Fills the columns with an honest re-randomiser's.
  void draw_rerandomizer() {
    const std::size_t cells = network.outputs() * ring->degree();
    auto uniform = [&](int low, int high) { return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)); };
    columns.masks.resize(cells * shape().mask_columns());
    for (auto& v : columns.masks) v = static_cast<std::int16_t>(uniform(-1, 1));
    columns.errors.resize(cells * shape().error_columns());
    for (auto& v : columns.errors) v = static_cast<std::int16_t>(uniform(-kErrorBound, kErrorBound));
    columns.limbs.resize(cells * shape().limb_columns());
    for (auto& v : columns.limbs) v = uniform(-32768, 32767);
  }

  PlainRerandomizer plain_rerandomizer(std::size_t output) const {
    const std::size_t n = ring->degree();
    auto column = [&](const auto& tensor, std::size_t count, std::size_t c) {
      Values out(n);
      for (std::size_t j = 0; j < n; ++j) out[j] = Fr::from_i64(tensor[(output * count + c) * n + j]);
      return out;
    };
    auto number = [&](std::size_t first, std::size_t limbs) {
      const std::size_t count = shape().limb_columns();
      Values out(n);
      for (std::size_t k = 0; k < limbs; ++k)
        for (std::size_t j = 0; j < n; ++j)
          out[j] += Fr::from_i64(columns.limbs[(output * count + first + k) * n + j] + 32768) * Fr::power_of_two(static_cast<int>(16 * k));
      return out;
    };
    PlainRerandomizer plain;
    const std::size_t masks = shape().mask_columns(), errors = shape().error_columns();
    plain.u = column(columns.masks, masks, 0);
    plain.f1 = column(columns.errors, errors, 0);
    if (network.square) {
      plain.u2 = column(columns.masks, masks, 1);
      plain.f2 = column(columns.errors, errors, 1);
      plain.f3 = column(columns.errors, errors, 2);
    }
    plain.f0 = number(0, shape().flood_limbs);
    for (Fr& v : plain.f0) v -= Fr::power_of_two(static_cast<int>(statement.flood_bits) - 1);
    plain.h = number(shape().flood_limbs, shape().hiding_limbs);
    return plain;
  }

  void evaluate_hidden() {
    hidden.clear();
    const Network::Layer& first = network.first;
    for (std::size_t i = 0; i < first.outputs; ++i) {
      std::array<Values, 2> z{Values(ring->degree()), Values(ring->degree())};
      for (std::size_t d = 0; d < first.inputs; ++d)
        for (std::size_t k = 0; k < 2; ++k)
          for (std::size_t p = 0; p < ring->degree(); ++p) z[k][p] += parameter(first.weight, i * first.inputs + d) * inputs[d][k][p];
      if (first.bias)
        for (Fr& v : z[0]) v += parameter(*first.bias, i);
      hidden.push_back(std::move(z));
    }
  }

  /// Outputs before the re-randomiser, from the hidden values.
  void evaluate_outputs() {
    outputs.clear();
    if (!network.square) {
      for (const auto& z : hidden) outputs.push_back({z[0], z[1]});
      return;
    }
    std::vector<std::vector<Values>> squares;
    for (const auto& z : hidden) {
      std::vector<Values> square(3, Values(ring->degree()));
      for (std::size_t p = 0; p < ring->degree(); ++p) {
        square[0][p] = z[0][p].squared();
        square[1][p] = (z[0][p] * z[1][p]).doubled();
        square[2][p] = z[1][p].squared();
      }
      squares.push_back(std::move(square));
    }
    if (!network.second) {
      outputs = std::move(squares);
      return;
    }
    for (std::size_t o = 0; o < network.outputs(); ++o) {
      std::vector<Values> out(3, Values(ring->degree()));
      for (std::size_t i = 0; i < network.second->inputs; ++i)
        for (std::size_t k = 0; k < 3; ++k)
          for (std::size_t p = 0; p < ring->degree(); ++p)
            out[k][p] += parameter(network.second->weight, o * network.second->inputs + i) * squares[i][k][p];
      if (network.second->bias)
        for (Fr& v : out[0]) v += parameter(*network.second->bias, o);
      outputs.push_back(std::move(out));
    }
  }

  void add_rerandomizer() {
    const Fr t = Fr::from_u64(statement.plaintext_modulus);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const PlainRerandomizer plain = plain_rerandomizer(o);
      const Values u = transform_by_definition(plain.u), f0 = transform_by_definition(plain.f0), f1 = transform_by_definition(plain.f1), h = transform_by_definition(plain.h);
      for (std::size_t p = 0; p < ring->degree(); ++p) {
        outputs[o][0][p] += u[p] * key[0][p] + t * f0[p] + vanishing[p] * h[p];
        outputs[o][1][p] += u[p] * key[1][p] + t * f1[p];
      }
      if (!network.square) continue;
      const Values u2 = transform_by_definition(plain.u2), f2 = transform_by_definition(plain.f2), f3 = transform_by_definition(plain.f3);
      for (std::size_t p = 0; p < ring->degree(); ++p) {
        outputs[o][1][p] += u2[p] * key[0][p] + t * f2[p];
        outputs[o][2][p] += u2[p] * key[1][p] + t * f3[p];
      }
    }
  }

  /// The honest evaluation of what inputs and columns now are.
  void evaluate() {
    evaluate_hidden();
    evaluate_outputs();
    add_rerandomizer();
  }

  // Vectors of the kernels, made from the plain values.
  struct Vectors {
    fhe::frbgv::PublicKey key;
    std::vector<Ciphertext> inputs, outputs, hidden;
    FrVector vanishing;
    PublicValues values;
    ProofWitness witness;
  };
  std::shared_ptr<Vectors> vectors() const {
    auto out = std::make_shared<Vectors>();
    const auto pack = [](const auto& tensors) {
      std::vector<Ciphertext> packed;
      for (const auto& components : tensors) {
        packed.emplace_back();
        for (const Values& component : components) packed.back().emplace_back(component);
      }
      return packed;
    };
    out->key.components = {FrVector(key[0]), FrVector(key[1])};
    out->vanishing = FrVector(vanishing);
    out->inputs = pack(inputs);
    out->outputs = pack(outputs);
    if (network.square) out->hidden = pack(hidden);
    out->values = {&out->key, out->inputs, out->outputs, &out->vanishing};
    out->witness = {&model->secrets(), out->hidden,
                    {std::span<const std::int16_t>(columns.masks), std::span<const std::int16_t>(columns.errors),
                     std::span<const std::int32_t>(columns.limbs)}};
    return out;
  }

  proof::zk::Protocol protocol() const {
    auto run = vectors();
    return [this, run](proof::zk::Context& context) {
      run_hybrid(context, model->key(), network, statement, *ring, run->values, context.proving() ? &run->witness : nullptr);
    };
  }
};

inline std::shared_ptr<zkml::CommittedModel> commit_model(model::IntegerGraph graph,
                                                          const commit::Generators& generators = commit::Generators::standard()) {
  auto model = zkml::CommittedModel::commit(std::move(graph), commit::Seed{1}, {}, generators);
  BLINDPROOF_CHECK(model.ok(), "the model can't be committed to");
  return std::make_shared<zkml::CommittedModel>(std::move(*model));
}

inline Job make_job(std::shared_ptr<zkml::CommittedModel> model) {
  Job job;
  job.model = std::move(model);
  auto network = read_network(job.model->key().architecture);
  BLINDPROOF_CHECK(network.ok(), "a network of the hybrid level");
  job.network = *network;
  job.statement.model = job.model->key().id;
  job.statement.plaintext_modulus = 1000003;
  job.statement.flood_bits = 48;
  job.statement.evaluations = 1000;
  job.statement.records = job.ring->degree() / 2;
  job.statement.context = {'j', 'o', 'b'};
  job.key = {job.random_values(), job.random_values()};
  job.vanishing = job.random_values();
  for (std::size_t d = 0; d < job.network.inputs(); ++d) job.inputs.push_back({job.random_values(), job.random_values()});
  job.draw_rerandomizer();
  job.evaluate();
  return job;
}

enum class Kind { kLinear, kSquare, kNetwork };
inline model::IntegerGraph make_graph(Kind kind, std::size_t inputs, std::size_t hidden, std::size_t outputs, std::uint64_t seed = 1,
                                      int bias_bits = 32) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, seed);
  const auto x = builder.input({inputs}, 0, 255);
  if (kind == Kind::kLinear) return builder.finish(builder.dense(x, outputs, 8, bias_bits));
  if (kind == Kind::kSquare) {
    const auto z = builder.dense(x, outputs, 8, bias_bits);
    return builder.finish(builder.multiply(z, z));
  }
  const auto z = builder.dense(x, hidden, 8, bias_bits);
  return builder.finish(builder.dense(builder.multiply(z, z), outputs, 8, bias_bits));
}

}  // namespace blindproof::hybrid
