// blindproof keys generate | inspect | parameters, blindproof encrypt, blindproof decrypt
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "blindproof/cli/fhe_format.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/hybrid_commands.h"
#include "blindproof/cli/passphrase.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/fhe_encryption.h"
#include "blindproof/engine/fhe_inference.h"
#include "blindproof/engine/fhe_keys.h"

namespace blindproof::cli {
namespace {

using engine::FheParameters;
using engine::Path;
namespace formats = fhe::formats;

std::string format_shape(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (const std::size_t dimension : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

void add_generate(CLI::App& keys, Session& session) {
  struct Arguments {
    engine::GenerateKeysRequest request;
    std::optional<Path> spec;
    bool powers = false, no_relinearization = false, passphrase = false;
    std::optional<Path> passphrase_file;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *keys.add_subcommand("generate", "Make a secret key, a public key and evaluation keys");
  CLI::Option* spec = command.add_option("--spec", arguments->spec, "NET.bpc of a model: its parameters and the evaluation keys that it needs");
  command.add_option("--parameters", arguments->request.parameters, "A named set (see `keys parameters`)")->excludes(spec);
  command.add_option("--out", arguments->request.folder, "Folder of the three files; is made if it doesn't exist")->required();
  command.add_option("--rotations", arguments->request.evaluation.rotations,
                     "Steps to make rotation keys for, e.g. 1,2,-4 (left; negative ones to the right)")
      ->delimiter(',');
  command.add_flag("--powers-of-two", arguments->powers, "Rotation keys for 1, 2, 4, ... slots: enough for sums of all slots");
  command.add_flag("--conjugation", arguments->request.evaluation.conjugation,
                   "A key for complex conjugation (CKKS), or exchange of the two rows of slots (BFV, BGV)");
  command.add_flag("--no-relinearization", arguments->no_relinearization, "No key for products of ciphertexts");
  CLI::Option* passphrase = command.add_flag("--passphrase", arguments->passphrase, "Protect the secret key; asks for the passphrase");
  command.add_option("--passphrase-file", arguments->passphrase_file, "Protect it by the first line of this file")->excludes(passphrase);
  command.footer("Writes secret.bpsk (keep it), public.bppk (for those who encrypt) and eval.bpek (for those who compute).\n"
                 "Examples:\n  blindproof keys generate --spec mlp.bpc --out keys\n"
                 "  blindproof keys generate --parameters ckks-16384-5 --rotations 1,2,4 --out keys");
  session.add_command(command, [&session, arguments] {
    engine::GenerateKeysRequest& request = arguments->request;
    if (!arguments->spec && request.parameters.empty()) {
      return session.fail(base::error(base::ErrorCode::kInvalidArgument, "arguments", "give --spec or --parameters"));
    }
    request.evaluation.relinearization = !arguments->no_relinearization;
    if (arguments->passphrase || arguments->passphrase_file) {
      auto chosen = read_passphrase(arguments->passphrase_file, true);
      if (!chosen.ok()) return session.fail(chosen.error());
      request.passphrase = std::move(*chosen);
    }
    if (arguments->spec && engine::is_hybrid_file(*arguments->spec)) {
      return generate_hybrid_keys(session, *arguments->spec, request.folder, request.passphrase);
    }
    if (arguments->powers && !arguments->spec) {
      const auto context = formats::create_context(request.parameters);
      if (!context.ok()) return session.fail(context.error());
      for (std::size_t step = 1; step < formats::ring_of(*context)->degree() / 2; step *= 2) {
        request.evaluation.rotations.push_back(static_cast<std::int64_t>(step));
      }
    }
    const auto outcome =
        arguments->spec ? engine::generate_keys_for(*arguments->spec, request.folder, request.passphrase, session.progress())
                        : engine::generate_fhe_keys(request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    sheet.line("key id", base::to_hex(outcome->key_id))
        .line(engine::kSecretKeyName, format_bytes(outcome->secret_bytes) + ", keep it" +
                                          (request.passphrase ? " (needs the passphrase)" : ""))
        .line(engine::kPublicKeyName, format_bytes(outcome->public_bytes) + ", for those who encrypt")
        .line(engine::kEvaluationKeysName, format_bytes(outcome->evaluation_bytes) + ", " +
                                               format_count(outcome->evaluation_keys) + " keys for those who compute")
        .line("time", format_seconds(outcome->seconds));
    return session.report({{"folder", request.folder.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"key_id", base::to_hex(outcome->key_id)},
                           {"evaluation_keys", outcome->evaluation_keys},
                           {"secret_bytes", outcome->secret_bytes},
                           {"public_bytes", outcome->public_bytes},
                           {"evaluation_bytes", outcome->evaluation_bytes},
                           {"passphrase", request.passphrase.has_value()},
                           {"seconds", outcome->seconds}},
                          "Keys are in " + request.folder.string() + ".\n" + sheet.text());
  });
}

void add_inspect(CLI::App& keys, Session& session) {
  struct Arguments {
    Path file;
    bool check = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *keys.add_subcommand("inspect", "Say what a file of keys or ciphertexts holds; shows no secret");
  command.add_option("file", arguments->file, ".bpsk, .bppk, .bpek or .bpct")->required();
  command.add_flag("--check", arguments->check, "Evaluation keys: also the digest of every key");
  command.footer("Example:\n  blindproof keys inspect keys/eval.bpek");
  session.add_command(command, [&session, arguments] {
    if (engine::is_hybrid_file(arguments->file)) return inspect_hybrid(session, arguments->file);
    const auto summary = engine::inspect_fhe_file(arguments->file, arguments->check, session.progress());
    if (!summary.ok()) return session.fail(summary.error());
    Sheet sheet;
    sheet.line("file", std::string(formats::kind_name(summary->kind)) + ", " + format_bytes(summary->file_bytes));
    add_parameters(summary->parameters, sheet);
    sheet.line("key id", base::to_hex(summary->key_id));
    Json json = {{"file", arguments->file.string()},
                 {"kind", formats::kind_name(summary->kind)},
                 {"file_bytes", summary->file_bytes},
                 {"parameters", to_json(summary->parameters)},
                 {"key_id", base::to_hex(summary->key_id)}};
    if (summary->kind == formats::Kind::kSecretKey) {
      sheet.line("protection", summary->passphrase ? "a passphrase" : "none but the file's mode");
      json["passphrase"] = summary->passphrase;
    } else if (summary->kind == formats::Kind::kEvaluationKeys) {
      Json entries = Json::array();
      bool relinearization = false;
      for (const auto& entry : summary->evaluation_keys) {
        entries.push_back({{"element", entry.element}, {"q_limbs", entry.q_limbs}});
        relinearization |= entry.element == formats::kRelinearization;
      }
      std::string steps;
      for (const std::int64_t step : summary->rotations) steps += (steps.empty() ? "" : ", ") + std::to_string(step);
      const bool conjugation = summary->evaluation_keys.size() > summary->rotations.size() + (relinearization ? 1 : 0);
      sheet.line("relinearisation", relinearization ? "yes" : "no").line("rotations", steps.empty() ? "none" : steps);
      sheet.line(summary->parameters.t == 0 ? "conjugation" : "exchange of rows", conjugation ? "yes" : "no");
      json["keys"] = std::move(entries);
      json["relinearization"] = relinearization;
      json["rotations"] = summary->rotations;
      json["conjugation"] = conjugation;
      json["checked"] = arguments->check;
    } else if (summary->kind == formats::Kind::kCiphertexts) {
      sheet.line("content", summary->content == "program" ? "of a program" : summary->content + " " + format_shape(summary->shape))
          .line("ciphertexts", format_count(summary->ciphertexts));
      json["content"] = summary->content;
      json["shape"] = summary->shape;
      json["ciphertexts"] = summary->ciphertexts;
    }
    return session.report(json, sheet.text());
  });
}

void add_list(CLI::App& keys, Session& session) {
  CLI::App& command = *keys.add_subcommand("parameters", "List the named parameter sets");
  command.footer("Example:\n  blindproof keys parameters --json");
  session.add_command(command, [&session] {
    const auto sets = engine::list_fhe_parameters();
    if (!sets.ok()) return session.fail(sets.error());
    std::vector<std::vector<std::string>> rows = {{"name", "security", "log Q", "log P", "slots", "key", "for"}};
    Json list = Json::array();
    for (const FheParameters& set : *sets) {
      rows.push_back({set.name, std::to_string(set.security_bits), format_bits(set.log_q), format_bits(set.log_p),
                      format_count(set.slots), format_bytes(set.evaluation_key_bytes), set.purpose});
      Json json = to_json(set);
      json["purpose"] = set.purpose;
      list.push_back(std::move(json));
    }
    return session.report({{"parameters", std::move(list)}}, format_table(rows));
  });
}

struct KeyOptions {
  Path folder;
  std::string parameters;
  std::optional<Path> passphrase_file;
};

void add_key_options(CLI::App& command, KeyOptions& keys) {
  command.add_option("--keys", keys.folder, "Folder that `keys generate` wrote")->required();
  command.add_option("--parameters", keys.parameters, "Refuse keys of any other named set");
  command.add_option("--passphrase-file", keys.passphrase_file, "Its first line opens the secret key (otherwise you are asked)");
}

formats::AskPassphrase asking(const KeyOptions& keys) {
  return [file = keys.passphrase_file] { return read_passphrase(file, false); };
}

void add_encrypt(CLI::App& app, Session& session) {
  struct Arguments {
    engine::EncryptRequest request;
    KeyOptions keys;
    std::optional<Path> spec;
    std::optional<std::size_t> index;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("encrypt", "Encrypt an array of numbers");
  add_key_options(command, arguments->keys);
  command.add_option("--input", arguments->request.input, "X.npy: numbers for CKKS, integers for BFV and BGV")->required();
  CLI::Option* spec = command.add_option("--spec", arguments->spec, "NET.bpc: encrypt an input of this model");
  command.add_option("--index", arguments->index,
                     "With --spec: which sample, if the input holds several, counted from 0; without it, a program for batches takes all")
      ->needs(spec);
  command.add_option("--out", arguments->request.out, "X.bpct")->required();
  command.add_flag("--public", arguments->request.use_public_key,
                   "Under the public key, as is done where there is no secret key; the file has twice the size");
  command.footer("Values fill the slots of as many ciphertexts as are needed, in the array's order.\n"
                 "Examples:\n  blindproof encrypt --keys keys --input x.npy --out x.bpct\n"
                 "  blindproof encrypt --spec mlp.bpc --keys keys --input digits.npz --index 7 --out x.bpct");
  session.add_command(command, [&session, arguments] {
    if (arguments->spec && engine::is_hybrid_file(*arguments->spec)) {
      return encrypt_hybrid(session, {*arguments->spec, arguments->keys.folder, arguments->request.input, arguments->request.out,
                                      arguments->index, asking(arguments->keys)});
    }
    if (arguments->spec) {
      const auto outcome = engine::encrypt_input({*arguments->spec, arguments->keys.folder, arguments->request.input,
                                                  arguments->request.out, arguments->index, asking(arguments->keys)});
      if (!outcome.ok()) return session.fail(outcome.error());
      Sheet sheet;
      add_parameters(outcome->parameters, sheet);
      sheet.line("encrypted input", format_count(outcome->samples) + (outcome->samples == 1 ? " sample, " : " samples, ") +
                                        format_bytes(outcome->file_bytes))
          .line("time", format_seconds(outcome->seconds));
      return session.report({{"ciphertexts_file", arguments->request.out.string()},
                             {"parameters", to_json(outcome->parameters)},
                             {"samples", outcome->samples},
                             {"file_bytes", outcome->file_bytes},
                             {"seconds", outcome->seconds}},
                            sheet.text());
    }
    arguments->request.keys = arguments->keys.folder;
    arguments->request.parameters = arguments->keys.parameters;
    arguments->request.ask_passphrase = asking(arguments->keys);
    const auto outcome = engine::encrypt_array(arguments->request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    const std::string key = outcome->used_public_key ? "public" : "secret";
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    sheet.line("values", format_count(outcome->values) + " " + format_shape(outcome->shape))
        .line("ciphertexts", format_count(outcome->ciphertexts) + " under the " + key + " key, " + format_bytes(outcome->file_bytes))
        .line("time", format_seconds(outcome->seconds));
    return session.report({{"ciphertexts_file", arguments->request.out.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"key", key},
                           {"shape", outcome->shape},
                           {"values", outcome->values},
                           {"ciphertexts", outcome->ciphertexts},
                           {"file_bytes", outcome->file_bytes},
                           {"seconds", outcome->seconds}},
                          sheet.text());
  });
}

int decrypt_model_output(const Session& session, const Path& spec, const KeyOptions& keys, const engine::DecryptRequest& request) {
  const auto outcome = engine::decrypt_output({spec, keys.folder, request.input, request.out, asking(keys)});
  if (!outcome.ok()) return session.fail(outcome.error());
  Sheet sheet;
  const bool batch = outcome->samples > 1;
  sheet.line("output", batch ? format_shape(outcome->shape) + " in " + request.out.string() : format_values(outcome->values));
  if (outcome->classes.size() == 1) sheet.line("class", std::to_string(outcome->classes[0]));
  const bool exact = !outcome->integers.empty();
  if (exact && !batch) sheet.line("integers", format_values(outcome->integers));
  if (!exact) sheet.line("keep it", "shown to those who have the ciphertext, the numbers reveal your key");
  sheet.line("time", format_seconds(outcome->seconds));
  Json json = {{"values_file", request.out.string()},
               {"parameters", to_json(outcome->parameters)},
               {"shape", outcome->shape},
               {"samples", outcome->samples},
               {"values", outcome->values},
               {"integers", exact ? integers_json(outcome->integers) : Json()},
               {"classes", outcome->classes},
               {"seconds", outcome->seconds}};
  if (outcome->classes.size() == 1) json["class"] = outcome->classes[0];
  return session.report(json, sheet.text());
}

void add_decrypt(CLI::App& app, Session& session) {
  struct Arguments {
    engine::DecryptRequest request;
    KeyOptions keys;
    std::optional<Path> spec;
    bool share = false, unverified = false;
    std::optional<Path> proof;
    Path model_key, input_ciphertext;
    std::optional<std::string> context;
    engine::ShareRequest sharing{};
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("decrypt", "Decrypt to an array of numbers");
  add_key_options(command, arguments->keys);
  command.add_option("--input", arguments->request.input, "Y.bpct")->required();
  command.add_option("--out", arguments->request.out, "Y.npy; readable by you alone")->required();
  CLI::Option* spec = command.add_option("--spec", arguments->spec, "NET.bpc: decrypt the output of this model");
  CLI::Option* share = command.add_flag("--share", arguments->share, "CKKS: round off, by noise, what would reveal your key to others");
  CLI::Option* value = command.add_option("--max-value", arguments->sharing.max_value, "With --share: bound of the values")
                           ->check(CLI::PositiveNumber)->needs(share);
  CLI::Option* error = command.add_option("--max-error", arguments->sharing.max_error,
                                          "With --share: bound of their error, from the program that computed them")
                           ->check(CLI::PositiveNumber)->needs(share);
  command.add_option("--queries", arguments->sharing.queries, "With --share: ciphertexts that you will ever show decrypted")
      ->check(CLI::Range(1.0, 1e12))->needs(share)->capture_default_str();
  command.add_option("--bits", arguments->sharing.bits, "With --share: how well the error is hidden; two of them cost one of the result's")
      ->check(CLI::Range(1, 128))->needs(share)->capture_default_str();
  CLI::Option* proof = command.add_option("--proof", arguments->proof, "Hybrid level: P.bpp of the answer, which is verified before anything is decrypted")->needs(spec);
  CLI::Option* model_key = command.add_option("--model-key", arguments->model_key, "With --proof: NET.bpk of the model that must have answered");
  CLI::Option* question = command.add_option("--input-ciphertext", arguments->input_ciphertext, "With --proof: X.bpct that was asked");
  proof->needs(model_key)->needs(question);
  command.add_option("--context", arguments->context, "With --proof: hexadecimal bytes that it must be bound to")->needs(proof);
  command.add_flag("--unverified", arguments->unverified, "Hybrid level: an answer without a proof; it may be any server's number")->needs(spec)->excludes(proof);
  share->needs(value)->needs(error)->excludes(spec);
  command.footer("CKKS results carry an error that, together with the ciphertext, reveals the secret key. Keep them to yourself,\n"
                 "or use --share for what you show to those who made or saw the ciphertext.\n"
                 "Examples:\n  blindproof decrypt --keys keys --input y.bpct --out y.npy\n"
                 "  blindproof decrypt --keys keys --input y.bpct --out y.npy --share --bits 20 --max-value 10 --max-error 1e-9");
  session.add_command(command, [&session, arguments] {
    if (arguments->spec && engine::is_hybrid_file(*arguments->spec)) {
      engine::DecryptRecordsRequest request{*arguments->spec,        arguments->keys.folder, arguments->request.input,
                                            arguments->request.out,  asking(arguments->keys), arguments->unverified,
                                            arguments->proof,        arguments->model_key,    arguments->input_ciphertext};
      if (arguments->context) {
        const base::Result<base::Bytes> context = base::from_hex(*arguments->context);
        if (!context.ok()) return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--context", context.error().detail));
        request.context = *context;
      }
      return decrypt_hybrid(session, request);
    }
    if (arguments->spec) return decrypt_model_output(session, *arguments->spec, arguments->keys, arguments->request);
    engine::DecryptRequest& request = arguments->request;
    request.keys = arguments->keys.folder;
    request.parameters = arguments->keys.parameters;
    request.ask_passphrase = asking(arguments->keys);
    if (arguments->share) request.share = arguments->sharing;
    const auto outcome = engine::decrypt_array(request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    const bool may_share = outcome->integers || outcome->shared_error;
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    sheet.line("values", format_shape(outcome->shape) + " in " + request.out.string());
    if (outcome->shared_error) sheet.line("error", "at most " + format_real(*outcome->shared_error) + ", with the noise added for sharing");
    if (!may_share) sheet.line("keep them", "shown to those who have the ciphertext, they reveal your key (see --share)");
    sheet.line("time", format_seconds(outcome->seconds));
    return session.report({{"values_file", request.out.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"shape", outcome->shape},
                           {"type", outcome->integers ? "int64" : "float64"},
                           {"may_share", may_share},
                           {"shared_error", outcome->shared_error ? Json(*outcome->shared_error) : Json()},
                           {"seconds", outcome->seconds}},
                          sheet.text());
  });
}

void add_infer(CLI::App& app, Session& session) {
  struct Proving {
    bool prove = false;
    Path proof, model_key;
    std::string context;
  };
  const auto request = std::make_shared<engine::InferRequest>();
  const auto proving = std::make_shared<Proving>();
  CLI::App& command = *app.add_subcommand("infer", "Evaluate a model on an encrypted input");
  command.add_option("program", request->program, "NET.bpf, from `model lower`; or NET.bpfe, from `model encrypt`")->required();
  command.add_option("--eval-keys", request->evaluation_keys, "The client's eval.bpek; programs of the hybrid level take --public-key instead");
  command.add_option("--input", request->input, "X.bpct")->required();
  command.add_option("--out", request->out, "Y.bpct")->required();
  command.add_option("--public-key", request->public_key,
                     "For the flood that hides the weights (default: public.bppk beside the evaluation keys; hybrid: must be given)");
  command.add_flag("--no-model-privacy", request->no_model_privacy,
                   "No flood: the output's noise may tell the client something of the weights");
  command.add_option("--weight-memory", request->weight_memory,
                     "For encoded weights that are kept ready; what exceeds it is transformed in each run, which takes longer (1.5GB, 512MB, ...)")
      ->transform(CLI::AsSizeValue(true))->default_str("1073741824");
  CLI::Option* prove = command.add_flag("--prove", proving->prove, "Hybrid level: prove that this model gave the answer, and nothing else");
  CLI::Option* proof = command.add_option("--proof", proving->proof, "With --prove: where to write the proof (P.bpp)");
  CLI::Option* model_key = command.add_option("--model-key", proving->model_key, "With --prove: NET.bpk, made from the model by `model commit`");
  prove->needs(proof)->needs(model_key);
  proof->needs(prove);
  command.add_option("--context", proving->context, "With --prove: hexadecimal bytes that the proof is bound to")->needs(prove);
  command.footer("Examples:\n  blindproof infer mlp.bpf --eval-keys keys/eval.bpek --input x.bpct --out y.bpct\n"
                 "  blindproof infer table.bpf --public-key keys/public.bppk --input x.bpct --out y.bpct --prove --proof p.bpp "
                 "--model-key table.bpk");
  session.add_command(command, [&session, request, proving] {
    const bool hybrid = engine::is_hybrid_file(request->program);
    if (hybrid ? request->public_key.empty() || request->no_model_privacy : request->evaluation_keys.empty()) {
      return session.fail(base::error(base::ErrorCode::kInvalidArgument, "arguments",
                                      hybrid ? "programs of the hybrid level take --public-key, and are always flooded" : "give --eval-keys"));
    }
    if (hybrid) {
      engine::HybridInferRequest batch{request->program, request->public_key, request->input, request->out};
      if (proving->prove) {
        const base::Result<base::Bytes> context = base::from_hex(proving->context);
        if (!context.ok()) return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--context", context.error().detail));
        batch.proof = proving->proof;
        batch.model_key = proving->model_key;
        batch.context = *context;
      }
      return infer_hybrid(session, batch);
    }
    if (proving->prove) {
      return session.fail(base::error(base::ErrorCode::kUnsupported, "--prove",
                                      "only programs of the hybrid level can be proven: lower the model with --level hybrid"));
    }
    const auto outcome = engine::infer(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    sheet.line("weights", outcome->encrypted_model ? "encrypted" : "plain");
    const bool exact = outcome->parameters.t != 0;
    sheet.line("encrypted output", format_bytes(outcome->file_bytes) + (exact ? ", exact" : ", off by at most " + format_real(outcome->error_bound)))
        .line("model privacy", outcome->hiding_bits > 0 ? std::to_string(outcome->hiding_bits) + " bits: the output's noise is hidden by a flood"
                                                        : "none: the output's noise may tell the client something of the weights")
        .line("time", format_seconds(outcome->infer_seconds) + " for the evaluation, " + format_seconds(outcome->encode_seconds) +
                          (outcome->encrypted_model ? " to check" : " to encode") + " the weights, " + format_seconds(outcome->load_seconds) + " to load files");
    return session.report({{"output_file", request->out.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"samples", outcome->samples},
                           {"error_bound", outcome->error_bound},
                           {"encrypted_model", outcome->encrypted_model},
                           {"model_privacy_bits", outcome->hiding_bits},
                           {"file_bytes", outcome->file_bytes},
                           {"infer_seconds", outcome->infer_seconds},
                           {"encode_seconds", outcome->encode_seconds},
                           {"load_seconds", outcome->load_seconds}},
                          sheet.text());
  });
}

}  // namespace

void add_fhe_commands(CLI::App& app, Session& session) {
  CLI::App& keys = *app.add_subcommand("keys", "Keys of homomorphic encryption");
  keys.require_subcommand(1);
  keys.footer("Example:\n  blindproof keys generate --parameters ckks-16384-5 --out keys");
  add_generate(keys, session);
  add_inspect(keys, session);
  add_list(keys, session);
  add_encrypt(app, session);
  add_decrypt(app, session);
  add_infer(app, session);
}

}  // namespace blindproof::cli
