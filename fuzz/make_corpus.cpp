// Writes the seeds: make_corpus FOLDER (fuzz/corpus).
#include <cstdio>
#include <filesystem>
#include <string>

#include "blindproof/arrays/npy.h"
#include "blindproof/base/file.h"
#include "blindproof/model/model_file.h"
#include "blindproof/testing/graphs.h"
#include "blindproof/zkml/prove.h"

using namespace blindproof;
using testing::GraphBuilder;
using testing::window;

namespace {

std::filesystem::path root;

void write(const std::string& target, const std::string& name, const base::Bytes& bytes) {
  const auto folder = root / target;
  std::filesystem::create_directories(folder);
  if (const auto status = base::write_file_atomic(folder / name, bytes); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.error().message().c_str());
    std::exit(1);
  }
}

void write_model(const std::string& name, GraphBuilder& builder, const model::IntegerGraph& graph) {
  write("model_file_fuzz", name, model::write_model_file({graph, {1, 2, 3}, std::nullopt}));
  const auto model = zkml::CommittedModel::commit(graph, zkml::Seed{1});
  if (!model.ok()) std::exit(1);
  const base::Bytes key = zkml::write_model_key(model->key());
  if (key.size() < 40000) write("model_key_fuzz", name, key);
  for (const bool hidden : {false, true}) {
    const auto outcome = zkml::prove_inference(*model, builder.random_input(graph), {hidden, hidden, {'s', 'e', 'e', 'd'}});
    if (!outcome.ok()) std::exit(1);
    const std::string variant = name + (hidden ? "_hidden" : "_public");
    const base::Bytes proof = zkml::write_inference_proof(outcome->proof);
    if (proof.size() < 40000) write("proof_fuzz", variant, proof);
    write("opening_fuzz", variant, zkml::write_opening(outcome->opening));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  root = argv[1];
  {
    GraphBuilder b(model::Arithmetic::kRescaled, 1);
    write_model("dense", b, b.finish(b.requantize(b.dense(b.input({2}, 0, 3), 2, 2, 0), 1, -1, 1)));
  }
  {
    GraphBuilder b(model::Arithmetic::kRescaled, 2);
    auto x = b.requantize(b.conv(b.input({2, 4, 4}, -4, 3), 2, window(2, 1, 1), 2, 3, 4), 2, -4, 3, 3);
    x = b.requantize(b.sum_pool(b.max_pool(x, window(2, 2)), window(2, 1, 1)), 1, 0, 3);
    x = b.transpose(x, {2, 0, 1});
    write_model("convolutions", b, b.finish(b.requantize(b.dense(b.reshape(x, {18}), 3, 4, 8), 6, -2, 2, 2)));
  }
  {
    GraphBuilder b(model::Arithmetic::kRescaled, 3);
    auto x = b.table(b.input({5}, -8, 7), 1, 4, -8, 7);
    x = b.requantize(b.add(b.requantize(b.multiply(x, x), 2, 0, 15), x, 3, -2), 1, -8, 7);
    write_model("elementwise", b, b.finish(x));
  }
  {
    GraphBuilder b(model::Arithmetic::kExact, 4);
    auto x = b.dense(b.input({3}, -8, 7), 3, 4, 48);
    write_model("exact", b, b.finish(b.dense(b.multiply(x, x), 2, 4, 0)));
  }
  const std::vector<float> floats = {1, -2.5f, 3, 4, 5, 6};
  const std::vector<std::int64_t> integers = {1, -2};
  const std::vector<std::string> texts = {"one", "zwei"};
  write("npy_fuzz", "floats", arrays::write_npy(arrays::from_floats({2, 3}, floats)));
  write("npy_fuzz", "integers", arrays::write_npy(arrays::from_int64({2}, integers)));
  write("npy_fuzz", "texts", arrays::write_npy(arrays::from_texts({2}, texts)));
  return 0;
}
