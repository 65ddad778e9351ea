// blindproof admin: tenants, API keys and the audit log of a service.
#include <memory>

#include "blindproof/base/file.h"
#include "blindproof/cli/remote_options.h"
#include "blindproof/service/store/records.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using service::client::Client;
using service::client::percent_encode;
namespace store = service::store;

constexpr std::size_t kAuditPage = 1000;
constexpr std::size_t kMaxAnchorBytes = 1024;

void add_tenants(CLI::App& tenants, Session& session) {
  struct Tenant {
    std::string name;
    std::optional<std::int64_t> jobs, samples;
  };
  const auto tenant = std::make_shared<Tenant>();
  CLI::App& create = *tenants.add_subcommand("create", "Make a tenant: who owns models, jobs and keys");
  create.add_option("name", tenant->name, "Unique")->required();
  create.add_option("--max-active-jobs", tenant->jobs, "Jobs at once (default: 16)")->check(CLI::PositiveNumber);
  create.add_option("--max-samples-per-day", tenant->samples, "Of each model of others (default: 10000)")->check(CLI::PositiveNumber);
  create.footer("Example:\n  blindproof admin tenants create acme --max-active-jobs 4");
  add_remote_command(create, session, [tenant](Client& client) -> Result<Json> {
    service::client::Json body = {{"name", tenant->name}};
    if (tenant->jobs) body["max_active_jobs"] = *tenant->jobs;
    if (tenant->samples) body["max_samples_per_day"] = *tenant->samples;
    BLINDPROOF_ASSIGN(const auto answer, client.post("/admin/tenants", body));
    return rendered(answer);
  });

  const auto page = std::make_shared<PageOption>();
  CLI::App& list = *tenants.add_subcommand("list", "All tenants with their quotas");
  page->add_to(list);
  list.footer("Example:\n  blindproof admin tenants list");
  add_remote_command(
      list, session,
      [page](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/admin/tenants" + page->query()));
        return rendered(answer);
      },
      {.columns = {"id", "name", "max_active_jobs", "max_samples_per_day"}});
}

void add_keys(CLI::App& keys, Session& session) {
  struct Key {
    std::string label, tenant, id;
    std::vector<std::string> scopes;
    std::optional<std::int64_t> days;
    std::optional<fs::path> out;
    PageOption page;
    std::string of_tenant() const { return tenant.empty() ? "" : "tenant=" + percent_encode(tenant); }
  };
  const auto create = std::make_shared<Key>();
  CLI::App& create_command = *keys.add_subcommand("create", "Make an API key. It is shown this once: the service keeps its hash");
  create_command.add_option("--scopes", create->scopes, "read, infer, models, admin")
      ->required()->delimiter(',')->check(CLI::IsMember({"read", "infer", "models", "admin"}));
  create_command.add_option("--tenant", create->tenant, "Whose, by id (default: yours)");
  create_command.add_option("--label", create->label, "For people");
  create_command.add_option("--expires-in-days", create->days, "Default: never")->check(CLI::Range(1, 36500));
  create_command.add_option("--out", create->out, "File for the key, mode 0600, for --key-file; without it, it is printed");
  create_command.footer("Example:\n  blindproof admin keys create --tenant TENANT --scopes read,infer --expires-in-days 90 --out acme.key");
  add_remote_command(create_command, session, [create](Client& client) -> Result<Json> {
    if (create->out && fs::exists(*create->out)) {
      return base::error(ErrorCode::kInvalidArgument, create->out->string(), "exists, and keys are never overwritten");
    }
    service::client::Json body = {{"scopes", create->scopes}};
    if (!create->tenant.empty()) body["tenant"] = create->tenant;
    if (!create->label.empty()) body["label"] = create->label;
    if (create->days) body["expires_in_s"] = *create->days * 24 * 3600;
    BLINDPROOF_ASSIGN(const auto made, client.post("/admin/keys", body));
    Json answer = rendered(made);
    if (!create->out) return answer;
    const std::string text = text_of(answer, "key") + "\n";
    BLINDPROOF_TRY(base::write_file_atomic(*create->out, base::as_bytes(text), base::FileMode::kSecret, base::Overwrite::kRefuse));
    answer.erase("key");
    answer["key_file"] = create->out->string();
    return answer;
  });

  const auto list = std::make_shared<Key>();
  CLI::App& list_command = *keys.add_subcommand("list", "A tenant's API keys, without their texts");
  list_command.add_option("--tenant", list->tenant, "Whose, by id (default: yours)");
  list->page.add_to(list_command);
  list_command.footer("Example:\n  blindproof admin keys list --tenant TENANT");
  add_remote_command(
      list_command, session,
      [list](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/admin/keys" + list->page.query(list->of_tenant())));
        return rendered(answer);
      },
      {.columns = {"id", "label", "scopes", "expires_ms", "revoked_ms"}});

  const auto revoke = std::make_shared<Key>();
  CLI::App& revoke_command = *keys.add_subcommand("revoke", "Revoke an API key, at once");
  revoke_command.add_option("key", revoke->id, "Its id (not its text)")->required();
  revoke_command.add_option("--tenant", revoke->tenant, "Whose, by id (default: yours)");
  revoke_command.footer("Example:\n  blindproof admin keys revoke KEY --tenant TENANT");
  add_remote_command(revoke_command, session, [revoke](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string id, segment("key", revoke->id));
    const std::string tenant = revoke->of_tenant();
    BLINDPROOF_TRY(client.remove("/admin/keys/" + id + (tenant.empty() ? "" : "?" + tenant)));
    return Json{{"revoked", revoke->id}};
  });
}

/// The log's end, as somebody saw it: nothing before it can be changed without being seen.
struct Anchor {
  std::int64_t sequence = 0;
  std::string link;
};

Result<std::optional<Anchor>> read_anchor(const fs::path& file) {
  if (!fs::exists(file)) return std::optional<Anchor>();
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(file, kMaxAnchorBytes));
  BLINDPROOF_ASSIGN(const auto json, envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxAnchorBytes));
  const Json known = rendered(json);
  if (!known.is_object() || !known.contains("sequence") || !known["sequence"].is_number_integer() || text_of(known, "chain").size() != 64) {
    return base::error(ErrorCode::kMalformed, file.string(), "must be what `admin audit verify --anchor` wrote");
  }
  return std::optional<Anchor>({known["sequence"].get<std::int64_t>(), text_of(known, "chain")});
}

Result<store::AuditEntry> parse_entry(const Json& item) {
  store::AuditEntry entry;
  const auto number = [&](const char* name, std::int64_t& into) {
    const bool is_there = item.is_object() && item.contains(name) && item[name].is_number_integer();
    if (is_there) into = item[name].get<std::int64_t>();
    return is_there;
  };
  const auto link = base::from_hex(text_of(item, "chain"));
  if (!number("sequence", entry.sequence) || !number("at_ms", entry.at_ms) || !link.ok() || link->size() != entry.chain.size()) {
    return base::error(ErrorCode::kMalformed, "server", "answers with an entry that is none of an audit log");
  }
  std::copy(link->begin(), link->end(), entry.chain.begin());
  entry.tenant = text_of(item, "tenant");
  entry.actor = text_of(item, "actor");
  entry.action = text_of(item, "action");
  entry.object = text_of(item, "object");
  entry.detail = text_of(item, "detail");
  return entry;
}

/// Reads all of it and computes the hashes here.
Result<Json> verify_audit(Client& client, const std::optional<fs::path>& anchor_file, const base::Progress& progress) {
  std::optional<Anchor> anchor;
  if (anchor_file) {
    BLINDPROOF_ASSIGN(anchor, read_anchor(*anchor_file));
  }
  const auto refuse = [](std::int64_t sequence, const char* detail) {
    return base::error(ErrorCode::kRejected, "audit log, entry " + std::to_string(sequence), detail);
  };
  crypto::Digest256 before{};
  std::int64_t last = 0, count = 0;
  bool met = !anchor;
  for (bool more = true; more;) {
    BLINDPROOF_ASSIGN(const auto answer, client.get("/admin/audit?limit=" + std::to_string(kAuditPage) + "&after=" + std::to_string(last)));
    const Json page = rendered(answer);
    more = page.is_object() && page.contains("items") && page["items"].is_array() && !page["items"].empty();
    if (!more) break;
    for (const Json& item : page["items"]) {
      BLINDPROOF_ASSIGN(const store::AuditEntry entry, parse_entry(item));
      if (entry.sequence <= last) return refuse(entry.sequence, "comes out of order");
      if (entry.chain != store::audit_link(before, entry)) return refuse(entry.sequence, "doesn't follow from those before it: something was changed or removed");
      if (anchor && entry.sequence == anchor->sequence) {
        if (base::to_hex(entry.chain) != anchor->link) return refuse(entry.sequence, "isn't the one that was seen before: the log was rewritten");
        met = true;
      }
      before = entry.chain;
      last = entry.sequence;
      ++count;
    }
    progress.report("reading", static_cast<std::uint64_t>(count), 0);
  }
  if (!met) return refuse(anchor->sequence, "was seen before and is gone: the log was cut");
  const Json end = {{"sequence", last}, {"chain", base::to_hex(before)}};
  if (anchor_file && count > 0) BLINDPROOF_TRY(base::write_file_atomic(*anchor_file, base::as_bytes(end.dump() + "\n")));
  Json outcome = {{"entries", count}};
  outcome.update(end);
  return outcome;
}

void add_audit(CLI::App& audit, Session& session) {
  struct List {
    std::string tenant;
    std::int64_t after = 0;
    std::size_t limit = 100;
  };
  const auto list = std::make_shared<List>();
  CLI::App& list_command = *audit.add_subcommand("list", "The audit log, oldest first");
  list_command.add_option("--tenant", list->tenant, "Of one tenant, by id");
  list_command.add_option("--after", list->after, "Entries after this sequence number")->check(CLI::NonNegativeNumber);
  list_command.add_option("--limit", list->limit, "At most so many")->check(CLI::Range(std::size_t{1}, kAuditPage))->capture_default_str();
  list_command.footer("Example:\n  blindproof admin audit list --after 200");
  add_remote_command(
      list_command, session,
      [list](Client& client) -> Result<Json> {
        const std::string tenant = list->tenant.empty() ? "" : "&tenant=" + percent_encode(list->tenant);
        BLINDPROOF_ASSIGN(const auto answer, client.get("/admin/audit?limit=" + std::to_string(list->limit) + "&after=" + std::to_string(list->after) + tenant));
        return rendered(answer);
      },
      {.columns = {"sequence", "at_ms", "actor", "action", "object", "detail"}});

  const auto anchor = std::make_shared<std::optional<fs::path>>();
  CLI::App& verify = *audit.add_subcommand("verify", "Read the whole audit log and check here that every entry follows from those before it");
  verify.add_option("--anchor", *anchor, "A.json: the log's end as it was seen the last time must still be in it; then the new end is written there");
  verify.footer("Exit code 1 if something was changed, removed or, since the last time with --anchor, cut off.\n"
                "Example:\n  blindproof admin audit verify --anchor audit-end.json");
  add_remote_command(verify, session, [&session, anchor](Client& client) { return verify_audit(client, *anchor, session.progress()); });
}

}  // namespace

void add_admin_commands(CLI::App& app, Session& session) {
  CLI::App& admin = *app.add_subcommand("admin", "Administer a service: tenants, API keys, the audit log");
  admin.require_subcommand(1);
  admin.footer("Needs a key with the scope admin, e.g. that which `serve` wrote to DIR/admin.key.\n"
               "Example:\n  blindproof admin keys create --scopes read,infer --out client.key --server http://127.0.0.1:8080 --key-file data/admin.key");
  CLI::App& tenants = *admin.add_subcommand("tenants", "Who uses the service, and how much");
  tenants.require_subcommand(1);
  add_tenants(tenants, session);
  CLI::App& keys = *admin.add_subcommand("keys", "API keys");
  keys.require_subcommand(1);
  add_keys(keys, session);
  CLI::App& audit = *admin.add_subcommand("audit", "The audit log");
  audit.require_subcommand(1);
  add_audit(audit, session);
}

}  // namespace blindproof::cli
