// What the two ceremonies of a setup (ptau.h, phase2.h) share: contributors who prove that they know the secret that they multiplied by, and beacons.
// Everything is as snarkjs does it, so that files go back and forth. Protocol: docs/spec/groth16.md, section 6.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/crypto/blake2b.h"
#include "blindproof/crypto/random.h"
#include "blindproof/groth16/points.h"

namespace blindproof::groth16 {

using crypto::Blake2b;
using crypto::Digest512;

/// Field elements and points from a seed, in the order that snarkjs draws them.   Timing: variable in what is drawn: for public seeds and secrets of one's own
/// machine.
class CeremonyStream {
 public:
  explicit CeremonyStream(std::span<const std::uint8_t, 32> seed);

  Fr scalar();
  G1Affine g1();
  G2Affine g2();

 private:
  std::uint32_t next();
  template <class Field>
  Field element();
  template <class Point>
  Point point();

  crypto::SecretSeed key_;
  crypto::Secret<std::array<std::uint8_t, 512>> block_;
  std::size_t position_ = 512;
  std::uint32_t next_block_ = 0;
};

/// What everybody will know at a time after the contributions, for example a block of a public chain, hashed 2^log_iterations times, which takes a while.
struct Beacon {
  base::Bytes value;  // 1 to 255 bytes
  std::uint8_t log_iterations = 10;

  friend bool operator==(const Beacon&, const Beacon&) = default;
};
inline constexpr std::uint8_t kFewestBeaconIterations = 10, kMostBeaconIterations = 32;  // logarithms; the most take some minutes

/// Errors: kInvalidArgument for an empty or too long value, too few or too many iterations.
base::Result<CeremonyStream> beacon_stream(const Beacon& beacon, const base::Progress& progress = {});
/// From the operating system's generator and, if somebody distrusts that, words of their own.
CeremonyStream contributor_stream(std::string_view words = {});

/// Who contributed.
struct Origin {
  std::string name;  // at most 64 bytes
  std::optional<Beacon> beacon;

  friend bool operator==(const Origin&, const Origin&) = default;
};
Origin read_origin(base::ByteReader& reader);
void write_origin(base::ByteWriter& out, const Origin& origin);
/// Errors: kInvalidArgument for a name that is too long.
base::Status check_origin(const Origin& origin);

/// That somebody knows x: (s, x s) in G1 and (p, x p) in G2, where p is hashed from what was there before.
struct KnowledgeProof {
  G1Affine s, sx;
  G2Affine px;

  friend bool operator==(const KnowledgeProof&, const KnowledgeProof&) = default;
};

/// p.
G2Affine hash_to_g2(const Digest512& digest);
/// Whether a2/a1 = b2/b1, and none of the four is the identity.   Requires: points of the groups.
bool same_ratio(const G1Affine& a1, const G1Affine& a2, const G2Affine& b1, const G2Affine& b2);

void absorb(Blake2b& hash, std::span<const G1Affine> points);
void absorb(Blake2b& hash, std::span<const G2Affine> points);
inline void absorb(Blake2b& hash, const G1Affine& point) { absorb(hash, std::span(&point, 1)); }
inline void absorb(Blake2b& hash, const G2Affine& point) { absorb(hash, std::span(&point, 1)); }

/// Overwrites what must be forgotten.
void wipe(std::span<Fr> secrets);

/// Numbers below 2^128 for random combinations.
std::vector<Fr> combination(std::size_t count, crypto::Csprng& random);

}  // namespace blindproof::groth16
