// Proving keys: snarkjs's .zkey files.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "blindproof/groth16/points.h"
#include "blindproof/groth16/r1cs.h"
#include "blindproof/groth16/sections.h"
#include "blindproof/groth16/verify.h"

namespace blindproof::groth16 {

/// Sections of the file.
enum ZkeySection : std::uint32_t {
  kZkeyProtocol = 1,
  kZkeyHeader = 2,
  kZkeyIc = 3,
  kZkeyCoefficients = 4,
  kZkeyA = 5,
  kZkeyB1 = 6,
  kZkeyB2 = 7,
  kZkeyC = 8,
  kZkeyH = 9,
  kZkeyContributions = 10,
  kZkeyInsecure = 0x6270,  // ours: says that the key is of a development setup; other tools ignore it
};

struct ZkeyHeader {
  std::uint32_t wires = 0, public_values = 0, domain = 0;
  G1Affine alpha1, beta1, delta1;
  G2Affine beta2, gamma2, delta2;
};

/// A term of A or B: matrix 0 or 1.
struct Coefficient {
  std::uint32_t matrix, constraint, wire;
  Fr value;
};

class Zkey {
 public:
  /// Errors: kIo; kMalformed, also for sections of other lengths than the header says; kUnsupported for other protocols or curves; kLimit.
  static base::Result<Zkey> open(const std::filesystem::path& path);
  static base::Result<Zkey> of(base::ByteSpan bytes, std::string name);

  const ZkeyHeader& header() const noexcept { return header_; }
  /// Made by one party on one machine: whoever has seen its randomness can forge proofs.
  bool insecure() const { return sections_.has(kZkeyInsecure); }

  /// See read_points().
  base::Result<std::vector<G1Affine>> g1_points(ZkeySection section, std::size_t first, std::size_t count) const {
    return read_points<G1Affine>(sections_, section, first, count);
  }
  base::Result<std::vector<G2Affine>> g2_points(ZkeySection section, std::size_t first, std::size_t count) const {
    return read_points<G2Affine>(sections_, section, first, count);
  }

  std::size_t coefficients() const noexcept { return coefficients_; }
  base::Result<std::vector<Coefficient>> read_coefficients(std::size_t first, std::size_t count) const;

  base::Result<VerificationKey> verification_key() const;
  const Sections& sections() const noexcept { return sections_; }

 private:
  static base::Result<Zkey> of(Sections sections);
  explicit Zkey(Sections sections) : sections_(std::move(sections)) {}

  Sections sections_;
  ZkeyHeader header_;
  std::size_t coefficients_ = 0;
};

inline constexpr std::size_t kCoefficientBytes = 44;

base::Bytes zkey_header_bytes(const ZkeyHeader& header);
/// Of the section kZkeyCoefficients, block by block, as a file of this circuit has it: the circuit's terms and a row for each public wire.
base::Status for_coefficient_blocks(const R1cs& r1cs, const std::function<base::Status(base::ByteSpan)>& use);
std::uint64_t coefficient_section_bytes(const R1cs& r1cs);

/// Of circuits: the smallest power of two above the number of constraints and public values, as snarkjs takes it.
std::uint32_t domain_of(std::uint64_t constraints, std::uint64_t public_values);

}  // namespace blindproof::groth16
