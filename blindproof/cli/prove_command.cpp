// blindproof prove
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/prove.h"

namespace blindproof::cli {
namespace {

struct Arguments {
  engine::ProveRequest request;
  std::string context;
};

Json to_json(const engine::ProveRequest& request, const engine::ProveOutcome& outcome) {
  Json json = {{"model_id", base::to_hex(outcome.model)},
               {"proof", request.proof.string()},
               {"proof_bytes", outcome.proof_bytes},
               {"opening", outcome.opening ? Json(outcome.opening->string()) : Json()},
               {"input_hidden", request.hide_input},
               {"output_hidden", outcome.output_hidden},
               {"context", base::to_hex(request.context)}};
  if (!outcome.output_hidden) {
    json["output"] = integers_json(outcome.integers);
    if (request.dequantize_output) json["output_reals"] = outcome.reals;
    if (outcome.top_class) json["class"] = *outcome.top_class;
  }
  json["load_seconds"] = outcome.load_seconds;
  json["prove_seconds"] = outcome.prove_seconds;
  json["check_seconds"] = outcome.check_seconds;
  return json;
}

std::string to_text(const engine::ProveRequest& request, const engine::ProveOutcome& outcome) {
  Sheet sheet;
  sheet.line("model id", base::to_hex(outcome.model)).line("input", request.hide_input ? "hidden" : "public");
  if (outcome.output_hidden) {
    sheet.line("output", "hidden");
  } else {
    sheet.line("output", request.dequantize_output ? format_values(outcome.reals) : format_values(outcome.integers));
    if (outcome.top_class) sheet.line("class", std::to_string(*outcome.top_class));
  }
  if (!request.context.empty()) sheet.line("context", base::to_hex(request.context));
  sheet.line("time", format_seconds(outcome.prove_seconds) + " to prove, " + format_seconds(outcome.load_seconds) +
                         " to load the model, " + format_seconds(outcome.check_seconds) + " to check the proof");
  std::string text =
      sheet.text() + "Wrote " + request.proof.string() + " (" + format_bytes(outcome.proof_bytes) + "; public)\n";
  if (outcome.opening) {
    text += "Wrote " + outcome.opening->string() + " (" + format_bytes(outcome.opening_bytes) +
            "; secret: it shows what is hidden, for whoever is to see it)\n";
  }
  if (request.output) text += "Wrote " + request.output->string() + "\n";
  return text;
}

}  // namespace

void add_prove_command(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<Arguments>();
  engine::ProveRequest& request = arguments->request;
  CLI::App& command = *app.add_subcommand("prove", "Run a committed model on an input and prove the answer");
  command.add_option("model", request.model, "NET.bpm, the owner's")->required();
  command.add_option("--model-key", request.model_key, "NET.bpk, made from it by model commit")->required();
  command.add_option("--input", request.input, "X.npy, or x of an .npz archive: reals, before quantisation")
      ->required();
  command.add_option("--index", request.index, "Which sample, if the input holds several, counted from 0");
  command.add_option("--out", request.proof, "Where to write the proof (P.bpp)")->required();
  command.add_option("--output", request.output, "Also write the outputs to this .npy file, as integers");
  command.add_flag("--dequantize", request.dequantize_output, "Outputs as reals instead");
  command.add_flag("--hide-input", request.hide_input, "Commit to the input instead of showing it; writes P.open");
  command.add_flag("--hide-output", request.hide_output, "Commit to the output instead of showing it; writes P.open");
  command.add_option("--context", arguments->context,
                     "Hexadecimal bytes that the proof is bound to, so that it can't be used elsewhere");
  command.footer("Example: prove the digit at place 7 without showing it\n"
                 "  blindproof prove mlp.bpm --model-key mlp.bpk --input mnist_test.npz --index 7 --out p.bpp "
                 "--hide-input");
  session.add_command(command, [&session, arguments] {
    base::Result<base::Bytes> context = base::from_hex(arguments->context);
    if (!context.ok())
      return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--context", context.error().detail));
    arguments->request.context = *std::move(context);
    const auto outcome = engine::prove(arguments->request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    return session.report(to_json(arguments->request, *outcome), to_text(arguments->request, *outcome));
  });
}

}  // namespace blindproof::cli
