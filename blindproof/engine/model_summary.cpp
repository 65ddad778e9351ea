#include "blindproof/engine/model_summary.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "blindproof/compiler/lower_proof/proof_plan.h"

namespace blindproof::engine {
namespace {

namespace op = model::integer_op;
using model::Architecture;

std::string finish_name(model::Finish finish) {
  switch (finish) {
    case model::Finish::kNone: return "none";
    case model::Finish::kSoftmax: return "softmax";
    case model::Finish::kArgMax: return "argmax";
  }
  return "none";
}

std::size_t node_parameters(const Architecture& arch, const model::IntegerNode& node) {
  const auto count = [&](std::optional<model::ParameterId> id) {
    return id ? model::element_count(arch.parameters[*id].shape) : 0;
  };
  if (const auto* dense = std::get_if<op::Dense>(&node.op)) return count(dense->weight) + count(dense->bias);
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) return count(conv->weight) + count(conv->bias);
  if (const auto* requantize = std::get_if<op::Requantize>(&node.op)) return count(requantize->multiplier);
  return 0;
}

std::size_t node_lookups(const compiler::ProofPlan& plan, std::size_t index, const model::IntegerNode& node,
                         std::size_t cells) {
  if (plan.requantize[index]) return cells * plan.requantize[index]->lookups();
  if (const auto* pool = std::get_if<op::MaxPool2d>(&node.op))
    return cells * (pool->window.kernel[0] * pool->window.kernel[1] - 1);
  return 0;
}

// Sums on the way to a Requantize are not activations, and moving cells makes no new ones.
bool makes_activations(const Architecture& arch, const model::IntegerNode& node) {
  if (std::holds_alternative<op::Reshape>(node.op) || std::holds_alternative<op::Transpose>(node.op)) return false;
  return arch.arithmetic == model::Arithmetic::kExact || std::holds_alternative<op::Requantize>(node.op) ||
         std::holds_alternative<op::MaxPool2d>(node.op);
}

void count_parameters(const Architecture& arch, ModelSummary& summary) {
  for (const model::ParameterInfo& info : arch.parameters) {
    const std::size_t count = model::element_count(info.shape);
    summary.parameters += count;
    switch (info.role) {
      case model::ParameterRole::kWeight: summary.weights += count; break;
      case model::ParameterRole::kBias: summary.biases += count; break;
      case model::ParameterRole::kMultiplier: summary.multipliers += count; break;
    }
  }
}

ModelSummary describe(const Architecture& arch, const compiler::ProofPlan& plan) {
  ModelSummary summary;
  summary.arithmetic = arch.arithmetic == model::Arithmetic::kRescaled ? "rescaled" : "exact";
  summary.input_shape = arch.shapes[arch.input];
  summary.output_shape = arch.shapes[arch.output];
  summary.input_min = arch.input_min;
  summary.input_max = arch.input_max;
  summary.input_scale = arch.input_scale;
  summary.output_scale = arch.output_scale;
  summary.finish = finish_name(arch.finish);
  count_parameters(arch, summary);
  summary.lookups = plan.lookups;
  summary.tables = plan.tables.size();
  for (const auto& table : plan.tables) summary.table_entries += table.size;
  for (std::size_t i = 0; i < arch.nodes.size(); ++i) {
    const model::IntegerNode& node = arch.nodes[i];
    const model::Shape& shape = arch.shapes[node.output];
    const std::size_t cells = model::element_count(shape);
    if (makes_activations(arch, node)) summary.activations += cells;
    summary.nodes.push_back({std::string(model::op_name(node.op)), shape, node_parameters(arch, node),
                             node_lookups(plan, i, node, cells)});
  }
  return summary;
}

bool is_model_key(base::ByteSpan bytes) {
  constexpr std::string_view kMagic = "BPK";
  return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

base::Result<Inspection> inspect_key(const Path& path) {
  BLINDPROOF_ASSIGN(const zkml::ModelKey key, read_model_key(path));
  Inspection inspection;
  inspection.summary = describe(key.architecture, key.plan);
  inspection.model = key.id;
  for (const auto& tensor : key.tensors) inspection.committed_rows += tensor.rows.size();
  inspection.registration_bytes = key.registration.size();
  return inspection;
}

base::Result<Inspection> inspect_model(const Path& path) {
  BLINDPROOF_ASSIGN(const model::ModelFile file, read_model(path));
  Inspection inspection;
  base::Result<ModelSummary> summary = summarize(file.graph.architecture);
  if (!summary.ok()) return in_file(path, std::move(summary).error());
  inspection.summary = *std::move(summary);
  inspection.has_float_graph = file.float_graph.has_value();
  return inspection;
}

}  // namespace

base::Result<ModelSummary> summarize(const Architecture& architecture) {
  BLINDPROOF_ASSIGN(const compiler::ProofPlan plan, compiler::lower_proof(architecture));
  return describe(architecture, plan);
}

base::Result<Inspection> inspect(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, kMaxModelBytes));
  BLINDPROOF_ASSIGN(Inspection inspection, is_model_key(bytes) ? inspect_key(path) : inspect_model(path));
  inspection.file_bytes = bytes.size();
  return inspection;
}

}  // namespace blindproof::engine
