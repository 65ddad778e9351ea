// An inference proof from anywhere, against one small model.
#include <algorithm>
#include <memory>

#include "blindproof/zkml/prove.h"
#include "expect.h"

using namespace blindproof;

namespace {

// out = clamp(round((w x) / 2)), x of two cells in [0, 3].
const zkml::RegisteredModel& small_model() {
  static const zkml::RegisteredModel model = [] {
    model::IntegerGraph graph;
    model::Architecture& a = graph.architecture;
    a.shapes = {{2}, {2}, {2}};
    a.parameters = {{model::ParameterRole::kWeight, {2, 2}, 2}};
    a.nodes = {{model::integer_op::Dense{0, std::nullopt}, {0}, 1},
               {model::integer_op::Requantize{std::nullopt, 0, 1, 1, model::integer_op::Requantize::Clamp{-1, 1}, -8, 7}, {1}, 2}};
    a.input = 0;
    a.output = 2;
    a.input_min = 0;
    a.input_max = 3;
    graph.values = {std::vector<std::int8_t>{1, -2, 0, 1}};
    FUZZ_EXPECT(model::validate(graph).ok());
    auto committed = zkml::CommittedModel::commit(graph, zkml::Seed{});
    FUZZ_EXPECT(committed.ok());
    auto registered = zkml::RegisteredModel::check(committed->shared_key());
    FUZZ_EXPECT(registered.ok());
    return *registered;
  }();
  return model;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parsed = zkml::parse_inference_proof({data, size});
  if (!parsed.ok()) return 0;
  const auto bytes = zkml::write_inference_proof(*parsed);
  FUZZ_EXPECT(std::equal(bytes.begin(), bytes.end(), data, data + size));
  (void)zkml::verify_inference(small_model(), *parsed);
  // Seeds are good proofs of this model but for what they were made of: the id decides, so that is put right, and the context
  // made wrong.
  parsed->statement.model = small_model().key().id;
  parsed->statement.context = {'f', 'u', 'z', 'z'};
  FUZZ_EXPECT(!zkml::verify_inference(small_model(), *parsed).ok());
  return 0;
}
