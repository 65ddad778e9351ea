// blindproof verify
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/hybrid_commands.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/verify.h"

namespace blindproof::cli {
namespace {

using engine::TensorReport;
using engine::Verdict;

struct Arguments {
  engine::VerifyRequest request;
  std::optional<std::string> context;
  std::optional<engine::Path> input_ciphertext, output_ciphertext, public_key;
};

Json to_json(const TensorReport& tensor) {
  Json json = {{"shape", tensor.shape}, {"visibility", tensor.hidden ? "hidden" : "public"}};
  if (tensor.hidden) {
    json["commitment"] = tensor.commitment;
    json["opened"] = tensor.opened;
  } else {
    json["values"] = integers_json(tensor.values);
  }
  json["compared"] = tensor.compared;
  return json;
}

Json to_json(const Verdict& verdict) {
  if (verdict.refusal) {
    return {{"accepted", false}, {"model_id", base::to_hex(verdict.model)}, {"check", verdict.refusal->place},
            {"error", error_json(*verdict.refusal)}};
  }
  Json json = {{"accepted", true},
               {"model_id", base::to_hex(verdict.model)},
               {"arithmetic", verdict.arithmetic},
               {"parameters", verdict.parameters},
               {"registration_checked", true},
               {"input", to_json(verdict.input)},
               {"output", to_json(verdict.output)},
               {"context", base::to_hex(verdict.context)}};
  if (!verdict.output.hidden) json["output_reals"] = verdict.output_reals;
  if (verdict.top_class) json["class"] = *verdict.top_class;
  json["proof_bytes"] = verdict.proof_bytes;
  json["registration_seconds"] = verdict.registration_seconds;
  json["proof_seconds"] = verdict.proof_seconds;
  return json;
}

std::string describe(const TensorReport& tensor) {
  std::string text = model::to_string(tensor.shape);
  if (tensor.hidden) {
    text += ", hidden; digest of its commitment " + tensor.commitment;
    if (tensor.opened) text += "; the opening fits";
  } else {
    text += ", public: " + format_values(tensor.values);
  }
  if (tensor.compared) text += "; equal to the given one";
  return text;
}

std::string to_text(const Verdict& verdict) {
  if (verdict.refusal) return "Refused by check " + verdict.refusal->message();
  Sheet sheet;
  sheet.line("model", base::to_hex(verdict.model))
      .line("arithmetic", verdict.arithmetic)
      .line("input", describe(verdict.input))
      .line("output", describe(verdict.output));
  if (verdict.top_class) sheet.line("", "class " + std::to_string(*verdict.top_class));
  sheet.line("context", verdict.context.empty() ? "none" : base::to_hex(verdict.context))
      .line("parameters", "every parameter of the model is in its declared range (registration checked)")
      .line("time", format_seconds(verdict.proof_seconds) + " for the proof, " +
                        format_seconds(verdict.registration_seconds) + " for the registration");
  return "Proven: the committed model maps this input to this output.\n" + sheet.text();
}

// A proof about ciphertexts, or one about values: what belongs to the other kind is refused, not ignored.
base::Status check_options(const Arguments& arguments, bool encrypted) {
  const engine::VerifyRequest& request = arguments.request;
  const auto refuse = [](const char* option, const char* why) { return base::error(base::ErrorCode::kInvalidArgument, option, why); };
  if (!encrypted) {
    if (arguments.input_ciphertext || arguments.output_ciphertext || arguments.public_key)
      return refuse("--input-ciphertext", "the proof is about values, not about ciphertexts: give --input and --output");
    return {};
  }
  if (request.input || request.output || request.opening) return refuse("--input", "the proof is about ciphertexts: give --input-ciphertext and --output-ciphertext");
  if (!arguments.input_ciphertext || !arguments.output_ciphertext)
    return refuse("--input-ciphertext", "the proof is about ciphertexts: give --input-ciphertext and --output-ciphertext");
  return {};
}

}  // namespace

void add_verify_command(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<Arguments>();
  engine::VerifyRequest& request = arguments->request;
  CLI::App& command = *app.add_subcommand("verify", "Verify a proof, and say what exactly it proves");
  command.add_option("proof", request.proof, "P.bpp")->required();
  command
      .add_option("--model-key", request.model_key, "NET.bpk of the model that you expect; its registration is checked")
      ->required();
  CLI::Option* input =
      command.add_option("--input", request.input, "X.npy or .npz: reals that the input must be, once quantised");
  command.add_option("--index", request.index, "Which sample, if the input holds several, counted from 0")
      ->needs(input);
  command.add_option("--output", request.output, "Y.npy: integers that the output must be");
  command.add_option("--opening", request.opening, "P.open from the prover: compare with what the proof hides");
  CLI::Option* question = command.add_option("--input-ciphertext", arguments->input_ciphertext, "X.bpct, of a proof of encrypted inference");
  CLI::Option* answer = command.add_option("--output-ciphertext", arguments->output_ciphertext, "Y.bpct, likewise");
  question->needs(answer);
  answer->needs(question);
  command.add_option("--public-key", arguments->public_key, "The client's public.bppk, likewise (default: the one beside X.bpct)")->needs(question);
  command.add_option("--context", arguments->context, "Hexadecimal bytes that the proof must be bound to");
  command.footer("Exit code: 0 proven; 1 refused, and by which check; 2 input that can't be used.\n"
                 "Examples:\n  blindproof verify p.bpp --model-key mlp.bpk --output y.npy\n"
                 "  blindproof verify p.bpp --model-key table.bpk --input-ciphertext x.bpct --output-ciphertext y.bpct --public-key keys/public.bppk");
  session.add_command(command, [&session, arguments] {
    if (arguments->context) {
      base::Result<base::Bytes> context = base::from_hex(*arguments->context);
      if (!context.ok())
        return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--context", context.error().detail));
      arguments->request.context = *std::move(context);
    }
    const auto encrypted = engine::is_answer_proof(arguments->request.proof);
    if (!encrypted.ok()) return session.fail(encrypted.error(), kUnusable);
    if (const base::Status usable = check_options(*arguments, *encrypted); !usable.ok()) return session.fail(usable.error(), kUnusable);
    if (*encrypted) {
      const engine::Path beside = arguments->input_ciphertext->parent_path() / engine::kPublicKeyName;
      return verify_hybrid(session, {arguments->request.proof, arguments->request.model_key, arguments->public_key.value_or(beside),
                                     *arguments->input_ciphertext, *arguments->output_ciphertext, arguments->request.context});
    }
    const auto verdict = engine::verify(arguments->request);
    // A refusal is a verdict; an error means that there was nothing to judge.
    if (!verdict.ok()) return session.fail(verdict.error(), kUnusable);
    return session.report(to_json(*verdict), to_text(*verdict), verdict->refusal ? kFailed : kGood);
  });
}

}  // namespace blindproof::cli
