#include "blindproof/service/http/api.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "blindproof/base/check.h"
#include "blindproof/base/file.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/http/routes.h"
#include "blindproof/service/http/scratch_folder.h"
#include "blindproof/service/jobs/sealed_blob.h"

namespace blindproof::service::http {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kFileType = "application/octet-stream";
constexpr std::string_view kSecretKeyMagic[] = {"BPSK", "BHSK"};  // of levels fhe and hybrid
constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kMaxTarget = 2048;
constexpr std::size_t kMaxOpenedBytes = std::size_t{1} << 28;  // of results and receipts

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  if (text.empty()) return query;
  for (const std::string_view pair : split(text, '&')) {
    const std::size_t equals = pair.find('=');
    const auto name = percent_decode(pair.substr(0, equals));
    const auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value || !query.emplace(*name, *value).second) return std::nullopt;
  }
  return query;
}

/// The pattern's parameters, if the path has its form.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/'), given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      const auto value = percent_decode(given[i]);
      if (!value || value->empty()) return std::nullopt;
      parameters.push_back(*value);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

std::string media_type(const RequestHead& head) {
  const std::string_view type = head.header("content-type");
  std::string_view bare = type.substr(0, type.find(';'));
  while (bare.ends_with(' ')) bare.remove_suffix(1);
  return lower(bare);
}

std::string_view type_of(BodyKind body) { return body == BodyKind::kJson ? kJsonType : kFileType; }

}  // namespace

std::string_view RequestHead::header(std::string_view name) const {
  const std::string wanted = lower(name);
  for (const auto& [key, value] : headers) {
    if (lower(key) == wanted) return value;
  }
  return {};
}

Upload::Upload(store::BlobWriter writer, std::string magic, std::uint64_t max_bytes)
    : writer_(std::make_unique<store::BlobWriter>(std::move(writer))), magic_(std::move(magic)), max_bytes_(max_bytes) {}

void Upload::encrypt(const envelope::Key256& data_key) {
  encryptor_.emplace(data_key, [writer = writer_.get()](base::ByteSpan bytes) { return writer->write(bytes); });
}

Status Upload::check_magic() {
  if (std::ranges::find(kSecretKeyMagic, head_) != std::end(kSecretKeyMagic)) {
    return base::error(ErrorCode::kInvalidArgument, "body", "is a secret key. Keep it; nothing of it was stored");
  }
  if (head_.substr(0, magic_.size()) != magic_) return base::error(ErrorCode::kInvalidArgument, "body", "is no file of the kind that belongs here");
  const base::ByteSpan head = base::as_bytes(head_);
  return encryptor_ ? encryptor_->write(head) : writer_->write(head);
}

Status Upload::write(base::ByteSpan bytes) {
  bytes_ += bytes.size();
  if (bytes_ > max_bytes_) return base::error(ErrorCode::kLimit, "body", "has more than the allowed " + std::to_string(max_bytes_) + " bytes");
  if (head_.size() < kMagicBytes) {
    const std::size_t count = std::min(kMagicBytes - head_.size(), bytes.size());
    head_.append(reinterpret_cast<const char*>(bytes.data()), count);
    bytes = bytes.subspan(count);
    if (head_.size() < kMagicBytes) return {};
    BLINDPROOF_TRY(check_magic());
  }
  return encryptor_ ? encryptor_->write(bytes) : writer_->write(bytes);
}

Result<store::Blob> Upload::finish() {
  if (head_.size() < kMagicBytes) return base::error(ErrorCode::kMalformed, "body", "is too short for any file");
  if (encryptor_) BLINDPROOF_TRY(encryptor_->finish());
  return writer_->finish();
}

Api::Api(jobs::DataFolder data, ServerKeys keys, ApiOptions options)
    : data_(std::move(data)), keys_(std::move(keys)), options_(std::move(options)), rate_limits_(options_.requests_per_s, options_.request_burst) {
  std::error_code ignored;  // what a killed server left
  for (const auto& entry : std::filesystem::directory_iterator(data_.root / "scratch", ignored)) {
    if (entry.path().filename().string().starts_with(kScratchPrefix)) std::filesystem::remove_all(entry.path(), ignored);
  }
}
Api::~Api() = default;

/// One request from its head to its response: receives the body, calls the handler, counts and logs.
class Api::Session final : public Exchange {
 public:
  Session(Api& api, const Route* route, Call call) : api_(api), route_(route), call_(std::move(call)) {}

  Response end(Response response) { return conclude(api_, account(), std::move(response)); }

  Response end(const base::Error& error) {
    if (error.code == ErrorCode::kIo) internal_ = error.message();  // for the operator alone
    return end(problem_of(error));
  }

  /// Everything that can be said before the body. Nothing: go on.
  std::optional<Response> begin() {
    if (route_->scope != 0) {
      const auto key = authenticate(*api_.data_.store, call_.head.header("authorization"), jobs::now_ms());
      if (!key.ok()) return end(key.error());
      if (!*key) return end(problem(401, "unauthenticated", "give a valid API key as \"Authorization: Bearer ...\""));
      call_.caller = **key;
      if (const auto wait = api_.rate_limits_.take(call_.caller.id, std::chrono::steady_clock::now())) {
        Response response = problem(429, "rate", "this key makes too many requests");
        response.headers.back() = {"Retry-After", std::to_string(wait->count())};
        return end(std::move(response));
      }
      if ((call_.caller.scopes & route_->scope) != route_->scope) return end(problem(403, "scope", "this key lacks the scope for that"));
    }
    if (route_->body == BodyKind::kFile) {
      auto upload = (api_.*route_->begin)(call_);
      if (call_.refused) return end(*std::move(call_.refused));
      if (!upload.ok()) return end(std::move(upload).error());
      upload_.emplace(*std::move(upload));
    }
    return std::nullopt;
  }

  bool write(base::ByteSpan bytes) override {
    received_ += bytes.size();
    if (failed_) return false;
    if (upload_) {
      if (Status status = upload_->write(bytes); !status.ok()) failed_ = status.error();
    } else if (route_->body == BodyKind::kNone) {
      failed_ = base::error(ErrorCode::kMalformed, "body", "isn't taken by this request");
    } else if (text_.size() + bytes.size() > api_.options_.max_json_bytes) {
      failed_ = base::error(ErrorCode::kLimit, "body", "has more than the allowed " + std::to_string(api_.options_.max_json_bytes) + " bytes");
    } else {
      text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return !failed_;
  }

  Response finish() override {
    if (failed_) return end(*failed_);
    if (upload_) {
      auto blob = upload_->finish();
      if (!blob.ok()) return end(std::move(blob).error());
      call_.upload = *std::move(blob);
      call_.upload_bytes = upload_->bytes();
    } else if (route_->body == BodyKind::kJson) {
      auto json = envelope::parse_json(text_, api_.options_.max_json_bytes);
      if (!json.ok()) return end(std::move(json).error());
      call_.body = *std::move(json);
      if (const Status status = check_fields(*route_, call_.body); !status.ok()) return end(status.error());
    }
    try {
      Reply reply = (api_.*route_->handler)(call_);
      return reply.ok() ? end(*std::move(reply)) : end(std::move(reply).error());
    } catch (const std::bad_alloc&) {
      return end(problem(503, "unavailable", "there is not enough memory for this now"));
    } catch (const std::exception&) {
      internal_ = "unexpected exception";
      return end(problem(500, "internal", "the request failed"));
    }
  }

 private:
  Api& api_;
  const Route* route_;
  Call call_;
  std::optional<Upload> upload_;
  std::string text_, internal_;
  std::optional<base::Error> failed_;
  std::uint64_t received_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();

  /// What is said of a request in the log.
  struct Account {
    const Route* route;
    std::string id, tenant, key, internal;
    std::uint64_t received;
    std::chrono::steady_clock::time_point begun;
    bool v2;  // whose errors have a form of their own
  };
  Account account() const {
    return {route_, call_.head.id, call_.caller.tenant, call_.caller.id, internal_, received_, begun_, call_.head.target.starts_with("/v2/")};
  }

  static Response conclude(Api& api, const Account& account, Response response) {
    if (response.later) {  // counted and logged when it is known
      response.later = [&api, account, later = std::move(response.later)]() -> std::optional<Response> {
        std::optional<Response> known = later();
        if (!known) return known;
        return conclude(api, account, *std::move(known));
      };
      return response;
    }
    if (account.v2 && response.status >= 400) {
      response.body = Json{{"error", Json::parse(response.body, nullptr, false).value("detail", "failed")}}.dump(-1, ' ', false, Json::error_handler_t::replace);
      for (auto& [name, value] : response.headers) {
        if (name == "Content-Type") value = kJsonType;
      }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - account.begun).count();
    response.route = account.route ? account.route->pattern : "";
    response.headers.emplace_back("X-Request-Id", account.id);
    const std::string method = account.route ? account.route->method : "";
    api.metrics_.count_request(method, response.route, response.status, seconds);
    if (api.options_.log) {
      api.options_.log(Json{{"at_ms", jobs::now_ms()}, {"event", "request"}, {"id", account.id}, {"method", method}, {"route", response.route},
                            {"status", response.status}, {"seconds", seconds}, {"bytes", account.received}, {"tenant", account.tenant},
                            {"key", account.key}, {"internal", account.internal}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return response;
  }
};

Status Api::check_fields(const Route& route, const Json& body) {
  const auto invalid = [](const std::string& field, const char* detail) { return base::error(ErrorCode::kInvalidArgument, field, detail); };
  if (!body.is_object()) return invalid("body", "must be a JSON object");
  for (const auto& [name, value] : body.items()) {
    const auto field = std::ranges::find_if(route.fields, [&](const Field& known) { return name == known.name; });
    if (field == route.fields.end()) return base::error(ErrorCode::kInvalidArgument, "body", "has a member that is not known here; see /openapi.json");
    switch (field->type) {
      case FieldType::kText:
        if (!value.is_string()) return invalid(name, "must be text");
        break;
      case FieldType::kInteger:
        if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 53)) return invalid(name, "must be an integer");
        break;
      case FieldType::kBoolean:
        if (!value.is_boolean()) return invalid(name, "must be true or false");
        break;
      case FieldType::kObject:
        if (!value.is_object()) return invalid(name, "must be an object");
        break;
      case FieldType::kArray:
        if (!value.is_array()) return invalid(name, "must be a list");
        break;
      case FieldType::kVersion:
        if (!value.is_string() && !value.is_number_unsigned()) return invalid(name, "must be a version's number or an alias");
        break;
    }
  }
  for (const Field& field : route.fields) {
    if (field.required && !body.contains(field.name)) return invalid(field.name, "is missing");
  }
  return {};
}

Opened Api::open(RequestHead head) {
  try {
    return match(std::move(head));
  } catch (const std::exception&) {
    return {nullptr, problem(503, "unavailable", "the request failed")};
  }
}

Opened Api::match(RequestHead head) {
  const auto refuse = [&](Response response) {  // or answer without a route
    Call call;
    call.head = head;
    return Opened{nullptr, Session(*this, nullptr, std::move(call)).end(std::move(response))};
  };
  const std::string target = head.target;
  if (target.size() > kMaxTarget || !target.starts_with('/')) return refuse(problem(400, "malformed", "the request's target is no path"));
  const std::size_t mark = target.find('?');
  const std::string path = target.substr(0, mark);
  auto query = parse_query(mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1));
  if (!query) return refuse(problem(400, "malformed", "the request's query can't be read"));
  const std::string type = media_type(head);
  bool path_known = false, method_known = false;
  for (const Route& route : routes()) {
    auto parameters = match_path(route.pattern, path);
    if (!parameters) continue;
    path_known = true;
    if (head.method != route.method) continue;
    method_known = true;
    if (route.body != BodyKind::kNone && type != type_of(route.body)) continue;
    Call call;
    call.head = std::move(head);
    call.path = *std::move(parameters);
    call.query = *std::move(query);
    auto session = std::make_unique<Session>(*this, &route, std::move(call));
    if (auto response = session->begin()) return {nullptr, *std::move(response)};
    return {std::move(session), {}};
  }
  if (method_known) return refuse(problem(415, "media-type", "give the body as application/json or application/octet-stream, as /openapi.json says"));
  if (path_known) return refuse(problem(405, "method", "this path has no such method"));
  if (options_.page && head.method == "GET") {
    if (auto file = options_.page->find(path, head)) return refuse(*std::move(file));
  }
  return refuse(not_found());
}

Result<bool> Api::bootstrap(const std::filesystem::path& file) {
  BLINDPROOF_ASSIGN(const auto tenants, data_.store->tenants({"", 1}));
  if (!tenants.empty()) return false;
  const store::TimeMs now = jobs::now_ms();
  const store::Tenant tenant{store::make_id(now), "admin", now, 64, 1000000};
  const NewApiKey key = make_api_key(tenant.id, "bootstrap", store::kScopeRead | store::kScopeInfer | store::kScopeModels | store::kScopeAdmin, now, 0);
  // The file first: a key that nobody has would lock everybody out.
  BLINDPROOF_TRY(base::write_file_atomic(file, base::as_bytes(key.text + "\n"), base::FileMode::kSecret));
  BLINDPROOF_ASSIGN(const store::Insert made, data_.store->create_tenant(tenant));
  if (made == store::Insert::kExists) return false;
  BLINDPROOF_TRY(data_.store->create_api_key(key.record));
  return true;
}

Response not_found() { return problem(404, "not-found", "there is no such thing, or it isn't yours"); }

store::Page page_of(const Call& call) {
  store::Page page;
  const auto limit = call.query.find("limit"), cursor = call.query.find("cursor");
  if (limit != call.query.end()) {
    std::int64_t value = 0;
    const std::string& text = limit->second;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) page.limit = std::clamp<std::int64_t>(value, 1, 200);
  }
  if (cursor != call.query.end() && store::is_id(cursor->second)) page.after = cursor->second;
  return page;
}

Response page_response(const Call& call, Json items, std::int64_t limit, const std::string& last) {
  const bool full = static_cast<std::int64_t>(items.size()) >= limit;
  Response response = json_response({{"items", std::move(items)}, {"next_cursor", full ? Json(last) : Json()}});
  if (full) {
    const std::string path = call.head.target.substr(0, call.head.target.find('?'));
    response.headers.emplace_back("Link", "<" + path + "?cursor=" + last + "&limit=" + std::to_string(limit) + ">; rel=\"next\"");
  }
  return response;
}

Status Api::audit(const Call& call, const std::string& action, const std::string& object, const std::string& detail) {
  return data_.store->append_audit({0, jobs::now_ms(), call.caller.tenant, "key " + call.caller.id, action, object, detail, {}});
}

Result<base::Bytes> Api::open_bytes(const std::string& blob, const std::string& key_envelope, const std::string& context) {
  BLINDPROOF_ASSIGN(const envelope::Key256 data_key, envelope::open_data_key(key_envelope, context, keys_.storage));
  return jobs::open_bytes(data_.blobs, blob, data_key, kMaxOpenedBytes);
}

Status Api::open_proof(const store::Proof& proof, const std::filesystem::path& file) {
  BLINDPROOF_ASSIGN(const envelope::Key256 data_key, envelope::open_data_key(proof.key_envelope, jobs::proof_context(proof.job), keys_.storage));
  return jobs::open_to_file(data_.blobs, proof.blob, data_key, file);
}

Result<std::optional<store::Model>> Api::find_model(const Call& call, bool owned) {
  if (!store::is_id(call.path[0])) return std::optional<store::Model>();
  BLINDPROOF_ASSIGN(std::optional<store::Model> model, data_.store->model(call.path[0]));
  if (!model || model->tenant == call.caller.tenant) return model;
  if (owned) return std::optional<store::Model>();
  BLINDPROOF_ASSIGN(const auto listing, data_.store->listing_of_model(model->id));
  if (!listing || !listing->published) return std::optional<store::Model>();
  return model;
}

Result<std::optional<store::ModelVersion>> Api::find_version(const std::string& model, const std::string& name) {
  if (name.empty()) return data_.store->latest_version(model);
  std::int64_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
    BLINDPROOF_ASSIGN(const std::optional<std::int64_t> alias, data_.store->alias(model, name));
    if (!alias) return std::optional<store::ModelVersion>();
    number = *alias;
  }
  return data_.store->version(model, number);
}

}  // namespace blindproof::service::http
