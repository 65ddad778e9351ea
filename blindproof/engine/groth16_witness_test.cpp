// What is done around the circuits' own witnesses, which tests of circuits/ compare with circom's: inputs, salts, files, refusals.
#include "blindproof/engine/groth16_witness.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "blindproof/arrays/npy.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/r1cs.h"
#include "blindproof/groth16/witness.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using field::Fr;

class ModelWitnesses : public TemporaryFolderTest {
 protected:
  void SetUp() override {
    TemporaryFolderTest::SetUp();
    testing::GraphBuilder builder(model::Arithmetic::kRescaled, 1);
    const auto input = builder.input({5}, 0, 255);
    graph_ = builder.finish(builder.requantize(builder.dense(input, 3), 8, 0, 255));
    ASSERT_TRUE(write_model(at("net.bpm"), {graph_, {1}, {}}).ok());
    const std::vector<float> x = {3, 100, 0, 255, 7};
    ASSERT_TRUE(write_bytes(at("x.npy"), arrays::write_npy(arrays::from_floats({5}, x)), base::FileMode::kPublic).ok());
    parameters_ = circuits::parameters_of(graph_);
  }

  Path at(const std::string& name) const { return folder() / name; }
  void write_text(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_bytes(at(name), base::as_bytes(text), base::FileMode::kPublic).ok());
  }

  // Says nothing about its inputs: the witness is these.
  void write_circuit(std::size_t inputs, std::uint32_t outputs = 0) {
    groth16::R1cs r1cs;
    r1cs.outputs = outputs;
    r1cs.private_inputs = static_cast<std::uint32_t>(inputs);
    r1cs.wires = 1 + outputs + r1cs.private_inputs;
    for (std::uint32_t i = 0; i < outputs; ++i) {  // 1 * 1 = output
      for (groth16::Combinations* side : {&r1cs.a, &r1cs.b}) {
        side->add_term(0, Fr::one());
        side->end_combination();
      }
      r1cs.c.add_term(1 + i, Fr::one());
      r1cs.c.end_combination();
    }
    ASSERT_TRUE(write_bytes(at("c.r1cs"), groth16::write_r1cs(r1cs), base::FileMode::kPublic).ok());
  }

  ModelWitnessRequest inference() const {
    ModelWitnessRequest request;
    request.model = at("net.bpm");
    request.circuit = at("c.r1cs");
    request.input = at("x.npy");
    return request;
  }
  ModelWitnessRequest integrity() const {
    ModelWitnessRequest request = inference();
    request.input.reset();
    circuits::RegistrationTerms terms;
    terms.chain_id = 5;
    terms.owner[19] = 7;
    request.statement = terms;
    return request;
  }
  static ErrorCode code_of(const ModelWitnessRequest& request) {
    const auto witness = make_model_witness(request);
    EXPECT_FALSE(witness.ok());
    return witness.ok() ? ErrorCode::kIo : witness.error().code;
  }
  std::size_t integrity_inputs() const { return circuits::model_integrity_inputs(parameters_, Fr(), {}).size(); }
  std::size_t inference_inputs() const { return circuits::inference_inputs(parameters_, std::vector<std::int64_t>(5), {}).size(); }

  model::IntegerGraph graph_;
  circuits::NetworkParameters parameters_;
};

TEST_F(ModelWitnesses, HaveTheModelAndTheTermsAsInputs) {
  write_circuit(integrity_inputs());
  const auto witness = make_model_witness(integrity());
  ASSERT_TRUE(witness.ok()) << witness.error().message();
  std::vector<Fr> expected = circuits::model_integrity_inputs(parameters_, witness->salts.model, std::get<circuits::RegistrationTerms>(integrity().statement));
  expected.insert(expected.begin(), Fr::one());
  EXPECT_EQ(witness->wires, expected);
  const circuits::Network network = circuits::network_of(graph_.architecture).value();
  EXPECT_EQ(witness->digests.model, circuits::model_hash(network, parameters_, witness->salts.model));
  EXPECT_EQ(witness->architecture_hash, circuits::architecture_hash(network));
}

TEST_F(ModelWitnesses, DrawFreshSaltsUnlessTheyAreGiven) {
  write_circuit(integrity_inputs());
  const auto first = make_model_witness(integrity()), second = make_model_witness(integrity());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(first->salts.model == second->salts.model);
  EXPECT_FALSE(first->salts.model == first->salts.input);
  ASSERT_TRUE(write_model_witness(*first, at("w.wtns"), at("w.salts")).ok());
  ModelWitnessRequest again = integrity();
  again.salts = at("w.salts");
  const auto third = make_model_witness(again);
  ASSERT_TRUE(third.ok()) << third.error().message();
  EXPECT_EQ(third->wires, first->wires);
}

TEST_F(ModelWitnesses, AreWrittenForTheirOwnerAlone) {
  write_circuit(integrity_inputs());
  const auto witness = make_model_witness(integrity());
  ASSERT_TRUE(witness.ok());
  EXPECT_EQ(salts_path(at("w.wtns")), at("w.salts"));
  ASSERT_TRUE(write_model_witness(*witness, at("w.wtns"), at("w.salts")).ok());
  for (const char* name : {"w.wtns", "w.salts"}) {
    struct stat status {};
    ASSERT_EQ(::stat(at(name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
  EXPECT_EQ(groth16::read_witness(at("w.wtns")).value(), witness->wires);
  const auto salts = nlohmann::json::parse(base::read_file(at("w.salts"), 4096).value());
  EXPECT_EQ(salts, (nlohmann::json{{"model", groth16::to_decimal(witness->salts.model)}})) << "no salts of what there isn't";
  EXPECT_EQ(write_model_witness(*witness, at("w.wtns"), at("w.wtns")).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ModelWitnesses, RefuseCircuitsOfOtherNetworksAndStatements) {
  for (const std::size_t inputs : {std::size_t{0}, integrity_inputs() - 1, integrity_inputs() + 1}) {
    write_circuit(inputs);
    EXPECT_EQ(code_of(integrity()), ErrorCode::kMismatch) << inputs;
  }
  // As many inputs as there are, but other public values than the digests.
  write_circuit(inference_inputs());
  EXPECT_EQ(code_of(inference()), ErrorCode::kMismatch);
  write_circuit(inference_inputs(), 3);
  EXPECT_EQ(code_of(inference()), ErrorCode::kMismatch);
  write_text("c.r1cs", "r1cs");
  EXPECT_EQ(code_of(inference()), ErrorCode::kMalformed);
}

TEST_F(ModelWitnesses, NeedAnInputJustWhereThereIsAnInference) {
  write_circuit(inference_inputs());
  ModelWitnessRequest request = inference();
  request.input.reset();
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  request = inference();
  request.index = 1;
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument) << "there is one sample";
  request = integrity();
  request.input = at("x.npy");
  EXPECT_EQ(code_of(request), ErrorCode::kInvalidArgument);
  write_text("x.npy", "no array");
  EXPECT_EQ(code_of(inference()), ErrorCode::kMalformed);
}

TEST_F(ModelWitnesses, RefuseSaltsThatAreNone) {
  write_circuit(integrity_inputs());
  ModelWitnessRequest request = integrity();
  request.salts = at("salts.json");
  EXPECT_EQ(code_of(request), ErrorCode::kIo);
  const std::string modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
  for (const std::string& wrong : {std::string(), std::string("[]"), std::string(R"({"model": 1})"), std::string(R"({"model": "01"})"), std::string(R"({"model": "-1"})"),
                                   R"({"model": ")" + modulus + "\"}", std::string(R"({"model": null})"), std::string(R"({"weights": "1"})"), std::string(R"({"model": "1")"),
                                   std::string(4000, '[')}) {
    write_text("salts.json", wrong);
    EXPECT_EQ(code_of(request), ErrorCode::kMalformed) << wrong;
  }
  write_text("salts.json", std::string(4097, ' '));
  EXPECT_EQ(code_of(request), ErrorCode::kLimit);
  write_text("salts.json", "{}");
  EXPECT_TRUE(make_model_witness(request).ok());
}

TEST_F(ModelWitnesses, RefuseModelsThatCircuitsDontTake) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, 1);
  const auto graph = builder.finish(builder.dense(builder.input({5}, 0, 255), 3));
  ASSERT_TRUE(write_model(at("net.bpm"), {graph, {1}, {}}).ok());
  write_circuit(inference_inputs());
  EXPECT_EQ(code_of(inference()), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace blindproof::engine
