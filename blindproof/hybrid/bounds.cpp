#include "blindproof/hybrid/bounds.h"

#include <algorithm>
#include <bit>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/crypto/random.h"
#include "blindproof/proof/lookup/lookup.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
using base::Uint128;
using commit::IntegerSpan;
using commit::TensorLayout;
using commit::TensorSecret;
using field::Fr;
using proof::lookup::Lookup;
using proof::lookup::Table;
using proof::zk::Context;
using proof::zk::Point;
using proof::zk::Scalar;
using proof::zk::TensorId;
using zkml::ModelKey;

constexpr std::string_view kMagic = "BPB";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxLayers = 1 << 10;
constexpr std::size_t kMaxProofBytes = std::size_t{1} << 26;
constexpr std::uint64_t kMaxWeightL1 = std::uint64_t{1} << 56;
constexpr Int128 kMaxBias = Int128{1} << 112;

int bit_width(Uint128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return static_cast<int>(high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<std::uint64_t>(value)));
}

// Up to five significant bits, so that a public bound says little about the weights.
Uint128 round_up(Uint128 value) {
  const int shift = std::max(0, bit_width(value) - 5);
  return ((value + ((Uint128{1} << shift) - 1)) >> shift) << shift;
}

std::size_t limbs_for(Uint128 largest) { return static_cast<std::size_t>(std::max(1, (bit_width(largest) + 15) / 16)); }

std::vector<const model::integer_op::Dense*> dense_nodes(const model::Architecture& architecture) {
  std::vector<const model::integer_op::Dense*> nodes;
  for (const model::IntegerNode& node : architecture.nodes)
    if (const auto* dense = std::get_if<model::integer_op::Dense>(&node.op)) nodes.push_back(dense);
  return nodes;
}

Int128 magnitude(Int128 value) { return value < 0 ? -value : value; }

Fr from_u128(Uint128 value) { return Fr::from_limbs({static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64), 0, 0}); }

// The registration of bounds as it runs: committed columns first, look-ups, then the sums over rows.
class BoundsProtocol {
 public:
  BoundsProtocol(Context& context, const ModelKey& key, const Bounds& bounds, const std::vector<TensorSecret>* secrets)
      : context_(context), key_(key), bounds_(bounds), secrets_(secrets), nodes_(dense_nodes(key.architecture)) {
    BLINDPROOF_CHECK(bounds.size() == nodes_.size(), "one bound for each dense layer");
  }

  void run() {
    absorb();
    limb_table_ = add_table(Table{0, 0, std::size_t{1} << 16, Table::Range{}});
    for (std::size_t layer = 0; layer < nodes_.size(); ++layer) commit_layer(layer);
    std::size_t calls = 0;
    proof::lookup::prove_lookups(context_, "bounds", tables_, lookups_, [&](std::size_t lookup, const Point& z) {
      return open_columns(lookup, z, calls++);
    });
    for (std::size_t layer = 0; layer < nodes_.size(); ++layer) sum_layer(layer);
  }

 private:
  // A column that this proof commits to, or a tensor of the model.
  struct Column {
    TensorId tensor;
    TensorLayout layout;
    IntegerSpan values;  // prover
  };
  // An unsigned number for each row, as limbs of 16 bits, low first.
  using Limbs = std::vector<Column>;
  struct Layer {
    Column weight, absolute;
    Limbs weight_room;               // weight_l1 - sum |W|
    std::vector<Column> bias;        // the model's limbs
    Limbs bias_below, bias_above;    // bound - b, bound + b
  };

  static std::string label(std::size_t layer, std::string_view what) { return "layer " + std::to_string(layer) + " " + std::string(what); }

  void absorb() {
    context_.absorb("model id", key_.id);
    base::ByteWriter writer;
    for (const LayerBounds& bounds : bounds_) {
      writer.u64(bounds.weight_l1);
      writer.raw(from_u128(static_cast<Uint128>(bounds.bias)).to_bytes());
    }
    context_.absorb("bounds", writer.bytes());
  }

  std::size_t add_table(Table table) {
    table.id = static_cast<std::uint32_t>(tables_.size() + 1);
    tables_.push_back(std::move(table));
    return tables_.size() - 1;
  }

  // Pairs (v, |v|) over the declared range of a weight.
  std::size_t absolute_table(int bits) {
    for (const auto& [have, table] : absolute_tables_)
      if (have == bits) return table;
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    Table table{0, -half, static_cast<std::size_t>(2 * half), Table::Explicit{{{}}}};
    for (std::int64_t v = -half; v < half; ++v)
      std::get<Table::Explicit>(table.content).columns[0].push_back(static_cast<std::int32_t>(v < 0 ? -v : v));
    absolute_tables_.emplace_back(bits, add_table(std::move(table)));
    return absolute_tables_.back().second;
  }

  Column model_tensor(model::ParameterId parameter, std::size_t limb) {
    const std::size_t t = key_.first_tensor[parameter] + limb;
    const TensorId id = context_.add_tensor("parameter tensor " + std::to_string(t), key_.tensors[t],
                                            secrets_ != nullptr ? &(*secrets_)[t] : nullptr);
    return {id, key_.tensors[t].layout, secrets_ != nullptr ? (*secrets_)[t].values : IntegerSpan()};
  }

  Column committed(const std::string& name, const TensorLayout& layout, std::vector<std::int32_t> values) {
    IntegerSpan span;
    if (context_.proving()) {
      auto kept = std::make_shared<const std::vector<std::int32_t>>(std::move(values));
      span = std::span<const std::int32_t>(*kept);
      context_.keep_alive(std::move(kept));
    }
    return {context_.commit_tensor(name, layout, context_.proving() ? &span : nullptr), layout, span};
  }

  // `values` by row; a dishonest owner's negative ones become nonsense, which fails later.
  Limbs commit_limbs(const std::string& name, const TensorLayout& layout, std::size_t count, const std::vector<Int128>& values) {
    Limbs limbs;
    for (std::size_t j = 0; j < count; ++j) {
      std::vector<std::int32_t> limb;
      for (const Int128 value : values) limb.push_back(static_cast<std::int32_t>(static_cast<Uint128>(value) >> (16 * j) & 0xffff));
      limbs.push_back(committed(name + " " + std::to_string(j), layout, std::move(limb)));
      look_up(limb_table_, {limbs.back()});
    }
    return limbs;
  }

  void look_up(std::size_t table, std::vector<Column> columns) {
    Lookup lookup{table, columns[0].layout, {}};
    if (context_.proving())
      for (const Column& column : columns) lookup.columns.push_back(column.values);
    lookups_.push_back(std::move(lookup));
    looked_up_.push_back(std::move(columns));
  }

  void commit_layer(std::size_t i) {
    const model::integer_op::Dense& node = *nodes_[i];
    const LayerBounds& bounds = bounds_[i];
    Layer layer;
    layer.weight = model_tensor(node.weight, 0);
    const TensorLayout& layout = layer.weight.layout;
    const std::size_t rows = layout.axes()[0], row_cells = layout.cells() / rows;
    const TensorLayout by_row({rows});

    std::vector<std::int32_t> absolute;
    std::vector<Int128> room;
    if (context_.proving()) {
      for (std::size_t row = 0; row < rows; ++row) {
        Int128 sum = 0;
        for (std::size_t k = 0; k < row_cells; ++k) {
          absolute.push_back(static_cast<std::int32_t>(magnitude(commit::at(layer.weight.values, row * row_cells + k))));
          sum += absolute.back();
        }
        room.push_back(static_cast<Int128>(bounds.weight_l1) - sum);
      }
    }
    layer.absolute = committed(label(i, "absolute"), layout, std::move(absolute));
    look_up(absolute_table(key_.architecture.parameters[node.weight].bits), {layer.weight, layer.absolute});
    layer.weight_room = commit_limbs(label(i, "weight room"), by_row, limbs_for(bounds.weight_l1), room);

    if (node.bias) {
      const compiler::ParameterPlan& plan = key_.plan.parameters[*node.bias];
      for (std::size_t limb = 0; limb < plan.limbs; ++limb) layer.bias.push_back(model_tensor(*node.bias, limb));
      std::vector<Int128> below, above;
      if (context_.proving()) {
        for (std::size_t row = 0; row < rows; ++row) {
          Int128 value = -plan.offset;
          for (std::size_t limb = 0; limb < plan.limbs; ++limb) value += commit::at(layer.bias[limb].values, row) << (16 * limb);
          below.push_back(bounds.bias - value);
          above.push_back(bounds.bias + value);
        }
      }
      const std::size_t limbs = limbs_for(2 * static_cast<Uint128>(bounds.bias));
      layer.bias_below = commit_limbs(label(i, "bias below"), by_row, limbs, below);
      layer.bias_above = commit_limbs(label(i, "bias above"), by_row, limbs, above);
    }
    layers_.push_back(std::move(layer));
  }

  std::vector<Scalar> open_columns(std::size_t lookup, const Point& z, std::size_t call) {
    std::vector<Fr> values;
    if (context_.proving())
      for (const Column& column : looked_up_[lookup]) values.push_back(commit::evaluate(column.layout, column.values, z));
    std::vector<Scalar> claims = context_.commit("range claim " + std::to_string(call), looked_up_[lookup].size(), values);
    for (std::size_t c = 0; c < claims.size(); ++c) context_.open(looked_up_[lookup][c].tensor, z, claims[c]);
    return claims;
  }

  // sum_j 2^(16 j) limb_j(z), committed and opened.
  Scalar combination(const std::string& name, const std::vector<Column>& limbs, const Point& z) {
    Scalar sum;
    for (std::size_t j = 0; j < limbs.size(); ++j)
      sum += opened(name + " " + std::to_string(j), limbs[j], z) * Fr::power_of_two(static_cast<int>(16 * j));
    return sum;
  }

  Scalar opened(const std::string& name, const Column& column, const Point& z) {
    Scalar value = context_.commit_one(name, context_.proving() ? commit::evaluate(column.layout, column.values, z) : Fr::zero());
    context_.open(column.tensor, z, value);
    return value;
  }

  void sum_layer(std::size_t i) {
    const Layer& layer = layers_[i];
    const TensorLayout& layout = layer.weight.layout;
    const TensorLayout by_row({layout.axes()[0]});
    const Point z = context_.challenge_point(label(i, "row"), by_row.bits());
    const Fr ones = by_row.ones_at(z);

    // At (1/2, .., 1/2) eq is 2^-n for every cell: one opening is the sum of a row.
    const unsigned inner_bits = layout.bits() - layout.axis_bits(0);
    Point halves(inner_bits, Fr::from_u64(2).inverse());
    halves.insert(halves.end(), z.begin(), z.end());
    const Scalar norm = opened(label(i, "norm"), layer.absolute, halves) * Fr::power_of_two(static_cast<int>(inner_bits));
    const Fr weight_bound = Fr::from_u64(bounds_[i].weight_l1);
    context_.require_zero(label(i, "weight bound"),
                          combination(label(i, "weight room at"), layer.weight_room, z) + norm - weight_bound * ones);

    if (layer.bias.empty()) return;
    const model::ParameterId parameter = *nodes_[i]->bias;
    const Scalar bias = combination(label(i, "bias at"), layer.bias, z) - Fr::from_i128(key_.plan.parameters[parameter].offset) * ones;
    const Fr bias_bound = Fr::from_i128(bounds_[i].bias);
    context_.require_zero(label(i, "bias upper bound"),
                          combination(label(i, "bias below at"), layer.bias_below, z) + bias - bias_bound * ones);
    context_.require_zero(label(i, "bias lower bound"),
                          combination(label(i, "bias above at"), layer.bias_above, z) - bias - bias_bound * ones);
  }

  Context& context_;
  const ModelKey& key_;
  const Bounds& bounds_;
  const std::vector<TensorSecret>* secrets_;
  std::vector<const model::integer_op::Dense*> nodes_;
  std::vector<Table> tables_;
  std::size_t limb_table_ = 0;
  std::vector<std::pair<int, std::size_t>> absolute_tables_;  // by bits
  std::vector<Lookup> lookups_;
  std::vector<std::vector<Column>> looked_up_;  // by look-up
  std::vector<Layer> layers_;
};

base::Status check_limits(const Bounds& bounds) {
  for (const LayerBounds& layer : bounds)
    if (layer.weight_l1 > kMaxWeightL1 || layer.bias < 0 || layer.bias > kMaxBias)
      return base::error(ErrorCode::kLimit, "bounds", "a layer's bounds are beyond the format's limits");
  return {};
}

}  // namespace

Bounds find_bounds(const model::IntegerGraph& graph) {
  Bounds bounds;
  for (const model::integer_op::Dense* node : dense_nodes(graph.architecture)) {
    const model::ParameterValues& weight = graph.values[node->weight];
    const std::size_t rows = graph.architecture.parameters[node->weight].shape[0];
    const std::size_t row_cells = model::value_count(weight) / rows;
    Uint128 norm = 0, bias = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      Uint128 sum = 0;
      for (std::size_t k = 0; k < row_cells; ++k) sum += static_cast<Uint128>(magnitude(model::value_at(weight, row * row_cells + k)));
      norm = std::max(norm, sum);
    }
    if (node->bias) {
      const model::ParameterValues& values = graph.values[*node->bias];
      for (std::size_t row = 0; row < model::value_count(values); ++row)
        bias = std::max(bias, static_cast<Uint128>(magnitude(model::value_at(values, row))));
    }
    bounds.push_back({static_cast<std::uint64_t>(round_up(norm)), static_cast<Int128>(round_up(bias))});
  }
  return bounds;
}

void run_bounds(Context& context, const ModelKey& key, const Bounds& bounds, const std::vector<TensorSecret>* secrets) {
  BoundsProtocol(context, key, bounds, secrets).run();
}

base::Result<BoundsProof> prove_bounds(const zkml::CommittedModel& model, const Generators& generators) {
  BoundsProof proof{model.key().id, find_bounds(model.graph()), {}};
  if (proof.bounds.empty()) return base::error(ErrorCode::kUnsupported, "bounds", "the model has no dense layer");
  BLINDPROOF_TRY(check_limits(proof.bounds));
  commit::Seed entropy;
  crypto::random_bytes(entropy);
  proof::zk::ProverContext context(generators, kBoundsProtocol, entropy, model.secret_digest());
  run_bounds(context, model.key(), proof.bounds, &model.secrets());
  proof.proof = context.finish();
  return proof;
}

base::Result<BoundedModel> BoundedModel::check(zkml::RegisteredModel model, const BoundsProof& proof, const Generators& generators) {
  if (proof.model != model.key().id) return base::error(ErrorCode::kMismatch, "bounds.model", "the bounds are about another model");
  BLINDPROOF_TRY(check_limits(proof.bounds));
  if (proof.bounds.empty() || proof.bounds.size() != dense_nodes(model.key().architecture).size())
    return base::error(ErrorCode::kRejected, "bounds.layers", "there is not one bound for each dense layer");
  proof::zk::VerifierContext context(generators, kBoundsProtocol, proof.proof);
  run_bounds(context, model.key(), proof.bounds, nullptr);
  if (const base::Status status = context.finish(); !status.ok()) {
    base::Error error = status.error();
    error.place = "bounds." + error.place;
    return error;
  }
  return BoundedModel(std::move(model), proof.bounds);
}

base::Result<BoundedModel> BoundedModel::check(zkml::RegisteredModel model, const Generators& generators) {
  if (model.key().bounds.empty()) {
    return base::error(ErrorCode::kMismatch, "bounds",
                       "the model key carries no bounds of its layers: commit to the model again, they don't change its id");
  }
  BLINDPROOF_ASSIGN(const BoundsProof proof, parse_bounds_proof(model.key().bounds));
  return check(std::move(model), proof, generators);
}

base::Bytes write_bounds_proof(const BoundsProof& proof) {
  base::ByteWriter writer;
  writer.raw(base::as_bytes(kMagic));
  writer.u8(kVersion);
  writer.raw(proof.model);
  writer.u64(proof.bounds.size());
  for (const LayerBounds& layer : proof.bounds) {
    writer.u64(layer.weight_l1);
    writer.u64(static_cast<std::uint64_t>(static_cast<Uint128>(layer.bias)));
    writer.u64(static_cast<std::uint64_t>(static_cast<Uint128>(layer.bias) >> 64));
  }
  writer.sized(proof.proof);
  return std::move(writer).take();
}

base::Result<BoundsProof> parse_bounds_proof(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, "bounds");
  const base::ByteSpan magic = reader.raw(kMagic.size());
  const std::uint8_t version = reader.u8();
  BLINDPROOF_TRY(reader.status());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin())) return base::error(ErrorCode::kMalformed, "bounds", "does not begin as bounds");
  if (version != kVersion)
    return base::error(ErrorCode::kUnsupported, "bounds", "version " + std::to_string(version) + " is not known, only 1");
  BoundsProof proof;
  const base::ByteSpan id = reader.raw(proof.model.size());
  BLINDPROOF_TRY(reader.status());
  std::copy(id.begin(), id.end(), proof.model.begin());
  proof.bounds.resize(reader.count(kMaxLayers, 24));
  for (LayerBounds& layer : proof.bounds) {
    layer.weight_l1 = reader.u64();
    const std::uint64_t low = reader.u64(), high = reader.u64();
    layer.bias = static_cast<Int128>(static_cast<Uint128>(high) << 64 | low);
  }
  const base::ByteSpan own = reader.sized(kMaxProofBytes);
  BLINDPROOF_TRY(reader.finish());
  BLINDPROOF_TRY(check_limits(proof.bounds));
  proof.proof.assign(own.begin(), own.end());
  return proof;
}

}  // namespace blindproof::hybrid
