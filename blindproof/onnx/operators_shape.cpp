#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "blindproof/onnx/operators.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using model::Shape;
namespace op = model::float_op;

// The dimensions in the file. An open batch is one sample.
std::vector<std::size_t> file_dims(NodeContext& node, Computed x) {
  std::vector<std::size_t> dims;
  if (node.graph().batch_rank() == 1) dims.push_back(node.graph().batch_size().value_or(1));
  dims.insert(dims.end(), node.shape(x).begin(), node.shape(x).end());
  return dims;
}

ConstantPointer list_of(std::vector<std::int64_t> values) {
  auto out = std::make_shared<Constant>();
  out->dims = {values.size()};
  out->is_float = false;
  out->integers = std::move(values);
  return out;
}

std::size_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  std::size_t out = 1;
  for (; begin != end; ++begin) out *= *begin;
  return out;
}

// Axes of Squeeze and Unsqueeze: an attribute before operator set 13, an input since.
Result<std::optional<std::vector<std::int64_t>>> read_axes(NodeContext& node) {
  if (node.opset() < 13) return node.attributes.integers("axes");
  return node.integers(1);
}

}  // namespace

Result<Value> import_constant(NodeContext& node) {
  if (const proto::TensorProto* tensor = node.attributes.tensor("value")) {
    BLINDPROOF_ASSIGN(ConstantPointer constant, node.decoder().decode(*tensor, node.place()));
    return Value(std::move(constant));
  }
  auto out = std::make_shared<Constant>();
  if (node.attributes.has("value_float")) {
    out->floats = {node.attributes.number("value_float", 0)};
  } else if (auto floats = node.attributes.numbers("value_floats")) {
    out->floats = *std::move(floats);
    out->dims = {out->floats.size()};
  } else if (node.attributes.has("value_int")) {
    out->is_float = false;
    out->integers = {node.attributes.integer("value_int", 0)};
  } else if (auto integers = node.attributes.integers("value_ints")) {
    return Value(list_of(*std::move(integers)));
  } else {
    return node.unsupported("only constants of numbers are supported");
  }
  return Value(ConstantPointer(std::move(out)));
}

Result<Value> import_identity(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  return Value(x);
}

Result<Value> import_dropout(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  node.attributes.ignore("ratio");
  node.attributes.ignore("seed");
  BLINDPROOF_ASSIGN(const float training, node.scalar(2, 0));
  if (training != 0) return node.unsupported("the model is in training mode; export it for inference");
  return Value(x);
}

Result<Value> import_cast(NodeContext& node) {
  BLINDPROOF_ASSIGN(Computed x, node.computed(0, true));
  node.attributes.ignore("saturate");
  node.attributes.ignore("round_mode");
  const auto to = static_cast<std::int32_t>(node.attributes.integer("to", 0));
  if (is_float_type(to)) {
    x.integer = false;
    return Value(x);
  }
  if (x.integer && (to == proto::TensorProto::INT32 || to == proto::TensorProto::INT64)) return Value(x);
  return node.unsupported("a computed tensor is cast to " + data_type_name(to));
}

Result<Value> import_shape(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  const std::vector<std::size_t> dims = file_dims(node, x);
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto position = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? std::max(at, -rank) + rank : at, 0, rank);
  };
  const std::int64_t begin = position(node.attributes.integer("start", 0)),
                     end = position(node.attributes.integer("end", rank));
  std::vector<std::int64_t> values;
  for (std::int64_t i = begin; i < end; ++i)
    values.push_back(static_cast<std::int64_t>(dims[static_cast<std::size_t>(i)]));
  return Value(list_of(std::move(values)));
}

Result<Value> import_flatten(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  const auto rank = static_cast<std::int64_t>(node.rank(x));
  const std::int64_t given = node.attributes.integer("axis", 1);
  if (given < -rank || given > rank) return node.malformed("the axis is out of range");
  const auto axis = static_cast<std::size_t>(given < 0 ? given + rank : given);
  const Shape shape = node.shape(x);
  const std::size_t batch_rank = node.graph().batch_rank();
  if (axis < batch_rank) return node.unsupported("axis 0 would mix samples");
  const auto cut = shape.begin() + static_cast<std::ptrdiff_t>(axis - batch_rank);
  const std::size_t before = product(shape.begin(), cut), after = product(cut, shape.end());
  if (batch_rank == 0) return Value(node.reshape(x, {before, after}));
  if (before != 1)
    return node.unsupported("axis " + std::to_string(given) + " of " + node.file_shape(x) +
                            " would mix samples with their parts");
  return Value(node.reshape(x, {after}));
}

Result<Value> import_reshape(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  BLINDPROOF_ASSIGN(const auto given, node.integers(1));
  if (!given) return node.malformed("the target shape is missing");
  std::vector<std::int64_t> target = *given;
  if (target.size() > model::kMaxDimensions + 1) return node.unsupported("the target shape has too many dimensions");
  const std::string target_text = [&] {
    std::string text = "[";
    for (std::size_t i = 0; i < target.size(); ++i) {
      if (i != 0) text += ',';
      text += std::to_string(target[i]);
    }
    text += ']';
    return text;
  }();
  const std::vector<std::size_t> dims = file_dims(node, x);
  const bool allow_zero = node.attributes.integer("allowzero", 0) != 0;
  const std::size_t batch_rank = node.graph().batch_rank();
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] < -1 || (target[i] == 0 && (allow_zero || i >= dims.size()))) {
      return node.malformed("the target shape " + target_text + " is not valid");
    }
    if (target[i] == 0) target[i] = static_cast<std::int64_t>(dims[i]);
  }
  if (batch_rank == 1) {
    const bool stays = !target.empty() && (target[0] == -1 || target[0] == static_cast<std::int64_t>(dims[0]));
    if (!stays)
      return node.unsupported("the target shape " + target_text + " doesn't keep the batch dimension in front");
    if (target[0] == -1 && std::count(target.begin(), target.end(), -1) > 1) {
      return node.malformed("the target shape " + target_text + " is not valid");
    }
  }
  Shape shape;
  std::size_t known = 1;
  std::optional<std::size_t> unknown;
  const std::size_t elements = model::element_count(node.shape(x));
  const auto misfit = [&] {
    return node.unsupported("the target shape " + target_text + " doesn't fit the elements of one sample of " +
                            node.file_shape(x));
  };
  for (std::size_t i = batch_rank; i < target.size(); ++i) {
    if (target[i] == -1) {
      if (unknown) return node.malformed("the target shape " + target_text + " is not valid");
      unknown = shape.size();
      shape.push_back(1);
      continue;
    }
    const auto size = static_cast<std::size_t>(target[i]);
    if (size > elements / known) return misfit();
    known *= size;
    shape.push_back(size);
  }
  if (known == 0 || elements % known != 0) return misfit();
  if (unknown) shape[*unknown] = elements / known;
  if (!unknown && known != elements) return misfit();
  return Value(node.reshape(x, std::move(shape)));
}

Result<Value> import_squeeze(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  BLINDPROOF_ASSIGN(const auto axes, read_axes(node));
  if (!axes) return node.unsupported("without axes it might remove the batch dimension; name the axes");
  const Shape shape = node.shape(x);
  std::vector<char> removed(shape.size(), 0);
  for (std::int64_t given : *axes) {
    BLINDPROOF_ASSIGN(const std::size_t axis, node.sample_axis(given, node.rank(x)));
    if (shape[axis] != 1)
      return node.malformed("axis " + std::to_string(given) + " of " + node.file_shape(x) + " is not 1");
    removed[axis] = 1;
  }
  Shape out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!removed[i]) out.push_back(shape[i]);
  }
  return Value(node.reshape(x, std::move(out)));
}

Result<Value> import_unsqueeze(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0, true));
  BLINDPROOF_ASSIGN(const auto given, read_axes(node));
  if (!given || given->size() > model::kMaxDimensions) return node.malformed("the axes are missing or too many");
  const std::size_t rank = node.rank(x) + given->size();
  std::vector<std::size_t> axes;
  for (std::int64_t one : *given) {
    BLINDPROOF_ASSIGN(const std::size_t axis, node.sample_axis(one, rank));
    axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) return node.malformed("an axis is named twice");
  Shape out = node.shape(x);
  for (std::size_t axis : axes) out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return Value(node.reshape(x, std::move(out)));
}

Result<Value> import_transpose(NodeContext& node) {
  BLINDPROOF_ASSIGN(const Computed x, node.computed(0));
  const std::size_t rank = node.rank(x), batch_rank = node.graph().batch_rank();
  std::vector<std::int64_t> permutation;
  if (const auto given = node.attributes.integers("perm")) {
    permutation = *given;
  } else {
    for (std::size_t i = rank; i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  }
  std::vector<std::int64_t> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  bool valid = sorted.size() == rank;
  for (std::size_t i = 0; valid && i < rank; ++i) valid = sorted[i] == static_cast<std::int64_t>(i);
  if (!valid) return node.malformed("perm is not a permutation of the axes of " + node.file_shape(x));
  if (batch_rank == 1 && permutation[0] != 0) return node.unsupported("the batch dimension must stay in front");
  const Shape shape = node.shape(x);
  op::Transpose transpose;
  Shape out;
  for (std::size_t i = batch_rank; i < rank; ++i) {
    transpose.permutation.push_back(static_cast<std::size_t>(permutation[i]) - batch_rank);
    out.push_back(shape[transpose.permutation.back()]);
  }
  if (std::is_sorted(transpose.permutation.begin(), transpose.permutation.end())) return Value(x);
  return Value(node.append(std::move(transpose), x, std::move(out)));
}

}  // namespace blindproof::onnx
