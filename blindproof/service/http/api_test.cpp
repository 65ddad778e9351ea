#include "blindproof/service/http/api_fixture_test.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/hybrid_proof.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/base/base64url.h"
#include "blindproof/envelope/key_envelope.h"

namespace blindproof::service::http {
namespace {

namespace fs = std::filesystem;

TEST_F(ApiTest, BootstrapsOnce) {
  EXPECT_FALSE(api_->bootstrap(root_ / "second.key").value());
  EXPECT_FALSE(fs::exists(root_ / "second.key"));
  EXPECT_EQ(fs::status(root_ / "admin.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(get("/admin/tenants", admin_).status, 200);
}

TEST_F(ApiTest, HealthMetricsAndTheDocumentNeedNoKey) {
  for (const char* path : {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json"}) {
    EXPECT_EQ(get(path, "").status, 200) << path;
  }
  EXPECT_NE(get("/metrics", "").body.find("blindproof_http_request_seconds_count{method=\"GET\",route=\"/health/live\",status=\"200\"} 1"), std::string::npos);
}

TEST_F(ApiTest, EveryOtherRouteOfTheDocumentNeedsAKey) {
  const Json document = json(get("/openapi.json", ""));
  EXPECT_EQ(document["openapi"], "3.1.0");
  std::size_t checked = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string target = path;
      for (std::size_t open = target.find('{'); open != std::string::npos; open = target.find('{')) target.replace(open, target.find('}') - open + 1, "x");
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      const std::string type = operation.contains("requestBody") ? operation["requestBody"]["content"].begin().key() : "";
      const Response response = request(upper, target, "", "", type);
      EXPECT_EQ(response.status, operation["security"].empty() ? 200 : 401) << upper << " " << path;
      ++checked;
    }
  }
  EXPECT_GT(checked, 30u);
}

TEST_F(ApiTest, KeysAreRefusedAlikeWhateverIsWrongWithThem) {
  const std::string key = tenant_key("a");
  EXPECT_EQ(get("/ml/models", key).status, 200);
  std::string wrong = key;
  wrong.back() = wrong.back() == 'A' ? 'E' : 'A';
  std::set<std::string> answers;
  for (const std::string& text : {std::string("x"), wrong, key + "A", key.substr(1), std::string("bpkey_00000000000000000000000000_") + key.substr(33)}) {
    const Response response = get("/ml/models", text);
    EXPECT_EQ(response.status, 401) << text;
    answers.insert(response.body);
  }
  EXPECT_EQ(answers.size(), 1u);
  // Revoked.
  const std::string id = key.substr(6, 26);
  EXPECT_EQ(request("DELETE", "/admin/keys/" + id + "?tenant=" + tenants_["a"], admin_).status, 204);
  EXPECT_EQ(get("/ml/models", key).body, *answers.begin());
}

TEST_F(ApiTest, ScopesLimitWhatAKeyMayDo) {
  const std::string reader = tenant_key("a", {"read"});
  EXPECT_EQ(get("/ml/models", reader).status, 200);
  EXPECT_EQ(post("/ml/models", reader, {{"name", "x"}}).status, 403);
  EXPECT_EQ(get("/admin/audit", tenant_key("a")).status, 403);
  EXPECT_EQ(post("/admin/keys", admin_, {{"scopes", {"root"}}}).status, 422);
  EXPECT_EQ(post("/admin/keys", admin_, {{"scopes", Json::array()}}).status, 422);
}

TEST_F(ApiTest, AModelIsUploadedEncryptedProvenWithAndVerified) {
  const std::string key = tenant_key("a");
  const std::string model = ready_model(key);
  const Json spec = json(get("/ml/models/" + model + "/client-spec", key));
  EXPECT_EQ(spec["facts"]["input_shape"], Json({5}));
  const Response key_file = get(spec["links"]["model_key"], key);
  EXPECT_EQ(key_file.status, 200);
  EXPECT_TRUE(fs::exists(key_file.file));

  const Response accepted = post("/ml/models/" + model + "/inference", key, {{"privacy_level", "zkml"}, {"input", input()}, {"context", "for bob"}});
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const std::string job = "/ml/jobs/" + json(accepted)["job_id"].get<std::string>();
  EXPECT_EQ(json(get(job, key))["status"], "queued");
  work();
  const Json done = json(get(job, key));
  ASSERT_EQ(done["status"], "succeeded") << done;
  const std::string proof = done["links"]["proof"];
  EXPECT_EQ(get(proof + "/proof.bpp", key).status, 200);
  const Json verdict = json(post(proof + "/verify", key, {{"public_inputs", {{"output", done["result"]["output"]["integers"]}, {"context", "for bob"}}}}));
  EXPECT_EQ(verdict["is_valid"], true) << verdict;
  const Json other = json(post(proof + "/verify", key, {{"public_inputs", {{"context", "for eve"}}}}));
  EXPECT_EQ(other["is_valid"], false);
  EXPECT_EQ(other["refused_by"], "statement.context") << other;
  EXPECT_EQ(json(get(proof, key))["verified"], 1);
  EXPECT_EQ(json(get(proof, key))["refused"], 0) << "a wrong guess says nothing about the proof";

  // Events, from the start and from a point.
  const Response events = get(job + "/events", key);
  ASSERT_TRUE(events.events);
  const std::string text = events.events().value();
  EXPECT_NE(text.find("event: queued"), std::string::npos);
  EXPECT_NE(text.find("event: succeeded"), std::string::npos);
  EXPECT_FALSE(events.events().has_value());
}

class HybridApiTest : public ApiTest {
 protected:
  HybridApiTest() : key_(tenant_key("a")) {
    blindproof::testing::GraphBuilder builder(model::Arithmetic::kExact, 1);
    auto x = builder.dense(builder.input({3}, 0, 15), 2, 4, 16);
    x = builder.dense(builder.multiply(x, x), 2, 4, 16);
    EXPECT_TRUE(engine::write_model(root_ / "net.bpm", {builder.finish(x), {1}, {}}).ok());
    model_ = json(post("/ml/models", key_, {{"name", "table"}}))["id"];
    EXPECT_EQ(upload("/ml/models/" + model_ + "/versions?levels=hybrid", key_, text_of(root_ / "net.bpm")).status, 202);
    work();
    save("/ml/models/" + model_ + "/versions/1/hybrid.bpc", "net.bpc");
    EXPECT_TRUE(engine::generate_hybrid_keys_for(root_ / "net.bpc", root_ / "keys", std::nullopt).ok());
    EXPECT_TRUE(engine::write_reals(root_ / "x.npy", {4, 3}, {0, 0, 0, 15, 15, 15, 1, 2, 3, 7, 0, 15}, base::FileMode::kPublic).ok());
    const auto no_passphrase = []() -> base::Result<crypto::SecretBytes> { return base::error(base::ErrorCode::kInvalidArgument, "", ""); };
    EXPECT_TRUE(engine::encrypt_hybrid_input({root_ / "net.bpc", root_ / "keys", root_ / "x.npy", root_ / "x.bpct", {}, no_passphrase}).ok());
  }

  void save(const std::string& target, const std::string& name) {
    const Response response = get(target, key_);
    ASSERT_EQ(response.status, 200) << target;
    ASSERT_TRUE(base::write_file_atomic(root_ / name, base::as_bytes(content_of(response))).ok());
  }

  /// The id of keys whose public half is here.
  std::string upload_key() {
    const Json made = json(post("/ml/keys", key_, {{"model", model_}, {"level", "hybrid"}}));
    EXPECT_EQ(put_file(made["links"]["public"], "keys/public.bppk").status, 204);
    return made["id"];
  }
  Response put_file(const std::string& target, const std::string& name) {
    return request("PUT", target, key_, text_of(root_ / name), "application/octet-stream");
  }
  Response infer(const std::string& query) {
    return upload("/ml/models/" + model_ + "/inference?privacy_level=hybrid&" + query, key_, text_of(root_ / "x.bpct"));
  }

  std::string key_, model_;
};

TEST_F(HybridApiTest, AnEncryptedTableIsAnsweredEncryptedWithAProof) {
  EXPECT_EQ(json(get("/ml/models/" + model_ + "/client-spec", key_))["levels"], Json({"zkml", "hybrid"}));
  const Response accepted = infer("samples=4&context=for%20bob&keys=" + upload_key());
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  work();
  const Json done = json(get("/ml/jobs/" + json(accepted)["job_id"].get<std::string>(), key_));
  ASSERT_EQ(done["status"], "succeeded") << done;
  EXPECT_EQ(done["result"]["samples"], 4);
  save(done["artifacts"][0]["link"], "y.bpct");
  const std::string proof = done["links"]["proof"];
  save(proof + "/proof.bpp", "p.bpp");
  save("/ml/models/" + model_ + "/versions/1/model.bpk", "net.bpk");

  // The client decrypts what is proven, and gets what the model says.
  const auto no_passphrase = []() -> base::Result<crypto::SecretBytes> { return base::error(base::ErrorCode::kInvalidArgument, "", ""); };
  const std::string context = "for bob";
  engine::DecryptRecordsRequest decrypt{root_ / "net.bpc", root_ / "keys", root_ / "y.bpct", root_ / "y.npy", no_passphrase};
  decrypt.proof = root_ / "p.bpp";
  decrypt.model_key = root_ / "net.bpk";
  decrypt.input_ciphertext = root_ / "x.bpct";
  decrypt.context.emplace(context.begin(), context.end());
  const auto answers = engine::decrypt_hybrid_output(decrypt);
  ASSERT_TRUE(answers.ok()) << answers.error().message();
  const auto plain = engine::run_model({root_ / "net.bpm", root_ / "x.npy", std::nullopt, false});
  std::vector<model::Int128> integers;
  for (const auto& row : plain->integers) integers.insert(integers.end(), row.begin(), row.end());
  EXPECT_EQ(answers->integers, integers);

  const auto verify = [&](const Json& body) { return json(post(proof + "/verify", key_, body)); };
  EXPECT_EQ(verify(Json::object())["is_valid"], true);
  const std::string input = base::to_hex(crypto::sha256(base::as_bytes(text_of(root_ / "x.bpct"))));
  EXPECT_EQ(verify({{"public_inputs", {{"input", input}, {"context", "for bob"}}}})["is_valid"], true);
  EXPECT_EQ(verify({{"public_inputs", {{"output", input}}}})["refused_by"], "statement.output");
  EXPECT_EQ(verify({{"public_inputs", {{"context", "for eve"}}}})["refused_by"], "statement.context");
  EXPECT_EQ(post(proof + "/verify", key_, {{"public_inputs", {{"input", {1, 2}}}}}).status, 422);
  const Json record = json(get(proof, key_));
  EXPECT_EQ(record["level"], "hybrid");
  EXPECT_EQ(record["verified"], 2);
  EXPECT_EQ(record["refused"], 0);
}

TEST_F(HybridApiTest, KeysAndCiphertextsOfOtherLevelsAreRefused) {
  EXPECT_EQ(post("/ml/keys", key_, {{"model", model_}}).status, 422) << "the model has no level fhe";
  EXPECT_EQ(post("/ml/keys", key_, {{"model", model_}, {"level", "zkml"}}).status, 422);
  const Json made = json(post("/ml/keys", key_, {{"model", model_}, {"level", "hybrid"}}));
  const std::string id = made["id"];
  EXPECT_FALSE(made["links"].contains("evaluation"));
  EXPECT_EQ(infer("keys=" + id).status, 422) << "before the key is there";
  EXPECT_EQ(put_file("/ml/keys/" + id + "/eval.bpek", "keys/public.bppk").status, 404);
  EXPECT_EQ(put_file(made["links"]["public"], "keys/secret.bpsk").status, 422);
  EXPECT_EQ(put_file(made["links"]["public"], "x.bpct").status, 422);
  EXPECT_EQ(put_file(made["links"]["public"], "keys/public.bppk").status, 204);
  EXPECT_EQ(upload("/ml/models/" + model_ + "/inference?privacy_level=fhe&keys=" + id, key_, text_of(root_ / "x.bpct")).status, 422);
  EXPECT_EQ(upload("/ml/models/" + model_ + "/inference?privacy_level=hybrid&keys=" + id, key_, text_of(root_ / "net.bpm")).status, 422);
  for (const char* samples : {"0", "-1", "x", "99999999999999999999"}) EXPECT_EQ(infer("keys=" + id + "&samples=" + samples).status, 422) << samples;
}

TEST_F(HybridApiTest, MoreRecordsThanWereAnnouncedAreNotAnswered) {
  const Response accepted = infer("samples=3&keys=" + upload_key());
  ASSERT_EQ(accepted.status, 202);
  work();
  const Json done = json(get("/ml/jobs/" + json(accepted)["job_id"].get<std::string>(), key_));
  EXPECT_EQ(done["status"], "failed");
  EXPECT_NE(done["problem"].get<std::string>().find("holds 4"), std::string::npos) << done;
  EXPECT_FALSE(done.contains("artifacts"));
}

TEST_F(ApiTest, ModelsThatTheLevelHybridCannotTakeFailByName) {
  const std::string key = tenant_key("a");
  const std::string id = json(post("/ml/models", key, {{"name", "m"}}))["id"];
  ASSERT_EQ(upload("/ml/models/" + id + "/versions?levels=zkml,hybrid", key, model_bytes()).status, 202);
  work();
  const Json version = json(get("/ml/models/" + id + "/versions/1", key));
  EXPECT_EQ(version["status"], "failed");
  EXPECT_FALSE(version["problem"].get<std::string>().empty());
}

TEST_F(ApiTest, WhatIsStoredCannotBeReadWithoutTheWorkersKey) {
  const std::string key = tenant_key("a");
  const auto owner = envelope::RecipientSecretKey::generate();
  const std::string id = json(post("/ml/models", key, {{"name", "secret"}}))["id"];
  const std::string bytes = model_bytes();
  ASSERT_EQ(upload("/ml/models/" + id + "/versions?recipient=" + base::to_base64url(owner.recipient().x), key, bytes).status, 202);
  for (const auto& entry : fs::recursive_directory_iterator(root_ / "data")) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(text_of(entry.path()).find(bytes.substr(20, 24)), std::string::npos) << entry.path();
    }
  }
  // The owner rotates: reads the envelope, rewraps it, puts it back.
  const std::string at = "/ml/models/" + id + "/versions/1/key-envelope";
  const Json before = json(get(at, key));
  const auto worker = jobs::read_worker_key(root_ / "data").value();
  const auto second = envelope::RecipientSecretKey::generate();
  const std::vector<envelope::RecipientKey> recipients = {worker.recipient(), second.recipient()};
  const Json after = Json::parse(envelope::rewrap(before.dump(), jobs::model_context(id), owner, recipients).value());
  EXPECT_EQ(put(at, key, {{"before", before}, {"after", after}}).status, 204);
  EXPECT_EQ(put(at, key, {{"before", before}, {"after", after}}).status, 409);
  EXPECT_TRUE(envelope::open_data_key(json(get(at, key)).dump(), jobs::model_context(id), second).ok());
  const Json without = Json::parse(envelope::seal_data_key(envelope::make_data_key(), "", std::vector{second.recipient()}).value());
  EXPECT_EQ(put(at, key, {{"before", after}, {"after", without}}).status, 422);
  work();
  EXPECT_EQ(json(get("/ml/models/" + id + "/versions/1", key))["status"], "ready");
}

TEST_F(ApiTest, ProofsResultsAndReceiptsAreStoredEncrypted) {
  const std::string key = tenant_key("a"), buyer = tenant_key("b");
  const std::string model = ready_model(key);
  ASSERT_EQ(post("/marketplace/listings", key, {{"model", model}, {"title", "t"}, {"prices", {{"zkml", "1"}}}, {"published", true}}).status, 201);
  const Json asked = {{"privacy_level", "zkml"}, {"input", input()}, {"hide_input", false}};
  const std::string job = "/ml/jobs/" + json(post("/ml/models/" + model + "/inference", buyer, asked))["job_id"].get<std::string>();
  work();
  const Json done = json(get(job, buyer));
  const std::string proof = content_of(get(done["links"]["proof"].get<std::string>() + "/proof.bpp", buyer));
  const std::string integers = done["result"]["output"]["integers"].dump(), receipt = get(job + "/receipt", buyer).body;
  ASSERT_GT(proof.size(), 200u);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_ / "data")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string stored = text_of(entry.path());
    EXPECT_EQ(stored.find(proof.substr(proof.size() / 2, 32)), std::string::npos) << entry.path();
    EXPECT_EQ(stored.find("\"integers\":" + integers), std::string::npos) << entry.path();
    EXPECT_EQ(stored.find(receipt.substr(receipt.find("receipt_hash"), 60)), std::string::npos) << entry.path();
  }
  EXPECT_GT(files, 5u);
  EXPECT_FALSE(json(get("/ml/jobs", buyer))["items"][0]["result"].contains("output")) << "lists open nothing";
}

TEST_F(ApiTest, DownloadsLeaveNoDecryptedFileBehind) {
  const std::string key = tenant_key("a");
  const std::string model = ready_model(key);
  const std::string job = "/ml/jobs/" + json(post("/ml/models/" + model + "/inference", key, {{"privacy_level", "zkml"}, {"input", input()}}))["job_id"].get<std::string>();
  work();
  {
    const Response response = get(json(get(job, key))["links"]["proof"].get<std::string>() + "/proof.bpp", key);
    EXPECT_TRUE(fs::exists(response.file));
    EXPECT_EQ(fs::status(response.file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
  for (const auto& entry : fs::directory_iterator(root_ / "data/scratch")) EXPECT_FALSE(entry.path().filename().string().starts_with("server-")) << entry.path();
}

TEST_F(ApiTest, SecretKeysAreRefusedAndNothingOfThemIsKept) {
  const std::string key = tenant_key("a");
  const std::string id = json(post("/ml/models", key, {{"name", "m"}}))["id"];
  const std::string canary = "BPSK-canary-2f91";
  EXPECT_EQ(upload("/ml/models/" + id + "/versions", key, canary).status, 422);
  EXPECT_EQ(upload("/ml/models/" + id + "/versions", key, "anything").status, 422);
  const std::string jwk_canary = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
  const std::string model = ready_model(key);
  const Response response = post("/ml/models/" + model + "/inference", key,
                                 {{"privacy_level", "zkml"}, {"input", input()}, {"recipient", {{"kty", "OKP"}, {"crv", "X25519"}, {"x", jwk_canary}, {"d", jwk_canary}}}});
  EXPECT_EQ(response.status, 422);
  for (const std::string& secret : {std::string("canary-2f91"), jwk_canary}) {
    EXPECT_EQ(log_.find(secret), std::string::npos);
    EXPECT_EQ(response.body.find(secret), std::string::npos);
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "data")) {
      if (entry.is_regular_file()) {
        EXPECT_EQ(text_of(entry.path()).find(secret), std::string::npos) << entry.path();
      }
    }
  }
}

TEST_F(ApiTest, LogsHaveNeitherPayloadsNorKeysNorIds) {
  const std::string key = tenant_key("a");
  const std::string model = ready_model(key);
  post("/ml/models/" + model + "/inference", key, {{"privacy_level", "zkml"}, {"input", {{"shape", {5}}, {"data", {3, 100, 0, 251.0625, 7}}}}, {"context", "canary-context"}});
  EXPECT_NE(log_.find("/ml/models/{model}/inference"), std::string::npos);
  for (const std::string& secret : {std::string("251.06"), std::string("canary-context"), key.substr(33), admin_.substr(33)}) {
    EXPECT_EQ(log_.find(secret), std::string::npos) << secret;
    EXPECT_EQ(get("/metrics", "").body.find(secret), std::string::npos);
  }
}

TEST_F(ApiTest, AnotherTenantSeesNothing) {
  const std::string a = tenant_key("a"), b = tenant_key("b");
  const std::string model = ready_model(a);
  const Json job = json(post("/ml/models/" + model + "/inference", a, {{"privacy_level", "zkml"}, {"input", input()}}));
  work();
  const std::string at = "/ml/jobs/" + job["job_id"].get<std::string>();
  const std::string proof = json(get(at, a))["links"]["proof"];
  for (const std::string& path : {"/ml/models/" + model, "/ml/models/" + model + "/client-spec", "/ml/models/" + model + "/versions/1/model.bpk",
                                  "/ml/models/" + model + "/versions/1/key-envelope", at, at + "/events", proof, proof + "/proof.bpp"}) {
    EXPECT_EQ(get(path, a).status, 200) << path;
    EXPECT_EQ(get(path, b).status, 404) << path;
  }
  EXPECT_EQ(post("/ml/models/" + model + "/inference", b, {{"privacy_level", "zkml"}, {"input", input()}}).status, 404);
  EXPECT_EQ(post(proof + "/verify", b, Json::object()).status, 404);
  EXPECT_EQ(upload("/ml/models/" + model + "/versions", b, model_bytes()).status, 404);
  EXPECT_EQ(request("DELETE", at, b).status, 404);
  EXPECT_TRUE(json(get("/ml/models", b))["items"].empty());
  EXPECT_TRUE(json(get("/ml/jobs", b))["items"].empty());
}

TEST_F(ApiTest, LevelsThatCannotBeGivenAreRefusedByName) {
  const std::string key = tenant_key("a");
  const std::string at = "/ml/models/" + ready_model(key) + "/inference";
  const auto detail = [&](Json body) {
    body["input"] = input();
    const Response response = post(at, key, body);
    EXPECT_EQ(response.status, 422);
    return json(response)["detail"].get<std::string>();
  };
  EXPECT_NE(detail({{"privacy_level", "fhe"}, {"verification_required", true}}).find("hybrid"), std::string::npos);
  EXPECT_NE(detail({{"privacy_level", "fhe"}}).find("ciphertext"), std::string::npos);
  EXPECT_NE(detail({{"privacy_level", "hybrid"}}).find("ciphertext"), std::string::npos);
  detail({{"privacy_level", "none"}});
  detail({{"privacy_level", "zkml"}, {"proof_system", "groth16"}});
  EXPECT_EQ(post("/ml/models", key, {{"name", "t"}, {"model_type", "transformer"}}).status, 422);
}

TEST_F(ApiTest, ARepeatedRequestIsOneJob) {
  const std::string key = tenant_key("a");
  const std::string at = "/ml/models/" + ready_model(key) + "/inference";
  const Json body = {{"privacy_level", "zkml"}, {"input", input()}};
  const auto send = [&](const Json& json_body) { return request("POST", at, key, json_body.dump(), "application/json", {{"Idempotency-Key", "once"}}); };
  const Json first = json(send(body));
  EXPECT_EQ(json(send(body))["job_id"], first["job_id"]);
  Json other = body;
  other["context"] = "x";
  EXPECT_EQ(send(other).status, 422);
}

TEST_F(ApiTest, QuotasEnd429AndCancellingFreesThem) {
  const std::string key = tenant_key("a");
  const std::string at = "/ml/models/" + ready_model(key) + "/inference";
  const Json body = {{"privacy_level", "zkml"}, {"input", input()}};
  const Json first = json(post(at, key, body));
  EXPECT_EQ(post(at, key, body).status, 202);
  EXPECT_EQ(post(at, key, body).status, 429);
  EXPECT_EQ(json(request("DELETE", "/ml/jobs/" + first["job_id"].get<std::string>(), key))["status"], "cancelled");
  EXPECT_EQ(post(at, key, body).status, 202);
}

TEST_F(ApiTest, OpenInferenceProtocolClientsWaitForTheAnswer) {
  const std::string key = tenant_key("a");
  const std::string at = "/v2/models/" + ready_model(key);
  EXPECT_EQ(json(get("/v2", ""))["name"], "blindproof");
  const Json metadata = json(get(at, key));
  EXPECT_EQ(metadata["inputs"][0]["shape"], Json({5}));
  EXPECT_EQ(metadata["versions"], Json({"1"}));
  EXPECT_EQ(get(at + "/ready", key).status, 200);
  EXPECT_EQ(get(at + "/versions/2/ready", key).status, 404);

  const Json tensor = {{"name", "input"}, {"shape", {1, 5}}, {"datatype", "FP32"}, {"data", {{3, 100, 0, 255, 7}}}};
  const Response waiting = post(at + "/infer", key, {{"id", "mine"}, {"inputs", {tensor}}, {"outputs", {{{"name", "integers"}}}}});
  ASSERT_TRUE(waiting.later);
  EXPECT_FALSE(waiting.later().has_value());
  work();
  const Response response = waiting.later().value();
  ASSERT_EQ(response.status, 200) << response.body;
  const Json answer = json(response);
  EXPECT_EQ(answer["id"], "mine");
  ASSERT_EQ(answer["outputs"].size(), 1u);
  const Json job = json(get(answer["parameters"]["job"], key));
  EXPECT_EQ(answer["outputs"][0]["data"], job["result"]["output"]["integers"]);
  EXPECT_EQ(json(post(answer["parameters"]["proof"].get<std::string>() + "/verify", key, Json::object()))["is_valid"], true);
  EXPECT_NE(log_.find("\"route\":\"/v2/models/{model}/infer\",\"seconds\""), std::string::npos);

  // Errors have the protocol's form.
  const auto refused = [&](const Json& body) {
    const Response answered = post(at + "/infer", key, body);
    EXPECT_FALSE(answered.later) << body;
    EXPECT_TRUE(json(answered)["error"].is_string()) << answered.body;
    return answered.status;
  };
  Json bad = tensor;
  EXPECT_EQ(refused({{"inputs", Json::array()}}), 422);
  EXPECT_EQ(refused({{"inputs", {tensor, tensor}}}), 422);
  EXPECT_EQ(refused({{"inputs", {1}}}), 422);
  EXPECT_EQ(refused(Json::object()), 422);
  bad["datatype"] = "BYTES";
  EXPECT_EQ(refused({{"inputs", {bad}}}), 422);
  bad = tensor;
  bad["data"] = {1, 2};
  EXPECT_EQ(refused({{"inputs", {bad}}}), 422);
  EXPECT_EQ(refused({{"inputs", {tensor}}, {"outputs", {{{"name", "x"}}}}}), 422);
  EXPECT_EQ(refused({{"inputs", {tensor}}, {"parameters", {{"x", 1}}}}), 422);
  EXPECT_TRUE(json(get("/v2/models/none", key))["error"].is_string());
  EXPECT_TRUE(json(get("/v2/nothing", key))["error"].is_string());
}

TEST_F(ApiTest, KeysThatAskTooOftenAreToldToWait) {
  ApiOptions options;
  options.requests_per_s = 0.5;
  options.request_burst = 3;
  const std::string key = tenant_key("a"), other = tenant_key("b");
  api_ = make_api(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/ml/models", key).status, 200);
  const Response refused = get("/ml/models", key);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(std::ranges::count(refused.headers, std::pair<std::string, std::string>("Retry-After", "2")), 1);
  EXPECT_EQ(get("/ml/models", other).status, 200);
  EXPECT_EQ(get("/health/live", "").status, 200);
}

TEST_F(ApiTest, HostileRequestsAreRefused) {
  const std::string key = tenant_key("a");
  for (const std::string& target : {std::string(""), std::string("x"), std::string("/../etc/passwd"), std::string("/ml/models/..%2f..%2fetc"),
                                    std::string("/ml/models/%"), std::string("/ml/models/%00"), std::string("/ml/models/' OR 1=1 --"), std::string(5000, '/'),
                                    std::string("/ml/jobs/x/artifacts/..%2f..%2fkeys%2fworker.jwk")}) {
    const Response response = get(target, key);
    EXPECT_TRUE(response.status == 404 || response.status == 400) << target << " " << response.status;
  }
  EXPECT_EQ(get("/ml/models?a=1&a=2", key).status, 400);
  EXPECT_EQ(request("PATCH", "/ml/models", key).status, 405);
  EXPECT_EQ(request("POST", "/ml/models", key, "{}", "text/plain").status, 415);
  EXPECT_EQ(request("POST", "/ml/models", key, "{", "application/json").status, 400);
  EXPECT_EQ(request("POST", "/ml/models", key, "{\"name\":\"a\",\"name\":\"b\"}", "application/json").status, 400);
  EXPECT_EQ(request("POST", "/ml/models", key, "[]", "application/json").status, 422);
  EXPECT_EQ(request("POST", "/ml/models", key, "{\"name\":7}", "application/json").status, 422);
  EXPECT_EQ(request("POST", "/ml/models", key, "{\"name\":\"a\",\"extra\":1}", "application/json").status, 422);
  EXPECT_EQ(request("POST", "/ml/models", key, std::string(1 << 17, ' '), "application/json").status, 413);
  EXPECT_EQ(request("POST", "/ml/models", key, std::string(10000, '['), "application/json").status, 413);
  EXPECT_EQ(request("GET", "/ml/models", key, "body").status, 400);
  const std::string id = json(post("/ml/models", key, {{"name", "'; DROP TABLE models; --"}}))["id"];
  EXPECT_EQ(json(get("/ml/models/" + id, key))["name"], "'; DROP TABLE models; --");
  EXPECT_EQ(upload("/ml/models/" + id + "/versions", key, std::string("BPM\0", 4) + std::string(2 << 20, 'x')).status, 413);
  EXPECT_EQ(upload("/ml/models/" + id + "/versions", key, "BP").status, 400);
  EXPECT_EQ(upload("/ml/models/" + id + "/versions?levels=all", key, model_bytes()).status, 422);
  EXPECT_EQ(upload("/ml/models/" + id + "/versions?recipient=x", key, model_bytes()).status, 422);
}

TEST_F(ApiTest, InputsThatDoNotFitAreRefusedBeforeTheyBecomeJobs) {
  const std::string key = tenant_key("a");
  const std::string at = "/ml/models/" + ready_model(key) + "/inference";
  for (const Json& bad : {Json(nullptr), Json::object(), Json({{"shape", {5}}, {"data", {1, 2}}}), Json({{"shape", {4}}, {"data", {1, 2, 3, 4}}}),
                          Json({{"shape", {-5}}, {"data", Json::array()}}), Json({{"shape", {5}}, {"data", {1, 2, 3, 4, "x"}}}),
                          Json({{"shape", {5}}, {"data", {1, 2, 3, 4, 1e300}}}), Json({{"shape", {1u << 30, 1u << 30, 1u << 30}}, {"data", {1}}})}) {
    const int status = post(at, key, {{"privacy_level", "zkml"}, {"input", bad}}).status;
    EXPECT_TRUE(status == 422 || status == 413) << bad << " " << status;
  }
  EXPECT_EQ(json(get("/ml/jobs", key))["items"].size(), 1u) << "the registration";
}

TEST_F(ApiTest, ListsComeInPages) {
  const std::string key = tenant_key("a");
  for (int i = 0; i < 5; ++i) ASSERT_EQ(post("/ml/models", key, {{"name", "m" + std::to_string(i)}}).status, 201);
  EXPECT_EQ(post("/ml/models", key, {{"name", "m0"}}).status, 409);
  std::set<std::string> names;
  std::string target = "/ml/models?limit=2";
  for (int pages = 0; pages < 5; ++pages) {
    const Json page = json(get(target, key));
    for (const Json& item : page["items"]) names.insert(item["name"]);
    if (page["next_cursor"].is_null()) break;
    target = "/ml/models?limit=2&cursor=" + page["next_cursor"].get<std::string>();
  }
  EXPECT_EQ(names.size(), 5u);
}

TEST_F(ApiTest, AliasesNameVersions) {
  const std::string key = tenant_key("a");
  const std::string model = "/ml/models/" + ready_model(key);
  EXPECT_EQ(put(model + "/aliases/live", key, {{"version", 1}}).status, 204);
  EXPECT_EQ(put(model + "/aliases/live", key, {{"version", 2}}).status, 404);
  EXPECT_EQ(put(model + "/aliases/1st", key, {{"version", 1}}).status, 422);
  EXPECT_EQ(json(get(model + "/versions/live", key))["version"], 1);
  EXPECT_EQ(get(model + "/versions/none", key).status, 404);
  EXPECT_EQ(json(get(model, key))["aliases"]["live"], 1);
}

TEST_F(ApiTest, AccessIsAudited) {
  const std::string key = tenant_key("a");
  const std::string model = ready_model(key);
  std::set<std::string> actions;
  const Json audit = json(get("/admin/audit?limit=1000", admin_));
  for (const Json& entry : audit["items"]) actions.insert(entry["action"]);
  for (const char* action : {"tenant.create", "key.create", "model.create", "model.upload", "model.open"}) EXPECT_TRUE(actions.contains(action)) << action;
}

}  // namespace
}  // namespace blindproof::service::http
