// blindproof groth16 ptau, contribute, beacon, verify-key
#include <memory>

#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/groth16_ceremony.h"

namespace blindproof::cli {
namespace {

// What contribute and beacon say about files of both kinds.
struct Kind {
  const char* file;
  const char* made_by;
  base::Result<engine::ContributeOutcome> (*contribute)(const engine::ContributeRequest&, const base::Progress&);
};
constexpr Kind kPowers = {"P.ptau", "groth16 ptau", engine::ptau_contribute};
constexpr Kind kKeys = {"C.zkey", "groth16", engine::key_contribute};

void add_contribution(CLI::App& group, Session& session, const Kind& kind, bool beacon) {
  const auto request = std::make_shared<engine::ContributeRequest>();
  CLI::App& command = *group.add_subcommand(beacon ? "beacon" : "contribute", beacon ? "End the contributions with a number that nobody could choose"
                                                                                     : "Multiply the secrets inside by random numbers, and forget these");
  command.add_option("from", request->from, std::string(kind.file) + " of who contributed before")->required();
  command.add_option("--out", request->out, std::string(kind.file) + " to write, for who comes next")->required();
  command.add_option("--name", request->name, "Who contributes, at most 64 bytes: stays in the file");
  if (&kind == &kKeys) command.add_option("--verification-key", request->verification_key, "VK.json to write, as snarkjs does");
  if (beacon) {
    command.add_option("--beacon", request->beacon, "The number in hexadecimal, for example the hash of a block announced before")->required();
    command.add_option("--log-iterations", request->log_iterations, "It is hashed 2^N times, so that it is known later than public: 10 to 32")->capture_default_str();
  } else {
    command.add_option("--words", request->words, "File of random words of your own, which are mixed in; the machine's randomness suffices if you trust it");
  }
  const std::string example = std::string("blindproof ") + kind.made_by +
                              (beacon ? " beacon 2 --out 3 --beacon 0102…1f20 --name \"block 800000\"" : " contribute 1 --out 2 --name \"Ada\"");
  command.footer("Publish the hash that is printed: it shows later that your contribution is in the file. One honest contributor of all suffices.\nExample:\n  " + example);
  session.add_command(command, [&session, &kind, request] {
    const auto outcome = kind.contribute(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    sheet.line("file", request->out.string()).line("contribution", format_count(outcome->contributions)).line("hash", outcome->hash).line("time", format_seconds(outcome->seconds));
    return session.report({{"out", request->out}, {"contributions", outcome->contributions}, {"hash", outcome->hash}, {"seconds", outcome->seconds}}, sheet.text());
  });
}

int report_ceremony(Session& session, const engine::CeremonySummary& summary, Json json, const std::string& good) {
  Json contributions = Json::array();
  std::string lines;
  for (const auto& c : summary.contributions) {
    Json entry = {{"name", c.name}, {"hash", c.hash}};
    if (c.beacon) entry.update({{"beacon", *c.beacon}, {"log_iterations", c.log_iterations}});
    contributions.push_back(std::move(entry));
    lines += "  " + std::to_string(contributions.size()) + "  " + (c.name.empty() ? "(no name)" : c.name) +
             (c.beacon ? ": beacon " + *c.beacon + ", hashed 2^" + std::to_string(c.log_iterations) + " times" : "") + "\n     " + c.hash + "\n";
  }
  json.update({{"accepted", !summary.refusal}, {"contributions", std::move(contributions)}, {"seconds", summary.seconds}});
  if (summary.refusal) {
    json.update({{"check", summary.refusal->place}, {"error", error_json(*summary.refusal)}});
    return session.report(json, "Refused by check " + summary.refusal->message(), kFailed);
  }
  return session.report(json, good + " Contributions, and what each of them should have published:\n" + lines, kGood);
}

void add_ptau_commands(CLI::App& group, Session& session) {
  struct New {
    int power = 0;
    std::filesystem::path out;
  };
  const auto fresh = std::make_shared<New>();
  CLI::App& create = *group.add_subcommand("new", "Begin a ceremony");
  create.add_option("--power", fresh->power, "For circuits of up to 2^N constraints: 1 to 27")->required();
  create.add_option("--out", fresh->out, "P.ptau to write")->required();
  create.footer("Example:\n  blindproof groth16 ptau new --power 17 --out 0.ptau");
  session.add_command(create, [&session, fresh] {
    const base::Status status = engine::ptau_new(fresh->power, fresh->out, session.progress());
    if (!status.ok()) return session.fail(status.error());
    return session.report({{"out", fresh->out}, {"power", fresh->power}}, "Written: " + fresh->out.string() + ". Now contribute to it.\n");
  });

  add_contribution(group, session, kPowers, false);
  add_contribution(group, session, kPowers, true);

  const auto files = std::make_shared<std::pair<std::filesystem::path, std::filesystem::path>>();
  CLI::App& prepare = *group.add_subcommand("prepare", "Compute once what every circuit's setup needs");
  prepare.add_option("from", files->first, "P.ptau")->required();
  prepare.add_option("--out", files->second, "P.ptau to write")->required();
  prepare.footer("A setup works without, and then computes the part that it needs; snarkjs wants it.\nExample:\n  blindproof groth16 ptau prepare 3.ptau --out powers.ptau");
  session.add_command(prepare, [&session, files] {
    const base::Status status = engine::ptau_prepare(files->first, files->second, session.progress());
    if (!status.ok()) return session.fail(status.error());
    return session.report({{"out", files->second}}, "Written: " + files->second.string() + "\n");
  });

  const auto path = std::make_shared<std::filesystem::path>();
  CLI::App& verify = *group.add_subcommand("verify", "Check a ceremony from its beginning");
  verify.add_option("ptau", *path, "P.ptau")->required();
  verify.footer("Exit code: 0 good; 1 refused, and by which check; 2 a file that can't be used.\nExample:\n  blindproof groth16 ptau verify powers.ptau");
  session.add_command(verify, [&session, path] {
    const auto summary = engine::ptau_verify(*path, session.progress());
    if (!summary.ok()) return session.fail(summary.error(), kUnusable);
    Json json = {{"power", summary->power}, {"ceremony_power", summary->ceremony_power}, {"prepared", summary->prepared}};
    return report_ceremony(session, *summary, std::move(json), "Good, for up to 2^" + std::to_string(summary->power) + " constraints" + (summary->prepared ? ", prepared." : ", not prepared."));
  });
}

void add_verify_key(CLI::App& group, Session& session) {
  const auto request = std::make_shared<engine::VerifyKeyRequest>();
  CLI::App& command = *group.add_subcommand("verify-key", "Check that a key is a circuit's, from its ceremony");
  command.add_option("key", request->key, "C.zkey")->required();
  command.add_option("--circuit", request->circuit, "C.r1cs")->required();
  command.add_option("--ptau", request->ptau, "P.ptau that the key was made from")->required();
  command.add_flag("--trust-ptau", request->trust_ptau, "The .ptau file was verified before");
  command.add_option("--verification-key", request->verification_key, "VK.json to write if the key is good");
  command.footer("Exit code: 0 good; 1 refused, and by which check; 2 files that can't be used.\n"
                 "Example:\n  blindproof groth16 verify-key circuit.zkey --circuit circuit.r1cs --ptau powers.ptau");
  session.add_command(command, [&session, request] {
    const auto summary = engine::key_verify(*request, session.progress());
    if (!summary.ok()) return session.fail(summary.error(), kUnusable);
    return report_ceremony(session, *summary, {{"circuit_hash", summary->circuit_hash}}, "The key is this circuit's. Circuit hash: " + summary->circuit_hash + ".");
  });
}

}  // namespace

void add_ceremony_commands(CLI::App& groth16, Session& session) {
  CLI::App& ptau = *groth16.add_subcommand("ptau", "Powers of tau: the half of a setup that serves every circuit");
  ptau.require_subcommand(1);
  add_ptau_commands(ptau, session);
  add_contribution(groth16, session, kKeys, false);
  add_contribution(groth16, session, kKeys, true);
  add_verify_key(groth16, session);
}

}  // namespace blindproof::cli
