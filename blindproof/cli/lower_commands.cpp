// blindproof model lower, blindproof plan
#include <map>
#include <memory>

#include "blindproof/cli/fhe_format.h"
#include "blindproof/cli/hybrid_commands.h"
#include "blindproof/engine/fhe_plan.h"

namespace blindproof::cli {
namespace {

using engine::Path;

struct Target {
  compiler::LowerFheOptions options;
  std::string level;
};

// How a model becomes a program: the same for making one and for planning it.
void add_options(CLI::App& command, const std::shared_ptr<Target>& target) {
  compiler::LowerFheOptions& options = target->options;
  command.add_option("--degree", options.degree, "Of polynomials in place of ReLU, Clip, Sigmoid, Tanh, GELU, SiLU")
      ->check(CLI::Range(2, 511))->capture_default_str();
  command.add_option("--composite", options.composite_bits,
                     "ReLU by a composition of minimax polynomials instead, within 2^-BITS of its range: exact, and deep")
      ->check(CLI::Range(1, 16));
  command.add_option("--margin", options.margin, "By which values may exceed those of the calibration samples")
      ->check(CLI::Range(1.0, 100.0))->capture_default_str();
  command.add_option("--scale-bits", options.scale_bits, "Precision of the numbers (default: 40; with model privacy up to 96, as needed)")
      ->check(CLI::Range(25, 96));
  CLI::Option* privacy =
      command.add_option("--model-privacy", options.hiding_bits,
                         "Bits by which a flood on the output hides the weights from the client; costs moduli twice as long")
          ->check(CLI::Range(1, 44))->capture_default_str();
  command.add_flag_callback("--no-model-privacy", [target] { target->options.hiding_bits = 0; },
                            "Faster, for clients that may learn something of the weights")->excludes(privacy);
  command.add_option("--packing", options.packing,
                     "single: one sample at a time, soonest; batch: up to N/2 samples at once, the most in a second (large files)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, fheml::Packing>{{"single", fheml::Packing::kSingle},
                                                                               {"batch", fheml::Packing::kBatch}}))
      ->default_str("single");
}

std::string keys_line(std::size_t rotations, bool relinearization, std::size_t bytes) {
  return format_count(rotations) + " rotations" + (relinearization ? " and relinearisation, " : ", ") + format_bytes(bytes);
}

std::string input_line(std::size_t bytes, std::size_t max_samples) {
  return format_bytes(bytes) + (max_samples > 1 ? " for up to " + format_count(max_samples) + " samples" : "");
}

}  // namespace

void add_lower_command(CLI::App& model, Session& session) {
  const auto request = std::make_shared<engine::LowerRequest>();
  const auto target = std::make_shared<Target>();
  CLI::App& command = *model.add_subcommand("lower", "Turn a model into a program on encrypted data (.bpf, secret; .bpc for clients)");
  command.add_option("model", request->model, "NET.bpm")->required();
  command.add_option("--out", request->out, "NET.bpf; the client's spec goes beside it, as NET.bpc")->required();
  command.add_option("--level", target->level, "fhe: encrypted inference; hybrid: with proofs, for batches of records under small exact networks")
      ->required()->check(CLI::IsMember({"fhe", "hybrid"}));
  add_options(command, target);
  const auto evaluations = std::make_shared<std::uint64_t>(hybrid::kDefaultEvaluations);
  command.add_option("--evaluations", *evaluations, "Hybrid: answers that one client may get, which the flood is long enough for")->capture_default_str();
  const auto outputs = std::make_shared<std::string>("integers");
  command.add_option("--outputs", *outputs, "Hybrid: exact integers; classes and rounded scores take comparisons, which this level doesn't have")
      ->check(CLI::IsMember({"integers", "class", "rounded"}))->capture_default_str();
  const auto scheme = std::make_shared<std::string>("ckks");
  command.add_option("--scheme", *scheme,
                     "ckks: the float network, approximately; bfv or bgv: the integers of a model of exact arithmetic, all of them")
      ->check(CLI::IsMember({"ckks", "bfv", "bgv"}))->capture_default_str();
  command.footer("Examples:\n  blindproof model lower mlp.bpm --level fhe --out mlp.bpf\n"
                 "  blindproof model lower exact.bpm --level fhe --scheme bfv --out exact.bpf\n"
                 "  blindproof model lower table.bpm --level hybrid --out table.bpf\n"
                 "Limits of the hybrid level: (d+1)(d+2)/2 exact answers reveal a network of d inputs with a square, d+1 a linear one; and the\n"
                 "weights are not hidden from a client that makes malformed keys or encrypts values out of range.");
  session.add_command(command, [&session, request, target, scheme, evaluations, outputs] {
    request->options = target->options;
    if (*scheme != "ckks") request->scheme = *scheme == "bfv" ? fheml::ExactScheme::kBfv : fheml::ExactScheme::kBgv;
    request->spec = request->out;
    request->spec.replace_extension(".bpc");
    if (request->spec == request->out) {
      return session.fail(base::error(base::ErrorCode::kInvalidArgument, "--out", "ends in .bpc, which is the client's spec: choose NET.bpf"));
    }
    if (target->level == "hybrid") {
      if (*outputs != "integers") {
        return session.fail(base::error(base::ErrorCode::kUnsupported, "--outputs",
                                        "the hybrid level answers with exact integers alone: a " + *outputs +
                                            " answer takes comparisons, which no polynomial of degree 2 is"));
      }
      return lower_hybrid(session, {request->model, request->out, request->spec, *evaluations});
    }
    const auto outcome = engine::lower_model(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    const std::size_t moduli = outcome->plaintext_moduli.size();
    if (moduli > 0) {
      sheet.line("plaintext", std::to_string(moduli) + (moduli == 1 ? " modulus" : " moduli") + ", for integers of up to " +
                                  std::to_string(outcome->output_bits) + " bits");
    }
    sheet.line("evaluation keys", keys_line(outcome->rotations, outcome->relinearization, outcome->key_bytes))
        .line("model privacy", request->options.hiding_bits > 0 ? std::to_string(request->options.hiding_bits) + " bits" : "none")
        .line("encrypted input", input_line(outcome->ciphertext_bytes, outcome->max_samples))
        .line("encoded weights", format_bytes(outcome->weight_bytes) + " of memory at the server")
        .line("files", format_bytes(outcome->program_bytes) + " program (secret), " + format_bytes(outcome->spec_bytes) + " client's spec")
        .line("time", format_seconds(outcome->seconds));
    return session.report({{"program", request->out.string()},
                           {"spec", request->spec.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"plaintext_moduli", outcome->plaintext_moduli},
                           {"output_bits", moduli > 0 ? Json(outcome->output_bits) : Json()},
                           {"steps", to_json(outcome->steps)},
                           {"rotations", outcome->rotations},
                           {"relinearization", outcome->relinearization},
                           {"model_privacy_bits", request->options.hiding_bits},
                           {"key_bytes", outcome->key_bytes},
                           {"packing", outcome->max_samples > 1 ? "batch" : "single"},
                           {"max_samples", outcome->max_samples},
                           {"ciphertext_bytes", outcome->ciphertext_bytes},
                           {"weight_bytes", outcome->weight_bytes},
                           {"program_bytes", outcome->program_bytes},
                           {"spec_bytes", outcome->spec_bytes},
                           {"seconds", outcome->seconds}},
                          format_steps(outcome->steps) + "\n" + sheet.text());
  });
}

void add_plan_command(CLI::App& app, Session& session) {
  const auto request = std::make_shared<engine::PlanRequest>();
  const auto target = std::make_shared<Target>();
  CLI::App& command = *app.add_subcommand("plan", "What encrypted inference would take, before anything is encrypted");
  command.add_option("model", request->model, "NET.bpm")->required();
  command.add_option("--level", target->level, "fhe: encrypted inference")->required()->check(CLI::IsMember({"fhe"}));
  add_options(command, target);
  command.footer("Times are for this machine and --threads. Nothing is written.\n"
                 "Example:\n  blindproof plan mlp.bpm --level fhe --no-model-privacy");
  session.add_command(command, [&session, request, target] {
    request->options = target->options;
    const auto plan = engine::plan_inference(*request, session.progress());
    if (!plan.ok()) return session.fail(plan.error());
    const bool single = plan->max_samples == 1;
    Sheet sheet;
    add_parameters(plan->parameters, sheet);
    sheet.line("levels", std::to_string(plan->levels))
        .line("model privacy", request->options.hiding_bits > 0 ? std::to_string(request->options.hiding_bits) + " bits" : "none")
        .line("evaluation keys", keys_line(plan->rotations, plan->relinearization, plan->key_bytes))
        .line("encrypted input", input_line(plan->ciphertext_bytes, plan->max_samples))
        .line("memory", format_bytes(plan->peak_memory_bytes) + " at the server, " + format_bytes(plan->weight_bytes) + " of them weights")
        .line("time", format_seconds(plan->infer_seconds) + (single ? ", after " + format_seconds(plan->encode_seconds) + " once to encode the weights" : " for a batch"));
    if (single) {
      sheet.line("error", "about " + format_real(plan->expected_error) + ", at most " + format_real(plan->error_bound) + ", of values up to " +
                              format_real(plan->output_magnitude));
    }
    return session.report({{"model", request->model.string()},
                           {"level", target->level},
                           {"scheme", plan->parameters.scheme},
                           {"n", plan->parameters.n},
                           {"levels", plan->levels},
                           {"parameters", to_json(plan->parameters)},
                           {"packing", single ? "single" : "batch"},
                           {"max_samples", plan->max_samples},
                           {"steps", to_json(plan->steps)},
                           {"rotations", plan->rotations},
                           {"relinearization", plan->relinearization},
                           {"model_privacy_bits", request->options.hiding_bits},
                           {"key_bytes", plan->key_bytes},
                           {"ciphertext_bytes", plan->ciphertext_bytes},
                           {"weight_bytes", plan->weight_bytes},
                           {"infer_seconds", plan->infer_seconds},
                           {"encode_seconds", single ? Json(plan->encode_seconds) : Json()},
                           {"peak_memory_bytes", plan->peak_memory_bytes},
                           {"expected_error", single ? Json(plan->expected_error) : Json()},
                           {"error_bound", single ? Json(plan->error_bound) : Json()},
                           {"output_magnitude", plan->output_magnitude}},
                          format_steps(plan->steps) + "\n" + sheet.text());
  });
}

}  // namespace blindproof::cli
