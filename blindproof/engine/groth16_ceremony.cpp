#include "blindproof/engine/groth16_ceremony.h"

#include "blindproof/base/file.h"
#include "blindproof/engine/groth16_files.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/groth16/phase2.h"

namespace blindproof::engine {
namespace {

constexpr std::size_t kMostWords = 1 << 20;

base::Result<groth16::Origin> origin_of(const ContributeRequest& request) {
  groth16::Origin origin{request.name, std::nullopt};
  if (request.beacon) {
    const std::string_view text = *request.beacon;
    const auto value = base::from_hex(text.starts_with("0x") ? text.substr(2) : text);
    if (!value.ok()) return base::error(base::ErrorCode::kInvalidArgument, "--beacon", "must be hexadecimal");
    if (request.log_iterations < 0 || request.log_iterations > 255) return base::error(base::ErrorCode::kInvalidArgument, "--log-iterations", "is out of range");
    origin.beacon = groth16::Beacon{*value, static_cast<std::uint8_t>(request.log_iterations)};
  }
  return origin;
}

base::Result<groth16::CeremonyStream> stream_of(const ContributeRequest& request, const groth16::Origin& origin, const base::Progress& progress) {
  if (origin.beacon) return groth16::beacon_stream(*origin.beacon, progress);
  if (!request.words) return groth16::contributor_stream();
  BLINDPROOF_ASSIGN(const base::Bytes words, base::read_file(*request.words, kMostWords));
  return groth16::contributor_stream({reinterpret_cast<const char*>(words.data()), words.size()});
}

CeremonySummary::Contribution summary_of(const groth16::Origin& origin, const groth16::Digest512& hash) {
  CeremonySummary::Contribution result{origin.name, base::to_hex(hash), std::nullopt, 0};
  if (origin.beacon) {
    result.beacon = base::to_hex(origin.beacon->value);
    result.log_iterations = origin.beacon->log_iterations;
  }
  return result;
}

base::Status write_verification_key(const groth16::Zkey& key, const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const groth16::VerificationKey verification_key, key.verification_key());
  return base::write_file_atomic(path, base::as_bytes(verification_key_json(verification_key, key.insecure())));
}

// A status into a refusal, unless something else went wrong.
base::Status refuse(CeremonySummary& summary, const base::Status& status) {
  if (status.ok() || status.error().code != base::ErrorCode::kRejected) return status;
  summary.refusal = status.error();
  return {};
}

}  // namespace

base::Status ptau_new(int power, const std::filesystem::path& out, const base::Progress& progress) { return groth16::new_ptau(power, out, progress); }

base::Result<ContributeOutcome> ptau_contribute(const ContributeRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Origin origin, origin_of(request));
  BLINDPROOF_ASSIGN(const groth16::Ptau ptau, groth16::Ptau::open(request.from));
  BLINDPROOF_ASSIGN(groth16::CeremonyStream random, stream_of(request, origin, progress));
  BLINDPROOF_ASSIGN(const groth16::Digest512 hash, groth16::contribute_to_ptau(ptau, origin, std::move(random), request.out, progress));
  return ContributeOutcome{base::to_hex(hash), ptau.contributions().size() + 1, watch.seconds()};
}

base::Status ptau_prepare(const std::filesystem::path& from, const std::filesystem::path& out, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(const groth16::Ptau ptau, groth16::Ptau::open(from));
  return groth16::prepare_ptau(ptau, out, progress);
}

base::Result<CeremonySummary> ptau_verify(const std::filesystem::path& path, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Ptau ptau, groth16::Ptau::open(path));
  CeremonySummary summary;
  summary.power = ptau.power();
  summary.ceremony_power = ptau.ceremony_power();
  summary.prepared = ptau.prepared();
  for (const groth16::PtauContribution& c : ptau.contributions()) summary.contributions.push_back(summary_of(c.origin, c.response_hash()));
  BLINDPROOF_TRY(refuse(summary, groth16::verify_ptau(ptau, progress)));
  summary.seconds = watch.seconds();
  return summary;
}

base::Result<ContributeOutcome> key_contribute(const ContributeRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Origin origin, origin_of(request));
  BLINDPROOF_ASSIGN(const groth16::Zkey from, groth16::Zkey::open(request.from));
  BLINDPROOF_ASSIGN(groth16::CeremonyStream random, stream_of(request, origin, progress));
  BLINDPROOF_ASSIGN(const groth16::Digest512 hash, groth16::contribute_to_key(from, origin, std::move(random), request.out, progress));
  BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.out));
  BLINDPROOF_ASSIGN(const groth16::KeyHistory history, groth16::read_history(key));
  if (request.verification_key) BLINDPROOF_TRY(write_verification_key(key, *request.verification_key));
  return ContributeOutcome{base::to_hex(hash), history.contributions.size(), watch.seconds()};
}

base::Result<CeremonySummary> key_verify(const VerifyKeyRequest& request, const base::Progress& progress) {
  const Stopwatch watch;
  BLINDPROOF_ASSIGN(const groth16::Zkey key, groth16::Zkey::open(request.key));
  BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::read_r1cs(request.circuit));
  BLINDPROOF_ASSIGN(const groth16::Ptau ptau, groth16::Ptau::open(request.ptau));
  BLINDPROOF_ASSIGN(const groth16::KeyHistory history, groth16::read_history(key));
  CeremonySummary summary;
  summary.power = ptau.power();
  summary.ceremony_power = ptau.ceremony_power();
  summary.circuit_hash = base::to_hex(history.circuit_hash);
  for (const groth16::KeyContribution& c : history.contributions) summary.contributions.push_back(summary_of(c.origin, c.hash()));
  if (!request.trust_ptau) BLINDPROOF_TRY(refuse(summary, groth16::verify_ptau(ptau, progress)));
  if (!summary.refusal) BLINDPROOF_TRY(refuse(summary, groth16::verify_key_of_circuit(key, r1cs, ptau, progress)));
  if (!summary.refusal && request.verification_key) BLINDPROOF_TRY(write_verification_key(key, *request.verification_key));
  summary.seconds = watch.seconds();
  return summary;
}

}  // namespace blindproof::engine
