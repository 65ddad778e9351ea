// blindproof remote models, blindproof remote keys.
#include <memory>

#include "blindproof/base/base64url.h"
#include "blindproof/base/file.h"
#include "blindproof/cli/remote_commands.h"
#include "blindproof/cli/remote_infer.h"
#include "blindproof/cli/remote_options.h"
#include "blindproof/engine/fhe_encrypted_model.h"
#include "blindproof/engine/fhe_keys.h"
#include "blindproof/envelope/content.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using service::client::Client;
using service::client::percent_encode;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 34;

struct VersionOption {
  std::string model, version;

  void add_to(CLI::App& command) {
    command.add_option("model", model, "The model's id")->required();
    command.add_option("--version", version, "A version's number or an alias (default: the newest that is ready)");
  }
  Result<std::string> path() const {
    BLINDPROOF_ASSIGN(const std::string id, segment("model", model));
    return "/ml/models/" + id;
  }
  /// The version's own path, which needs its number.
  Result<std::string> version_path(Client& client) const {
    BLINDPROOF_ASSIGN(const std::string base, path());
    if (!version.empty()) {
      BLINDPROOF_ASSIGN(const std::string name, segment("--version", version));
      return base + "/versions/" + name;
    }
    BLINDPROOF_ASSIGN(const auto spec, client.get(base + "/client-spec"));
    if (!spec.is_object() || !spec.contains("version") || !spec["version"].is_number_unsigned()) {
      return base::error(ErrorCode::kMalformed, "server", "answers without a version");
    }
    return base + "/versions/" + std::to_string(spec["version"].get<std::uint64_t>());
  }
};

Result<envelope::RecipientKey> read_recipient(const fs::path& file) {
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(file, envelope::kMaxKeyEnvelopeBytes));
  BLINDPROOF_ASSIGN(const auto jwk, envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, envelope::kMaxKeyEnvelopeBytes));
  return envelope::parse_recipient_key(jwk);
}

void add_models(CLI::App& models, Session& session) {
  struct Create {
    std::string name, type;
  };
  const auto create = std::make_shared<Create>();
  CLI::App& create_command = *models.add_subcommand("create", "Make a model, without versions yet");
  create_command.add_option("name", create->name, "Unique among your models")->required();
  create_command.add_option("--type", create->type, "What it is (default: neural_network)");
  create_command.footer("Example:\n  blindproof remote models create digits");
  add_remote_command(create_command, session, [create](Client& client) -> Result<Json> {
    service::client::Json body = {{"name", create->name}};
    if (!create->type.empty()) body["model_type"] = create->type;
    BLINDPROOF_ASSIGN(const auto answer, client.post("/ml/models", body));
    return rendered(answer);
  });

  const auto page = std::make_shared<PageOption>();
  CLI::App& list = *models.add_subcommand("list", "Your models");
  page->add_to(list);
  list.footer("Example:\n  blindproof remote models list --limit 10");
  add_remote_command(
      list, session,
      [page](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/ml/models" + page->query()));
        return rendered(answer);
      },
      {.columns = {"id", "name", "model_type"}});

  const auto show = std::make_shared<VersionOption>();
  CLI::App& show_command = *models.add_subcommand("show", "A model with its versions and aliases, or one version");
  show->add_to(show_command);
  show_command.footer("Examples:\n  blindproof remote models show MODEL\n  blindproof remote models show MODEL --version 2");
  add_remote_command(show_command, session, [show](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, show->version.empty() ? show->path() : show->version_path(client));
    BLINDPROOF_ASSIGN(const auto answer, client.get(path));
    return rendered(answer);
  });

  struct Alias {
    std::string model, alias;
    std::int64_t version = 0;
  };
  const auto alias = std::make_shared<Alias>();
  CLI::App& alias_command = *models.add_subcommand("alias", "Let a name stand for a version");
  alias_command.add_option("model", alias->model, "The model's id")->required();
  alias_command.add_option("alias", alias->alias, "Up to 64 of a-z, 0-9, - and _; doesn't begin with a digit")->required();
  alias_command.add_option("version", alias->version, "The version's number")->required();
  alias_command.footer("Example:\n  blindproof remote models alias MODEL stable 2");
  add_remote_command(alias_command, session, [alias](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string model, segment("model", alias->model));
    BLINDPROOF_ASSIGN(const std::string name, segment("alias", alias->alias));
    BLINDPROOF_TRY(client.put("/ml/models/" + model + "/aliases/" + name, {{"version", alias->version}}));
    return Json{{"model", alias->model}, {"alias", alias->alias}, {"version", alias->version}};
  });
}

struct UploadArguments {
  std::string model;
  fs::path file;
  std::vector<std::string> levels;
  std::optional<fs::path> recipient;
  bool no_wait = false;
};

void add_upload(CLI::App& models, Session& session) {
  const auto arguments = std::make_shared<UploadArguments>();
  CLI::App& command = *models.add_subcommand("upload", "Upload a .bpm or .bpfe as a new version, and wait until it can be used");
  command.add_option("model", arguments->model, "The model's id")->required();
  command.add_option("file", arguments->file, "NET.bpm; the service stores it encrypted for its worker. Or NET.bpfe, whose weights are encrypted for one client")->required()->check(CLI::ExistingFile);
  command.add_option("--levels", arguments->levels, "zkml, fhe, hybrid; zkml is always among them")
      ->delimiter(',')->check(CLI::IsMember({"zkml", "fhe", "hybrid"}));
  command.add_option("--recipient", arguments->recipient, "OWNER.jwk, an X25519 public key that also opens the stored model")->check(CLI::ExistingFile);
  command.add_flag("--no-wait", arguments->no_wait, "Return when it is uploaded; the job registers it");
  command.footer("Example:\n  blindproof remote models upload MODEL net.bpm --levels zkml,fhe");
  add_remote_command(command, session, [&session, arguments](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string model, segment("model", arguments->model));
    const bool encrypted = engine::is_encrypted_program(arguments->file);
    std::string levels = encrypted ? "fhe" : "zkml";
    for (const std::string& level : arguments->levels) {
      if (level != levels.substr(0, levels.find(','))) levels += "," + level;
    }
    std::string target = "/ml/models/" + model + "/versions?levels=" + percent_encode(levels) + (encrypted ? "&encrypted=true" : "");
    if (arguments->recipient) {
      BLINDPROOF_ASSIGN(const envelope::RecipientKey key, read_recipient(*arguments->recipient));
      target += "&recipient=" + base::to_base64url(key.x);
    }
    BLINDPROOF_ASSIGN(const auto accepted, client.post_file(target, arguments->file));
    const Json job = rendered(accepted);
    const std::string id = text_of(job, "job_id");
    if (id.empty()) return base::error(ErrorCode::kMalformed, "server", "answers without a job");
    const std::uint64_t version = job.contains("version") && job["version"].is_number_unsigned() ? job["version"].get<std::uint64_t>() : 0;
    Json answer = {{"model", arguments->model}, {"version", version}, {"job", id}, {"status", text_of(job, "status")}};
    if (arguments->no_wait) return answer;
    BLINDPROOF_TRY(wait_for_job(client, id, session.progress()));
    BLINDPROOF_ASSIGN(const auto registered, client.get("/ml/models/" + model + "/versions/" + std::to_string(version)));
    merge(answer, registered);
    return answer;
  });
}

void add_downloads(CLI::App& models, Session& session) {
  struct Spec {
    VersionOption of;
    std::string level;
    fs::path out;
  };
  const auto spec = std::make_shared<Spec>();
  CLI::App& spec_command = *models.add_subcommand("spec", "What a client needs to encode, encrypt and verify");
  spec->of.add_to(spec_command);
  CLI::Option* level = spec_command.add_option("--level", spec->level, "Download the client's part of this level")->check(CLI::IsMember({"fhe", "hybrid"}));
  level->needs(spec_command.add_option("--out", spec->out, "NET.bpc, for `blindproof keys generate --spec`")->needs(level));
  spec_command.footer("Examples:\n  blindproof remote models spec MODEL\n  blindproof remote models spec MODEL --level fhe --out net.bpc");
  add_remote_command(spec_command, session, [spec](Client& client) -> Result<Json> {
    if (!spec->level.empty()) {
      BLINDPROOF_ASSIGN(const std::string version, spec->of.version_path(client));
      BLINDPROOF_TRY(client.download(version + (spec->level == "fhe" ? "/client.bpc" : "/hybrid.bpc"), spec->out, kMaxFileBytes));
      return Json{{"spec", spec->out.string()}, {"level", spec->level}};
    }
    BLINDPROOF_ASSIGN(const std::string model, spec->of.path());
    BLINDPROOF_ASSIGN(const auto answer, client.get(model + "/client-spec" + (spec->of.version.empty() ? "" : "?version=" + percent_encode(spec->of.version))));
    return rendered(answer);
  });

  struct Key {
    VersionOption of;
    fs::path out;
  };
  const auto key = std::make_shared<Key>();
  CLI::App& key_command = *models.add_subcommand("key", "Download the model key, which proofs are verified against");
  key->of.add_to(key_command);
  key_command.add_option("--out", key->out, "NET.bpk")->required();
  key_command.footer("Example:\n  blindproof remote models key MODEL --out net.bpk");
  add_remote_command(key_command, session, [key](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string version, key->of.version_path(client));
    BLINDPROOF_TRY(client.download(version + "/model.bpk", key->out, kMaxFileBytes));
    return Json{{"model_key", key->out.string()}};
  });
}

/// One file behind the other.
base::Status join_files(const fs::path& first, const fs::path& second, const fs::path& out) {
  BLINDPROOF_ASSIGN(base::AtomicFile joined, base::AtomicFile::create(out));
  std::uint64_t written = 0;
  const auto append = [&](base::ByteSpan bytes) {
    base::Status status = joined.write_at(written, bytes);
    written += bytes.size();
    return status;
  };
  for (const fs::path& file : {first, second}) BLINDPROOF_TRY(envelope::read_pieces(file, kMaxFileBytes, append));
  return joined.commit();
}

void add_groth16(CLI::App& models, Session& session) {
  struct Circuit {
    VersionOption of;
    fs::path circuit, key;
    bool allow_development = false;
  };
  const auto circuit = std::make_shared<Circuit>();
  CLI::App& add = *models.add_subcommand("circuit", "Give a version its circuit: its answers can then be proven with groth16");
  circuit->of.add_to(add);
  add.add_option("--circuit", circuit->circuit, "C.r1cs: NeuralNetworkInference of this network (docs/spec/chain.md)")->required()->check(CLI::ExistingFile);
  add.add_option("--key", circuit->key, "C.zkey: its proving key")->required()->check(CLI::ExistingFile);
  add.add_flag("--allow-dev", circuit->allow_development, "Also a key of a development setup, whose maker can forge proofs");
  add.footer("Example:\n  blindproof remote models circuit MODEL --circuit net_inference.r1cs --key net.zkey");
  add_remote_command(add, session, [&session, circuit](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string version, circuit->of.version_path(client));
    BLINDPROOF_ASSIGN(const WorkFolder work, WorkFolder::create());
    BLINDPROOF_TRY(join_files(circuit->circuit, circuit->key, work.at("circuit")));
    BLINDPROOF_ASSIGN(const auto accepted, client.post_file(version + "/groth16" + (circuit->allow_development ? "?allow_development=true" : ""), work.at("circuit")));
    const std::string id = text_of(rendered(accepted), "job_id");
    if (id.empty()) return base::error(ErrorCode::kMalformed, "server", "answers without a job");
    BLINDPROOF_ASSIGN(const Json job, wait_for_job(client, id, session.progress()));
    Json answer = {{"model", circuit->of.model}, {"job", id}};
    if (job.contains("result") && job["result"].is_object()) answer.update(job["result"]);
    return answer;
  });

  struct Key {
    VersionOption of;
    fs::path out;
  };
  const auto key = std::make_shared<Key>();
  CLI::App& get = *models.add_subcommand("verification-key", "Download the verification key of a version's groth16 proofs");
  key->of.add_to(get);
  get.add_option("--out", key->out, "VK.json, as snarkjs reads it")->required();
  get.footer("Example:\n  blindproof remote models verification-key MODEL --out vk.json");
  add_remote_command(get, session, [key](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string version, key->of.version_path(client));
    BLINDPROOF_TRY(client.download(version + "/groth16.json", key->out, kMaxFileBytes));
    return Json{{"verification_key", key->out.string()}};
  });
}

void add_envelopes(CLI::App& models, Session& session) {
  const auto file = std::make_shared<fs::path>();
  CLI::App& recipient = *models.add_subcommand("recipient", "Make a key that can open stored models: yours as an owner. Needs no network");
  recipient.add_option("--out", *file, "OWNER.jwk, secret; its public half goes to OWNER.jwk.pub")->required();
  recipient.footer("Example:\n  blindproof remote models recipient --out owner.jwk");
  session.add_command(recipient, [&session, file] {
    const envelope::RecipientSecretKey key = envelope::RecipientSecretKey::generate();
    const fs::path half = file->string() + ".pub";
    if (const base::Status status = key.write(*file); !status.ok()) return session.fail(status.error());
    if (const base::Status status = base::write_file_atomic(half, base::as_bytes(key.recipient().jwk().dump() + "\n")); !status.ok()) {
      return session.fail(status.error());
    }
    return session.report({{"key", file->string()}, {"public_key", half.string()}, {"id", key.recipient().id()}},
                          "Your key is in " + file->string() + "; " + half.string() + " is for `models upload --recipient`.\n");
  });

  struct Fetch {
    VersionOption of;
    fs::path out;
  };
  const auto fetch = std::make_shared<Fetch>();
  CLI::App& get = *models.add_subcommand("envelope", "Who can open a stored model: its data key, encrypted for each recipient");
  fetch->of.add_to(get);
  get.add_option("--out", fetch->out, "E.jwe")->required();
  get.footer("Example:\n  blindproof remote models envelope MODEL --version 1 --out e.jwe");
  add_remote_command(get, session, [fetch](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string version, fetch->of.version_path(client));
    BLINDPROOF_ASSIGN(const auto answer, client.get(version + "/key-envelope"));
    const std::string text = answer.dump(-1, ' ', false, service::client::Json::error_handler_t::replace);
    BLINDPROOF_ASSIGN(const auto recipients, envelope::recipients_of(text));
    BLINDPROOF_TRY(base::write_file_atomic(fetch->out, base::as_bytes(text), base::FileMode::kSecret));
    return Json{{"envelope", fetch->out.string()}, {"recipients", recipients}};
  });

  struct Rotation {
    VersionOption of;
    fs::path key;
    std::vector<fs::path> recipients;
  };
  const auto rotation = std::make_shared<Rotation>();
  CLI::App& put = *models.add_subcommand("rewrap", "Give a stored model's data key to other recipients; the content stays");
  rotation->of.add_to(put);
  put.add_option("--recipient-key", rotation->key, "OWNER.jwk with its secret part: a recipient of now")->required();
  put.add_option("--recipient", rotation->recipients, "OWNER.jwk.pub of each recipient besides the service's worker, which stays one")->required();
  put.footer("Example:\n  blindproof remote models rewrap MODEL --version 1 --recipient-key owner.jwk --recipient new-owner.jwk.pub");
  add_remote_command(put, session, [rotation](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string model, rotation->of.path());
    BLINDPROOF_ASSIGN(const std::string version, rotation->of.version_path(client));
    BLINDPROOF_ASSIGN(const auto spec, client.get(model + "/client-spec"));
    if (!spec.is_object() || !spec.contains("worker_key")) return base::error(ErrorCode::kMalformed, "server", "answers without its worker's key");
    std::vector<envelope::RecipientKey> recipients;
    BLINDPROOF_ASSIGN(recipients.emplace_back(), envelope::parse_recipient_key(spec["worker_key"]));
    for (const fs::path& each : rotation->recipients) {
      BLINDPROOF_ASSIGN(recipients.emplace_back(), read_recipient(each));
    }
    BLINDPROOF_ASSIGN(const envelope::RecipientSecretKey key, envelope::RecipientSecretKey::read(rotation->key));
    BLINDPROOF_ASSIGN(const auto before, client.get(version + "/key-envelope"));
    const std::string text = before.dump(-1, ' ', false, service::client::Json::error_handler_t::replace);
    BLINDPROOF_ASSIGN(const std::string after, envelope::rewrap(text, service::jobs::model_context(rotation->of.model), key, recipients));
    BLINDPROOF_ASSIGN(const auto parsed, envelope::parse_json(after, envelope::kMaxKeyEnvelopeBytes));
    BLINDPROOF_TRY(client.put(version + "/key-envelope", {{"before", before}, {"after", parsed}}));
    Json ids = Json::array();
    for (const envelope::RecipientKey& each : recipients) ids.push_back(each.id());
    return Json{{"model", rotation->of.model}, {"recipients", ids}};
  });
}

void add_keys(CLI::App& keys, Session& session) {
  struct Upload {
    VersionOption of;
    fs::path folder;
    std::string level;
  };
  const auto upload = std::make_shared<Upload>();
  CLI::App& upload_command = *keys.add_subcommand("upload", "Upload the public and evaluation keys of a folder; the secret key stays here");
  upload->of.add_to(upload_command);
  upload_command.add_option("--keys", upload->folder, "Folder that `keys generate --spec` wrote")->required()->check(CLI::ExistingDirectory);
  upload_command.add_option("--level", upload->level, "Default: fhe if the folder has evaluation keys, else hybrid")->check(CLI::IsMember({"fhe", "hybrid"}));
  upload_command.footer("Example:\n  blindproof remote models spec MODEL --level fhe --out net.bpc\n  blindproof keys generate --spec net.bpc --out keys\n"
                        "  blindproof remote keys upload MODEL --keys keys");
  add_remote_command(upload_command, session, [upload](Client& client) -> Result<Json> {
    const fs::path public_key = upload->folder / engine::kPublicKeyName, evaluation = upload->folder / engine::kEvaluationKeysName;
    std::string level = upload->level;
    if (level.empty()) level = fs::exists(evaluation) ? "fhe" : "hybrid";
    service::client::Json body = {{"model", upload->of.model}, {"level", level}};
    if (!upload->of.version.empty()) body["version"] = upload->of.version;
    BLINDPROOF_ASSIGN(const auto made, client.post("/ml/keys", body));
    Json answer = rendered(made);
    BLINDPROOF_ASSIGN(const std::string id, segment("server's keys", text_of(answer, "id")));
    const auto send = [&](const char* name, const fs::path& file) -> base::Status {
      BLINDPROOF_TRY(client.put_file("/ml/keys/" + id + "/" + name, file));
      return {};
    };
    base::Status sent = send(engine::kPublicKeyName, public_key);
    if (sent.ok() && level == "fhe") sent = send(engine::kEvaluationKeysName, evaluation);
    if (!sent.ok()) {
      static_cast<void>(client.remove("/ml/keys/" + id));  // they would be of no use
      return sent.error();
    }
    answer.erase("links");
    return answer;
  });

  const auto page = std::make_shared<PageOption>();
  CLI::App& list = *keys.add_subcommand("list", "Your keys at the service");
  page->add_to(list);
  list.footer("Example:\n  blindproof remote keys list");
  add_remote_command(
      list, session,
      [page](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/ml/keys" + page->query()));
        return rendered(answer);
      },
      {.columns = {"id", "model", "version", "level", "bytes", "complete"}});

  const auto id = std::make_shared<std::string>();
  CLI::App& remove = *keys.add_subcommand("delete", "Delete keys at the service");
  remove.add_option("keys", *id, "Their id")->required();
  remove.footer("Example:\n  blindproof remote keys delete KEYS");
  add_remote_command(remove, session, [id](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string name, segment("keys", *id));
    BLINDPROOF_TRY(client.remove("/ml/keys/" + name));
    return Json{{"deleted", *id}};
  });
}

}  // namespace

void add_remote_model_commands(CLI::App& remote, Session& session) {
  CLI::App& models = *remote.add_subcommand("models", "Models: create, upload versions, download what clients need");
  models.require_subcommand(1);
  add_models(models, session);
  add_upload(models, session);
  add_downloads(models, session);
  add_groth16(models, session);
  add_envelopes(models, session);
  CLI::App& keys = *remote.add_subcommand("keys", "Public and evaluation keys of encrypted inference");
  keys.require_subcommand(1);
  add_keys(keys, session);
}

}  // namespace blindproof::cli
