// A model key from anywhere: parse it, check its registration, and run the inference verifier on its architecture.
#include <algorithm>
#include <memory>

#include "blindproof/zkml/inference.h"
#include "expect.h"

using namespace blindproof;

namespace {

// Larger ones cost a verifier what they cost everybody: time in proportion.
bool is_small(const zkml::ModelKey& key) {
  std::size_t work = key.plan.lookups + 1000 * key.tensors.size();
  for (const auto& tensor : key.tensors) work += 100 * tensor.rows.size();
  for (const auto& tensor : key.plan.tensors) work += std::size_t{1} << tensor.layout.bits();
  for (const auto& table : key.plan.tables) work += table.size;
  for (const auto& node : key.architecture.nodes) {
    if (const auto* pool = std::get_if<model::integer_op::MaxPool2d>(&node.op)) work += 1000 * pool->window.kernel[0] * pool->window.kernel[1];
    if (const auto* conv = std::get_if<model::integer_op::Conv2d>(&node.op)) work += 100 * conv->window.kernel[0] * conv->window.kernel[1];
  }
  return work < 200000;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parsed = zkml::parse_model_key({data, size});
  if (!parsed.ok()) return 0;
  const auto bytes = zkml::write_model_key(*parsed);
  FUZZ_EXPECT(std::equal(bytes.begin(), bytes.end(), data, data + size));
  if (!is_small(*parsed)) return 0;
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(*parsed));
  (void)zkml::RegisteredModel::check(key);
  zkml::Statement statement;
  statement.model = key->id;
  statement.input.values.assign(key->plan.tensors[key->architecture.input].layout.cells(), key->architecture.input_min);
  statement.output.values.assign(key->plan.tensors[key->architecture.output].layout.cells(), 0);
  for (const bool hidden : {false, true}) {
    if (hidden) {
      statement.input.hidden = true;
      statement.input.rows.resize(key->plan.tensors[key->architecture.input].layout.rows());
    }
    proof::zk::VerifierContext context(commit::Generators::standard(), zkml::kInferenceProtocol, key->registration);
    FUZZ_EXPECT(zkml::run_inference(context, *key, statement, nullptr).ok());
    FUZZ_EXPECT(!context.finish().ok());
  }
  return 0;
}
