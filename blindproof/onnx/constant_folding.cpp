#include "blindproof/onnx/constant_folding.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "blindproof/model/shape.h"

namespace blindproof::onnx {
namespace {

using base::Result;
using Dims = std::vector<std::size_t>;

// Small files must not unfold into large constants: a result has at most as many elements as the inputs, or this many.
constexpr std::size_t kMaxUnfolded = std::size_t{1} << 20;

// The number of elements, or nothing if there are more than `limit`.
std::optional<std::size_t> count_of(const Dims& dims, std::size_t limit) {
  std::size_t count = 1;
  if (std::find(dims.begin(), dims.end(), std::size_t{0}) != dims.end()) return 0;
  for (std::size_t dim : dims) {
    if (dim > limit / count) return std::nullopt;
    count *= dim;
  }
  return count;
}

std::shared_ptr<Constant> copy_with(const Constant& from, Dims dims) {
  auto out = std::make_shared<Constant>(from);
  out->dims = std::move(dims);
  return out;
}

// The constant of the same kind with out[i] = from[index(i)].
template <class Index>
ConstantPointer gathered(const Constant& from, Dims dims, std::size_t count, const Index& index) {
  auto out = std::make_shared<Constant>();
  out->dims = std::move(dims);
  out->is_float = from.is_float;
  if (from.is_float) {
    out->floats.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out->floats.push_back(from.floats[index(i)]);
  } else {
    out->integers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out->integers.push_back(from.integers[index(i)]);
  }
  return out;
}

Result<ConstantPointer> fold_identity(NodeContext& node) { return node.constant(0); }

Result<ConstantPointer> fold_cast(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  const std::int64_t to = node.attributes.integer("to", 0);
  node.attributes.ignore("saturate");
  node.attributes.ignore("round_mode");
  const auto type = static_cast<std::int32_t>(to);
  if (is_float_type(type)) {
    auto out = std::make_shared<Constant>();
    out->dims = x->dims;
    out->floats = x->as_floats();
    return ConstantPointer(std::move(out));
  }
  if (!x->is_float && (type == proto::TensorProto::INT64 || type == proto::TensorProto::INT32)) return x;
  return node.unsupported("a constant is cast to " + data_type_name(type));
}

Result<ConstantPointer> fold_reshape(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  BLINDPROOF_ASSIGN(const auto target, node.integers(1));
  const bool allow_zero = node.attributes.integer("allowzero", 0) != 0;
  if (!target) return node.malformed("the target shape is missing");
  Dims dims;
  std::optional<std::size_t> unknown;
  std::size_t known = 1;
  for (std::size_t i = 0; i < target->size(); ++i) {
    std::int64_t size = (*target)[i];
    if (size == 0 && !allow_zero) {
      if (i >= x->dims.size()) return node.malformed("a 0 in the target shape has no dimension to copy");
      size = static_cast<std::int64_t>(x->dims[i]);
    }
    if (size == -1 && !unknown) {
      unknown = i;
      size = 1;
    }
    if (size < 0 || static_cast<std::size_t>(size) > model::kMaxElements / std::max<std::size_t>(1, known)) {
      return node.malformed("the target shape is not valid");
    }
    known *= static_cast<std::size_t>(size);
    dims.push_back(static_cast<std::size_t>(size));
  }
  if (unknown) {
    if (known == 0 || x->size() % known != 0)
      return node.malformed("the target shape doesn't fit the number of elements");
    dims[*unknown] = x->size() / known;
    known *= dims[*unknown];
  }
  if (known != x->size()) return node.malformed("the target shape doesn't fit the number of elements");
  return ConstantPointer(copy_with(*x, std::move(dims)));
}

// Axes of Squeeze and Unsqueeze: an attribute before operator set 13, an input since. Sorted and not negative.
Result<std::optional<std::vector<std::size_t>>> read_axes(NodeContext& node, std::size_t rank_bound) {
  std::optional<std::vector<std::int64_t>> given;
  if (node.opset() < 13) {
    given = node.attributes.integers("axes");
  } else {
    BLINDPROOF_ASSIGN(given, node.integers(1));
  }
  if (!given) return std::optional<std::vector<std::size_t>>();
  const auto rank = static_cast<std::int64_t>(rank_bound);
  std::vector<std::size_t> axes;
  for (std::int64_t axis : *given) {
    if (axis < -rank || axis >= rank) return node.malformed("an axis is out of range");
    axes.push_back(static_cast<std::size_t>(axis < 0 ? axis + rank : axis));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) return node.malformed("an axis is named twice");
  return std::optional(std::move(axes));
}

Result<ConstantPointer> fold_squeeze(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  BLINDPROOF_ASSIGN(const auto axes, read_axes(node, x->dims.size()));
  Dims dims;
  for (std::size_t i = 0; i < x->dims.size(); ++i) {
    const bool removed = axes ? std::binary_search(axes->begin(), axes->end(), i) : x->dims[i] == 1;
    if (removed && x->dims[i] != 1) return node.malformed("a dimension that isn't 1 is squeezed");
    if (!removed) dims.push_back(x->dims[i]);
  }
  return ConstantPointer(copy_with(*x, std::move(dims)));
}

Result<ConstantPointer> fold_unsqueeze(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  BLINDPROOF_ASSIGN(const auto counted, read_axes(node, std::numeric_limits<std::int32_t>::max()));
  if (!counted || counted->size() > 2 * model::kMaxDimensions)
    return node.malformed("the axes are missing or too many");
  // Negative axes count from the end of the result.
  BLINDPROOF_ASSIGN(const auto axes, read_axes(node, x->dims.size() + counted->size()));
  Dims dims = x->dims;
  for (std::size_t axis : *axes)
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(std::min(axis, dims.size())), 1);
  return ConstantPointer(copy_with(*x, std::move(dims)));
}

Result<ConstantPointer> fold_transpose(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  const std::size_t rank = x->dims.size();
  std::vector<std::size_t> permutation;
  if (const auto given = node.attributes.integers("perm")) {
    std::vector<char> used(rank, 0);
    for (std::int64_t axis : *given) {
      const auto index = static_cast<std::size_t>(axis);
      if (axis < 0 || index >= rank || used[index]) return node.malformed("perm is not a permutation");
      used[index] = 1;
      permutation.push_back(index);
    }
    if (permutation.size() != rank) return node.malformed("perm is not a permutation");
  } else {
    for (std::size_t i = rank; i-- > 0;) permutation.push_back(i);
  }
  Dims in_stride(rank, 1), dims(rank), stride(rank), index(rank, 0);
  for (std::size_t axis = rank; axis-- > 1;) in_stride[axis - 1] = in_stride[axis] * x->dims[axis];
  for (std::size_t axis = 0; axis < rank; ++axis) {
    dims[axis] = x->dims[permutation[axis]];
    stride[axis] = in_stride[permutation[axis]];
  }
  std::size_t next = 0;
  return gathered(*x, dims, x->size(), [&](std::size_t) {
    const std::size_t current = next;
    for (std::size_t axis = rank; axis-- > 0;) {
      next += stride[axis];
      if (++index[axis] < dims[axis]) break;
      next -= stride[axis] * dims[axis];
      index[axis] = 0;
    }
    return current;
  });
}

Result<ConstantPointer> fold_gather(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  BLINDPROOF_ASSIGN(const ConstantPointer indices, node.constant(1));
  if (node.attributes.integer("axis", 0) != 0 || x->dims.size() != 1 || indices->is_float) {
    return node.unsupported("only picking from a list is supported");
  }
  const auto size = static_cast<std::int64_t>(x->dims[0]);
  for (std::int64_t index : indices->integers) {
    if (index < -size || index >= size) return node.malformed("an index is out of range");
  }
  return gathered(*x, indices->dims, indices->size(), [&](std::size_t i) {
    const std::int64_t index = indices->integers[i];
    return static_cast<std::size_t>(index < 0 ? index + size : index);
  });
}

Result<ConstantPointer> fold_concat(NodeContext& node) {
  auto out = std::make_shared<Constant>();
  const std::int64_t axis = node.attributes.integer("axis", 0);
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    BLINDPROOF_ASSIGN(const ConstantPointer part, node.constant(i));
    if (part->dims.size() != 1 || (axis != 0 && axis != -1))
      return node.unsupported("constants are joined as lists only");
    if (i == 0) out->is_float = part->is_float;
    if (part->is_float != out->is_float) return node.malformed("constants of different types are joined");
    if (part->size() > model::kMaxElements - out->size()) return node.unsupported("the constants are too large");
    out->floats.insert(out->floats.end(), part->floats.begin(), part->floats.end());
    out->integers.insert(out->integers.end(), part->integers.begin(), part->integers.end());
  }
  out->dims = {out->size()};
  return ConstantPointer(std::move(out));
}

Result<ConstantPointer> fold_slice(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer x, node.constant(0));
  std::optional<std::vector<std::int64_t>> starts, ends, axes, steps;
  if (node.opset() < 10) {
    starts = node.attributes.integers("starts");
    ends = node.attributes.integers("ends");
    axes = node.attributes.integers("axes");
  } else {
    BLINDPROOF_ASSIGN(starts, node.integers(1));
    BLINDPROOF_ASSIGN(ends, node.integers(2));
    BLINDPROOF_ASSIGN(axes, node.integers(3));
    BLINDPROOF_ASSIGN(steps, node.integers(4));
  }
  const auto is_one = [](const auto& list, std::int64_t wanted) {
    return !list || (list->size() == 1 && list->front() == wanted);
  };
  if (x->dims.size() != 1 || !starts || starts->size() != 1 || !ends || ends->size() != 1 || !is_one(steps, 1) ||
      !(is_one(axes, 0) || is_one(axes, -1))) {
    return node.unsupported("only a range of a list, with step 1, is supported");
  }
  const auto size = static_cast<std::int64_t>(x->dims[0]);
  const auto position = [&](std::int64_t at) {
    // Ends as large as 2^63-1 mean "all".
    return std::clamp<std::int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
  };
  const std::int64_t begin = position(starts->front()), end = std::max(begin, position(ends->front()));
  const auto count = static_cast<std::size_t>(end - begin);
  return gathered(*x, {count}, count, [&](std::size_t i) { return static_cast<std::size_t>(begin) + i; });
}

Result<ConstantPointer> fold_constant_of_shape(NodeContext& node) {
  BLINDPROOF_ASSIGN(const auto target, node.integers(0));
  if (!target) return node.malformed("the shape is missing");
  Constant value;
  value.floats = {0};
  if (const proto::TensorProto* tensor = node.attributes.tensor("value")) {
    BLINDPROOF_ASSIGN(const ConstantPointer given, node.decoder().decode(*tensor, node.place()));
    if (given->size() != 1) return node.malformed("the value must be a single number");
    value = *given;
  }
  Dims dims;
  for (std::int64_t dim : *target) {
    if (dim < 0) return node.malformed("a dimension is negative");
    dims.push_back(static_cast<std::size_t>(dim));
  }
  const auto count = count_of(dims, kMaxUnfolded);
  if (!count) return node.unsupported("the constant is too large");
  return gathered(value, dims, *count, [](std::size_t) { return std::size_t{0}; });
}

enum class Arithmetic { kAdd, kSubtract, kMultiply, kDivide };

float apply(Arithmetic operation, float a, float b) {
  switch (operation) {
    case Arithmetic::kAdd:
      return a + b;
    case Arithmetic::kSubtract:
      return a - b;
    case Arithmetic::kMultiply:
      return a * b;
    case Arithmetic::kDivide:
      return a / b;
  }
  return 0;
}

// Nothing on overflow and division by zero.
std::optional<std::int64_t> apply(Arithmetic operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (operation) {
    case Arithmetic::kAdd:
      return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Arithmetic::kSubtract:
      return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Arithmetic::kMultiply:
      return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Arithmetic::kDivide:
      if (b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min())) return std::nullopt;
      return a / b;
  }
  return std::nullopt;
}

template <Arithmetic operation>
Result<ConstantPointer> fold_arithmetic(NodeContext& node) {
  BLINDPROOF_ASSIGN(const ConstantPointer a, node.constant(0));
  BLINDPROOF_ASSIGN(const ConstantPointer b, node.constant(1));
  if (a->is_float != b->is_float) return node.malformed("the constants have different types");
  // NumPy broadcasting.
  const std::size_t rank = std::max(a->dims.size(), b->dims.size());
  const auto dim = [&](const Constant& x, std::size_t axis) {
    const std::size_t missing = rank - x.dims.size();
    return axis < missing ? std::size_t{1} : x.dims[axis - missing];
  };
  Dims dims(rank), a_stride(rank, 0), b_stride(rank, 0);
  std::size_t a_step = 1, b_step = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    const std::size_t a_dim = dim(*a, axis), b_dim = dim(*b, axis);
    if (a_dim != b_dim && a_dim != 1 && b_dim != 1) return node.malformed("the constants' shapes don't fit each other");
    dims[axis] = a_dim == 1 ? b_dim : a_dim;
    a_stride[axis] = a_dim == 1 ? 0 : a_step;
    b_stride[axis] = b_dim == 1 ? 0 : b_step;
    a_step *= a_dim;
    b_step *= b_dim;
  }
  const auto count = count_of(dims, std::max({a->size(), b->size(), kMaxUnfolded}));
  if (!count) return node.unsupported("the constant is too large");
  auto out = std::make_shared<Constant>();
  out->dims = dims;
  out->is_float = a->is_float;
  Dims index(rank, 0);
  std::size_t at_a = 0, at_b = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    if (a->is_float) {
      out->floats.push_back(apply(operation, a->floats[at_a], b->floats[at_b]));
    } else {
      const auto value = apply(operation, a->integers[at_a], b->integers[at_b]);
      if (!value) return node.malformed("integers overflow, or are divided by 0");
      out->integers.push_back(*value);
    }
    for (std::size_t axis = rank; axis-- > 0;) {
      at_a += a_stride[axis];
      at_b += b_stride[axis];
      if (++index[axis] < dims[axis]) break;
      at_a -= a_stride[axis] * dims[axis];
      at_b -= b_stride[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return ConstantPointer(std::move(out));
}

struct Folder {
  std::string_view name;
  Result<ConstantPointer> (*fold)(NodeContext&);
};

constexpr Folder kFolders[] = {
    {"Add", fold_arithmetic<Arithmetic::kAdd>},
    {"Cast", fold_cast},
    {"Concat", fold_concat},
    {"ConstantOfShape", fold_constant_of_shape},
    {"Div", fold_arithmetic<Arithmetic::kDivide>},
    {"Gather", fold_gather},
    {"Identity", fold_identity},
    {"Mul", fold_arithmetic<Arithmetic::kMultiply>},
    {"Reshape", fold_reshape},
    {"Slice", fold_slice},
    {"Squeeze", fold_squeeze},
    {"Sub", fold_arithmetic<Arithmetic::kSubtract>},
    {"Transpose", fold_transpose},
    {"Unsqueeze", fold_unsqueeze},
};

const Folder* find_folder(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kFolders), std::end(kFolders), [&](const Folder& f) { return f.name == name; });
  return found == std::end(kFolders) ? nullptr : found;
}

}  // namespace

bool can_fold(std::string_view name) { return find_folder(name) != nullptr; }

Result<ConstantPointer> fold_constants(std::string_view name, NodeContext& node) {
  return find_folder(name)->fold(node);
}

}  // namespace blindproof::onnx
