// blindproof remote infer, jobs, proofs, protocol.
#include <memory>

#include "blindproof/base/file.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/remote_commands.h"
#include "blindproof/cli/remote_infer.h"
#include "blindproof/cli/remote_options.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/engine/fhe_keys.h"
#include "blindproof/engine/samples.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using service::client::Client;

void add_infer(CLI::App& remote, Session& session) {
  const auto request = std::make_shared<RemoteInference>();
  CLI::App& command = *remote.add_subcommand("infer", "Infer at a service; what is encrypted or verified is so here");
  command.add_option("model", request->model, "The model's id")->required();
  command.add_option("--level", request->level, "zkml: the service sees the input and proves; fhe: it sees ciphertexts; hybrid: ciphertexts, and it proves")
      ->check(CLI::IsMember({"zkml", "fhe", "hybrid"}))->required();
  command.add_option("--input", request->input, "X.npy or X.npz")->required()->check(CLI::ExistingFile);
  command.add_option("--index", request->index, "Which sample, if the input holds several, counted from 0");
  command.add_option("--context", request->context, "Text that the proof is bound to");
  command.add_option("--proof", request->proof, "P.bpp: where to write the proof (zkml, hybrid)");
  command.add_option("--model-key", request->model_key, "NET.bpk, from a source that you trust: verify the proof here")->check(CLI::ExistingFile);
  command.add_option("--version", request->version, "zkml: a version's number or an alias (default: the newest that is ready); else the keys' version");
  command.add_flag("--show-input", request->show_input, "zkml: the proof has the input's values instead of a commitment");
  command.add_option("--proof-system", request->proof_system, "zkml: sumcheck (default), or groth16 where the owner gave the model a circuit")
      ->check(CLI::IsMember({"sumcheck", "groth16"}));
  command.add_option("--public", request->public_values, "groth16: public.json, beside proof.json: salted digests of model, input and output");
  command.add_option("--verification-key", request->verification_key, "groth16: VK.json of the circuit, from a source that you trust: verify the proof here")
      ->check(CLI::ExistingFile);
  command.add_flag("--allow-dev", request->allow_development, "groth16: accept a verification key of a development setup");
  command.add_option("--spec", request->spec, "fhe, hybrid: NET.bpc of `remote models spec`")->check(CLI::ExistingFile);
  command.add_option("--keys", request->keys, "fhe, hybrid: folder that `keys generate --spec` wrote; stays here")->check(CLI::ExistingDirectory);
  command.add_option("--server-keys", request->server_keys, "fhe, hybrid: id that `remote keys upload` named");
  command.add_option("--out", request->out, "fhe, hybrid: Y.npy; readable by you alone");
  command.add_option("--passphrase-file", request->passphrase_file, "Its first line opens the secret key (otherwise you are asked)");
  command.footer("Examples:\n  blindproof remote infer MODEL --level zkml --input x.npy --proof p.bpp --model-key net.bpk\n"
                 "  blindproof remote infer MODEL --level fhe --input x.npy --spec net.bpc --keys keys --server-keys KEYS --out y.npy\n"
                 "  blindproof remote infer MODEL --level hybrid --input t.npz --spec net.bpc --keys keys --server-keys KEYS --out y.npy \\\n"
                 "    --proof p.bpp --model-key net.bpk");
  add_remote_command(command, session, [&session, request](Client& client) { return infer_remotely(client, *request, session.progress()); });
}

Result<Json> watch(Client& client, const std::string& job, const base::Progress& progress) {
  Json seen = Json::array();
  std::string last;
  for (bool over = false; !over;) {
    const std::size_t before = seen.size();
    BLINDPROOF_TRY(client.events(job_path(job) + "/events", last, [&](const service::client::Event& event) {
      Json data = rendered(event.data);
      const std::string status = text_of(data, "status"), phase = text_of(data, "phase");
      const auto count = [&](const char* name) { return data.contains(name) && data[name].is_number_unsigned() ? data[name].get<std::uint64_t>() : 0; };
      if (data.is_object()) progress.report(phase.empty() ? status : phase, count("done"), count("total"));
      last = event.id;
      seen.push_back(std::move(data));
      over = status == "succeeded" || status == "failed" || status == "cancelled";
      return !over;
    }));
    if (!over && seen.size() == before) return base::error(ErrorCode::kMalformed, "server", "ends the job's events without its end; try again");
  }
  BLINDPROOF_ASSIGN(const auto state, client.get(job_path(job)));
  Json answer = Json::object();
  merge(answer, state);
  answer["events"] = std::move(seen);
  return answer;
}

void add_jobs(CLI::App& jobs, Session& session) {
  const auto page = std::make_shared<PageOption>();
  CLI::App& list = *jobs.add_subcommand("list", "Your jobs");
  page->add_to(list);
  list.footer("Example:\n  blindproof remote jobs list");
  add_remote_command(
      list, session,
      [page](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/ml/jobs" + page->query()));
        return rendered(answer);
      },
      {.columns = {"job_id", "kind", "status", "model", "version"}});

  const auto add_one = [&](const char* name, const char* about, std::function<Result<Json>(Client&, const std::string&)> ask) {
    const auto job = std::make_shared<std::string>();
    CLI::App& command = *jobs.add_subcommand(name, about);
    command.add_option("job", *job, "The job's id")->required();
    command.footer(std::string("Example:\n  blindproof remote jobs ") + name + " JOB");
    add_remote_command(command, session, [job, ask = std::move(ask)](Client& client) -> Result<Json> {
      BLINDPROOF_TRY(segment("job", *job));
      return ask(client, *job);
    });
  };
  add_one("show", "A job: status, progress, result", [](Client& client, const std::string& job) -> Result<Json> {
    BLINDPROOF_ASSIGN(const auto answer, client.get(job_path(job)));
    return rendered(answer);
  });
  add_one("wait", "Wait for a job's end; exit code 1 if it didn't succeed",
          [&session](Client& client, const std::string& job) { return wait_for_job(client, job, session.progress()); });
  add_one("watch", "Follow what happens to a job until its end", [&session](Client& client, const std::string& job) { return watch(client, job, session.progress()); });
  add_one("cancel", "Cancel a job, also in the middle of a proof", [](Client& client, const std::string& job) -> Result<Json> {
    BLINDPROOF_ASSIGN(const auto answer, client.remove(job_path(job)));
    return rendered(answer);
  });

  struct Artifact {
    std::string job, name;
    fs::path out;
  };
  const auto artifact = std::make_shared<Artifact>();
  CLI::App& command = *jobs.add_subcommand("artifact", "Download a file that a job made, such as an encrypted answer");
  command.add_option("job", artifact->job, "The job's id")->required();
  command.add_option("name", artifact->name, "As `jobs show` names it")->required();
  command.add_option("--out", artifact->out, "Where to write it")->required();
  command.footer("Example:\n  blindproof remote jobs artifact JOB output.bpct --out y.bpct");
  add_remote_command(command, session, [artifact](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string job, segment("job", artifact->job));
    BLINDPROOF_ASSIGN(const std::string name, segment("name", artifact->name));
    BLINDPROOF_TRY(client.download("/ml/jobs/" + job + "/artifacts/" + name, artifact->out, engine::kMaxCiphertextFileBytes));
    return Json{{"file", artifact->out.string()}};
  });
}

struct ProofArguments {
  std::string id, context;
  fs::path out;
  std::optional<fs::path> public_values;
  std::optional<fs::path> input, output;
  std::optional<std::size_t> index;
  Result<std::string> path() const {
    BLINDPROOF_ASSIGN(const std::string name, segment("proof", id));
    return "/ml/proofs/" + name;
  }
};

Result<service::client::Json> digest_of(const fs::path& file) {
  BLINDPROOF_ASSIGN(const base::MappedFile mapped, base::map_file(file, engine::kMaxCiphertextFileBytes));
  return service::client::Json(base::to_hex(crypto::sha256(mapped.bytes)));
}

/// What the verifier insists on, in the form that the proof's level asks for.
Result<service::client::Json> public_inputs(Client& client, const ProofArguments& arguments) {
  service::client::Json inputs = service::client::Json::object();
  if (!arguments.context.empty()) inputs["context"] = arguments.context;
  if (!arguments.input && !arguments.output) return inputs;
  BLINDPROOF_ASSIGN(const std::string path, arguments.path());
  BLINDPROOF_ASSIGN(const auto record, client.get(path));
  const Json proof = rendered(record);
  if (text_of(proof, "level") == "hybrid") {
    if (arguments.input) {
      BLINDPROOF_ASSIGN(inputs["input"], digest_of(*arguments.input));
    }
    if (arguments.output) {
      BLINDPROOF_ASSIGN(inputs["output"], digest_of(*arguments.output));
    }
    return inputs;
  }
  if (arguments.input) {
    const std::string version = proof.contains("version") ? proof["version"].dump() : "";
    BLINDPROOF_ASSIGN(const model::Shape shape, input_shape(client, text_of(proof, "model"), version));
    BLINDPROOF_ASSIGN(const std::vector<float> sample, engine::read_sample(*arguments.input, shape, arguments.index));
    inputs["input"] = {{"shape", shape}, {"data", sample}};
  }
  if (arguments.output) {
    BLINDPROOF_ASSIGN(const std::vector<model::Int128> integers, engine::read_integers(*arguments.output));
    inputs["output"] = service::client::Json::parse(integers_json(integers).dump());
  }
  return inputs;
}

void add_proofs(CLI::App& proofs, Session& session) {
  const auto page = std::make_shared<PageOption>();
  CLI::App& list = *proofs.add_subcommand("list", "Your proofs");
  page->add_to(list);
  list.footer("Example:\n  blindproof remote proofs list");
  add_remote_command(
      list, session,
      [page](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto answer, client.get("/ml/proofs" + page->query()));
        return rendered(answer);
      },
      {.columns = {"id", "model", "version", "level", "bytes", "verified", "refused"}});

  const auto show = std::make_shared<ProofArguments>();
  CLI::App& show_command = *proofs.add_subcommand("show", "A proof's record");
  show_command.add_option("proof", show->id, "Its id")->required();
  show_command.footer("Example:\n  blindproof remote proofs show PROOF");
  add_remote_command(show_command, session, [show](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, show->path());
    BLINDPROOF_ASSIGN(const auto answer, client.get(path));
    return rendered(answer);
  });

  const auto download = std::make_shared<ProofArguments>();
  CLI::App& download_command = *proofs.add_subcommand("download", "Download a proof, to be verified anywhere with `blindproof verify`");
  download_command.add_option("proof", download->id, "Its id")->required();
  download_command.add_option("--out", download->out, "P.bpp; of groth16 proof.json")->required();
  download_command.add_option("--public", download->public_values, "groth16: where to write public.json");
  download_command.footer("Example:\n  blindproof remote proofs download PROOF --out p.bpp\n  blindproof verify p.bpp --model-key net.bpk");
  add_remote_command(download_command, session, [download](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, download->path());
    BLINDPROOF_ASSIGN(const auto record, client.get(path));
    if (const bool groth16 = text_of(rendered(record), "proof_system") == "groth16"; groth16 || download->public_values) {
      if (!groth16 || !download->public_values) return base::error(ErrorCode::kInvalidArgument, "--public", "belongs to proofs of groth16, and these need it");
      BLINDPROOF_TRY(client.download(path + "/proof.json", download->out, engine::kMaxProofBytes));
      BLINDPROOF_TRY(client.download(path + "/public.json", *download->public_values, engine::kMaxProofBytes));
      return Json{{"proof_file", download->out.string()}, {"public_file", download->public_values->string()}};
    }
    BLINDPROOF_TRY(client.download(path + "/proof.bpp", download->out, engine::kMaxProofBytes, base::FileMode::kSecret));  // it may show the input
    return Json{{"proof_file", download->out.string()}};
  });

  const auto verify = std::make_shared<ProofArguments>();
  CLI::App& verify_command = *proofs.add_subcommand("verify", "Have the service verify a proof; exit code 1 with the check's name if it is refused");
  verify_command.add_option("proof", verify->id, "Its id")->required();
  verify_command.add_option("--input", verify->input, "X.npy (hybrid: X.bpct): it must be of this input")->check(CLI::ExistingFile);
  verify_command.add_option("--index", verify->index, "Which sample of the input, counted from 0");
  verify_command.add_option("--output", verify->output, "Y.npy, integers (hybrid: Y.bpct): it must be of this output")->check(CLI::ExistingFile);
  verify_command.add_option("--context", verify->context, "Text that it must be bound to (default: that of the request)");
  verify_command.footer("To trust nobody, download proof and model key and take `blindproof verify`.\nExample:\n  blindproof remote proofs verify PROOF --context \"for bob\"");
  add_remote_command(verify_command, session, [verify](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, verify->path());
    BLINDPROOF_ASSIGN(const auto inputs, public_inputs(client, *verify));
    service::client::Json body = service::client::Json::object();
    if (!inputs.empty()) body["public_inputs"] = inputs;
    BLINDPROOF_ASSIGN(const auto answer, client.post(path + "/verify", body));
    Json verdict = rendered(answer);
    if (verdict.is_object() && verdict.value("is_valid", Json()) == true) return verdict;
    const std::string check = text_of(verdict, "refused_by");
    return base::error(ErrorCode::kRejected, "proof " + verify->id, "is refused by check " + (check.empty() ? "(unnamed)" : check));
  });
}

struct ProtocolArguments {
  std::string model, version;
  fs::path input;
  std::optional<std::size_t> index;
  std::string context;
  Result<std::string> path() const {
    BLINDPROOF_ASSIGN(const std::string name, segment("model", model));
    if (version.empty()) return "/v2/models/" + name;
    BLINDPROOF_ASSIGN(const std::string number, segment("--version", version));
    return "/v2/models/" + name + "/versions/" + number;
  }
  void add_to(CLI::App& command) {
    command.add_option("model", model, "The model's id")->required();
    command.add_option("--version", version, "A version's number or an alias (default: the newest that is ready)");
  }
};

/// Mostly to see what other clients of that protocol see.
void add_protocol(CLI::App& protocol, Session& session) {
  CLI::App& health = *protocol.add_subcommand("health", "Whether the server is live and ready");
  health.footer("Example:\n  blindproof remote protocol health");
  add_remote_command(
      health, session,
      [](Client& client) -> Result<Json> {
        BLINDPROOF_ASSIGN(const auto live, client.get("/v2/health/live"));
        BLINDPROOF_ASSIGN(const auto ready, client.get("/v2/health/ready"));
        Json answer = Json::object();
        merge(answer, live);
        merge(answer, ready);
        return answer;
      },
      {.columns = {}, .text_member = {}, .needs_key = false});

  const auto add_one = [&](const char* name, const char* about, const char* suffix) {
    const auto arguments = std::make_shared<ProtocolArguments>();
    CLI::App& command = *protocol.add_subcommand(name, about);
    arguments->add_to(command);
    command.footer(std::string("Example:\n  blindproof remote protocol ") + name + " MODEL");
    add_remote_command(command, session, [arguments, suffix](Client& client) -> Result<Json> {
      BLINDPROOF_ASSIGN(const std::string path, arguments->path());
      BLINDPROOF_ASSIGN(const auto answer, client.get(path + suffix));
      return rendered(answer);
    });
  };
  add_one("model", "A model's tensors", "");
  add_one("ready", "Whether a model can be used", "/ready");

  const auto infer = std::make_shared<ProtocolArguments>();
  CLI::App& command = *protocol.add_subcommand("infer", "Infer and prove (level zkml), waiting for the answer");
  infer->add_to(command);
  command.add_option("--input", infer->input, "X.npy or X.npz")->required()->check(CLI::ExistingFile);
  command.add_option("--index", infer->index, "Which sample, if the input holds several, counted from 0");
  command.add_option("--context", infer->context, "Text that the proof is bound to");
  command.footer("Example:\n  blindproof remote protocol infer MODEL --input x.npy");
  add_remote_command(command, session, [infer](Client& client) -> Result<Json> {
    BLINDPROOF_ASSIGN(const std::string path, infer->path());
    BLINDPROOF_ASSIGN(const model::Shape shape, input_shape(client, infer->model, infer->version));
    BLINDPROOF_ASSIGN(const std::vector<float> sample, engine::read_sample(infer->input, shape, infer->index));
    service::client::Json body = {{"inputs", {{{"name", "input"}, {"datatype", "FP32"}, {"shape", shape}, {"data", sample}}}}};
    if (!infer->context.empty()) body["parameters"] = {{"context", infer->context}};
    BLINDPROOF_ASSIGN(const auto answer, client.post(path + "/infer", body));
    return rendered(answer);
  });
}

}  // namespace

void add_remote_job_commands(CLI::App& remote, Session& session) {
  add_infer(remote, session);
  CLI::App& jobs = *remote.add_subcommand("jobs", "What the service works on for you");
  jobs.require_subcommand(1);
  add_jobs(jobs, session);
  CLI::App& proofs = *remote.add_subcommand("proofs", "Proofs of answers");
  proofs.require_subcommand(1);
  add_proofs(proofs, session);
  CLI::App& protocol = *remote.add_subcommand("protocol", "The same service as clients of the Open Inference Protocol see it");
  protocol.require_subcommand(1);
  add_protocol(protocol, session);
}

}  // namespace blindproof::cli
