#include "blindproof/groth16/zkey.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "blindproof/base/thread_pool.h"
#include "blindproof/groth16/decimal.h"

namespace blindproof::groth16 {
namespace {

void append_coefficient(base::ByteWriter& out, std::uint32_t matrix, std::uint32_t constraint, std::uint32_t wire, const Fr& value) {
  static const Fr factor = Fr::power_of_two(512);
  out.u32(matrix);
  out.u32(constraint);
  out.u32(wire);
  out.raw((value * factor).to_bytes());
}

std::size_t coefficients_of(const R1cs& r1cs) { return r1cs.a.wires.size() + r1cs.b.wires.size() + r1cs.public_wires() + 1; }

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
  header.alpha1 = read_g1(reader);
  header.beta1 = read_g1(reader);
  header.beta2 = read_g2(reader);
  header.gamma2 = read_g2(reader);
  header.delta1 = read_g1(reader);
  header.delta2 = read_g2(reader);
  BLINDPROOF_TRY(reader.finish());
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

base::Bytes zkey_header_bytes(const ZkeyHeader& header) {
  base::ByteWriter out;
  out.u32(32);
  out.raw(modulus_bytes<Fq>());
  out.u32(32);
  out.raw(modulus_bytes<Fr>());
  out.u32(header.wires);
  out.u32(header.public_values);
  out.u32(header.domain);
  out.raw(bytes_of(std::span(&header.alpha1, 1)));
  out.raw(bytes_of(std::span(&header.beta1, 1)));
  out.raw(bytes_of(std::span(&header.beta2, 1)));
  out.raw(bytes_of(std::span(&header.gamma2, 1)));
  out.raw(bytes_of(std::span(&header.delta1, 1)));
  out.raw(bytes_of(std::span(&header.delta2, 1)));
  return std::move(out).take();
}

std::uint64_t coefficient_section_bytes(const R1cs& r1cs) { return 4 + std::uint64_t{kCoefficientBytes} * coefficients_of(r1cs); }

base::Status for_coefficient_blocks(const R1cs& r1cs, const std::function<base::Status(base::ByteSpan)>& use) {
  base::ByteWriter head;
  head.u32(static_cast<std::uint32_t>(coefficients_of(r1cs)));
  BLINDPROOF_TRY(use(head.bytes()));
  constexpr std::size_t kConstraintsAtOnce = 1 << 12;
  for (std::size_t first = 0; first < r1cs.constraints(); first += kConstraintsAtOnce) {
    base::ByteWriter block;
    for (std::size_t i = first; i < std::min(first + kConstraintsAtOnce, r1cs.constraints()); ++i) {
      for (const std::uint32_t matrix : {0u, 1u}) {
        const Combinations& part = matrix == 0 ? r1cs.a : r1cs.b;
        for (std::uint64_t k = part.begins[i]; k < part.begins[i + 1]; ++k) {
          append_coefficient(block, matrix, static_cast<std::uint32_t>(i), part.wires[k], part.factors[k]);
        }
      }
    }
    BLINDPROOF_TRY(use(block.bytes()));
  }
  base::ByteWriter rows;
  for (std::uint32_t k = 0; k <= r1cs.public_wires(); ++k) append_coefficient(rows, 0, static_cast<std::uint32_t>(r1cs.constraints()) + k, k, Fr::one());
  return use(rows.bytes());
}

}  // namespace blindproof::groth16
