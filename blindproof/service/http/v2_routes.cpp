// The Open Inference Protocol, version 2, for the level zkml: https://github.com/kserve/open-inference-protocol
#include <array>

#include "blindproof/service/http/api.h"

namespace blindproof::service::http {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMaxValues = std::size_t{1} << 22;
constexpr int kMaxNesting = 16;
constexpr std::array<const char*, 11> kDatatypes = {"UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64"};

base::Error invalid(const char* place, const char* detail) { return base::error(ErrorCode::kInvalidArgument, place, detail); }

/// Tensors may be nested lists; what counts is the order.
base::Status flatten(const Json& data, int depth, Json& flat) {
  for (const Json& element : data) {
    if (element.is_array()) {
      if (depth == 0) return invalid("inputs", "data is nested too deeply");
      BLINDPROOF_TRY(flatten(element, depth - 1, flat));
    } else {
      if (flat.size() == kMaxValues) return base::error(ErrorCode::kLimit, "inputs", "data has too many values");
      flat.push_back(element);
    }
  }
  return {};
}

/// The one input as {"shape", "data"}.
Result<Json> parse_inputs(const Json& inputs) {
  if (inputs.size() != 1 || !inputs[0].is_object()) return invalid("inputs", "must have one tensor");
  const Json& tensor = inputs[0];
  const auto is = [&](const char* name, auto check) { return tensor.contains(name) && (tensor[name].*check)(); };
  if (!is("name", &Json::is_string) || !is("shape", &Json::is_array) || !is("datatype", &Json::is_string) || !is("data", &Json::is_array)) {
    return invalid("inputs", "a tensor has name, shape, datatype and data");
  }
  const std::string type = tensor["datatype"];
  if (std::find(kDatatypes.begin(), kDatatypes.end(), type) == kDatatypes.end()) return invalid("inputs", "datatype: must be one of numbers");
  Json flat = Json::array();
  BLINDPROOF_TRY(flatten(tensor["data"], kMaxNesting, flat));
  return Json{{"shape", tensor["shape"]}, {"data", std::move(flat)}};
}

bool fits_int64(const Json& integers) {  // larger ones are texts
  return std::all_of(integers.begin(), integers.end(), [](const Json& value) { return value.is_number_integer(); });
}

Json shape_of(const Json& facts, const char* name) { return facts.is_object() ? facts.value(name, Json::array()) : Json::array(); }

}  // namespace

Api::Reply Api::v2_server(Call&) {
  return json_response({{"name", "blindproof"}, {"version", options_.version}, {"extensions", Json::array()}});
}

Result<std::optional<store::ModelVersion>> Api::v2_version(const Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return std::optional<store::ModelVersion>();
  BLINDPROOF_ASSIGN(auto version, find_version(model->id, call.path.size() > 1 ? call.path[1] : ""));
  if (version && (version->status != store::VersionStatus::kReady || version->model_key_blob.empty())) version.reset();
  return version;
}

Api::Reply Api::v2_ready(Call& call) {
  BLINDPROOF_ASSIGN(const auto version, v2_version(call));
  return version ? json_response({{"ready", true}}) : not_found();
}

Api::Reply Api::v2_model(Call& call) {
  BLINDPROOF_ASSIGN(const auto version, v2_version(call));
  if (!version) return not_found();
  BLINDPROOF_ASSIGN(const auto versions, data_.store->versions(version->model));
  Json names = Json::array();
  for (const auto& each : versions) {
    if (each.status == store::VersionStatus::kReady) names.push_back(std::to_string(each.number));
  }
  const Json facts = Json::parse(version->facts, nullptr, false);
  const Json output = shape_of(facts, "output_shape");
  return json_response({{"name", version->model}, {"versions", names}, {"platform", "blindproof_zkml"},
                        {"inputs", {{{"name", "input"}, {"datatype", "FP32"}, {"shape", shape_of(facts, "input_shape")}}}},
                        {"outputs", {{{"name", "output"}, {"datatype", "FP64"}, {"shape", output}},
                                     {{"name", "integers"}, {"datatype", "INT64"}, {"shape", output}}}}});
}

Api::Reply Api::v2_infer(Call& call) {
  BLINDPROOF_ASSIGN(const Json input, parse_inputs(call.body["inputs"]));
  const Json asked = call.body;
  Json body = {{"privacy_level", "zkml"}, {"input", input}};
  if (call.path.size() > 1) body["version"] = call.path[1];
  if (asked.contains("parameters")) {
    for (const auto& [name, value] : asked["parameters"].items()) {
      if (!(name == "hide_input" && value.is_boolean()) && !(name == "context" && value.is_string())) {
        return problem(422, "invalid", "parameters: may have hide_input (true or false) and context (text)");
      }
      body[name] = value;
    }
  }
  std::vector<std::string> wanted;
  for (const Json& output : asked.value("outputs", Json::array())) {
    const std::string name = output.is_object() && output.contains("name") && output["name"].is_string() ? output["name"].get<std::string>() : "";
    if (name != "output" && name != "integers") return problem(422, "invalid", "outputs: are named output and integers");
    wanted.push_back(name);
  }
  call.body = std::move(body);
  BLINDPROOF_ASSIGN(Response accepted, infer(call));
  if (accepted.status != 202) return accepted;
  const std::string job = Json::parse(accepted.body, nullptr, false)["job_id"];
  const std::string id = asked.value("id", job);
  const auto deadline = std::chrono::steady_clock::now() + options_.v2_wait;
  Response response;
  response.later = [this, job, id, wanted, deadline, tenant = call.caller.tenant]() -> std::optional<Response> {
    auto found = v2_answer(tenant, job, id, wanted);
    if (!found.ok()) return problem_of(found.error());
    if (*found) return *std::move(found);
    if (std::chrono::steady_clock::now() < deadline) return std::nullopt;
    return problem(504, "timeout", "the work goes on as job " + job + ": ask for /ml/jobs/" + job);
  };
  return response;
}

Result<std::optional<Response>> Api::v2_answer(const std::string& tenant, const std::string& id, const std::string& request_id,
                                               const std::vector<std::string>& wanted) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(tenant, id));
  if (!job) return std::optional<Response>(not_found());
  if (!store::is_final(job->status)) return std::optional<Response>();
  if (job->status != store::JobStatus::kSucceeded) {
    return std::optional<Response>(problem(422, "failed", job->problem.empty() ? "the job was cancelled" : job->problem));
  }
  BLINDPROOF_ASSIGN(const Json result, result_of(*job));
  const Json& output = result["output"];
  Json outputs = Json::array();
  const auto add = [&](const char* name, const char* datatype, const Json& data) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) return;
    outputs.push_back({{"name", name}, {"datatype", datatype}, {"shape", Json::array({data.size()})}, {"data", data}});
  };
  add("output", "FP64", output["reals"]);
  if (fits_int64(output["integers"])) add("integers", "INT64", output["integers"]);
  return std::optional<Response>(json_response(
      {{"model_name", job->model}, {"model_version", std::to_string(job->version)}, {"id", request_id}, {"outputs", std::move(outputs)},
       {"parameters", {{"job", "/ml/jobs/" + job->id}, {"proof", "/ml/proofs/" + result["proof_id"].get<std::string>()}}}}));
}

}  // namespace blindproof::service::http
