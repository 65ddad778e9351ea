// Ceremonies of Groth16: powers of tau, contributions to keys, verification of both.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"

namespace blindproof::engine {

/// Who contributes to a file, and what with: randomness of this machine, or a beacon.
struct ContributeRequest {
  std::filesystem::path from, out;
  std::string name;
  std::optional<std::filesystem::path> words;  // a file of one's own random words, for who distrusts the machine
  std::optional<std::string> beacon;           // hexadecimal
  int log_iterations = 10;                     // of the beacon's hash
  std::optional<std::filesystem::path> verification_key;  // of keys: .json to write
};

struct ContributeOutcome {
  std::string hash;  // hexadecimal: what the contributor publishes
  std::size_t contributions = 0;
  double seconds = 0;
};

struct CeremonySummary {
  struct Contribution {
    std::string name, hash;
    std::optional<std::string> beacon;  // hexadecimal
    int log_iterations = 0;
  };
  int power = 0, ceremony_power = 0;     // of .ptau files
  bool prepared = false;
  std::string circuit_hash;              // of keys
  std::vector<Contribution> contributions;
  std::optional<base::Error> refusal;    // names the check
  double seconds = 0;
};

/// Errors: kInvalidArgument for a power out of range; kIo.
base::Status ptau_new(int power, const std::filesystem::path& out, const base::Progress& progress = {});
/// Errors: those of reading and writing; kInvalidArgument for beacons and names out of range.
base::Result<ContributeOutcome> ptau_contribute(const ContributeRequest& request, const base::Progress& progress = {});
base::Status ptau_prepare(const std::filesystem::path& from, const std::filesystem::path& out, const base::Progress& progress = {});
/// Errors: files that can't be used. What doesn't verify is a refusal.
base::Result<CeremonySummary> ptau_verify(const std::filesystem::path& ptau, const base::Progress& progress = {});

base::Result<ContributeOutcome> key_contribute(const ContributeRequest& request, const base::Progress& progress = {});

struct VerifyKeyRequest {
  std::filesystem::path key, circuit, ptau;  // .zkey, .r1cs, .ptau
  bool trust_ptau = false;                   // was verified before
  std::optional<std::filesystem::path> verification_key;  // .json to write if the key is good
};
/// Errors: files that can't be used. What doesn't verify is a refusal.
base::Result<CeremonySummary> key_verify(const VerifyKeyRequest& request, const base::Progress& progress = {});

}  // namespace blindproof::engine
