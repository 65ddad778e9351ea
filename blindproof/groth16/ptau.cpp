#include "blindproof/groth16/ptau.h"

#include <algorithm>
#include <cstring>

#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/batch_multiply.h"
#include "blindproof/curve/msm.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/poly/fr_fft.h"

namespace blindproof::groth16 {
namespace {

constexpr std::size_t kPointsAtOnce = std::size_t{1} << 16;
constexpr std::size_t kPartialHashBytes = 216;
constexpr std::uint64_t kMostContributionBytes = std::uint64_t{1} << 26;

base::Error rejected(std::string check, std::string detail) { return base::error(base::ErrorCode::kRejected, std::move(check), std::move(detail)); }

PtauSection lagrange_section(PtauSection powers) { return static_cast<PtauSection>(powers + 10); }
bool in_g2(PtauSection section) { return section == kPtauTau2 || section == kPtauBeta2 || section == kPtauLagrangeTau2; }

// How many points a section of powers has.
std::size_t points_of(PtauSection section, int power) {
  const std::size_t n = std::size_t{1} << power;
  return section == kPtauTau1 ? 2 * n - 1 : section == kPtauBeta2 ? 1 : n;
}
int most_log_size(PtauSection powers, int power) { return powers == kPtauTau1 ? power + 1 : power; }

constexpr PtauSection kPowers[] = {kPtauTau1, kPtauTau2, kPtauAlpha1, kPtauBeta1, kPtauBeta2};
constexpr PtauSection kTransformed[] = {kPtauTau1, kPtauTau2, kPtauAlpha1, kPtauBeta1};

// A saved state is 128 bytes of buffer, the chain, and how much was compressed and is buffered, as 64-bit numbers; 16 more bytes are unused.
Blake2b::State read_state(base::ByteReader& reader) {
  Blake2b::State state;
  const base::ByteSpan buffer = reader.raw(Blake2b::kBlockSize);
  if (reader.ok()) std::copy(buffer.begin(), buffer.end(), state.buffer.begin());
  for (std::uint64_t& word : state.chain) word = reader.u64();
  state.compressed = reader.u64();
  state.buffered = reader.u64();
  reader.raw(kPartialHashBytes - Blake2b::kBlockSize - 80);
  if (state.buffered > Blake2b::kBlockSize) reader.fail("has an impossible state of a hash");
  return reader.ok() ? state : Blake2b::State{};
}
void write_state(base::ByteWriter& out, const Blake2b::State& state) {
  out.raw(state.buffer);
  for (const std::uint64_t word : state.chain) out.u64(word);
  out.u64(state.compressed);
  out.u64(state.buffered);
  out.raw(base::Bytes(kPartialHashBytes - Blake2b::kBlockSize - 80));
}

void write_point(base::ByteWriter& out, const G1Affine& point) { out.raw(bytes_of(std::span(&point, 1))); }
void write_point(base::ByteWriter& out, const G2Affine& point) { out.raw(bytes_of(std::span(&point, 1))); }

PtauContribution read_contribution(base::ByteReader& reader) {
  PtauContribution c;
  c.tau1 = read_g1(reader);
  c.tau2 = read_g2(reader);
  c.alpha1 = read_g1(reader);
  c.beta1 = read_g1(reader);
  c.beta2 = read_g2(reader);
  for (KnowledgeProof* proof : {&c.tau, &c.alpha, &c.beta}) {
    proof->s = read_g1(reader);
    proof->sx = read_g1(reader);
  }
  for (KnowledgeProof* proof : {&c.tau, &c.alpha, &c.beta}) proof->px = read_g2(reader);
  c.response = read_state(reader);
  const base::ByteSpan challenge = reader.raw(sizeof(Digest512));
  if (reader.ok()) std::copy(challenge.begin(), challenge.end(), c.next_challenge.begin());
  c.origin = read_origin(reader);
  return c;
}

void write_contribution(base::ByteWriter& out, const PtauContribution& c) {
  write_point(out, c.tau1);
  write_point(out, c.tau2);
  write_point(out, c.alpha1);
  write_point(out, c.beta1);
  write_point(out, c.beta2);
  for (const KnowledgeProof* proof : {&c.tau, &c.alpha, &c.beta}) {
    write_point(out, proof->s);
    write_point(out, proof->sx);
  }
  for (const KnowledgeProof* proof : {&c.tau, &c.alpha, &c.beta}) write_point(out, proof->px);
  write_state(out, c.response);
  out.raw(c.next_challenge);
  write_origin(out, c.origin);
}

base::Bytes header_of(int power, int ceremony_power) {
  base::ByteWriter out;
  out.u32(32);
  out.raw(modulus_bytes<Fq>());
  out.u32(static_cast<std::uint32_t>(power));
  out.u32(static_cast<std::uint32_t>(ceremony_power));
  return std::move(out).take();
}

// What the first contributor is challenged with: the hash of a file without contributions.
Digest512 first_challenge(int power) {
  Blake2b hash;
  hash.absorb(Blake2b().finish());
  const base::Bytes g1 = uncompressed(std::array{G1Affine::generator()}), g2 = uncompressed(std::array{G2Affine::generator()});
  for (const PtauSection section : kPowers) {
    const base::Bytes& generator = in_g2(section) ? g2 : g1;
    const std::size_t count = points_of(section, power);
    base::Bytes block;
    for (std::size_t i = 0; i < std::min(count, kPointsAtOnce); ++i) block.insert(block.end(), generator.begin(), generator.end());
    for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
      hash.absorb(base::ByteSpan(block).first(std::min(kPointsAtOnce, count - at) * generator.size()));
    }
  }
  return hash.finish();
}

// p of one of the three proofs: of the challenge, its number, and s and x s.
G2Affine base_of(std::uint8_t number, const Digest512& challenge, const KnowledgeProof& proof) {
  Blake2b hash;
  hash.absorb(std::array{number});
  hash.absorb(challenge);
  absorb(hash, proof.s);
  absorb(hash, proof.sx);
  return hash_to_g2(hash.finish());
}

struct Secrets {
  Fr tau, alpha, beta;
};

// Secrets, and the proofs that they are known. Deterministic in the stream, so that beacons can be verified.
void draw(CeremonyStream& random, const Digest512& challenge, Secrets& secrets, PtauContribution& c) {
  secrets.tau = random.scalar();
  secrets.alpha = random.scalar();
  secrets.beta = random.scalar();
  const std::pair<KnowledgeProof*, const Fr*> parts[] = {{&c.tau, &secrets.tau}, {&c.alpha, &secrets.alpha}, {&c.beta, &secrets.beta}};
  std::uint8_t number = 0;
  for (const auto& [proof, secret] : parts) {
    proof->s = random.g1();
    proof->sx = (proof->s * *secret).to_affine();
    proof->px = (base_of(number++, challenge, *proof) * *secret).to_affine();
  }
}

// Points of a section times first, first * ratio, ..: written, and absorbed as responses are.
template <class Point>
base::Status multiply_section(const Ptau& from, PtauSection section, const Fr& first, const Fr& ratio, SectionWriter& writer, Blake2b& response, Point* beginning,
                              const base::Progress& progress) {
  const std::size_t count = points_of(section, from.power());
  BLINDPROOF_TRY(writer.begin(section, count * sizeof(Point)));
  Fr factor = first;
  for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
    progress.report("powers", at, count);
    BLINDPROOF_ASSIGN(std::vector<Point> points, read_points<Point>(from.sections(), section, at, std::min(kPointsAtOnce, count - at)));
    std::vector<Fr> factors(points.size());
    for (Fr& f : factors) {
      f = factor;
      factor *= ratio;
    }
    curve::multiply_each(std::span<Point>(points), factors);
    wipe(factors);
    if (at == 0) std::copy_n(points.begin(), std::min<std::size_t>(2, points.size()), beginning);
    BLINDPROOF_TRY(writer.write(bytes_of(std::span<const Point>(points))));
    response.absorb(compressed(points));
  }
  return {};
}

template <class Point>
base::Result<std::vector<Point>> powers_of(const Ptau& ptau, PtauSection powers, int log_size) {
  const std::size_t count = std::min(std::size_t{1} << log_size, points_of(powers, ptau.power()));
  BLINDPROOF_ASSIGN(std::vector<Point> points, read_points<Point>(ptau.sections(), powers, 0, count));
  points.resize(std::size_t{1} << log_size);
  return points;
}

// 2^-log_size times powers to values of Lagrange polynomials.
template <class Point>
void to_lagrange(std::span<Point> points, int log_size) {
  curve::transform(points, poly::FrFft::root(log_size).inverse());
}

template <class Point>
base::Result<std::vector<Point>> lagrange(const Ptau& ptau, PtauSection powers, int log_size) {
  if (ptau.prepared()) {
    const std::size_t count = std::size_t{1} << log_size;
    return read_points<Point>(ptau.sections(), lagrange_section(powers), count - 1, count);
  }
  BLINDPROOF_ASSIGN(std::vector<Point> points, powers_of<Point>(ptau, powers, log_size));
  curve::multiply_each(std::span<Point>(points), std::vector<Fr>(points.size(), Fr::power_of_two(log_size).inverse()));
  to_lagrange(std::span<Point>(points), log_size);
  return points;
}

template <class Point>
base::Status prepare_section(const Ptau& from, PtauSection powers, SectionWriter& writer, const base::Progress& progress) {
  const int most = most_log_size(powers, from.power());
  const std::size_t total = (std::size_t{2} << most) - 1;
  BLINDPROOF_TRY(writer.begin(lagrange_section(powers), total * sizeof(Point)));
  const std::uint64_t start = writer.position();
  // The factor 2^-p of a size is twice that of the next: one product for each point, then doublings, from the largest size down.
  BLINDPROOF_ASSIGN(std::vector<Point> scaled, powers_of<Point>(from, powers, most));
  curve::multiply_each(std::span<Point>(scaled), std::vector<Fr>(scaled.size(), Fr::power_of_two(most).inverse()));
  std::size_t done = 0;
  for (int log_size = most; log_size >= 0; --log_size) {
    progress.report("preparing", done, total);
    const std::size_t count = std::size_t{1} << log_size;
    done += count;
    scaled.resize(count);
    if (log_size < most) curve::double_each(std::span<Point>(scaled));
    // The highest power that the file lacks is missing in the largest size only.
    std::vector<Point> points = scaled;
    to_lagrange(std::span<Point>(points), log_size);
    BLINDPROOF_TRY(writer.write_at(start + (count - 1) * sizeof(Point), bytes_of(std::span<const Point>(points))));
  }
  writer.skip(total * sizeof(Point));
  return {};
}

// The secrets' points before a contribution.
struct Before {
  G1Affine tau1 = G1Affine::generator(), alpha1 = G1Affine::generator(), beta1 = G1Affine::generator();
  G2Affine tau2 = G2Affine::generator(), beta2 = G2Affine::generator();
  Digest512 challenge{};
};

base::Status verify_contribution(const PtauContribution& c, const Before& before, const std::string& which, const base::Progress& progress) {
  const std::array g1{c.tau1, c.alpha1, c.beta1, c.tau.s, c.tau.sx, c.alpha.s, c.alpha.sx, c.beta.s, c.beta.sx};
  const std::array g2{c.tau2, c.beta2, c.tau.px, c.alpha.px, c.beta.px};
  if (!in_group(g1) || !in_group(g2)) return rejected("contribution.group", which + " has a point outside its group");
  if (c.origin.beacon) {
    BLINDPROOF_ASSIGN(CeremonyStream random, beacon_stream(*c.origin.beacon, progress));
    Secrets secrets;
    PtauContribution expected;
    draw(random, before.challenge, secrets, expected);
    if (!(expected.tau == c.tau && expected.alpha == c.alpha && expected.beta == c.beta)) {
      return rejected("contribution.beacon", which + " isn't what its beacon gives");
    }
  }
  const struct {
    const char* name;
    const KnowledgeProof& proof;
  } proofs[] = {{"tau", c.tau}, {"alpha", c.alpha}, {"beta", c.beta}};
  std::array<G2Affine, 3> bases;
  for (std::uint8_t i = 0; i < 3; ++i) {
    bases[i] = base_of(i, before.challenge, proofs[i].proof);
    if (!same_ratio(proofs[i].proof.s, proofs[i].proof.sx, bases[i], proofs[i].proof.px)) {
      return rejected("contribution.knowledge", which + " doesn't prove that its " + proofs[i].name + " was known");
    }
  }
  const bool follows = same_ratio(before.tau1, c.tau1, bases[0], c.tau.px) && same_ratio(c.tau.s, c.tau.sx, before.tau2, c.tau2) &&
                       same_ratio(before.alpha1, c.alpha1, bases[1], c.alpha.px) && same_ratio(before.beta1, c.beta1, bases[2], c.beta.px) &&
                       same_ratio(c.beta.s, c.beta.sx, before.beta2, c.beta2);
  if (!follows) return rejected("contribution.follows", which + " doesn't multiply what was there before by what it proves to know");
  return {};
}

// That a section's points are in the group, begin as `first` says and each is the one before times tau; absorbs them.
template <class Point>
base::Status verify_powers(const Ptau& ptau, PtauSection section, const Point& first, const PtauContribution& last, Blake2b& challenge, const base::Progress& progress) {
  const std::string name = "powers." + std::to_string(section);
  const std::size_t count = points_of(section, ptau.power());
  crypto::Csprng random;
  curve::Xyzz<Point> before, after;
  for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
    progress.report("powers", at, count);
    // One more than is absorbed, so that blocks hang together.
    const std::size_t size = std::min(kPointsAtOnce, count - at), with_next = std::min(size + 1, count - at);
    BLINDPROOF_ASSIGN(const std::vector<Point> points, read_points<Point>(ptau.sections(), section, at, with_next));
    if (!in_group(std::span(points).first(size))) return rejected(name, "a point is outside its group");
    if (at == 0 && !(points[0] == first)) return rejected(name, "doesn't begin with what the last contribution says");
    absorb(challenge, std::span(points).first(size));
    const std::vector<Fr> factors = combination(with_next - 1, random);
    before += curve::msm(std::span(points).first(factors.size()), factors);
    after += curve::msm(std::span(points).subspan(1), factors);
  }
  if (count == 1) return {};
  bool good;
  if constexpr (std::is_same_v<Point, G1Affine>) {
    good = same_ratio(before.to_affine(), after.to_affine(), G2Affine::generator(), last.tau2);
  } else {
    good = same_ratio(G1Affine::generator(), last.tau1, before.to_affine(), after.to_affine());
  }
  if (!good) return rejected(name, "isn't a sequence of powers");
  return {};
}

// sum r_i tau^i = sum R(w^j) L_j(tau) for a random polynomial R.
template <class Point>
base::Status verify_lagrange(const Ptau& ptau, PtauSection powers, const base::Progress& progress) {
  crypto::Csprng random;
  const int most = most_log_size(powers, ptau.power());
  for (int log_size = 0; log_size <= most; ++log_size) {
    progress.report("prepared points", static_cast<std::uint64_t>(log_size), static_cast<std::uint64_t>(most));
    BLINDPROOF_ASSIGN(const std::vector<Point> expected, powers_of<Point>(ptau, powers, log_size));
    BLINDPROOF_ASSIGN(const std::vector<Point> points, lagrange<Point>(ptau, powers, log_size));
    if (!in_group(points)) return rejected("prepared." + std::to_string(lagrange_section(powers)), "a point is outside its group");
    std::vector<Fr> factors = combination(points.size(), random);
    // The highest power of the largest size: the file lacks it, and points of a file that was cut know it.
    if (log_size > ptau.power()) factors.back() = Fr::zero();
    field::FrVector values{std::span<const Fr>(factors)};
    BLINDPROOF_ASSIGN(const poly::FrFft fft, poly::FrFft::create(log_size));
    fft.forward(values);
    if (!(curve::msm(std::span(expected), factors) == curve::msm(std::span(points), values.to_vector()))) {
      return rejected("prepared." + std::to_string(lagrange_section(powers)), "isn't made from the powers, for size 2^" + std::to_string(log_size));
    }
  }
  return {};
}

}  // namespace

Digest512 PtauContribution::response_hash() const {
  Blake2b hash(response);
  for (const KnowledgeProof* proof : {&tau, &alpha, &beta}) {
    absorb(hash, proof->s);
    absorb(hash, proof->sx);
  }
  for (const KnowledgeProof* proof : {&tau, &alpha, &beta}) absorb(hash, proof->px);
  return hash.finish();
}

base::Result<Ptau> Ptau::open(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(Sections sections, Sections::open(path, "ptau", 1));
  return of(std::move(sections));
}

base::Result<Ptau> Ptau::of(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(Sections sections, Sections::of(bytes, std::move(name), "ptau", 1));
  return of(std::move(sections));
}

base::Result<Ptau> Ptau::of(Sections found) {
  Ptau ptau(std::move(found));
  const Sections& sections = ptau.sections_;
  BLINDPROOF_ASSIGN(const base::Bytes header, sections.read_all(kPtauHeader, 4096));
  base::ByteReader reader(header, sections.name());
  if (reader.u32() != 32 || !is_modulus<Fq>(reader.raw(32))) return base::error(base::ErrorCode::kUnsupported, sections.name(), "is over another curve than BN254");
  const std::uint32_t power = reader.u32(), ceremony_power = reader.u32();
  BLINDPROOF_TRY(reader.finish());
  if (power > kMostPower) return base::error(base::ErrorCode::kLimit, sections.name(), "is for more than 2^" + std::to_string(kMostPower) + " constraints");
  if (power < 1 || ceremony_power < power || ceremony_power > 28) return sections.malformed("has a header without sense");
  ptau.power_ = static_cast<int>(power);
  ptau.ceremony_power_ = static_cast<int>(ceremony_power);
  const auto check_size = [&](PtauSection section, std::size_t points) -> base::Status {
    if (sections.size(section) == points * (in_g2(section) ? kG2Bytes : kG1Bytes)) return {};
    return sections.malformed("section " + std::to_string(section) + " has another length than the header says");
  };
  for (const PtauSection section : kPowers) BLINDPROOF_TRY(check_size(section, points_of(section, ptau.power_)));
  for (const PtauSection powers : kTransformed) {
    if (ptau.prepared()) BLINDPROOF_TRY(check_size(lagrange_section(powers), (std::size_t{2} << most_log_size(powers, ptau.power_)) - 1));
  }
  BLINDPROOF_ASSIGN(const base::Bytes bytes, sections.read_all(kPtauContributions, kMostContributionBytes));
  base::ByteReader contributions(bytes, sections.name());
  const std::uint32_t count = contributions.u32();
  for (std::uint32_t i = 0; i < count && contributions.ok(); ++i) ptau.contributions_.push_back(read_contribution(contributions));
  BLINDPROOF_TRY(contributions.finish());
  return ptau;
}

bool Ptau::prepared() const { return sections_.has(kPtauLagrangeTau1); }

base::Result<std::vector<G1Affine>> Ptau::lagrange_g1(PtauSection powers, int log_size) const { return lagrange<G1Affine>(*this, powers, log_size); }
base::Result<std::vector<G2Affine>> Ptau::lagrange_g2(PtauSection powers, int log_size) const { return lagrange<G2Affine>(*this, powers, log_size); }

base::Status new_ptau(int power, const std::filesystem::path& path, const base::Progress& progress) {
  if (power < 1 || power > kMostPower) return base::error(base::ErrorCode::kInvalidArgument, "power", "must be from 1 to " + std::to_string(kMostPower));
  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(path, "ptau", 1, 7));
  BLINDPROOF_TRY(writer.section(kPtauHeader, header_of(power, power)));
  for (const PtauSection section : kPowers) {
    const std::size_t count = points_of(section, power), size = in_g2(section) ? kG2Bytes : kG1Bytes;
    BLINDPROOF_TRY(writer.begin(section, count * size));
    const std::vector<G1Affine> g1(in_g2(section) ? 0 : std::min(count, kPointsAtOnce), G1Affine::generator());
    const std::vector<G2Affine> g2(in_g2(section) ? std::min(count, kPointsAtOnce) : 0, G2Affine::generator());
    const base::ByteSpan block = in_g2(section) ? bytes_of(std::span(g2)) : bytes_of(std::span(g1));
    for (std::size_t at = 0; at < count; at += kPointsAtOnce) {
      progress.report("powers", at, count);
      BLINDPROOF_TRY(writer.write(block.first(std::min(kPointsAtOnce, count - at) * size)));
    }
  }
  BLINDPROOF_TRY(writer.section(kPtauContributions, base::Bytes(4)));
  return writer.commit();
}

base::Result<Digest512> contribute_to_ptau(const Ptau& from, const Origin& origin, CeremonyStream random, const std::filesystem::path& to, const base::Progress& progress) {
  BLINDPROOF_TRY(check_origin(origin));
  if (from.power() != from.ceremony_power()) {
    return base::error(base::ErrorCode::kUnsupported, from.sections().name(), "was cut to fewer powers: nobody can contribute to it any more");
  }
  PtauContribution c;
  c.origin = origin;
  const Digest512 challenge = from.contributions().empty() ? first_challenge(from.power()) : from.contributions().back().next_challenge;
  crypto::Secret<Secrets> secrets;
  draw(random, challenge, secrets.expose_mutable(), c);
  const auto& [tau, alpha, beta] = secrets.expose();

  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(to, "ptau", 1, 7));
  BLINDPROOF_TRY(writer.section(kPtauHeader, header_of(from.power(), from.power())));
  const std::uint64_t points_at = writer.position();
  Blake2b response;
  response.absorb(challenge);
  G1Affine g1[2];
  G2Affine g2[2];
  BLINDPROOF_TRY(multiply_section(from, kPtauTau1, Fr::one(), tau, writer, response, g1, progress));
  c.tau1 = g1[1];
  BLINDPROOF_TRY(multiply_section(from, kPtauTau2, Fr::one(), tau, writer, response, g2, progress));
  c.tau2 = g2[1];
  BLINDPROOF_TRY(multiply_section(from, kPtauAlpha1, alpha, tau, writer, response, g1, progress));
  c.alpha1 = g1[0];
  BLINDPROOF_TRY(multiply_section(from, kPtauBeta1, beta, tau, writer, response, g1, progress));
  c.beta1 = g1[0];
  BLINDPROOF_TRY(multiply_section(from, kPtauBeta2, beta, tau, writer, response, g2, progress));
  c.beta2 = g2[0];
  c.response = response.state();

  // The next challenge hashes the response before the points, so these are read again.
  const Digest512 published = c.response_hash();
  Blake2b next;
  next.absorb(published);
  std::uint64_t at = points_at;
  for (const PtauSection section : kPowers) {
    at += SectionWriter::kSectionHeadBytes;
    std::size_t left = points_of(section, from.power());
    while (left > 0) {
      const std::size_t count = std::min(left, kPointsAtOnce);
      const auto absorb_next = [&]<class Point>(std::vector<Point> points) -> base::Status {
        BLINDPROOF_TRY(writer.read_at(at, {reinterpret_cast<std::uint8_t*>(points.data()), points.size() * sizeof(Point)}));
        absorb(next, std::span<const Point>(points));
        at += points.size() * sizeof(Point);
        return {};
      };
      if (in_g2(section)) {
        BLINDPROOF_TRY(absorb_next(std::vector<G2Affine>(count)));
      } else {
        BLINDPROOF_TRY(absorb_next(std::vector<G1Affine>(count)));
      }
      left -= count;
    }
  }
  c.next_challenge = next.finish();

  base::ByteWriter contributions;
  contributions.u32(static_cast<std::uint32_t>(from.contributions().size() + 1));
  for (const PtauContribution& earlier : from.contributions()) write_contribution(contributions, earlier);
  write_contribution(contributions, c);
  BLINDPROOF_TRY(writer.section(kPtauContributions, contributions.bytes()));
  BLINDPROOF_TRY(writer.commit());
  return published;
}

base::Status prepare_ptau(const Ptau& from, const std::filesystem::path& to, const base::Progress& progress) {
  BLINDPROOF_ASSIGN(SectionWriter writer, SectionWriter::create(to, "ptau", 1, 11));
  for (std::uint32_t section = kPtauHeader; section <= kPtauContributions; ++section) BLINDPROOF_TRY(writer.copy(from.sections(), section));
  BLINDPROOF_TRY(prepare_section<G1Affine>(from, kPtauTau1, writer, progress));
  BLINDPROOF_TRY(prepare_section<G2Affine>(from, kPtauTau2, writer, progress));
  BLINDPROOF_TRY(prepare_section<G1Affine>(from, kPtauAlpha1, writer, progress));
  BLINDPROOF_TRY(prepare_section<G1Affine>(from, kPtauBeta1, writer, progress));
  return writer.commit();
}

base::Status verify_ptau(const Ptau& ptau, const base::Progress& progress) {
  const std::vector<PtauContribution>& contributions = ptau.contributions();
  if (contributions.empty()) return rejected("contributions", "there are none: everybody knows the secrets");
  Before before;
  before.challenge = first_challenge(ptau.ceremony_power());
  for (std::size_t i = 0; i < contributions.size(); ++i) {
    const PtauContribution& c = contributions[i];
    BLINDPROOF_TRY(verify_contribution(c, before, "contribution " + std::to_string(i + 1), progress));
    before = {c.tau1, c.alpha1, c.beta1, c.tau2, c.beta2, c.next_challenge};
  }
  const PtauContribution& last = contributions.back();
  Blake2b challenge;
  challenge.absorb(last.response_hash());
  BLINDPROOF_TRY(verify_powers(ptau, kPtauTau1, G1Affine::generator(), last, challenge, progress));
  BLINDPROOF_TRY(verify_powers(ptau, kPtauTau2, G2Affine::generator(), last, challenge, progress));
  BLINDPROOF_TRY(verify_powers(ptau, kPtauAlpha1, last.alpha1, last, challenge, progress));
  BLINDPROOF_TRY(verify_powers(ptau, kPtauBeta1, last.beta1, last, challenge, progress));
  BLINDPROOF_TRY(verify_powers(ptau, kPtauBeta2, last.beta2, last, challenge, progress));
  // A file that was cut lacks some of what was hashed.
  if (ptau.power() == ptau.ceremony_power() && challenge.finish() != last.next_challenge) {
    return rejected("next challenge", "isn't the hash of the last contribution");
  }
  if (ptau.prepared()) {
    BLINDPROOF_TRY(verify_lagrange<G1Affine>(ptau, kPtauTau1, progress));
    BLINDPROOF_TRY(verify_lagrange<G2Affine>(ptau, kPtauTau2, progress));
    BLINDPROOF_TRY(verify_lagrange<G1Affine>(ptau, kPtauAlpha1, progress));
    BLINDPROOF_TRY(verify_lagrange<G1Affine>(ptau, kPtauBeta1, progress));
  }
  return {};
}

}  // namespace blindproof::groth16
