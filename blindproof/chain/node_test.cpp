// What a node answers, and compiled contracts: both come from outside.
#include "blindproof/chain/node.h"

#include <gtest/gtest.h>

namespace blindproof::chain {
namespace {

using base::ErrorCode;

base::Result<RpcReply> reply(std::string_view text, std::uint64_t id = 7) { return parse_rpc_reply(base::as_bytes(text), id, "test"); }
JsonValue json_of(std::string_view text) { return parse_json(base::as_bytes(text), "test").value(); }

TEST(JsonRpc, TakesTheResultOfItsOwnRequestOnly) {
  EXPECT_EQ(reply(R"({"jsonrpc":"2.0","id":7,"result":"0x1"})").value().result.text, "0x1");
  EXPECT_TRUE(reply(R"({"jsonrpc":"2.0","id":7,"result":null})").value().ok());
  for (const std::string_view text :
       {R"({"jsonrpc":"2.0","id":8,"result":"0x1"})", R"({"jsonrpc":"2.0","result":"0x1"})", R"({"id":7,"result":"0x1"})",
        R"({"jsonrpc":"1.0","id":7,"result":1})", R"({"jsonrpc":"2.0","id":7})", R"([{"jsonrpc":"2.0","id":7,"result":1}])", "null", "",
        "<html>", R"({"jsonrpc":"2.0","id":7,"result":1,"result":2})"}) {
    EXPECT_EQ(reply(text).error().code, ErrorCode::kMalformed) << text;
  }
}

TEST(JsonRpc, TellsTheNodesRefusalsWithoutControlCharacters) {
  const RpcReply refused =
      reply(R"({"jsonrpc":"2.0","id":7,"error":{"code":3,"message":"execution\u001b[31m reverted","data":"0x08c379a0"}})").value();
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.refusal, "execution [31m reverted");
  EXPECT_EQ(base::to_hex(refused.revert), "08c379a0");
  EXPECT_FALSE(reply(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700}})").value().ok());
  EXPECT_FALSE(reply(R"({"jsonrpc":"2.0","id":7,"error":{"message":""},"result":"0x1"})").value().ok());
  const RpcReply cut = reply("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"message\":\"" + std::string(511, 'x') + "\xc3\xa9\"}}").value();
  EXPECT_EQ(cut.refusal, std::string(511, 'x'));
}

TEST(JsonRpc, OpensHttpUrlsOnly) {
  for (const std::string_view url : {"", "127.0.0.1", "ftp://a/b", "file:///etc/passwd", "ws://a", "http://", "gopher://x"}) {
    EXPECT_EQ(JsonRpc::open(url).error().code, ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_TRUE(JsonRpc::open("http://127.0.0.1:8545").ok());
  EXPECT_TRUE(JsonRpc::open("https://user:secret@node.example/v3/key").ok());
}

TEST(JsonRpc, NamesTheHostButNoCredentialsWhenItFails) {
  auto rpc = JsonRpc::open("http://user:secret@127.0.0.1:1/v3/apikey").value();
  const auto failed = rpc.request("eth_chainId", JsonValue::make_array({}));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  const std::string message = failed.error().message();
  EXPECT_NE(message.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(message.find("secret"), std::string::npos) << message;
  EXPECT_EQ(message.find("apikey"), std::string::npos) << message;
}

constexpr std::string_view kExecution =
    R"({"transactionHash":"0x1111111111111111111111111111111111111111111111111111111111111111","status":"0x1","blockNumber":"0x10","gasUsed":"0x5208",
  "contractAddress":"0x5fbdb2315678afecb367f032d93f642f64180aa3","logs":[{"address":"0x5fbdb2315678afecb367f032d93f642f64180aa3",
  "topics":["0x2222222222222222222222222222222222222222222222222222222222222222"],"data":"0x01"}]})";

TEST(Node, ReadsTransactionReceipts) {
  const Execution execution = parse_execution(json_of(kExecution), "test").value();
  EXPECT_TRUE(execution.success);
  EXPECT_EQ(execution.block, 16u);
  EXPECT_EQ(execution.gas_used, 21000u);
  EXPECT_EQ(to_text(execution.contract.value()), "0x5FbDB2315678afecb367f032d93F642f64180aa3");
  ASSERT_EQ(execution.logs.size(), 1u);
  EXPECT_EQ(execution.logs[0].topics.size(), 1u);
}

TEST(Node, RefusesReceiptsOfAnotherForm) {
  for (const std::string_view field : {"transactionHash", "status", "blockNumber", "gasUsed", "logs"}) {
    JsonValue json = json_of(kExecution);
    json.remove(field);
    EXPECT_FALSE(parse_execution(json, "test").ok()) << field;
    for (const std::string_view wrong : {"null", "1", "\"0x\"", "\"zz\"", "{}", "[1]", "\"0x2222222222222222222222222222222222\""}) {
      json.set(field, json_of(wrong));
      EXPECT_FALSE(parse_execution(json, "test").ok()) << field << wrong;
    }
  }
}

constexpr std::string_view kArtifact = R"({"contractName":"C","abi":[
  {"type":"constructor","inputs":[{"type":"address","name":"a"},{"type":"uint256","name":"b"}]},
  {"type":"error","name":"AlreadyRecorded","inputs":[{"type":"bytes32"}]},
  {"type":"error","name":"Bad","inputs":[{"type":"tuple[]","components":[{"type":"uint64"},{"type":"bytes"}]}]},
  {"type":"function","name":"f","inputs":[]}],
  "bytecode":"0x6000","deployedBytecode":"0x60000000ff","immutableReferences":{"12":[{"start":1,"length":2}]}})";

TEST(Artifact, ReadsBothFormsThatCompilersWrite) {
  const Artifact artifact = parse_artifact(base::as_bytes(kArtifact), "test").value();
  EXPECT_EQ(artifact.name, "C");
  EXPECT_EQ(artifact.constructor_types, (std::vector<std::string>{"address", "uint256"}));
  EXPECT_EQ(artifact.errors.at(selector_of("AlreadyRecorded(bytes32)")), "AlreadyRecorded(bytes32)");
  EXPECT_EQ(artifact.errors.at(selector_of("Bad((uint64,bytes)[])")), "Bad((uint64,bytes)[])");
  const auto solc = parse_artifact(
      base::as_bytes(
          R"({"abi":[],"evm":{"bytecode":{"object":"6000"},"deployedBytecode":{"object":"60000000ff","immutableReferences":{"1":[{"start":1,"length":2}]}}}})"),
      "test");
  ASSERT_TRUE(solc.ok());
  EXPECT_EQ(solc->creation_code, artifact.creation_code);
  EXPECT_EQ(solc->immutables.size(), 1u);
}

TEST(Artifact, MatchesItsCodeWithAnyValuesInTheGapsOnly) {
  const Artifact artifact = parse_artifact(base::as_bytes(kArtifact), "test").value();
  EXPECT_TRUE(artifact.matches(base::from_hex("60000000ff").value()));
  EXPECT_TRUE(artifact.matches(base::from_hex("60abcd00ff").value()));
  for (const std::string_view other : {"61000000ff", "60000001ff", "60000000fe", "60000000", "60000000ff00", ""})
    EXPECT_FALSE(artifact.matches(base::from_hex(other).value())) << other;
}

TEST(Artifact, RefusesWhatIsNoCompiledContract) {
  const auto code = [](std::string_view field, std::string_view value) {
    JsonValue json = json_of(kArtifact);
    json.set(field, json_of(value));
    const auto artifact = parse_artifact(base::as_bytes(write_json(json)), "test");
    return artifact.ok() ? std::string("ok") : std::string(base::error_code_name(artifact.error().code));
  };
  EXPECT_EQ(code("contractName", "\"C\""), "ok");
  EXPECT_EQ(code("abi", "{}"), "malformed");
  EXPECT_EQ(code("abi", "[{}]"), "malformed");
  EXPECT_EQ(code("abi", "[{\"type\":\"constructor\"}]"), "malformed");
  EXPECT_EQ(code("abi", "[{\"type\":\"error\",\"inputs\":[]}]"), "malformed");
  EXPECT_EQ(code("abi", "[{\"type\":\"error\",\"name\":\"E\",\"inputs\":[{\"type\":\"tuple\"}]}]"), "malformed");
  EXPECT_EQ(code("bytecode", "\"0x\""), "malformed");
  EXPECT_EQ(code("bytecode", "\"0x600\""), "malformed");
  EXPECT_EQ(code("bytecode", "null"), "malformed");
  EXPECT_EQ(code("bytecode", "\"0x60__$abc$__00\""), "unsupported");
  EXPECT_EQ(code("deployedBytecode", "{}"), "malformed");
  EXPECT_EQ(code("immutableReferences", "[]"), "malformed");
  EXPECT_EQ(code("immutableReferences", R"({"1":[{"start":4,"length":2}]})"), "malformed");
  EXPECT_EQ(code("immutableReferences", R"({"1":[{"start":4,"length":1}]})"), "malformed") << "not zero there";
  EXPECT_EQ(code("immutableReferences", R"({"1":[{"start":-1,"length":1}]})"), "malformed");
  EXPECT_EQ(code("immutableReferences", R"({"1":[{"start":18446744073709551615,"length":1}]})"), "malformed");
}

TEST(Artifact, ConstructorArgumentsFitItsTypes) {
  const Artifact artifact = parse_artifact(base::as_bytes(kArtifact), "test").value();
  const std::vector<std::string> good = {"0x5FbDB2315678afecb367f032d93F642f64180aa3", "5"};
  EXPECT_EQ(base::to_hex(creation_data(artifact, good).value()),
            "6000" + std::string(24, '0') + "5fbdb2315678afecb367f032d93f642f64180aa3" + std::string(63, '0') + "5");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {good[0]}, {good[0], "x"}, {"5", good[0]}, {good[0], "5", "5"}}) {
    EXPECT_EQ(creation_data(artifact, wrong).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Artifact, RevertsAreDescribed) {
  const Artifact artifact = parse_artifact(base::as_bytes(kArtifact), "test").value();
  EXPECT_EQ(describe_revert(encode_call("Error(string)", {AbiValue::text("no\nway")}), {}), "no way");
  EXPECT_EQ(describe_revert(encode_call("Panic(uint256)", {Uint128{0x11}}), {}), "panic 0x11");
  EXPECT_EQ(describe_revert(encode_call("AlreadyRecorded(bytes32)", {Uint128{1}}), artifact.errors),
            "AlreadyRecorded(bytes32) with 0x" + std::string(63, '0') + "1");
  EXPECT_EQ(describe_revert({}, artifact.errors), "reverted without saying why");
  EXPECT_EQ(describe_revert(base::Bytes{1, 2}, artifact.errors), "0x0102");
  base::Bytes torn = encode_call("Error(string)", {AbiValue::text("text")});
  for (std::size_t size = 0; size <= torn.size(); ++size) EXPECT_FALSE(describe_revert(base::ByteSpan(torn).first(size), {}).empty());
}

}  // namespace
}  // namespace blindproof::chain
