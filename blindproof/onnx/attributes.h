// A node's attributes, each read at most by one getter; what no getter asked for is an error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/onnx/proto.h"

namespace blindproof::onnx {

/// Getters return a default if the attribute is missing, and remember if it has the wrong type: finish() says so.
class Attributes {
 public:
  explicit Attributes(const proto::NodeProto& node);

  std::int64_t integer(const std::string& name, std::int64_t fallback);
  float number(const std::string& name, float fallback);
  std::string text(const std::string& name, const std::string& fallback);
  std::optional<std::vector<std::int64_t>> integers(const std::string& name);
  std::optional<std::vector<float>> numbers(const std::string& name);
  /// How many texts a list of them has.
  std::optional<std::size_t> text_count(const std::string& name);
  const proto::TensorProto* tensor(const std::string& name);
  bool has(const std::string& name) const { return by_name_.contains(name); }
  /// For attributes that don't change the result.
  void ignore(const std::string& name);

  /// Errors: kMalformed for duplicates and wrong types, kUnsupported for attributes that nobody asked for.
  base::Status finish(const std::string& place) const;

 private:
  using Type = proto::AttributeProto::AttributeType;
  const proto::AttributeProto* find(const std::string& name, Type type);

  std::map<std::string, const proto::AttributeProto*> by_name_;
  std::map<std::string, bool> used_;
  std::string wrong_;  // the first attribute that is twice there or has another type
};

}  // namespace blindproof::onnx
