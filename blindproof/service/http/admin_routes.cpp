#include <charconv>

#include "blindproof/service/http/api.h"

namespace blindproof::service::http {
namespace {

constexpr std::size_t kMaxName = 200;

std::string query_of(const Call& call, const char* name, const std::string& otherwise = "") {
  const auto found = call.query.find(name);
  return found == call.query.end() ? otherwise : found->second;
}

std::int64_t number_of(const Call& call, const char* name, std::int64_t otherwise) {
  const std::string text = query_of(call, name);
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Json key_json(const store::ApiKey& key) {
  return {{"id", key.id}, {"tenant", key.tenant}, {"label", key.label}, {"scopes", scope_names(key.scopes)}, {"created_ms", key.created_ms},
          {"expires_ms", key.expires_ms ? Json(key.expires_ms) : Json()}, {"revoked_ms", key.revoked_ms ? Json(key.revoked_ms) : Json()}};
}

Json tenant_json(const store::Tenant& tenant) {
  return {{"id", tenant.id}, {"name", tenant.name}, {"created_ms", tenant.created_ms}, {"max_active_jobs", tenant.max_active_jobs},
          {"max_samples_per_day", tenant.max_samples_per_day}};
}

}  // namespace

Api::Reply Api::live(Call&) { return json_response({{"live", true}}); }

Api::Reply Api::ready(Call&) {
  if (!data_.store->ping().ok()) return problem(503, "unavailable", "the database doesn't answer");
  return json_response({{"ready", true}});
}

Api::Reply Api::metrics_text(Call&) {
  std::string text = metrics_.text();
  BLINDPROOF_ASSIGN(const auto counts, data_.store->job_counts());
  text += "# HELP blindproof_jobs Jobs by status.\n# TYPE blindproof_jobs gauge\n";
  for (const auto& [status, count] : counts) text += "blindproof_jobs{status=\"" + status + "\"} " + std::to_string(count) + "\n";
  return Response{200, {{"Content-Type", "text/plain; version=0.0.4"}}, std::move(text)};
}

Api::Reply Api::openapi_document(Call&) { return json_response(openapi()); }

Api::Reply Api::create_tenant(Call& call) {
  const std::string name = call.body["name"];
  if (name.empty() || name.size() > kMaxName) return problem(422, "invalid", "name: must have 1 to 200 bytes");
  store::Tenant tenant{store::make_id(jobs::now_ms()), name, jobs::now_ms()};
  tenant.max_active_jobs = call.body.value("max_active_jobs", tenant.max_active_jobs);
  tenant.max_samples_per_day = call.body.value("max_samples_per_day", tenant.max_samples_per_day);
  BLINDPROOF_ASSIGN(const store::Insert made, data_.store->create_tenant(tenant));
  if (made == store::Insert::kExists) return problem(409, "exists", "there is a tenant of this name");
  BLINDPROOF_TRY(audit(call, "tenant.create", tenant.id));
  return json_response(tenant_json(tenant), 201);
}

Api::Reply Api::list_tenants(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto tenants, data_.store->tenants(page));
  Json items = Json::array();
  for (const store::Tenant& tenant : tenants) items.push_back(tenant_json(tenant));
  return page_response(call, std::move(items), page.limit, tenants.empty() ? "" : tenants.back().id);
}

Api::Reply Api::create_api_key(Call& call) {
  std::vector<std::string> names;
  for (const Json& name : call.body["scopes"]) {
    if (!name.is_string()) return problem(422, "invalid", "scopes: must be a list of words");
    names.push_back(name);
  }
  const auto scopes = parse_scopes(names);
  if (!scopes || *scopes == 0) return problem(422, "invalid", "scopes: must be of read, infer, models, admin");
  const std::string label = call.body.value("label", std::string()), tenant = call.body.value("tenant", call.caller.tenant);
  if (label.size() > kMaxName) return problem(422, "invalid", "label: is too long");
  BLINDPROOF_ASSIGN(const auto owner, data_.store->tenant(tenant));
  if (!owner) return problem(422, "invalid", "tenant: there is none such");
  const std::int64_t lifetime_s = call.body.value("expires_in_s", std::int64_t{0});
  if (lifetime_s < 0 || lifetime_s > std::int64_t{100} * 365 * 24 * 3600) return problem(422, "invalid", "expires_in_s: is out of range");
  const store::TimeMs now = jobs::now_ms();
  const NewApiKey key = make_api_key(tenant, label, *scopes, now, lifetime_s ? now + 1000 * lifetime_s : 0);
  BLINDPROOF_TRY(data_.store->create_api_key(key.record));
  BLINDPROOF_TRY(audit(call, "key.create", key.record.id, "tenant " + tenant));
  Json body = key_json(key.record);
  body["key"] = key.text;
  Response response = json_response(body, 201);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Api::Reply Api::list_api_keys(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto keys, data_.store->api_keys(query_of(call, "tenant", call.caller.tenant), page));
  Json items = Json::array();
  for (const store::ApiKey& key : keys) items.push_back(key_json(key));
  return page_response(call, std::move(items), page.limit, keys.empty() ? "" : keys.back().id);
}

Api::Reply Api::revoke_api_key(Call& call) {
  BLINDPROOF_ASSIGN(const bool revoked, data_.store->revoke_api_key(query_of(call, "tenant", call.caller.tenant), call.path[0], jobs::now_ms()));
  if (!revoked) return not_found();
  BLINDPROOF_TRY(audit(call, "key.revoke", call.path[0]));
  return Response{204};
}

Api::Reply Api::list_audit(Call& call) {
  const std::int64_t limit = number_of(call, "limit", 100);
  BLINDPROOF_ASSIGN(const auto entries, data_.store->audit(query_of(call, "tenant"), number_of(call, "after", 0), limit));
  Json items = Json::array();
  for (const store::AuditEntry& entry : entries) {
    items.push_back({{"sequence", entry.sequence}, {"at_ms", entry.at_ms}, {"tenant", entry.tenant}, {"actor", entry.actor}, {"action", entry.action},
                     {"object", entry.object}, {"detail", entry.detail}, {"chain", base::to_hex(entry.chain)}});
  }
  return json_response({{"items", std::move(items)}});
}

}  // namespace blindproof::service::http
