#include <string>

#include "blindproof/model/integer_graph.h"
#include "blindproof/model/overloaded.h"

// The layout is specified in docs/spec/model-file.md.
namespace blindproof::model {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::ErrorCode;

constexpr std::uint16_t kVersion = 1;

enum class Tag : std::uint8_t {
  kDense = 0,
  kConv2d = 1,
  kSumPool2d = 2,
  kMaxPool2d = 3,
  kAdd = 4,
  kMultiply = 5,
  kRequantize = 6,
  kReshape = 7,
  kTranspose = 8,
};
constexpr std::uint8_t kClampTag = 0, kTableTag = 1;

class Writer {
 public:
  base::Bytes write(const Architecture& a) && {
    out_.u16(kVersion);
    out_.u8(static_cast<std::uint8_t>(a.arithmetic));
    out_.u8(static_cast<std::uint8_t>(a.finish));
    out_.u32(a.input);
    out_.u32(a.output);
    out_.i64(a.input_min);
    out_.i64(a.input_max);
    out_.f64(a.input_scale);
    out_.f64(a.output_scale);
    out_.u64(a.shapes.size());
    for (const Shape& shape : a.shapes) sizes(shape);
    out_.u64(a.parameters.size());
    for (const ParameterInfo& info : a.parameters) {
      out_.u8(static_cast<std::uint8_t>(info.role));
      out_.u8(static_cast<std::uint8_t>(info.bits));
      sizes(info.shape);
    }
    out_.u64(a.tables.size());
    for (const Table& table : a.tables) {
      out_.i64(table.first);
      out_.u64(table.values.size());
      for (std::int32_t value : table.values) out_.u32(static_cast<std::uint32_t>(value));
    }
    out_.u64(a.nodes.size());
    for (const IntegerNode& each : a.nodes) {
      std::visit([&](const auto& op) { node(op); }, each.op);
      for (TensorId id : each.inputs) out_.u32(id);
      out_.u32(each.output);
    }
    return std::move(out_).take();
  }

 private:
  void tag(Tag value) { out_.u8(static_cast<std::uint8_t>(value)); }
  void sizes(const std::vector<std::size_t>& values) {
    out_.u8(static_cast<std::uint8_t>(values.size()));
    for (std::size_t value : values) out_.u32(static_cast<std::uint32_t>(value));
  }
  void optional(const std::optional<ParameterId>& id) {
    out_.u8(id ? 1 : 0);
    if (id) out_.u32(*id);
  }
  void window(const Window2d& w) {
    for (const auto& pair : {w.kernel, w.stride, w.dilation, w.pad_begin, w.pad_end}) {
      out_.u32(static_cast<std::uint32_t>(pair[0]));
      out_.u32(static_cast<std::uint32_t>(pair[1]));
    }
  }

  void node(const integer_op::Dense& op) {
    tag(Tag::kDense);
    out_.u32(op.weight);
    optional(op.bias);
  }
  void node(const integer_op::Conv2d& op) {
    tag(Tag::kConv2d);
    out_.u32(op.weight);
    optional(op.bias);
    window(op.window);
    out_.u32(static_cast<std::uint32_t>(op.groups));
  }
  void node(const integer_op::SumPool2d& op) {
    tag(Tag::kSumPool2d);
    window(op.window);
  }
  void node(const integer_op::MaxPool2d& op) {
    tag(Tag::kMaxPool2d);
    window(op.window);
  }
  void node(const integer_op::Add& op) {
    tag(Tag::kAdd);
    for (std::int64_t factor : op.factor) out_.i64(factor);
  }
  void node(const integer_op::Multiply&) { tag(Tag::kMultiply); }
  void node(const integer_op::Requantize& op) {
    tag(Tag::kRequantize);
    optional(op.multiplier);
    out_.u32(op.channel_axis);
    out_.i64(op.factor);
    out_.u32(op.shift);
    std::visit(Overloaded{[&](const integer_op::Requantize::Clamp& clamp) {
                            out_.u8(kClampTag);
                            out_.i64(clamp.low);
                            out_.i64(clamp.high);
                          },
                          [&](TableId id) {
                            out_.u8(kTableTag);
                            out_.u32(id);
                          }},
               op.activation);
    out_.i64(op.hi_min);
    out_.i64(op.hi_max);
  }
  void node(const integer_op::Reshape&) { tag(Tag::kReshape); }
  void node(const integer_op::Transpose& op) {
    tag(Tag::kTranspose);
    sizes(op.permutation);
  }

  ByteWriter out_;
};

// Reads what Writer writes; meaning is left to validate().
class Reader {
 public:
  explicit Reader(base::ByteSpan bytes) : in_(bytes, "architecture") {}

  base::Result<Architecture> parse() && {
    Architecture a;
    if (const std::uint16_t version = in_.u16(); in_.ok() && version != kVersion) {
      in_.fail(
          "version " + std::to_string(version) + " is unknown; this program reads version " + std::to_string(kVersion),
          ErrorCode::kUnsupported);
    }
    a.arithmetic = static_cast<Arithmetic>(in_.u8());
    a.finish = static_cast<Finish>(in_.u8());
    a.input = in_.u32();
    a.output = in_.u32();
    a.input_min = in_.i64();
    a.input_max = in_.i64();
    a.input_scale = in_.f64();
    a.output_scale = in_.f64();
    list(kMaxTensors, 1, a.shapes, [&] { return sizes(); });
    list(kMaxTensors, 2, a.parameters, [&] {
      const auto role = static_cast<ParameterRole>(in_.u8());
      const int bits = in_.u8();
      return ParameterInfo{role, sizes(), bits};
    });
    list(kMaxTables, 16, a.tables, [&] {
      Table table{in_.i64(), {}};
      list(kMaxTableSize, 4, table.values, [&] { return static_cast<std::int32_t>(in_.u32()); });
      return table;
    });
    list(kMaxTensors, 9, a.nodes, [&] { return node(); });
    BLINDPROOF_TRY(in_.finish());
    BLINDPROOF_TRY(validate(a));
    return a;
  }

 private:
  template <class T, class ReadOne>
  void list(std::size_t max_count, std::size_t least_size, std::vector<T>& out, ReadOne read_one) {
    const std::size_t count = in_.count(max_count, least_size);
    out.reserve(count);
    for (std::size_t i = 0; i < count && in_.ok(); ++i) out.push_back(read_one());
  }

  std::vector<std::size_t> sizes() {
    const std::size_t count = in_.u8();
    if (count > kMaxDimensions) {
      in_.fail(std::to_string(count) + " dimensions, more than " + std::to_string(kMaxDimensions), ErrorCode::kLimit);
      return {};
    }
    std::vector<std::size_t> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(in_.u32());
    return values;
  }

  std::optional<ParameterId> optional() {
    const std::uint8_t present = in_.u8();
    if (present > 1) in_.fail("a flag that is neither 0 nor 1");
    if (present == 1) return in_.u32();
    return std::nullopt;
  }

  Window2d window() {
    Window2d w;
    for (auto* pair : {&w.kernel, &w.stride, &w.dilation, &w.pad_begin, &w.pad_end}) {
      (*pair)[0] = in_.u32();
      (*pair)[1] = in_.u32();
    }
    return w;
  }

  // Fields in the order of the file: function arguments would be evaluated in any order.
  IntegerOp op(Tag tag) {
    switch (tag) {
      case Tag::kDense: {
        integer_op::Dense op{};
        op.weight = in_.u32();
        op.bias = optional();
        return op;
      }
      case Tag::kConv2d: {
        integer_op::Conv2d op{};
        op.weight = in_.u32();
        op.bias = optional();
        op.window = window();
        op.groups = in_.u32();
        return op;
      }
      case Tag::kSumPool2d:
        return integer_op::SumPool2d{window()};
      case Tag::kMaxPool2d:
        return integer_op::MaxPool2d{window()};
      case Tag::kAdd: {
        integer_op::Add op{};
        for (std::int64_t& factor : op.factor) factor = in_.i64();
        return op;
      }
      case Tag::kMultiply:
        return integer_op::Multiply{};
      case Tag::kRequantize:
        return requantize();
      case Tag::kReshape:
        return integer_op::Reshape{};
      case Tag::kTranspose:
        return integer_op::Transpose{sizes()};
    }
    in_.fail("an unknown operator " + std::to_string(static_cast<int>(tag)));
    return integer_op::Reshape{};
  }

  integer_op::Requantize requantize() {
    integer_op::Requantize op{};
    op.multiplier = optional();
    op.channel_axis = in_.u32();
    op.factor = in_.i64();
    op.shift = in_.u32();
    const std::uint8_t kind = in_.u8();
    if (kind == kClampTag) {
      integer_op::Requantize::Clamp clamp{};
      clamp.low = in_.i64();
      clamp.high = in_.i64();
      op.activation = clamp;
    } else if (kind == kTableTag) {
      op.activation = TableId{in_.u32()};
    } else {
      in_.fail("an unknown kind of activation");
    }
    op.hi_min = in_.i64();
    op.hi_max = in_.i64();
    return op;
  }

  IntegerNode node() {
    const Tag tag = static_cast<Tag>(in_.u8());
    IntegerNode node{op(tag), {}, 0};
    const std::size_t inputs = tag == Tag::kAdd || tag == Tag::kMultiply ? 2 : 1;
    for (std::size_t i = 0; i < inputs; ++i) node.inputs.push_back(in_.u32());
    node.output = in_.u32();
    return node;
  }

  ByteReader in_;
};

}  // namespace

base::Bytes write_architecture(const Architecture& architecture) { return Writer().write(architecture); }

base::Result<Architecture> parse_architecture(base::ByteSpan bytes) { return Reader(bytes).parse(); }

}  // namespace blindproof::model
