#include "blindproof/groth16/zkey.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <type_traits>

#include "blindproof/base/thread_pool.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/r1cs.h"

namespace blindproof::groth16 {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(G1Affine) == kG1Bytes && sizeof(G2Affine) == kG2Bytes);

// Files hold coordinates as x 2^256, as Fq does.
bool read_fq(const std::uint8_t* bytes, Fq& out) {
  field::Limbs limbs;
  std::memcpy(limbs.data(), bytes, sizeof limbs);
  if (!field::detail::less(limbs, Fq::kModulus)) return false;
  out = Fq::from_montgomery(limbs);
  return true;
}
bool read_point(const std::uint8_t* bytes, G1Affine& out) { return read_fq(bytes, out.x) && read_fq(bytes + 32, out.y); }
bool read_point(const std::uint8_t* bytes, G2Affine& out) {
  return read_fq(bytes, out.x.c0) && read_fq(bytes + 32, out.x.c1) && read_fq(bytes + 64, out.y.c0) && read_fq(bytes + 96, out.y.c1);
}

bool is_reduced(const Fq& value) { return field::detail::less(value.montgomery(), Fq::kModulus); }
bool is_reduced(const G1Affine& point) { return is_reduced(point.x) && is_reduced(point.y); }
bool is_reduced(const G2Affine& point) { return is_reduced(point.x.c0) && is_reduced(point.x.c1) && is_reduced(point.y.c0) && is_reduced(point.y.c1); }

// Points lie in files as they lie in memory.
template <class Point>
base::Result<std::vector<Point>> read_points(const Sections& sections, ZkeySection section, std::size_t first, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<Point>);
  std::vector<Point> points(count);
  BLINDPROOF_TRY(sections.read(section, first * sizeof(Point), {reinterpret_cast<std::uint8_t*>(points.data()), count * sizeof(Point)}));
  std::atomic<bool> good = true;
  base::parallel_ranges(count, 4096, [&](std::size_t begin, std::size_t end) {
    if (!std::all_of(points.begin() + static_cast<std::ptrdiff_t>(begin), points.begin() + static_cast<std::ptrdiff_t>(end),
                     [](const Point& point) { return is_reduced(point); })) {
      good = false;
    }
  });
  if (!good) return sections.malformed("section " + std::to_string(section) + " has a coordinate that isn't reduced");
  return points;
}

}  // namespace

std::uint32_t domain_of(std::uint64_t constraints, std::uint64_t public_values) {
  return static_cast<std::uint32_t>(std::bit_ceil(constraints + public_values + 1));
}

base::Result<Zkey> Zkey::open(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(Sections sections, Sections::open(path, "zkey", 1));
  return of(std::move(sections));
}

base::Result<Zkey> Zkey::of(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(Sections sections, Sections::of(bytes, std::move(name), "zkey", 1));
  return of(std::move(sections));
}

base::Result<Zkey> Zkey::of(Sections found) {
  Zkey key(std::move(found));
  const Sections& sections = key.sections_;
  BLINDPROOF_ASSIGN(const base::Bytes protocol, sections.read_all(kZkeyProtocol, 4));
  if (protocol != base::Bytes{1, 0, 0, 0}) return base::error(base::ErrorCode::kUnsupported, sections.name(), "is no Groth16 key");
  BLINDPROOF_ASSIGN(const base::Bytes bytes, sections.read_all(kZkeyHeader, 4096));
  base::ByteReader reader(bytes, sections.name());
  const bool fq = reader.u32() == 32 && is_modulus<Fq>(reader.raw(32));
  const bool fr = fq && reader.u32() == 32 && is_modulus<Fr>(reader.raw(32));
  if (!fr) return base::error(base::ErrorCode::kUnsupported, sections.name(), "is over another curve than BN254");
  ZkeyHeader& header = key.header_;
  header.wires = reader.u32();
  header.public_values = reader.u32();
  header.domain = reader.u32();
  const base::ByteSpan points = reader.raw(3 * kG1Bytes + 3 * kG2Bytes);
  BLINDPROOF_TRY(reader.finish());
  const std::uint8_t* at = points.data();
  const bool canonical = read_point(at, header.alpha1) && read_point(at + 64, header.beta1) && read_point(at + 128, header.beta2) &&
                         read_point(at + 256, header.gamma2) && read_point(at + 384, header.delta1) && read_point(at + 448, header.delta2);
  if (!canonical) return sections.malformed("its header has a coordinate that isn't reduced");
  if (header.domain > 2 * kMostConstraints || header.wires > kMostConstraints) {
    return base::error(base::ErrorCode::kLimit, sections.name(), "is for more than 2^24 constraints or wires");
  }
  if (!std::has_single_bit(header.domain) || header.domain < 2 || header.public_values >= header.wires) return sections.malformed("has a header without sense");
  const std::uint64_t wires = header.wires, hidden = header.wires - header.public_values - 1;
  const std::pair<ZkeySection, std::uint64_t> sizes[] = {{kZkeyIc, (header.public_values + std::uint64_t{1}) * kG1Bytes},
                                                         {kZkeyA, wires * kG1Bytes},
                                                         {kZkeyB1, wires * kG1Bytes},
                                                         {kZkeyB2, wires * kG2Bytes},
                                                         {kZkeyC, hidden * kG1Bytes},
                                                         {kZkeyH, std::uint64_t{header.domain} * kG1Bytes}};
  for (const auto& [section, size] : sizes) {
    if (sections.size(section) != size) return sections.malformed("section " + std::to_string(section) + " has another length than the header says");
  }
  std::uint8_t count[4];
  BLINDPROOF_TRY(sections.read(kZkeyCoefficients, 0, count));
  key.coefficients_ = base::ByteReader(count, sections.name()).u32();
  if (sections.size(kZkeyCoefficients) != 4 + std::uint64_t{kCoefficientBytes} * key.coefficients_) {
    return sections.malformed("has another number of coefficients than it says");
  }
  return key;
}

base::Result<std::vector<G1Affine>> Zkey::g1_points(ZkeySection section, std::size_t first, std::size_t count) const {
  return read_points<G1Affine>(sections_, section, first, count);
}

base::Result<std::vector<G2Affine>> Zkey::g2_points(ZkeySection section, std::size_t first, std::size_t count) const {
  return read_points<G2Affine>(sections_, section, first, count);
}

base::Result<std::vector<Coefficient>> Zkey::read_coefficients(std::size_t first, std::size_t count) const {
  base::Bytes bytes(count * kCoefficientBytes);
  BLINDPROOF_TRY(sections_.read(kZkeyCoefficients, 4 + first * kCoefficientBytes, bytes));
  std::vector<Coefficient> result(count);
  std::atomic<bool> good = true;
  static const Fr factor = Fr::power_of_two(512).inverse();  // the file has values times 2^512
  base::parallel_ranges(count, 4096, [&](std::size_t begin, std::size_t end) {
    base::ByteReader reader(base::ByteSpan(bytes).subspan(begin * kCoefficientBytes, (end - begin) * kCoefficientBytes), sections_.name());
    for (std::size_t i = begin; i < end; ++i) {
      Coefficient& c = result[i];
      c.matrix = reader.u32();
      c.constraint = reader.u32();
      c.wire = reader.u32();
      const std::optional<Fr> value = Fr::from_bytes(std::span<const std::uint8_t, 32>(reader.raw(32).data(), 32));
      if (!value || c.matrix > 1 || c.constraint >= header_.domain || c.wire >= header_.wires) {
        good = false;
        return;
      }
      c.value = *value * factor;
    }
  });
  if (!good) return sections_.malformed("has a coefficient that is out of range");
  return result;
}

base::Result<VerificationKey> Zkey::verification_key() const {
  VerificationKey key{header_.alpha1, header_.beta2, header_.gamma2, header_.delta2, {}};
  BLINDPROOF_ASSIGN(key.ic, g1_points(kZkeyIc, 0, header_.public_values + std::size_t{1}));
  return key;
}

}  // namespace blindproof::groth16
