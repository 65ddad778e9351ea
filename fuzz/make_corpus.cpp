// Writes the seeds: make_corpus FOLDER (fuzz/corpus).
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "blindproof/arrays/npy.h"
#include "blindproof/base/file.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/public_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "blindproof/fheml/encrypted_program.h"
#include "blindproof/fheml/exact_program.h"
#include "blindproof/groth16/phase2.h"
#include "blindproof/groth16/setup.h"
#include "blindproof/groth16/witness.h"
#include "blindproof/hybrid/files.h"
#include "blindproof/model/model_file.h"
#include "blindproof/testing/graphs.h"
#include "blindproof/zkml/prove.h"
#include "fhe_contexts.h"
#include "hybrid_model.h"

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

template <class Value>
auto expect(base::Result<Value> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

// `encrypted` makes a ciphertext under the key.
template <class Ciphertext, class Encrypt>
void write_keys_and_ciphertexts(const std::string& name, const fhe::formats::AnyContext& context, fhe::formats::Content content,
                                Encrypt&& encrypted) {
  namespace formats = fhe::formats;
  crypto::Csprng random(std::array<std::uint8_t, 32>{1});
  const formats::Header header{context, formats::generate_key_id(random)};
  const auto secret = fhe::rlwe::SecretKey::generate(formats::ring_of(context), random);
  const auto key = fhe::rlwe::PublicKey::generate(secret, formats::error_multiplier_of(context), random);
  write("fhe_files_fuzz", name + "_secret", expect(formats::write_secret_key(header, secret, nullptr)));
  write("fhe_files_fuzz", name + "_public", formats::write_public_key(header, key));
  const Ciphertext fresh = encrypted(secret, random), sum = expect(add(fresh, fresh));
  write("fhe_files_fuzz", name + "_fresh",
        expect(formats::write_ciphertexts({header, {content, {2, 3}}, std::vector<Ciphertext>{fresh}})));
  write("fhe_files_fuzz", name + "_sum", expect(formats::write_ciphertexts({header, {}, std::vector<Ciphertext>{sum, sum}})));
  const auto path = root / "fhe_files_fuzz" / (name + "_evaluation");
  (void)expect(formats::generate_evaluation_keys(path, header, secret, {.rotations = {1}}, random, base::Overwrite::kAllow));
  write("fhe_parameters_fuzz", name, formats::write_parameters(context));
}

void write_encryption() {
  const std::vector<std::int64_t> integers{1, -2, 3, 4, -5, 6};
  const auto ckks = std::get<fhe::ckks::ContextPtr>(fuzz::tiny_ckks());
  write_keys_and_ciphertexts<fhe::ckks::Ciphertext>("ckks", ckks, fhe::formats::Content::kReals, [&](const auto& key, auto& random) {
    return encrypt(key, expect(fhe::ckks::Encoder(ckks).encode(std::vector<double>{1, -2, 3, 4, -5, 6}, 1)), random);
  });
  const auto bfv = std::get<fhe::bfv::ContextPtr>(fuzz::tiny_bfv());
  write_keys_and_ciphertexts<fhe::bfv::Ciphertext>("bfv", bfv, fhe::formats::Content::kIntegers, [&](const auto& key, auto& random) {
    return encrypt(key, expect(fhe::bfv::encode(bfv, integers)), random);
  });
  const auto bgv = std::get<fhe::bgv::ContextPtr>(fuzz::tiny_bgv());
  write_keys_and_ciphertexts<fhe::bgv::Ciphertext>("bgv", bgv, fhe::formats::Content::kIntegers, [&](const auto& key, auto& random) {
    return encrypt(key, expect(fhe::bgv::encode(bgv, integers)), random);
  });
  for (const char* name : {"ckks-8192-2", "bfv-8192", "bgv-8192"}) {
    write("fhe_parameters_fuzz", name, fhe::formats::write_parameters(expect(fhe::formats::create_context(name))));
  }
}

// One step of each kind.
void write_encrypted_program() {
  const fhe::ckks::ContextPtr context = fuzz::tiny_program_context();
  fheml::Program program;
  fheml::ClientSpec& client = program.client;
  client.parameters = context->parameters();
  client.input = fheml::layout_in_order(4);
  const std::vector<float> weights{1, -2, 0, 3, 0, 0.5f, 1, -1};
  program.steps.push_back({fheml::AffineStep{{{0, fheml::SparseMatrix::dense(2, 4, weights)}}, {1, -1}, fheml::layout_in_order(2)}, 8});
  program.steps.push_back({fheml::PolynomialStep{1, {.coefficients = {0.5, 1, -0.25}}}, 8});
  program.steps.push_back({fheml::ProductStep{2, 1}, 64});
  client.input_shape = {4};
  client.output_shape = {2};
  client.output = fheml::layout_in_order(2);
  client.input_magnitude = 1;
  client.output_magnitude = 64;
  client.output_level = fheml::levels_of(program.steps, context->top_level()).back();
  client.rotations = fheml::rotations_of(client.input, program.steps, context->slots(), context->top_level());
  client.relinearization = true;
  crypto::Csprng random(std::array<std::uint8_t, 32>{1});
  const auto key = fhe::ckks::generate_public_key(fhe::ckks::generate_secret_key(*context, random), random);
  const auto path = root / "encrypted_program.bpfe";
  (void)expect(fheml::encrypt_program(program, context, {}, key, path, random));
  const base::Bytes bytes = expect(base::read_file(path, SIZE_MAX));
  std::filesystem::remove(path);
  const std::size_t table = bytes.size() - expect(fheml::EncryptedProgramFile::parse(bytes)).bytes();
  std::size_t end = table;  // padding follows
  while (!fhe::formats::checked(base::ByteSpan(bytes).first(end), "").ok()) --end;
  base::ByteWriter writer;
  writer.u32(static_cast<std::uint32_t>(end - fhe::formats::kChecksumBytes));
  writer.raw(base::ByteSpan(bytes).first(end - fhe::formats::kChecksumBytes));
  writer.raw(base::ByteSpan(bytes).subspan(table));
  write("encrypted_program_fuzz", "all_steps", std::move(writer).take());
}

// One step of each kind on slots and on batches, a matrix on coefficients; without checksums.
void write_exact_programs() {
  for (const std::string name : {"slots", "batch", "coefficients"}) {
    fheml::ExactProgram program;
    fheml::ExactClientSpec& client = program.client;
    client.parameters.log_degree = 6;
    client.parameters.limbs = 4;
    client.parameters.limb_bits = 50;
    client.parameters.digits = client.parameters.special_limbs = 2;
    client.parameters.primes = {257, 641};
    client.packing = name == "batch" ? fheml::Packing::kBatch : fheml::Packing::kSingle;
    client.coefficients = name == "coefficients";
    client.input_shape = {3};
    client.output_shape = {2};
    client.input = fheml::layout_in_order(3);
    client.output = fheml::layout_in_order(2);
    client.input_min = -8;
    client.input_max = 7;
    client.output_bits = 16;
    client.finish = model::Finish::kArgMax;
    client.hiding_bits = 20;
    client.relinearization = true;
    fheml::ExactAffineStep step{{}, {5, -7}, client.output};
    step.terms.push_back({0, {}});
    step.terms[0].matrix.columns = 3;
    for (const std::int64_t weight : {2, -3}) {
      const std::vector<std::pair<std::uint32_t, std::int64_t>> row{{0, weight}, {2, 1}};
      step.terms[0].matrix.append_row(row);
    }
    program.steps = {step, fheml::ProductStep{1, 1}};
    if (name == "slots") client.rotations = fheml::rotations_of(client.input, program.steps, client.parameters.slots());
    if (client.coefficients) {
      program.steps.pop_back();
      client.relinearization = false;
      client.parameters.digits = client.parameters.special_limbs = 0;
    }
    const auto unsealed = [](base::Bytes bytes) {
      bytes.resize(bytes.size() - fhe::formats::kChecksumBytes);
      return bytes;
    };
    const base::Bytes bytes = fheml::write_exact_program(program);
    (void)expect(fheml::parse_exact_program(bytes));
    write("exact_program_fuzz", name, unsealed(bytes));
    write("exact_program_fuzz", name + "_spec", unsealed(fheml::write_exact_client_spec(client)));
  }
}

// Good but for the context that the fuzzer sets.
void write_hybrid_proofs() {
  const fuzz::HybridEvaluation e = fuzz::hybrid_evaluation();
  write("hybrid_proof_fuzz", "answer", hybrid::write_hybrid_proof(expect(hybrid::prove_evaluation(*e.model, e.statement, *e.ring, e.values(), e.witness()))));
  write("hybrid_proof_fuzz", "bounds", hybrid::write_bounds_proof(expect(hybrid::prove_bounds(*e.model))));
}

// Without their digests: the target adds them.
void write_hybrid_files() {
  GraphBuilder builder(model::Arithmetic::kExact, 1);
  auto x = builder.dense(builder.input({2}, 0, 15), 2, 4, 16);
  x = builder.multiply(x, x);
  const hybrid::Program program = expect(hybrid::Program::create(builder.finish(builder.dense(x, 1, 4, 16))));
  const auto ring = fhe::frbgv::Ring::create(6);
  crypto::Csprng random(std::array<std::uint8_t, 32>{1});
  const auto secret = fhe::frbgv::SecretKey::generate(ring, random);
  const hybrid::KeyHeader header{program.spec().parameters().t, hybrid::generate_key_id(random)};
  const auto key = fhe::frbgv::PublicKey::generate(secret, header.t, random);
  const auto inputs = expect(hybrid::encrypt_records(program.spec(), secret, std::vector<std::int64_t>{1, 2}, fhe::frbgv::Seed{}, random));
  const auto outputs = hybrid::evaluate(program, *ring, {&key, inputs, 1}, random).outputs;
  const auto without_digest = [](base::Bytes bytes) {
    bytes.resize(bytes.size() - 32);
    return bytes;
  };
  write("hybrid_files_fuzz", "secret_key", without_digest(expect(hybrid::write_secret_key(header, secret, nullptr))));
  write("hybrid_files_fuzz", "public_key", without_digest(hybrid::write_public_key(header, key)));
  write("hybrid_files_fuzz", "input", without_digest(hybrid::write_ciphertexts({header, 1, fhe::frbgv::Seed{}, inputs, {}})));
  write("hybrid_files_fuzz", "output", without_digest(hybrid::write_ciphertexts({header, 1, std::nullopt, outputs, {}})));
  write("hybrid_files_fuzz", "program", without_digest(hybrid::write_program({program, {1}})));
  write("hybrid_files_fuzz", "spec", without_digest(hybrid::write_spec(program.spec())));
}

// x^2 = y.
void write_groth16() {
  groth16::R1cs r1cs;
  r1cs.wires = 3;
  r1cs.outputs = r1cs.private_inputs = 1;
  for (const auto& [part, wire] : {std::pair{&r1cs.a, 2u}, std::pair{&r1cs.b, 2u}, std::pair{&r1cs.c, 1u}}) {
    part->add_term(wire, field::Fr::one());
    part->end_combination();
  }
  write("groth16_fuzz", "constraints", groth16::write_r1cs(r1cs));
  write("groth16_fuzz", "witness", groth16::write_witness(std::vector{field::Fr::one(), field::Fr::from_u64(9), field::Fr::from_u64(3)}));
  const std::filesystem::path key = std::filesystem::temp_directory_path() / "make_corpus.zkey";
  if (!groth16::setup_for_development(r1cs, key).ok()) std::exit(1);
  write("groth16_fuzz", "key", expect(base::read_file(key, 1 << 20)));
  // A ceremony of one contributor and a beacon, and a key that it made.
  const auto step = [&](const char* name) { return key.parent_path() / name; };
  const groth16::Beacon beacon{{1, 2, 3}, 10};
  const groth16::Origin one{"one", {}}, two{"two", beacon};
  const auto good = [](const base::Status& status) {
    if (!status.ok()) std::exit(1);
  };
  good(groth16::new_ptau(2, step("corpus0.ptau")));
  expect(groth16::contribute_to_ptau(expect(groth16::Ptau::open(step("corpus0.ptau"))), one, groth16::contributor_stream(), step("corpus1.ptau")));
  expect(groth16::contribute_to_ptau(expect(groth16::Ptau::open(step("corpus1.ptau"))), two, expect(groth16::beacon_stream(beacon)), step("corpus2.ptau")));
  good(groth16::prepare_ptau(expect(groth16::Ptau::open(step("corpus2.ptau"))), step("corpus3.ptau")));
  write("groth16_fuzz", "powers", expect(base::read_file(step("corpus3.ptau"), 1 << 20)));
  expect(groth16::setup_from_ptau(r1cs, expect(groth16::Ptau::open(step("corpus3.ptau"))), step("corpus0.zkey")));
  expect(groth16::contribute_to_key(expect(groth16::Zkey::open(step("corpus0.zkey"))), one, groth16::contributor_stream(), step("corpus1.zkey")));
  write("groth16_fuzz", "key_of_a_ceremony", expect(base::read_file(step("corpus1.zkey"), 1 << 20)));
  for (const char* name : {"corpus0.ptau", "corpus1.ptau", "corpus2.ptau", "corpus3.ptau", "corpus0.zkey", "corpus1.zkey"}) std::filesystem::remove(step(name));
  std::filesystem::remove(key);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  root = argv[1];
  write_encryption();
  write_encrypted_program();
  write_exact_programs();
  write_hybrid_proofs();
  write_hybrid_files();
  write_groth16();
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
