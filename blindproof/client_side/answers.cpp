#include "blindproof/client_side/answers.h"

#include <algorithm>

namespace blindproof::client_side {

std::optional<std::size_t> top_class(const model::Shape& shape, const std::vector<model::Int128>& values) {
  const bool one_row = !shape.empty() && shape.back() == values.size() && values.size() > 1;
  if (!one_row) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

model::Shape real_output_shape(const model::Architecture& architecture) {
  model::Shape shape = architecture.shapes[architecture.output];
  if (architecture.finish == model::Finish::kArgMax && !shape.empty()) shape.pop_back();
  return shape;
}

base::Status check_context(const base::Bytes& proven, const std::optional<base::Bytes>& expected) {
  if (proven == expected.value_or(base::Bytes{})) return {};
  return base::error(base::ErrorCode::kRejected, "statement.context",
                     !expected ? "the proof was made for a context; give the one you expect (--context)"
                               : proven.empty() ? "the proof was made for no context" : "the proof was made for another context");
}

}  // namespace blindproof::client_side
