// Layout: version, tensors (rank and dimensions each), input, output, nodes (kind, input ids, output id, name, fields
// of the operator). Kinds are the operator's position in FloatOp, so new operators go to the end of that list.
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

#include "blindproof/base/bytes.h"
#include "blindproof/model/float_graph.h"

namespace blindproof::model {
namespace {

using base::ByteReader;
using base::ByteSpan;
using base::ByteWriter;

constexpr std::uint32_t kVersion = 1;

// One description of the fields serves both directions.
class Writer {
 public:
  void size(const std::size_t& value) { out_.u64(value); }
  void scalar(const float& value) { out_.u32(std::bit_cast<std::uint32_t>(value == 0 ? 0.0f : value)); }
  void flag(const bool& value) { out_.u8(value ? 1 : 0); }
  void floats(const std::vector<float>& values) {
    out_.u64(values.size());
    for (float value : values) scalar(value);
  }
  void sizes(const std::vector<std::size_t>& values) {
    out_.u64(values.size());
    for (std::size_t value : values) out_.u64(value);
  }
  ByteWriter& out() { return out_; }

 private:
  ByteWriter out_;
};

class Reader {
 public:
  explicit Reader(ByteReader& in) : in_(in) {}
  void size(std::size_t& value) { value = static_cast<std::size_t>(in_.u64()); }
  void scalar(float& value) {
    const std::uint32_t bits = in_.u32();
    if (bits == 0x80000000u) in_.fail("a negative zero");
    value = std::bit_cast<float>(bits);
    if (std::isnan(value)) in_.fail("a parameter is not a number");
  }
  void flag(bool& value) {
    const std::uint8_t byte = in_.u8();
    if (byte > 1) in_.fail("a flag that is neither 0 nor 1");
    value = byte == 1;
  }
  void floats(std::vector<float>& values) {
    values.resize(in_.count(kMaxElements, 4));
    for (float& value : values) scalar(value);
  }
  void sizes(std::vector<std::size_t>& values) {
    values.resize(in_.count(kMaxDimensions, 8));
    for (std::size_t& value : values) size(value);
  }

 private:
  ByteReader& in_;
};

template <class Coder, class Window>
void window_fields(Coder& coder, Window& window) {
  for (auto* pair : {&window.kernel, &window.stride, &window.dilation, &window.pad_begin, &window.pad_end}) {
    coder.size((*pair)[0]);
    coder.size((*pair)[1]);
  }
}

template <class Coder, class Op>
void fields(Coder& coder, Op& op) {
  using T = std::remove_const_t<Op>;
  if constexpr (std::is_same_v<T, float_op::Dense>) {
    coder.size(op.outputs);
    coder.size(op.inputs);
    coder.floats(op.weight);
    coder.floats(op.bias);
  } else if constexpr (std::is_same_v<T, float_op::Conv2d>) {
    coder.size(op.outputs);
    coder.size(op.inputs);
    coder.size(op.groups);
    window_fields(coder, op.window);
    coder.floats(op.weight);
    coder.floats(op.bias);
  } else if constexpr (std::is_same_v<T, float_op::ScaleShift>) {
    coder.size(op.axis);
    coder.floats(op.scale);
    coder.floats(op.shift);
  } else if constexpr (std::is_same_v<T, float_op::Clip>) {
    coder.scalar(op.low);
    coder.scalar(op.high);
  } else if constexpr (std::is_same_v<T, float_op::MaxPool2d>) {
    window_fields(coder, op.window);
  } else if constexpr (std::is_same_v<T, float_op::AveragePool2d>) {
    window_fields(coder, op.window);
    coder.flag(op.count_padding);
  } else if constexpr (std::is_same_v<T, float_op::Transpose>) {
    coder.sizes(op.permutation);
  } else {
    static_assert(std::is_empty_v<T>, "an operator with fields that are not written");
  }
}

template <std::size_t... Kinds>
FloatOp make_op(std::size_t kind, std::index_sequence<Kinds...>) {
  FloatOp op = float_op::Relu{};
  (void)((kind == Kinds && (op.emplace<Kinds>(), true)) || ...);
  return op;
}

constexpr std::size_t kKinds = std::variant_size_v<FloatOp>;

}  // namespace

std::vector<std::uint8_t> write_float_graph(const FloatGraph& graph) {
  Writer writer;
  ByteWriter& out = writer.out();
  out.u32(kVersion);
  out.u64(graph.shapes.size());
  for (const Shape& shape : graph.shapes) writer.sizes(shape);
  out.u32(graph.input);
  out.u32(graph.output);
  out.u64(graph.nodes.size());
  for (const FloatNode& node : graph.nodes) {
    out.u8(static_cast<std::uint8_t>(node.op.index()));
    out.u8(static_cast<std::uint8_t>(node.inputs.size()));
    for (TensorId id : node.inputs) out.u32(id);
    out.u32(node.output);
    out.text(node.name);
    std::visit([&](const auto& op) { fields(writer, op); }, node.op);
  }
  return std::move(out).take();
}

base::Result<FloatGraph> parse_float_graph(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes, "float graph");
  Reader reader(in);
  FloatGraph graph;
  if (in.u32() != kVersion) in.fail("an unknown version of the float graph's encoding", base::ErrorCode::kUnsupported);
  graph.shapes.resize(in.count(kMaxTensors, 8));
  for (Shape& shape : graph.shapes) reader.sizes(shape);
  graph.input = in.u32();
  graph.output = in.u32();
  graph.nodes.resize(in.count(kMaxTensors, 14));
  for (FloatNode& node : graph.nodes) {
    const std::uint8_t kind = in.u8();
    if (kind >= kKinds) in.fail("an unknown operator");
    const std::uint8_t inputs = in.u8();
    if (inputs > 2) in.fail("a node with more than two inputs");
    if (!in.ok()) break;
    node.op = make_op(kind, std::make_index_sequence<kKinds>());
    node.inputs.resize(inputs);
    for (TensorId& id : node.inputs) id = in.u32();
    node.output = in.u32();
    node.name = in.text(kMaxNameSize);
    std::visit([&](auto& op) { fields(reader, op); }, node.op);
  }
  BLINDPROOF_TRY(in.finish());
  BLINDPROOF_TRY(validate(graph));
  return graph;
}

}  // namespace blindproof::model
