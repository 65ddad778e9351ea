// blindproof model compile | inspect | run | commit | check
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/commit_model.h"
#include "blindproof/engine/compile_model.h"
#include "blindproof/engine/model_summary.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"

namespace blindproof::cli {
namespace {

using engine::ModelSummary;
using engine::Path;
using model::Int128;

Json to_json(const ModelSummary& summary) {
  Json nodes = Json::array();
  for (const auto& node : summary.nodes)
    nodes.push_back(
        {{"op", node.op}, {"shape", node.shape}, {"parameters", node.parameters}, {"lookups", node.lookups}});
  return {{"arithmetic", summary.arithmetic},
          {"input", {{"shape", summary.input_shape}, {"min", summary.input_min}, {"max", summary.input_max},
                     {"scale", summary.input_scale}}},
          {"output", {{"shape", summary.output_shape}, {"scale", summary.output_scale}, {"finish", summary.finish}}},
          {"parameters", summary.parameters},
          {"weights", summary.weights},
          {"biases", summary.biases},
          {"multipliers", summary.multipliers},
          {"activations", summary.activations},
          {"lookups", summary.lookups},
          {"tables", summary.tables},
          {"table_entries", summary.table_entries},
          {"layers", nodes}};
}

std::string layers_text(const ModelSummary& summary) {
  std::vector<std::vector<std::string>> rows = {{"layer", "output", "parameters", "look-ups"}};
  for (const auto& node : summary.nodes) {
    rows.push_back({node.op, model::to_string(node.shape), node.parameters > 0 ? format_count(node.parameters) : "",
                    node.lookups > 0 ? format_count(node.lookups) : ""});
  }
  rows.push_back({"total", "", format_count(summary.parameters), format_count(summary.lookups)});
  return format_table(rows);
}

void add_summary(const ModelSummary& summary, Sheet& sheet) {
  sheet.line("arithmetic", summary.arithmetic)
      .line("input", model::to_string(summary.input_shape) + " of integers " + std::to_string(summary.input_min) +
                         " to " + std::to_string(summary.input_max) + ", each times " +
                         format_real(summary.input_scale))
      .line("output", model::to_string(summary.output_shape) + " of integers, each times " +
                          format_real(summary.output_scale) +
                          (summary.finish == "none" ? "" : ", then " + summary.finish))
      .line("parameters", format_count(summary.weights) + " weights, " + format_count(summary.biases) + " biases, " +
                              format_count(summary.multipliers) + " multipliers")
      .line("activations", format_count(summary.activations))
      .line("look-ups", format_count(summary.lookups) + " in " + std::to_string(summary.tables) + " tables of " +
                            format_count(summary.table_entries) + " entries");
}

void add_compile(CLI::App& model, Session& session) {
  struct Arguments {
    Path onnx, calibration, out;
    engine::CompileOptions options;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *model.add_subcommand("compile", "Turn an ONNX network into an integer model (.bpm, secret)");
  command.add_option("network", arguments->onnx, "The ONNX file")->required();
  command.add_option("--calibration", arguments->calibration,
                     "NumPy archive with samples x and, if known, their classes y")->required();
  command.add_option("--out", arguments->out, "Where to write the model (NET.bpm)")->required();
  const std::map<std::string, model::Arithmetic> arithmetics = {{"rescaled", model::Arithmetic::kRescaled},
                                                                {"exact", model::Arithmetic::kExact}};
  command.add_option("--arithmetic", arguments->options.arithmetic,
                     "rescaled (default): rounding and look-ups after each layer; exact: sums and products alone")
      ->transform(CLI::CheckedTransformer(arithmetics).description("rescaled|exact"));
  command.add_option("--max-accuracy-loss", arguments->options.max_accuracy_loss,
                     "Percentage points that quantisation may cost on the calibration samples")
      ->check(CLI::Range(0.0, 100.0))->capture_default_str();
  command.add_option("--weight-bits", arguments->options.weight_bits, "Bits of a weight, 2 to 16")
      ->check(CLI::Range(2, 16))->capture_default_str();
  command.add_option("--activation-bits", arguments->options.activation_bits, "Bits of an activation, 4 to 16")
      ->check(CLI::Range(4, 16))->capture_default_str();
  command.add_flag("!--per-tensor", arguments->options.per_channel, "One scale for each layer instead of each channel");
  command.footer("Example:\n  blindproof model compile mlp.onnx --calibration mnist_calibration.npz --out mlp.bpm");
  session.add_command(command, [&session, arguments] {
    const auto outcome = engine::compile_model(arguments->onnx, arguments->calibration, arguments->out,
                                               arguments->options, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Json json = {{"model", arguments->out.string()},
                 {"samples", outcome->samples},
                 {"labelled", outcome->labelled},
                 {"float_accuracy", outcome->labelled ? Json(outcome->float_accuracy) : Json()},
                 {"integer_accuracy", outcome->labelled ? Json(outcome->integer_accuracy) : Json()},
                 {"agreement", outcome->agreement},
                 {"output_error", outcome->output_error},
                 {"clipping", outcome->clipping},
                 {"file_bytes", outcome->file_bytes},
                 {"seconds", outcome->seconds}};
    json.update(to_json(outcome->summary));
    Sheet sheet;
    add_summary(outcome->summary, sheet);
    const std::string of = " of " + format_count(outcome->samples) + " samples";
    if (outcome->labelled) {
      sheet.line("float accuracy", format_percent(outcome->float_accuracy) + of)
          .line("integer accuracy", format_percent(outcome->integer_accuracy) + of);
    }
    sheet.line("same answer", format_percent(outcome->agreement) + of)
        .line("time", format_seconds(outcome->seconds));
    const std::string wrote = "Wrote " + arguments->out.string() + " (" + format_bytes(outcome->file_bytes) +
                              "; secret: it holds the weights and the seed of their commitment)";
    return session.report(json, layers_text(outcome->summary) + "\n" + sheet.text() + wrote);
  });
}

void add_inspect(CLI::App& model, Session& session) {
  const auto path = std::make_shared<Path>();
  CLI::App& command =
      *model.add_subcommand("inspect", "Show what a model (.bpm) or model key (.bpk) is, without its weights");
  command.add_option("file", *path, "NET.bpm or NET.bpk")->required();
  command.footer("Example:\n  blindproof model inspect mlp.bpm");
  session.add_command(command, [&session, path] {
    const auto inspection = engine::inspect(*path);
    if (!inspection.ok()) return session.fail(inspection.error());
    Json json = {{"file", path->string()}, {"file_bytes", inspection->file_bytes}};
    Sheet sheet;
    if (inspection->model) {
      json["kind"] = "model key";
      json["model_id"] = base::to_hex(*inspection->model);
      json["rows"] = inspection->committed_rows;
      json["registration_bytes"] = inspection->registration_bytes;
      sheet.line("model id", base::to_hex(*inspection->model))
          .line("commitment", format_count(inspection->committed_rows) + " rows; registration proof of " +
                                  format_bytes(inspection->registration_bytes) + " (not checked here)");
    } else {
      json["kind"] = "model";
      json["float_graph"] = inspection->has_float_graph;
      sheet.line("float network", inspection->has_float_graph ? "inside" : "not inside");
    }
    json.update(to_json(inspection->summary));
    add_summary(inspection->summary, sheet);
    sheet.line("file", format_bytes(inspection->file_bytes));
    return session.report(json, layers_text(inspection->summary) + "\n" + sheet.text());
  });
}

struct RunArguments {
  engine::RunRequest request;
  std::optional<Path> out;
  bool dequantize = false;
};

base::Status write_outputs(const RunArguments& arguments, const engine::RunOutcome& outcome) {
  const bool reals = arguments.dequantize || arguments.request.use_float_graph;
  model::Shape shape = reals ? outcome.real_shape : outcome.output_shape;
  if (outcome.batched) shape.insert(shape.begin(), outcome.reals.size());
  const auto join = [](const auto& samples) {
    typename std::decay_t<decltype(samples)>::value_type all;
    for (const auto& values : samples) all.insert(all.end(), values.begin(), values.end());
    return all;
  };
  if (reals) {
    BLINDPROOF_TRY(engine::write_reals(*arguments.out, shape, join(outcome.reals), base::FileMode::kPublic));
  } else {
    BLINDPROOF_TRY(engine::write_integers(*arguments.out, shape, join(outcome.integers), base::FileMode::kPublic));
  }
  return {};
}

int report_run(const Session& session, const RunArguments& arguments, const engine::RunOutcome& outcome) {
  constexpr std::size_t kShown = 10;
  const bool reals = arguments.dequantize || arguments.request.use_float_graph;
  const std::size_t count = outcome.reals.size();
  Json outputs = Json::array();
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    outputs.push_back(reals ? Json(outcome.reals[i]) : integers_json(outcome.integers[i]));
    if (i >= kShown) continue;
    text += reals ? format_values(outcome.reals[i]) : format_values(outcome.integers[i]);
    if (!outcome.classes.empty()) text += "  class " + std::to_string(outcome.classes[i]);
    text += "\n";
  }
  if (count > kShown) text += "... and " + format_count(count - kShown) + " more samples\n";
  Json json = {{"model", arguments.request.model.string()},
               {"network", arguments.request.use_float_graph ? "float" : "integer"},
               {"samples", count},
               {"outputs", std::move(outputs)},
               {"classes", outcome.classes.empty() ? Json() : Json(outcome.classes)},
               {"accuracy", outcome.accuracy ? Json(*outcome.accuracy) : Json()},
               {"seconds", outcome.seconds}};
  if (outcome.accuracy)
    text += "Accuracy: " + format_percent(*outcome.accuracy) + " of " + format_count(count) + " samples\n";
  if (arguments.out) {
    json["out"] = arguments.out->string();
    text += "Wrote " + arguments.out->string() + "\n";
  }
  return session.report(json, text);
}

void add_run(CLI::App& model, Session& session) {
  const auto arguments = std::make_shared<RunArguments>();
  engine::RunRequest& request = arguments->request;
  CLI::App& command = *model.add_subcommand("run", "Evaluate a model in the clear, exactly as proofs see it");
  command.add_option("model", request.model, "NET.bpm")->required();
  command.add_option("--input", request.input,
                     "X.npy, or x of an .npz archive (accuracy is printed if it has y): one sample or several")
      ->required();
  command.add_option("--index", request.index, "Only this one of several samples, counted from 0");
  command.add_flag("--float", request.use_float_graph, "Evaluate the float network that the model was made from");
  command.add_option("--out", arguments->out, "Write the outputs to this .npy file");
  command.add_flag("--dequantize", arguments->dequantize, "Outputs as reals instead of integers");
  command.footer("Example:\n  blindproof model run mlp.bpm --input mnist_test.npz --index 7 --dequantize");
  session.add_command(command, [&session, arguments] {
    if (arguments->out) {
      const base::Status status = engine::check_writable(*arguments->out);
      if (!status.ok()) return session.fail(status.error());
    }
    const auto outcome = engine::run_model(arguments->request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    if (arguments->out) {
      const base::Status status = write_outputs(*arguments, *outcome);
      if (!status.ok()) return session.fail(status.error(), kFailed);
    }
    return report_run(session, *arguments, *outcome);
  });
}

void add_commit(CLI::App& model, Session& session) {
  struct Arguments {
    Path model, out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *model.add_subcommand("commit", "Commit to a model: make its public key (.bpk)");
  command.add_option("model", arguments->model, "NET.bpm")->required();
  command.add_option("--out", arguments->out, "Where to write the model key (NET.bpk)")->required();
  command.footer("The same .bpm always gives the same model id. The key reveals architecture and scales, no weights.\n"
                 "Example:\n  blindproof model commit mlp.bpm --out mlp.bpk");
  session.add_command(command, [&session, arguments] {
    const auto outcome = engine::commit_model(arguments->model, arguments->out, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    const std::string id = base::to_hex(outcome->model);
    const Json json = {{"model_id", id},
                       {"model_key", arguments->out.string()},
                       {"parameters", outcome->parameters},
                       {"rows", outcome->rows},
                       {"registration_bytes", outcome->registration_bytes},
                       {"file_bytes", outcome->file_bytes},
                       {"seconds", outcome->seconds}};
    Sheet sheet;
    sheet.line("model id", id)
        .line("committed",
              format_count(outcome->parameters) + " parameters in " + format_count(outcome->rows) + " rows")
        .line("registration",
              "proof of " + format_bytes(outcome->registration_bytes) + " that every parameter is in its range")
        .line("time", format_seconds(outcome->seconds));
    return session.report(json, sheet.text() + "Wrote " + arguments->out.string() + " (" +
                                    format_bytes(outcome->file_bytes) + "; public)");
  });
}

void add_check(CLI::App& model, Session& session) {
  const auto path = std::make_shared<Path>();
  CLI::App& command =
      *model.add_subcommand("check", "Verify a model key's registration: every parameter is in its range");
  command.add_option("key", *path, "NET.bpk")->required();
  command.footer("Example:\n  blindproof model check mlp.bpk");
  session.add_command(command, [&session, path] {
    const auto check = engine::check_model_key(*path);
    if (!check.ok()) return session.fail(check.error());
    const std::string id = base::to_hex(check->model);
    Json json = {{"accepted", !check->refusal.has_value()}, {"model_id", id}, {"parameters", check->parameters},
                 {"seconds", check->seconds}};
    if (check->refusal) {
      json["error"] = error_json(*check->refusal);
      return session.report(json, "Refused: " + check->refusal->message(), kFailed);
    }
    return session.report(json, "Good: each of the " + format_count(check->parameters) + " parameters of model\n  " +
                                    id + "\nis in its declared range (" + format_seconds(check->seconds) + ")");
  });
}

}  // namespace

void add_model_commands(CLI::App& app, Session& session) {
  CLI::App& model = *app.add_subcommand("model", "Compile, inspect, run, commit to and check models");
  model.require_subcommand(1);
  model.footer("Example:\n  blindproof model compile mlp.onnx --calibration data.npz --out mlp.bpm");
  add_compile(model, session);
  add_inspect(model, session);
  add_run(model, session);
  add_commit(model, session);
  add_check(model, session);
  add_lower_command(model, session);
  add_encrypt_model_command(model, session);
}

}  // namespace blindproof::cli
