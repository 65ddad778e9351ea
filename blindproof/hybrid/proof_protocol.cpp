#include "blindproof/hybrid/proof_protocol.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/poly/multilinear.h"
#include "blindproof/proof/layers/elementwise.h"
#include "blindproof/proof/lookup/lookup.h"
#include "blindproof/proof/sumcheck/sumcheck.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
using commit::IntegerSpan;
using commit::TensorLayout;
using proof::layers::PointClaim;
using proof::lookup::Lookup;
using proof::lookup::Table;
using proof::zk::Context;
using proof::zk::Point;
using proof::zk::Scalar;
using proof::zk::TensorId;
using zkml::ModelKey;

namespace op = model::integer_op;

constexpr std::int64_t kLimbHalf = std::int64_t{1} << (kLimbBits - 1);
constexpr std::size_t kTerms = 3;  // of the re-randomiser's value: A U, B E, C h

// sum_k 2^(16k + 15): what turns signed limbs into an unsigned number.
Fr limb_offset(std::size_t limbs) {
  Fr sum;
  for (std::size_t k = 0; k < limbs; ++k) sum += Fr::power_of_two(static_cast<int>(kLimbBits * k + kLimbBits - 1));
  return sum;
}

Point join(std::span<const Fr> low, std::span<const Fr> high) {
  Point point(low.begin(), low.end());
  point.insert(point.end(), high.begin(), high.end());
  return point;
}

// Equal parts one after the other.  Requires: whole packs.
FrVector concatenate(std::span<const FrVector> parts, std::size_t padded_parts) {
  const std::size_t size = parts[0].size(), packs = size / 8;
  FrVector out(size * padded_parts);
  for (std::size_t i = 0; i < parts.size(); ++i)
    std::memcpy(static_cast<void*>(out.packs() + i * packs), parts[i].packs(), packs * sizeof(field::FrPack));
  return out;
}

// sum_i weights_i times the row that begins at offset + i stride.
FrVector combine(const IntegerSpan& values, std::size_t offset, std::size_t columns, std::size_t stride, std::span<const Fr> weights) {
  return std::visit(
      [&](auto cells) -> FrVector {
        using Int = std::remove_cvref_t<decltype(cells[0])>;
        if constexpr (sizeof(Int) <= 8) {
          return field::combine_rows(field::MatrixView<Int>{cells.data() + offset, weights.size(), columns, stride}, weights);
        } else {
          BLINDPROOF_CHECK(false, "weights and columns have at most 64 bits");
          return {};
        }
      },
      values);
}

// One pass of the protocol of docs/spec/hybrid.md, in its order.
class HybridProtocol {
 public:
  HybridProtocol(Context& context, const ModelKey& key, const Network& network, const Statement& statement, const Ring& ring,
                 const PublicValues& values, const ProofWitness* witness)
      : context_(context), key_(key), network_(network), statement_(statement), ring_(ring), values_(values), witness_(witness),
        shape_(rerandomizer_shape(network, statement)) {
    BLINDPROOF_CHECK(context.proving() == (witness != nullptr), "a prover has the witness");
    BLINDPROOF_CHECK(values.inputs.size() == network.inputs() && values.outputs.size() == network.outputs(), "number of ciphertexts");
    BLINDPROOF_CHECK(statement.flood_bits % kLimbBits == 0 && statement.flood_bits >= kLimbBits && statement.flood_bits <= kMaxFloodBits, "flood bits");
    point_bits_ = static_cast<std::size_t>(std::countr_zero(ring.degree()));
  }

  void run() {
    absorb_statement();
    add_parameters();
    commit_rerandomizer();
    look_up();
    s_ = context_.challenge("S");
    const TensorLayout outputs({network_.outputs()});
    z_p_ = context_.challenge_point("point", point_bits_);
    z_o_ = context_.challenge_point("output", outputs.bits());
    eq_p_ = poly::eq_table(z_p_);
    const Network::Layer& last = network_.second ? *network_.second : network_.first;
    Scalar claim = Scalar(output_value()) - rerandomizer_value();
    if (!network_.square) {
      linear_layer("first layer", last, std::move(claim), z_p_, z_o_);
      return;
    }
    PointClaim squares{join(z_p_, z_o_), claim};
    if (network_.second) squares = second_layer(std::move(claim));
    const Point hidden = square(squares);
    linear_layer("first layer", network_.first, hidden_value_, std::span(hidden).first(point_bits_), std::span(hidden).subspan(point_bits_));
  }

 private:
  bool proving() const { return context_.proving(); }

  // ---------------------------------------------------------------- statement and commitments

  void absorb_statement() {
    context_.absorb("model id", statement_.model);
    base::ByteWriter writer;
    writer.u64(ring_.degree());
    writer.u64(statement_.plaintext_modulus);
    writer.u64(statement_.flood_bits);
    writer.u64(statement_.evaluations);
    writer.u64(statement_.records);
    context_.absorb("parameters", writer.bytes());
    context_.absorb("public key", statement_.public_key);
    context_.absorb("input", statement_.input);
    context_.absorb("output", statement_.output);
    context_.absorb("context", statement_.context);
  }

  void add_parameters() {
    for (std::size_t t = 0; t < key_.tensors.size(); ++t)
      parameters_.push_back(context_.add_tensor("parameter tensor " + std::to_string(t), key_.tensors[t],
                                                proving() ? &(*witness_->parameters)[t] : nullptr));
  }

  // One column of the re-randomiser's tensors: it adds coefficient * (column + offset on used outputs) to a term.
  struct Column {
    std::size_t tensor;  // of tensors_
    std::size_t index;   // inside it
    std::size_t term;
    Fr coefficient;
  };
  struct Tensor {
    TensorId id = 0;
    std::size_t columns = 0;
    TensorLayout layout;
    IntegerSpan values;  // prover
  };

  void commit_columns(const std::string& name, std::size_t columns, const IntegerSpan* values) {
    Tensor tensor{0, columns, TensorLayout({network_.outputs(), columns, ring_.degree()}), values != nullptr ? *values : IntegerSpan()};
    tensor.id = context_.commit_tensor(name, tensor.layout, values);
    tensors_.push_back(std::move(tensor));
  }

  void commit_rerandomizer() {
    const RerandomizerColumns* columns = proving() ? &witness_->rerandomizer : nullptr;
    commit_columns("masks", shape_.mask_columns(), columns != nullptr ? &columns->masks : nullptr);
    commit_columns("errors", shape_.error_columns(), columns != nullptr ? &columns->errors : nullptr);
    commit_columns("limbs", shape_.limb_columns(), columns != nullptr ? &columns->limbs : nullptr);
  }

  void look_up() {
    const std::vector<Table> tables{{1, -1, 3, Table::Range{}},
                                    {2, -kErrorBound, 2 * kErrorBound + 1, Table::Range{}},
                                    {3, -kLimbHalf, std::size_t{1} << kLimbBits, Table::Range{}}};
    std::vector<Lookup> lookups;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      lookups.push_back({t, tensors_[t].layout, {}});
      if (proving()) lookups.back().columns.push_back(tensors_[t].values);
    }
    std::size_t calls = 0;
    proof::lookup::prove_lookups(context_, "ranges", tables, lookups, [&](std::size_t lookup, const Point& z) {
      const Tensor& tensor = tensors_[lookup];
      const Scalar claim =
          context_.commit_one("range claim " + std::to_string(calls++), proving() ? commit::evaluate(tensor.layout, tensor.values, z) : Fr::zero());
      context_.open(tensor.id, z, claim);
      return std::vector<Scalar>{claim};
    });
  }

  // ---------------------------------------------------------------- output ciphertexts and re-randomiser

  // sum_(o,p) eq(z_o,o) eq(z_p,p) y_S(o,p)
  Fr output_value() const {
    const std::size_t components = network_.components();
    std::vector<Fr> at(network_.outputs() * components);
    base::parallel_for(at.size(), [&](std::size_t i) { at[i] = field::dot(values_.outputs[i / components][i % components], eq_p_); });
    const std::vector<Fr> eq_o = proof::layers::eq_prefix(z_o_, network_.outputs());
    Fr sum;
    for (std::size_t o = 0; o < eq_o.size(); ++o) {
      Fr value;
      for (std::size_t k = components; k-- > 0;) value = value * s_ + at[o * components + k];
      sum += eq_o[o] * value;
    }
    return sum;
  }

  // What each column contributes to, with its factor; the order is that of the tensors.
  std::vector<Column> columns() const {
    const Fr t = Fr::from_u64(statement_.plaintext_modulus);
    std::vector<Column> out;
    std::vector<Fr> powers{Fr::one(), s_};
    for (std::size_t c = 0; c < tensors_[0].columns; ++c) out.push_back({0, c, 0, powers[c]});  // u, u' S
    const std::array<Fr, 3> error_powers{s_, s_, s_.squared()};                                 // f_1 S, f'_0 S, f'_1 S^2
    for (std::size_t c = 0; c < tensors_[1].columns; ++c) out.push_back({1, c, 1, t * error_powers[c]});
    const std::size_t flood = shape_.flood_limbs;
    for (std::size_t c = 0; c < tensors_[2].columns; ++c) {
      const bool is_flood = c < flood;
      const Fr power = Fr::power_of_two(static_cast<int>(kLimbBits * (is_flood ? c : c - flood)));
      out.push_back({2, c, is_flood ? std::size_t{1} : std::size_t{2}, is_flood ? t * power : power});
    }
    return out;
  }

  // What the terms have besides their columns, for each used output and coefficient.
  std::array<Fr, kTerms> offsets() const {
    const Fr t = Fr::from_u64(statement_.plaintext_modulus);
    return {Fr::zero(), t * (limb_offset(shape_.flood_limbs) - Fr::power_of_two(static_cast<int>(statement_.flood_bits) - 1)),
            limb_offset(shape_.hiding_limbs)};
  }

  // The points' weights of each term: eq(z_p,p) times p_0 + S p_1, 1, Z.
  std::array<FrVector, kTerms> term_weights() const {
    FrVector key = values_.key->components[0], vanishing = *values_.vanishing;
    field::add_scaled(key, s_, values_.key->components[1]);
    fhe::frbgv::multiply(key, eq_p_);
    fhe::frbgv::multiply(vanishing, eq_p_);
    return {std::move(key), eq_p_, std::move(vanishing)};
  }

  // D_S(z_o, z_p), with the sum-check that ties it to the committed columns.
  Scalar rerandomizer_value() {
    const std::vector<Column> all = columns();
    const std::array<Fr, kTerms> offset = offsets();
    const std::array<FrVector, kTerms> weights = term_weights();
    const std::vector<Fr> eq_o = proof::layers::eq_prefix(z_o_, network_.outputs());
    const Fr ones = poly::cut_sum_at(z_o_, network_.outputs());

    std::vector<FrVector> bound;  // prover: columns at z_o
    std::optional<poly::ProductProver> prover;
    Fr value;
    if (proving()) {
      std::vector<FrVector> functionals, terms;
      for (std::size_t term = 0; term < kTerms; ++term) {
        functionals.push_back(weights[term]);
        ring_.transpose_forward(functionals.back());
        terms.emplace_back(std::vector<Fr>(ring_.degree(), offset[term] * ones));
      }
      for (const Column& column : all) {
        bound.push_back(bind_outputs(tensors_[column.tensor], column.index, eq_o));
        field::add_scaled(terms[column.term], column.coefficient, bound.back());
      }
      for (std::size_t term = 0; term < kTerms; ++term) value += field::dot(functionals[term], terms[term]);
      prover.emplace(concatenate(functionals, 4), concatenate(terms, 4));
    }
    const Scalar claim = context_.commit_one("rerandomiser value", value);
    const auto reduced = proof::sumcheck::prove_product(context_, "rerandomiser", claim, point_bits_ + 2, prover ? &*prover : nullptr);
    const auto r_j = std::span(reduced.point).first(point_bits_);
    const std::vector<Fr> select = poly::eq_values(std::span(reduced.point).subspan(point_bits_));

    FrVector e = poly::eq_table(r_j);
    ring_.forward(e);
    Fr functional;
    for (std::size_t term = 0; term < kTerms; ++term) functional += select[term] * field::dot(weights[term], e);

    Scalar end;
    for (std::size_t term = 0; term < kTerms; ++term) end += Scalar(select[term] * offset[term] * ones);
    for (std::size_t first = 0; first < all.size(); first += 4) {
      const std::size_t count = std::min<std::size_t>(4, all.size() - first);
      std::vector<Fr> at;
      for (std::size_t i = first; i < first + count && proving(); ++i) at.push_back(poly::evaluate(bound[i], r_j));
      const std::vector<Scalar> committed = context_.commit("rerandomiser columns " + std::to_string(first), count, at);
      for (std::size_t i = 0; i < count; ++i) {
        const Column& column = all[first + i];
        end += committed[i] * (select[column.term] * column.coefficient);
        context_.open(tensors_[column.tensor].id, column_point(tensors_[column.tensor], column.index, r_j), committed[i]);
      }
    }
    context_.require_zero("rerandomiser", end * functional - reduced.claim);
    return claim;
  }

  FrVector bind_outputs(const Tensor& tensor, std::size_t column, std::span<const Fr> eq_o) const {
    return combine(tensor.values, column * ring_.degree(), ring_.degree(), tensor.columns * ring_.degree(), eq_o);
  }

  Point column_point(const Tensor& tensor, std::size_t column, std::span<const Fr> r_j) const {
    Point z(r_j.begin(), r_j.end());
    for (unsigned bit = 0; bit < tensor.layout.axis_bits(1); ++bit) z.push_back(Fr::from_u64(column >> bit & 1));
    return join(z, z_o_);
  }

  // ---------------------------------------------------------------- the network

  // A parameter at a point over its used cells, from its limbs.
  Scalar parameter_value(const std::string& label, model::ParameterId parameter, const Point& z) {
    const compiler::ParameterPlan& plan = key_.plan.parameters[parameter];
    Scalar sum(-Fr::from_i128(plan.offset) * plan.layout.ones_at(z));
    for (std::size_t limb = 0; limb < plan.limbs; ++limb) {
      const std::size_t t = key_.first_tensor[parameter] + limb;
      const Fr value = proving() ? commit::evaluate(plan.layout, (*witness_->parameters)[t].values, z) : Fr::zero();
      const Scalar committed = context_.commit_one(label + " limb " + std::to_string(limb), value);
      context_.open(parameters_[t], z, committed);
      sum += committed * Fr::power_of_two(static_cast<int>(16 * limb));
    }
    return sum;
  }

  // sum_i eq(z_n,i) W(i,.), at the places of the padded table.
  FrVector weight_row(model::ParameterId weight, const TensorLayout& inner, std::span<const Fr> z_n) const {
    const IntegerSpan& values = (*witness_->parameters)[key_.first_tensor[weight]].values;
    const std::size_t rows = key_.plan.parameters[weight].layout.axes()[0], columns = inner.cells();
    return scatter(inner, combine(values, 0, columns, columns, proof::layers::eq_prefix(z_n, rows)).to_vector());
  }

  static FrVector scatter(const TensorLayout& layout, std::span<const Fr> cells) {
    std::vector<Fr> table(std::size_t{1} << layout.bits());
    const std::vector<std::uint32_t> indices = layout.padded_indices();
    for (std::size_t i = 0; i < cells.size(); ++i) table[indices[i]] = cells[i];
    return FrVector(table);
  }

  TensorLayout inner_layout(model::ParameterId weight) const {
    const std::vector<std::size_t>& axes = key_.plan.parameters[weight].layout.axes();
    return TensorLayout(std::vector<std::size_t>(axes.begin() + 1, axes.end()));
  }

  Scalar subtract_bias(const std::string& label, const Network::Layer& layer, Scalar claim, std::span<const Fr> z_n) {
    if (layer.bias) claim -= parameter_value(label + " bias", *layer.bias, Point(z_n.begin(), z_n.end()));
    return claim;
  }

  // From the claim on outputs at (z_p, z_o) to one on the squares of hidden values at (z_p, r_i).
  PointClaim second_layer(Scalar claim) {
    const std::string label = "second layer";
    const Network::Layer& layer = *network_.second;
    claim = subtract_bias(label, layer, std::move(claim), z_o_);
    const TensorLayout inner = inner_layout(layer.weight);
    std::optional<poly::ProductProver> prover;
    if (proving()) {
      std::vector<Fr> squares(layer.inputs);
      make_hidden();
      base::parallel_for(layer.inputs, [&](std::size_t i) {
        FrVector weighted = hidden_[i];
        fhe::frbgv::multiply(weighted, eq_p_);
        squares[i] = field::dot(weighted, hidden_[i]);
      });
      prover.emplace(weight_row(layer.weight, inner, z_o_), scatter(inner, squares));
    }
    const auto reduced = proof::sumcheck::prove_product(context_, label, claim, inner.bits(), prover ? &*prover : nullptr);
    std::vector<Fr> values;
    if (prover) values = {prover->f_end(), prover->g_end()};
    const std::vector<Scalar> ends = context_.commit(label + " ends", 2, values);
    context_.require_zero(label, -reduced.claim, {{ends[0], ends[1]}});
    context_.open(parameters_[key_.first_tensor[layer.weight]], join(reduced.point, z_o_), ends[0]);
    return {join(z_p_, reduced.point), ends[1]};
  }

  // Prover: hidden values at S.
  void make_hidden() {
    if (!hidden_.empty()) return;
    BLINDPROOF_CHECK(witness_->hidden.size() == network_.first.outputs, "hidden values of every unit");
    hidden_.resize(witness_->hidden.size());
    base::parallel_for(hidden_.size(), [&](std::size_t i) {
      hidden_[i] = witness_->hidden[i][0];
      field::add_scaled(hidden_[i], s_, witness_->hidden[i][1]);
    });
  }

  // Leaves the claim hidden_value_ on hidden values at the returned point.
  Point square(const PointClaim& squares) {
    std::optional<poly::EqProductProver> prover;
    if (proving()) {
      make_hidden();
      FrVector table = concatenate(hidden_, std::size_t{1} << (squares.z.size() - point_bits_));
      hidden_.clear();
      FrVector copy = table;
      prover.emplace(squares.z, std::move(table), std::move(copy));
    }
    proof::layers::ProductClaims ends = proof::layers::reduce_product(context_, "square", squares, true, prover ? &*prover : nullptr);
    hidden_value_ = std::move(ends.a);
    return std::move(ends.z);
  }

  // From the claim on the first layer's outputs at (r_p, r_n) to the input ciphertexts, which both sides have.
  void linear_layer(const std::string& label, const Network::Layer& layer, Scalar claim, std::span<const Fr> r_p, std::span<const Fr> r_n) {
    claim = subtract_bias(label, layer, std::move(claim), r_n);
    const TensorLayout inner = inner_layout(layer.weight);
    const FrVector eq = poly::eq_table(r_p);
    std::vector<Fr> inputs(layer.inputs);
    base::parallel_for(inputs.size(), [&](std::size_t d) {
      inputs[d] = field::dot(values_.inputs[d][0], eq) + s_ * field::dot(values_.inputs[d][1], eq);
    });
    std::optional<poly::ProductProver> prover;
    if (proving()) prover.emplace(weight_row(layer.weight, inner, r_n), scatter(inner, inputs));
    const auto reduced = proof::sumcheck::prove_product(context_, label, claim, inner.bits(), prover ? &*prover : nullptr);
    const std::vector<Fr> eq_d = poly::eq_values(reduced.point);
    const std::vector<std::uint32_t> indices = inner.padded_indices();
    Fr input;
    for (std::size_t d = 0; d < inputs.size(); ++d) input += eq_d[indices[d]] * inputs[d];
    const Scalar weight = context_.commit_one(label + " weight", prover ? prover->f_end() : Fr::zero());
    context_.open(parameters_[key_.first_tensor[layer.weight]], join(reduced.point, r_n), weight);
    context_.require_zero(label, weight * input - reduced.claim);
  }

  Context& context_;
  const ModelKey& key_;
  const Network& network_;
  const Statement& statement_;
  const Ring& ring_;
  const PublicValues& values_;
  const ProofWitness* witness_;
  fhe::frbgv::RerandomizerShape shape_;
  std::size_t point_bits_ = 0;
  std::vector<TensorId> parameters_;  // by position in key_.tensors
  std::vector<Tensor> tensors_;       // masks, errors, limbs
  Fr s_;
  Point z_p_, z_o_;
  FrVector eq_p_;
  std::vector<FrVector> hidden_;      // prover
  Scalar hidden_value_;
};

}  // namespace

RerandomizerColumns columns_of(const fhe::frbgv::Rerandomizer& rerandomizer) {
  return {std::span<const std::int8_t>(rerandomizer.masks), std::span<const std::int8_t>(rerandomizer.errors),
          std::span<const std::int16_t>(rerandomizer.limbs)};
}

fhe::frbgv::RerandomizerShape rerandomizer_shape(const Network& network, const Statement& statement) {
  const auto modulus_bits = static_cast<std::size_t>(std::bit_width(statement.plaintext_modulus));
  return {network.outputs(), network.components(), statement.flood_bits / kLimbBits, (modulus_bits + kLimbBits - 1) / kLimbBits};
}

base::Result<Network> read_network(const model::Architecture& architecture) {
  const auto refuse = [](std::size_t node, std::string_view why) {
    return base::error(ErrorCode::kUnsupported, "node " + std::to_string(node), std::string(why));
  };
  if (architecture.arithmetic != model::Arithmetic::kExact)
    return base::error(ErrorCode::kUnsupported, "model", "has roundings: the hybrid level takes networks of exact arithmetic");
  Network network;
  std::size_t layers = 0;
  model::TensorId at = architecture.input;
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    const model::IntegerNode& node = architecture.nodes[i];
    for (const model::TensorId input : node.inputs)
      if (input != at) return refuse(i, "reads something else than the node before it: only chains of layers can be evaluated at the hybrid level");
    at = node.output;
    if (std::holds_alternative<op::Reshape>(node.op)) {
      if (network.square && !network.second) return refuse(i, "a reshape between square and second layer");
    } else if (const auto* dense = std::get_if<op::Dense>(&node.op)) {
      if (layers == 2 || (layers == 1 && !network.square)) return refuse(i, "one dense layer, or two with a square between them, fit the noise");
      const model::Shape& shape = architecture.parameters[dense->weight].shape;
      if (model::element_count(architecture.shapes[node.inputs[0]]) != shape[1]) return refuse(i, "a dense layer over a part of its input's axes");
      const Network::Layer layer{dense->weight, dense->bias, shape[1], shape[0]};
      if (layers == 0) {
        network.first = layer;
      } else {
        network.second = layer;
      }
      ++layers;
    } else if (std::holds_alternative<op::Multiply>(node.op)) {
      if (layers != 1 || network.square) return refuse(i, "only one square, after the first dense layer, fits the noise");
      network.square = true;
    } else {
      return refuse(i, std::string(model::op_name(node.op)) + " is not one of dense layer, square, reshape");
    }
  }
  if (layers == 0) return base::error(ErrorCode::kUnsupported, "model", "has no dense layer");
  return network;
}

void run_hybrid(Context& context, const ModelKey& key, const Network& network, const Statement& statement, const Ring& ring,
                const PublicValues& values, const ProofWitness* witness) {
  HybridProtocol(context, key, network, statement, ring, values, witness).run();
}

}  // namespace blindproof::hybrid
