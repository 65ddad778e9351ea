#include "blindproof/onnx/attributes.h"

#include "blindproof/onnx/graph_builder.h"

namespace blindproof::onnx {

using base::ErrorCode;
using proto::AttributeProto;

Attributes::Attributes(const proto::NodeProto& node) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (!by_name_.emplace(attribute.name(), &attribute).second || !attribute.ref_attr_name().empty())
      wrong_ = attribute.name();
  }
}

const AttributeProto* Attributes::find(const std::string& name, Type type) {
  used_[name] = true;
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  if (found->second->type() != type) {
    wrong_ = name;
    return nullptr;
  }
  return found->second;
}

std::int64_t Attributes::integer(const std::string& name, std::int64_t fallback) {
  const AttributeProto* attribute = find(name, AttributeProto::INT);
  return attribute == nullptr ? fallback : attribute->i();
}

float Attributes::number(const std::string& name, float fallback) {
  const AttributeProto* attribute = find(name, AttributeProto::FLOAT);
  return attribute == nullptr ? fallback : attribute->f();
}

std::string Attributes::text(const std::string& name, const std::string& fallback) {
  const AttributeProto* attribute = find(name, AttributeProto::STRING);
  return attribute == nullptr ? fallback : attribute->s();
}

std::optional<std::vector<std::int64_t>> Attributes::integers(const std::string& name) {
  const AttributeProto* attribute = find(name, AttributeProto::INTS);
  if (attribute == nullptr) return std::nullopt;
  return std::vector<std::int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<std::vector<float>> Attributes::numbers(const std::string& name) {
  const AttributeProto* attribute = find(name, AttributeProto::FLOATS);
  if (attribute == nullptr) return std::nullopt;
  return std::vector<float>(attribute->floats().begin(), attribute->floats().end());
}

std::optional<std::size_t> Attributes::text_count(const std::string& name) {
  const AttributeProto* attribute = find(name, AttributeProto::STRINGS);
  if (attribute == nullptr) return std::nullopt;
  return static_cast<std::size_t>(attribute->strings_size());
}

const proto::TensorProto* Attributes::tensor(const std::string& name) {
  const AttributeProto* attribute = find(name, AttributeProto::TENSOR);
  return attribute == nullptr ? nullptr : &attribute->t();
}

void Attributes::ignore(const std::string& name) { used_[name] = true; }

base::Status Attributes::finish(const std::string& place) const {
  if (!wrong_.empty()) {
    return base::error(ErrorCode::kMalformed, place,
                       "attribute '" + printable(wrong_) + "' is there twice or has the wrong type");
  }
  for (const auto& [name, attribute] : by_name_) {
    if (!used_.contains(name)) {
      return base::error(ErrorCode::kUnsupported, place, "attribute '" + printable(name) + "' is not understood");
    }
  }
  return {};
}

}  // namespace blindproof::onnx
