// Powers of tau: the half of a setup that serves every circuit, in snarkjs's .ptau files. Whoever may come contributes: multiplies the secrets tau, alpha and beta
// inside by random numbers and forgets these. If one of all forgets, nobody knows the secrets.
// Protocol, what is verified, and the file: docs/spec/groth16.md, section 6.  Ref: Bowe-Gabizon-Miers, ePrint 2017/1050.
#pragma once

#include <filesystem>
#include <vector>

#include "blindproof/groth16/ceremony.h"

namespace blindproof::groth16 {

/// Sections of the file. With n = 2^power: those of Lagrange polynomials hold, for every p <= power (tau1: power + 1), the points L_i(tau) of the 2^p-th roots.
enum PtauSection : std::uint32_t {
  kPtauHeader = 1,
  kPtauTau1 = 2,    // tau^i in G1, i < 2n - 1
  kPtauTau2 = 3,    // tau^i in G2, i < n
  kPtauAlpha1 = 4,  // alpha tau^i in G1
  kPtauBeta1 = 5,   // beta tau^i in G1
  kPtauBeta2 = 6,   // beta in G2
  kPtauContributions = 7,
  kPtauLagrangeTau1 = 12,
  kPtauLagrangeTau2 = 13,
  kPtauLagrangeAlpha1 = 14,
  kPtauLagrangeBeta1 = 15,
};

inline constexpr int kMostPower = 27;  // twice as many powers have roots of unity

struct PtauContribution {
  G1Affine tau1;
  G2Affine tau2;
  G1Affine alpha1, beta1;
  G2Affine beta2;
  KnowledgeProof tau, alpha, beta;
  Blake2b::State response;  // of the hash of the response, without the proofs
  Digest512 next_challenge;
  Origin origin;

  /// What the contributor publishes.
  Digest512 response_hash() const;
};

class Ptau {
 public:
  /// Errors: kIo; kMalformed, also for sections of other lengths than the header says; kUnsupported for other curves.
  static base::Result<Ptau> open(const std::filesystem::path& path);
  static base::Result<Ptau> of(base::ByteSpan bytes, std::string name);

  /// log2 of the most constraints.
  int power() const noexcept { return power_; }
  /// Larger if the file was cut.
  int ceremony_power() const noexcept { return ceremony_power_; }
  std::size_t size() const noexcept { return std::size_t{1} << power_; }
  bool prepared() const;
  const std::vector<PtauContribution>& contributions() const noexcept { return contributions_; }
  const Sections& sections() const noexcept { return sections_; }

  /// See read_points().
  base::Result<std::vector<G1Affine>> g1(PtauSection section, std::size_t first, std::size_t count) const {
    return read_points<G1Affine>(sections_, section, first, count);
  }
  base::Result<std::vector<G2Affine>> g2(PtauSection section, std::size_t first, std::size_t count) const {
    return read_points<G2Affine>(sections_, section, first, count);
  }

  /// L_i(tau), times alpha or beta, for the 2^log_size-th roots of unity: read if the file is prepared, computed otherwise. Of `powers` (kPtauTau1, kPtauAlpha1,
  /// kPtauBeta1; kPtauTau2).   Requires: log_size <= power(), for kPtauTau1 one more: there the highest power is missing and taken as zero.
  base::Result<std::vector<G1Affine>> lagrange_g1(PtauSection powers, int log_size) const;
  base::Result<std::vector<G2Affine>> lagrange_g2(PtauSection powers, int log_size) const;

 private:
  static base::Result<Ptau> of(Sections sections);
  explicit Ptau(Sections sections) : sections_(std::move(sections)) {}

  Sections sections_;
  int power_ = 0, ceremony_power_ = 0;
  std::vector<PtauContribution> contributions_;
};

/// A file without contributions, whose secrets are 1.   Errors: kInvalidArgument unless 1 <= power <= kMostPower; kIo.
base::Status new_ptau(int power, const std::filesystem::path& path, const base::Progress& progress = {});

/// Multiplies the secrets of `from` by numbers from `random`. Returns what the contributor publishes.
/// Errors: kUnsupported for a file that was cut; kInvalidArgument for a long name; those of reading and writing.
base::Result<Digest512> contribute_to_ptau(const Ptau& from, const Origin& origin, CeremonyStream random, const std::filesystem::path& to, const base::Progress& progress = {});

/// Adds the points of Lagrange polynomials, without which a setup has to compute those that it needs.
base::Status prepare_ptau(const Ptau& from, const std::filesystem::path& to, const base::Progress& progress = {});

/// Errors: kRejected, naming the check and the contribution.   Requires (of beacons): see beacon_stream().
base::Status verify_ptau(const Ptau& ptau, const base::Progress& progress = {});

}  // namespace blindproof::groth16
