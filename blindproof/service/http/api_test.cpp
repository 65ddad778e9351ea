#include "blindproof/service/http/api.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>

#include "blindproof/base/file.h"
#include "blindproof/engine/files.h"
#include "blindproof/base/base64url.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/jobs/worker.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::service::http {
namespace {

namespace fs = std::filesystem;

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    std::string name = (fs::temp_directory_path() / "api-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    ApiOptions options;
    options.max_model_bytes = 1 << 20;
    options.max_json_bytes = 1 << 16;
    options.version = "test";
    options.log = [this](const std::string& line) { log_ += line + "\n"; };
    api_ = std::make_unique<Api>(jobs::open_data_folder(root_ / "data").value(), options);
    EXPECT_TRUE(api_->bootstrap(root_ / "admin.key").value());
    admin_ = text_of(root_ / "admin.key");
    admin_.pop_back();
  }
  ~ApiTest() override { fs::remove_all(root_); }

  static std::string text_of(const fs::path& path) {
    const base::Bytes bytes = base::read_file(path, 1 << 26).value();
    return std::string(bytes.begin(), bytes.end());
  }

  Response request(const std::string& method, const std::string& target, const std::string& key, const std::string& body = "", const std::string& type = "",
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    RequestHead head{method, target, std::move(headers), body.empty() ? std::nullopt : std::optional<std::uint64_t>(body.size()), "r1"};
    if (!key.empty()) head.headers.emplace_back("Authorization", "Bearer " + key);
    if (!type.empty()) head.headers.emplace_back("content-type", type);
    Opened opened = api_->open(std::move(head));
    if (!opened.exchange) return std::move(opened.response);
    for (std::size_t i = 0; i < body.size(); i += 7) {  // as it comes from a network
      if (!opened.exchange->write(base::as_bytes(std::string_view(body).substr(i, 7)))) break;
    }
    return opened.exchange->finish();
  }

  Response get(const std::string& target, const std::string& key) { return request("GET", target, key); }
  Response post(const std::string& target, const std::string& key, const Json& body) { return request("POST", target, key, body.dump(), "application/json"); }
  Response put(const std::string& target, const std::string& key, const Json& body) { return request("PUT", target, key, body.dump(), "application/json"); }
  Response upload(const std::string& target, const std::string& key, const std::string& body) {
    return request("POST", target, key, body, "application/octet-stream");
  }
  static Json json(const Response& response) { return Json::parse(response.body); }

  /// A tenant's key with these scopes.
  std::string tenant_key(const std::string& name, const Json& scopes = {"read", "infer", "models"}) {
    if (!tenants_.contains(name)) tenants_[name] = json(post("/admin/tenants", admin_, {{"name", name}, {"max_active_jobs", 2}}))["id"];
    return json(post("/admin/keys", admin_, {{"tenant", tenants_[name]}, {"scopes", scopes}}))["key"];
  }

  std::string model_bytes() const {
    blindproof::testing::GraphBuilder builder(model::Arithmetic::kRescaled, 1);
    const auto input = builder.input({5}, 0, 255);
    const base::Bytes bytes = model::write_model_file({builder.finish(builder.requantize(builder.dense(input, 3), 8, 0, 255)), {1}, {}});
    return std::string(bytes.begin(), bytes.end());
  }

  void work() {
    const jobs::DataFolder data = jobs::open_data_folder(root_ / "data").value();
    jobs::WorkerOptions options;
    options.name = "w";
    jobs::Worker worker = jobs::Worker::create(data, options).value();
    const std::atomic<bool> stop = false;
    while (worker.run_one(stop).value()) {
    }
  }

  /// The id of a model that is ready.
  std::string ready_model(const std::string& key) {
    const std::string id = json(post("/ml/models", key, {{"name", "digits"}}))["id"];
    EXPECT_EQ(upload("/ml/models/" + id + "/versions", key, model_bytes()).status, 202);
    work();
    EXPECT_EQ(json(get("/ml/models/" + id + "/versions/1", key))["status"], "ready");
    return id;
  }

  static Json input() { return {{"shape", {5}}, {"data", {3, 100, 0, 255, 7}}}; }

  fs::path root_;
  std::string log_, admin_;
  std::unique_ptr<Api> api_;
  std::map<std::string, std::string> tenants_;
};

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
  detail({{"privacy_level", "hybrid"}});
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
