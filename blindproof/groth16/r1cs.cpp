#include "blindproof/groth16/r1cs.h"

#include <array>
#include <string>

#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/sections.h"

namespace blindproof::groth16 {
namespace {

constexpr std::uint32_t kHeader = 1, kConstraints = 2, kLabels = 3, kCustomGates = 4;

// A section from its beginning, a buffer at a time: constraints of large circuits take gigabytes.
class Stream {
 public:
  Stream(const Sections& sections, std::uint32_t type) : sections_(sections), type_(type), left_(sections.size(type)) {}

  base::Status take(std::span<std::uint8_t> out) {
    for (std::size_t done = 0; done < out.size();) {
      if (position_ == filled_) BLINDPROOF_TRY(refill());
      const std::size_t count = std::min(out.size() - done, filled_ - position_);
      std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(position_), count, out.begin() + static_cast<std::ptrdiff_t>(done));
      position_ += count;
      done += count;
    }
    return {};
  }
  base::Result<std::uint32_t> u32() {
    std::array<std::uint8_t, 4> bytes;
    BLINDPROOF_TRY(take(bytes));
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 | static_cast<std::uint32_t>(bytes[2]) << 16 |
           static_cast<std::uint32_t>(bytes[3]) << 24;
  }
  std::uint64_t left() const { return left_ + (filled_ - position_); }

 private:
  base::Status refill() {
    if (left_ == 0) return sections_.malformed("section " + std::to_string(type_) + " is too short");
    filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, std::size_t{1} << 16));
    buffer_.resize(filled_);
    BLINDPROOF_TRY(sections_.read(type_, offset_, buffer_));
    offset_ += filled_;
    left_ -= filled_;
    position_ = 0;
    return {};
  }

  const Sections& sections_;
  std::uint32_t type_;
  std::uint64_t left_, offset_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t position_ = 0, filled_ = 0;
};

base::Result<R1cs> parse(const Sections& sections) {
  BLINDPROOF_ASSIGN(const base::Bytes header, sections.read_all(kHeader, 4096));
  base::ByteReader reader(header, sections.name());
  if (reader.u32() != 32 || !is_modulus<Fr>(reader.raw(32))) {
    return base::error(base::ErrorCode::kUnsupported, sections.name(), "is over another field than BN254's scalars: compile it with --prime bn128");
  }
  R1cs r1cs;
  r1cs.wires = reader.u32();
  r1cs.outputs = reader.u32();
  r1cs.inputs = reader.u32();
  r1cs.private_inputs = reader.u32();
  (void)reader.u64();  // labels
  const std::uint32_t constraints = reader.u32();
  BLINDPROOF_TRY(reader.finish());
  if (sections.size(kCustomGates) > 4) return base::error(base::ErrorCode::kUnsupported, sections.name(), "has custom gates");
  if (constraints > kMostConstraints || r1cs.wires > kMostConstraints) {
    return base::error(base::ErrorCode::kLimit, sections.name(), "has more than 2^24 constraints or wires");
  }
  const std::uint64_t known = std::uint64_t{1} + r1cs.outputs + r1cs.inputs + r1cs.private_inputs;
  if (known > r1cs.wires) return sections.malformed("has more inputs and outputs than wires");

  Stream stream(sections, kConstraints);
  for (std::uint32_t i = 0; i < constraints; ++i) {
    for (Combinations* part : {&r1cs.a, &r1cs.b, &r1cs.c}) {
      BLINDPROOF_ASSIGN(const std::uint32_t terms, stream.u32());
      if (terms > stream.left() / 36) return sections.malformed("constraint " + std::to_string(i) + " has more terms than the file");
      for (std::uint32_t k = 0; k < terms; ++k) {
        BLINDPROOF_ASSIGN(const std::uint32_t wire, stream.u32());
        std::array<std::uint8_t, 32> bytes;
        BLINDPROOF_TRY(stream.take(bytes));
        const std::optional<Fr> factor = Fr::from_bytes(bytes);
        if (wire >= r1cs.wires) return sections.malformed("constraint " + std::to_string(i) + " names wire " + std::to_string(wire));
        if (!factor) return sections.malformed("constraint " + std::to_string(i) + " has a factor that isn't reduced");
        part->add_term(wire, *factor);
      }
      part->end_combination();
    }
  }
  if (stream.left() != 0) return sections.malformed("goes on after its last constraint");
  return r1cs;
}

void write(base::ByteWriter& out, const Combinations& combinations, std::size_t i) {
  out.u32(static_cast<std::uint32_t>(combinations.begins[i + 1] - combinations.begins[i]));
  for (std::uint64_t k = combinations.begins[i]; k < combinations.begins[i + 1]; ++k) {
    out.u32(combinations.wires[k]);
    out.raw(combinations.factors[k].to_bytes());
  }
}

}  // namespace

base::Result<R1cs> read_r1cs(const std::filesystem::path& path) {
  BLINDPROOF_ASSIGN(const Sections sections, Sections::open(path, "r1cs", 1));
  return parse(sections);
}

base::Result<R1cs> parse_r1cs(base::ByteSpan bytes, std::string name) {
  BLINDPROOF_ASSIGN(const Sections sections, Sections::of(bytes, std::move(name), "r1cs", 1));
  return parse(sections);
}

base::Bytes write_r1cs(const R1cs& r1cs) {
  base::ByteWriter header, constraints, labels, file;
  header.u32(32);
  header.raw(modulus_bytes<Fr>());
  header.u32(r1cs.wires);
  header.u32(r1cs.outputs);
  header.u32(r1cs.inputs);
  header.u32(r1cs.private_inputs);
  header.u64(r1cs.wires);
  header.u32(static_cast<std::uint32_t>(r1cs.constraints()));
  for (std::size_t i = 0; i < r1cs.constraints(); ++i) {
    for (const Combinations* part : {&r1cs.a, &r1cs.b, &r1cs.c}) write(constraints, *part, i);
  }
  for (std::uint32_t i = 0; i < r1cs.wires; ++i) labels.u64(i);
  file.raw(base::as_bytes("r1cs"));
  file.u32(1);
  file.u32(3);
  for (const auto& [type, section] : {std::pair{kHeader, &header}, std::pair{kConstraints, &constraints}, std::pair{kLabels, &labels}}) {
    file.u32(type);
    file.sized(section->bytes());
  }
  return std::move(file).take();
}

std::size_t first_violation(const R1cs& r1cs, std::span<const Fr> w) {
  BLINDPROOF_CHECK(w.size() == r1cs.wires, "a value for each wire");
  std::size_t i = 0;
  while (i < r1cs.constraints() && r1cs.a.value(i, w) * r1cs.b.value(i, w) == r1cs.c.value(i, w)) ++i;
  return i;
}

}  // namespace blindproof::groth16
