#include "blindproof/groth16/phase2.h"

#include <algorithm>
#include <bit>

#include "blindproof/curve/batch_multiply.h"
#include "blindproof/curve/msm.h"

namespace blindproof::groth16 {
namespace {

constexpr std::size_t kPointsAtOnce = std::size_t{1} << 16;
constexpr std::uint64_t kMostHistoryBytes = std::uint64_t{1} << 26;

base::Error rejected(std::string check, std::string detail) { return base::error(base::ErrorCode::kRejected, std::move(check), std::move(detail)); }

KeyContribution read_contribution(base::ByteReader& reader) {
  KeyContribution c;
  c.delta_after = read_g1(reader);
  c.key.s = read_g1(reader);
  c.key.sx = read_g1(reader);
  c.key.px = read_g2(reader);
  const base::ByteSpan transcript = reader.raw(sizeof(Digest512));
  if (reader.ok()) std::copy(transcript.begin(), transcript.end(), c.transcript.begin());
  c.origin = read_origin(reader);
  return c;
}

base::Bytes history_bytes(const KeyHistory& history) {
  base::ByteWriter out;
  out.raw(history.circuit_hash);
  out.u32(static_cast<std::uint32_t>(history.contributions.size()));
  for (const KeyContribution& c : history.contributions) {
    for (const G1Affine* point : {&c.delta_after, &c.key.s, &c.key.sx}) out.raw(bytes_of(std::span(point, 1)));
    out.raw(bytes_of(std::span(&c.key.px, 1)));
    out.raw(c.transcript);
    write_origin(out, c.origin);
  }
  return std::move(out).take();
}

void absorb_contribution(Blake2b& hash, const KeyContribution& c) {
  absorb(hash, c.delta_after);
  absorb(hash, c.key.s);
  absorb(hash, c.key.sx);
  absorb(hash, c.key.px);
  hash.absorb(c.transcript);
}

// What the point of a contribution's proof is hashed from.
Digest512 transcript_of(const KeyHistory& history, std::size_t contributions, const KnowledgeProof& key) {
  Blake2b hash;
  hash.absorb(history.circuit_hash);
  for (std::size_t i = 0; i < contributions; ++i) absorb_contribution(hash, history.contributions[i]);
  absorb(hash, key.s);
  absorb(hash, key.sx);
  return hash.finish();
}

// A part of a circuit, with points that begin at an index.
struct Part {
  const Combinations& combinations;
  std::size_t offset;
};

// For each wire its terms over the constraints of all parts; and 1 times the point at `rows` + k for the k-th public wire, unless there are no rows.
curve::SparseSums columns(const R1cs& r1cs, std::initializer_list<Part> parts, std::optional<std::size_t> rows) {
  curve::SparseSums sums;
  sums.begins.assign(r1cs.wires + std::size_t{1}, 0);
  const auto for_terms = [&](auto&& use) {
    for (const Part& part : parts) {
      for (std::size_t i = 0; i < part.combinations.size(); ++i) {
        for (std::uint64_t k = part.combinations.begins[i]; k < part.combinations.begins[i + 1]; ++k) {
          use(part.combinations.wires[k], part.offset + i, part.combinations.factors[k]);
        }
      }
    }
    for (std::uint32_t k = 0; rows && k <= r1cs.public_wires(); ++k) use(k, *rows + k, Fr::one());
  };
  for_terms([&](std::uint32_t wire, std::size_t, const Fr&) { ++sums.begins[wire + std::size_t{1}]; });
  for (std::size_t i = 1; i < sums.begins.size(); ++i) sums.begins[i] += sums.begins[i - 1];
  sums.points.resize(sums.begins.back());
  sums.factors.resize(sums.begins.back());
  std::vector<std::uint64_t> next(sums.begins.begin(), sums.begins.end() - 1);
  for_terms([&](std::uint32_t wire, std::size_t point, const Fr& factor) {
    sums.points[next[wire]] = static_cast<std::uint32_t>(point);
    sums.factors[next[wire]++] = factor;
  });
  return sums;
}

void absorb_count(Blake2b& hash, std::size_t count) {
  const auto n = static_cast<std::uint32_t>(count);
  hash.absorb(std::array{static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
}

// A circuit's key before any contribution, part by part in the order in which its hash takes them.
class InitialKey {
 public:
  static base::Result<InitialKey> create(const R1cs& r1cs, const Ptau& ptau) {
    if (r1cs.constraints() == 0) return base::error(base::ErrorCode::kInvalidArgument, "circuit", "has no constraints");
    InitialKey key(r1cs, ptau);
    if (key.log_domain_ > ptau.power()) {
      return base::error(base::ErrorCode::kInvalidArgument, ptau.sections().name(),
                         "has powers for 2^" + std::to_string(ptau.power()) + " constraints; the circuit needs 2^" + std::to_string(key.log_domain_));
    }
    BLINDPROOF_ASSIGN(const std::vector<G1Affine> alpha1, ptau.g1(kPtauAlpha1, 0, 1));
    BLINDPROOF_ASSIGN(const std::vector<G1Affine> beta1, ptau.g1(kPtauBeta1, 0, 1));
    BLINDPROOF_ASSIGN(const std::vector<G2Affine> beta2, ptau.g2(kPtauBeta2, 0, 1));
    const G2Affine one = G2Affine::generator();
    key.header_ = {r1cs.wires, r1cs.public_wires(), std::uint32_t{1} << key.log_domain_, alpha1[0], beta1[0], G1Affine::generator(), beta2[0], one, one};
    return key;
  }

  const ZkeyHeader& header() const { return header_; }

  // use(section, points) for each section of points.   Errors: those of reading, and of use.
  template <class Use>
  base::Result<Digest512> for_sections(Use&& use, const base::Progress& progress) {
    constexpr std::uint64_t kSteps = 6;
    Blake2b hash;
    for (const G1Affine* point : {&header_.alpha1, &header_.beta1}) absorb(hash, *point);
    for (const G2Affine* point : {&header_.beta2, &header_.gamma2}) absorb(hash, *point);
    absorb(hash, header_.delta1);
    absorb(hash, header_.delta2);
    const auto give = [&](ZkeySection section, auto points) -> base::Status {
      absorb_count(hash, points.size());
      absorb(hash, points);
      return use(section, points);
    };
    const std::size_t n = header_.domain, rows = r1cs_.constraints();
    progress.report("points", 0, kSteps);
    std::vector<G1Affine> outer;  // beta a + alpha b + c
    BLINDPROOF_ASSIGN(std::vector<G1Affine> bases, ptau_.lagrange_g1(kPtauTau1, log_domain_));
    {
      BLINDPROOF_ASSIGN(const std::vector<G1Affine> alpha, ptau_.lagrange_g1(kPtauAlpha1, log_domain_));
      BLINDPROOF_ASSIGN(const std::vector<G1Affine> beta, ptau_.lagrange_g1(kPtauBeta1, log_domain_));
      progress.report("points", 1, kSteps);
      bases.insert(bases.end(), alpha.begin(), alpha.end());
      bases.insert(bases.end(), beta.begin(), beta.end());
      outer = curve::sparse_sums(bases, columns(r1cs_, {{r1cs_.a, 2 * n}, {r1cs_.b, n}, {r1cs_.c, 0}}, 2 * n + rows));
      bases.resize(n);
    }
    const std::size_t inputs = header_.public_values + std::size_t{1};
    BLINDPROOF_TRY(give(kZkeyIc, std::span<const G1Affine>(outer).first(inputs)));

    progress.report("points", 2, kSteps);
    BLINDPROOF_TRY(absorb_differences(hash));
    {
      BLINDPROOF_ASSIGN(const std::vector<G1Affine> fine, ptau_.lagrange_g1(kPtauTau1, log_domain_ + 1));
      std::vector<G1Affine> odd(n);
      for (std::size_t i = 0; i < n; ++i) odd[i] = fine[2 * i + 1];
      BLINDPROOF_TRY(use(kZkeyH, std::span<const G1Affine>(odd)));
    }
    BLINDPROOF_TRY(give(kZkeyC, std::span<const G1Affine>(outer).subspan(inputs)));
    std::vector<G1Affine>().swap(outer);

    progress.report("points", 3, kSteps);
    BLINDPROOF_TRY(give(kZkeyA, std::span<const G1Affine>(curve::sparse_sums(bases, columns(r1cs_, {{r1cs_.a, 0}}, rows)))));
    progress.report("points", 4, kSteps);
    const curve::SparseSums b = columns(r1cs_, {{r1cs_.b, 0}}, std::nullopt);
    BLINDPROOF_TRY(give(kZkeyB1, std::span<const G1Affine>(curve::sparse_sums(bases, b))));
    progress.report("points", 5, kSteps);
    BLINDPROOF_ASSIGN(const std::vector<G2Affine> bases2, ptau_.lagrange_g2(kPtauTau2, log_domain_));
    BLINDPROOF_TRY(give(kZkeyB2, std::span<const G2Affine>(curve::sparse_sums(bases2, b))));
    progress.report("points", kSteps, kSteps);
    return hash.finish();
  }

 private:
  InitialKey(const R1cs& r1cs, const Ptau& ptau)
      : r1cs_(r1cs), ptau_(ptau), log_domain_(std::countr_zero(domain_of(r1cs.constraints(), r1cs.public_wires()))) {}

  // tau^(n + i) - tau^i, i < n - 1. Beyond 2^14 of them snarkjs takes one more, where the file has it.
  base::Status absorb_differences(Blake2b& hash) const {
    constexpr std::size_t kSnarkjsBlock = std::size_t{1} << 14;
    const std::size_t n = header_.domain;
    absorb_count(hash, n - 1);
    const std::size_t count = n - 1 > kSnarkjsBlock && log_domain_ < ptau_.power() ? n : n - 1;
    for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
      const std::size_t size = std::min(kPointsAtOnce, count - at);
      BLINDPROOF_ASSIGN(std::vector<G1Affine> points, ptau_.g1(kPtauTau1, n + at, size));
      BLINDPROOF_ASSIGN(const std::vector<G1Affine> low, ptau_.g1(kPtauTau1, at, size));
      points.insert(points.end(), low.begin(), low.end());
      curve::SparseSums differences;
      for (std::size_t i = 0; i < size; ++i) {
        differences.points.insert(differences.points.end(), {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(size + i)});
        differences.factors.insert(differences.factors.end(), {Fr::one(), -Fr::one()});
        differences.begins.push_back(2 * i + 2);
      }
      absorb(hash, std::span<const G1Affine>(curve::sparse_sums(points, differences)));
    }
    return {};
  }

  const R1cs& r1cs_;
  const Ptau& ptau_;
  int log_domain_;
  ZkeyHeader header_;
};

// Whether points_i = theirs_i / delta for every i, delta2 = delta in G2: by a random combination.
base::Status check_divided(const Zkey& key, ZkeySection section, std::span<const G1Affine> initial, const char* name) {
  crypto::Csprng random;
  curve::G1 before, after;
  for (std::size_t at = 0; at < initial.size(); at += kPointsAtOnce) {
    const std::size_t size = std::min(kPointsAtOnce, initial.size() - at);
    BLINDPROOF_ASSIGN(const std::vector<G1Affine> points, key.g1_points(section, at, size));
    if (!in_group(points)) return rejected(name, "a point isn't on the curve");
    const std::vector<Fr> factors = combination(size, random);
    before += curve::msm(initial.subspan(at, size), factors);
    after += curve::msm(std::span(points), factors);
  }
  const bool both_nothing = before.is_identity() && after.is_identity();
  if (both_nothing || same_ratio(after.to_affine(), before.to_affine(), G2Affine::generator(), key.header().delta2)) return {};
  return rejected(name, "isn't the circuit's over delta");
}

template <class Point>
base::Status check_equal(const Zkey& key, ZkeySection section, std::span<const Point> expected, const char* name) {
  for (std::size_t at = 0; at < expected.size(); at += kPointsAtOnce) {
    const std::size_t size = std::min(kPointsAtOnce, expected.size() - at);
    BLINDPROOF_ASSIGN(const std::vector<Point> points, read_points<Point>(key.sections(), section, at, size));
    if (!std::ranges::equal(points, expected.subspan(at, size))) return rejected(name, "isn't the circuit's");
  }
  return {};
}

base::Status check_contributions(const ZkeyHeader& header, const KeyHistory& history, const base::Progress& progress) {
  if (history.contributions.empty()) return rejected("contributions", "there are none: anybody could forge proofs");
  G1Affine delta = G1Affine::generator();
  for (std::size_t i = 0; i < history.contributions.size(); ++i) {
    const KeyContribution& c = history.contributions[i];
    const std::string which = "contribution " + std::to_string(i + 1);
    if (!in_group(std::array{c.delta_after, c.key.s, c.key.sx}) || !in_group(std::array{c.key.px})) {
      return rejected("contribution.group", which + " has a point outside its group");
    }
    if (transcript_of(history, i, c.key) != c.transcript) return rejected("contribution.transcript", which + " was made for another circuit or history");
    const G2Affine p = hash_to_g2(c.transcript);
    if (!same_ratio(c.key.s, c.key.sx, p, c.key.px)) return rejected("contribution.knowledge", which + " doesn't prove that its number was known");
    if (!same_ratio(delta, c.delta_after, p, c.key.px)) {
      return rejected("contribution.follows", which + " doesn't multiply what was there before by what it proves to know");
    }
    if (c.origin.beacon) {
      BLINDPROOF_ASSIGN(CeremonyStream random, beacon_stream(*c.origin.beacon, progress));
      const Fr x = random.scalar();
      const G1Affine s = random.g1();
      if (!(s == c.key.s) || !((s * x).to_affine() == c.key.sx)) return rejected("contribution.beacon", which + " isn't what its beacon gives");
    }
    delta = c.delta_after;
  }
  if (!(header.delta1 == delta) || !in_group(std::array{header.delta2}) ||
      !same_ratio(G1Affine::generator(), delta, G2Affine::generator(), header.delta2)) {
    return rejected("delta", "isn't the last contribution's");
  }
  return {};
}

}  // namespace

Digest512 KeyContribution::hash() const {
  Blake2b hash;
  absorb_contribution(hash, *this);
  return hash.finish();
}

base::Result<KeyHistory> read_history(const Zkey& key) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, key.sections().read_all(kZkeyContributions, kMostHistoryBytes));
  base::ByteReader reader(bytes, key.sections().name());
  KeyHistory history;
  const base::ByteSpan hash = reader.raw(sizeof(Digest512));
  if (reader.ok()) std::copy(hash.begin(), hash.end(), history.circuit_hash.begin());
  const std::uint32_t count = reader.u32();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) history.contributions.push_back(read_contribution(reader));
  BLINDPROOF_TRY(reader.finish());
  return history;
}

base::Result<Digest512> setup_from_ptau(const R1cs& r1cs, const Ptau& ptau, const std::filesystem::path& to, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(InitialKey initial, InitialKey::create(r1cs, ptau));
  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(to, "zkey", 1, 10));
  BLINDPROOF_TRY(writer.section(kZkeyProtocol, base::Bytes{1, 0, 0, 0}));
  BLINDPROOF_TRY(writer.section(kZkeyHeader, zkey_header_bytes(initial.header())));
  BLINDPROOF_TRY(writer.begin(kZkeyCoefficients, coefficient_section_bytes(r1cs)));
  BLINDPROOF_TRY(for_coefficient_blocks(r1cs, [&](base::ByteSpan block) { return writer.write(block); }));
  KeyHistory history;
  BLINDPROOF_ASSIGN(history.circuit_hash, initial.for_sections([&](ZkeySection section, auto points) { return writer.section(section, bytes_of(points)); }, progress));
  BLINDPROOF_TRY(writer.section(kZkeyContributions, history_bytes(history)));
  BLINDPROOF_TRY(writer.commit());
  return history.circuit_hash;
}

base::Result<Digest512> contribute_to_key(const Zkey& from, const Origin& origin, CeremonyStream random, const std::filesystem::path& to, const base::Progress& progress) {
  BLINDPROOF_TRY(check_origin(origin));
  if (from.insecure()) {
    return base::error(base::ErrorCode::kUnsupported, from.sections().name(), "is of a development setup: contributions can't make it secure");
  }
  BLINDPROOF_ASSIGN(KeyHistory history, read_history(from));
  crypto::Secret<Fr> secret;
  Fr& x = secret.expose_mutable();
  x = random.scalar();
  KeyContribution c;
  c.origin = origin;
  c.key.s = random.g1();
  c.key.sx = (c.key.s * x).to_affine();
  c.transcript = transcript_of(history, history.contributions.size(), c.key);
  c.key.px = (hash_to_g2(c.transcript) * x).to_affine();
  ZkeyHeader header = from.header();
  header.delta1 = c.delta_after = (header.delta1 * x).to_affine();
  header.delta2 = (header.delta2 * x).to_affine();
  history.contributions.push_back(c);

  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(to, "zkey", 1, 10));
  BLINDPROOF_TRY(writer.copy(from.sections(), kZkeyProtocol));
  BLINDPROOF_TRY(writer.section(kZkeyHeader, zkey_header_bytes(header)));
  for (const ZkeySection section : {kZkeyIc, kZkeyCoefficients, kZkeyA, kZkeyB1, kZkeyB2}) BLINDPROOF_TRY(writer.copy(from.sections(), section));
  crypto::Secret<Fr> inverse(x.inverse());
  for (const ZkeySection section : {kZkeyC, kZkeyH}) {
    const std::size_t count = from.sections().size(section) / kG1Bytes;
    BLINDPROOF_TRY(writer.begin(section, count * kG1Bytes));
    for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
      progress.report(section == kZkeyC ? "wires" : "quotient", at, count);
      BLINDPROOF_ASSIGN(std::vector<G1Affine> points, from.g1_points(section, at, std::min(kPointsAtOnce, count - at)));
      std::vector<Fr> factors(points.size(), inverse.expose());
      curve::multiply_each(std::span<G1Affine>(points), factors);
      wipe(factors);
      BLINDPROOF_TRY(writer.write(bytes_of(std::span<const G1Affine>(points))));
    }
  }
  BLINDPROOF_TRY(writer.section(kZkeyContributions, history_bytes(history)));
  BLINDPROOF_TRY(writer.commit());
  return c.hash();
}

base::Status verify_key_of_circuit(const Zkey& key, const R1cs& r1cs, const Ptau& ptau, const base::Progress& progress) {
  if (key.insecure()) return rejected("key.development", "the key is of a development setup");
  BLINDPROOF_ASSIGN(InitialKey initial, InitialKey::create(r1cs, ptau));
  const ZkeyHeader &header = key.header(), &expected = initial.header();
  if (header.wires != expected.wires || header.public_values != expected.public_values || header.domain != expected.domain) {
    return rejected("circuit", "the key is for another number of wires, public values or constraints");
  }
  if (!(header.alpha1 == expected.alpha1) || !(header.beta1 == expected.beta1) || !(header.beta2 == expected.beta2)) {
    return rejected("powers", "the key is from other powers of tau");
  }
  if (!(header.gamma2 == expected.gamma2)) return rejected("gamma", "isn't the generator");
  BLINDPROOF_ASSIGN(const KeyHistory history, read_history(key));
  BLINDPROOF_TRY(check_contributions(header, history, progress));

  if (key.sections().size(kZkeyCoefficients) != coefficient_section_bytes(r1cs)) return rejected("coefficients", "are another number than the circuit's");
  std::uint64_t at = 0;
  base::Bytes found;
  const auto compare = [&](base::ByteSpan block) -> base::Status {
    found.resize(block.size());
    BLINDPROOF_TRY(key.sections().read(kZkeyCoefficients, at, found));
    at += block.size();
    if (!std::ranges::equal(found, block)) return rejected("coefficients", "aren't the circuit's");
    return {};
  };
  BLINDPROOF_TRY(for_coefficient_blocks(r1cs, compare));
  BLINDPROOF_ASSIGN(const Digest512 hash, initial.for_sections(
                                              [&](ZkeySection section, auto points) -> base::Status {
                                                if constexpr (std::is_same_v<decltype(points), std::span<const G1Affine>>) {
                                                  if (section == kZkeyC) return check_divided(key, section, points, "points.c");
                                                  if (section == kZkeyH) return check_divided(key, section, points, "points.h");
                                                }
                                                return check_equal(key, section, points, section == kZkeyIc ? "points.ic" : section == kZkeyA ? "points.a" : "points.b");
                                              },
                                              progress));
  if (hash != history.circuit_hash) return rejected("circuit hash", "isn't this circuit's");
  return {};
}

}  // namespace blindproof::groth16
