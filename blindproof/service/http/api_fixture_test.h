// The API in front of a data folder of its own, with the work done on demand.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include "blindproof/base/file.h"
#include "blindproof/engine/files.h"
#include "blindproof/service/http/api.h"
#include "blindproof/service/jobs/worker.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::service::http {

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    std::string name = (std::filesystem::temp_directory_path() / "api-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    ApiOptions options;
    options.max_model_bytes = 1 << 20;
    options.max_json_bytes = 1 << 16;
    options.version = "test";
    options.log = [this](const std::string& line) { log_ += line + "\n"; };
    api_ = make_api(options);
    EXPECT_TRUE(api_->bootstrap(root_ / "admin.key").value());
    admin_ = text_of(root_ / "admin.key");
    admin_.pop_back();
  }
  ~ApiTest() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Api> make_api(ApiOptions options) const {
    jobs::DataFolder data = jobs::open_data_folder(root_ / "data").value();
    ServerKeys keys = open_server_keys(data.root).value();
    return std::make_unique<Api>(std::move(data), std::move(keys), std::move(options));
  }

  static std::string text_of(const std::filesystem::path& path) {
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
  static std::string content_of(const Response& response) { return response.file.empty() ? response.body : text_of(response.file); }
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

  std::filesystem::path root_;
  std::string log_, admin_;
  std::unique_ptr<Api> api_;
  std::map<std::string, std::string> tenants_;
};

}  // namespace blindproof::service::http
