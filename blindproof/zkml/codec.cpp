// Byte formats of proofs and openings: docs/spec/proof-file.md.
#include <algorithm>
#include <string>

#include "blindproof/zkml/prove.h"

namespace blindproof::zkml {
namespace {

using base::ErrorCode;
using model::Int128;

constexpr std::string_view kProofMagic = "BPP", kOpeningMagic = "BPO";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxValues = std::size_t{1} << 24;
constexpr std::size_t kMaxProofBytes = std::size_t{1} << 26;

void write_values(base::ByteWriter& writer, const std::vector<Int128>& values) {
  writer.u64(values.size());
  for (const Int128 v : values) {
    writer.u64(static_cast<std::uint64_t>(static_cast<base::Uint128>(v)));
    writer.u64(static_cast<std::uint64_t>(static_cast<base::Uint128>(v) >> 64));
  }
}

std::vector<Int128> read_values(base::ByteReader& reader) {
  std::vector<Int128> values(reader.count(kMaxValues, 16));
  for (Int128& v : values) {
    const std::uint64_t low = reader.u64(), high = reader.u64();
    v = static_cast<Int128>(static_cast<base::Uint128>(high) << 64 | low);
  }
  return values;
}

base::Status read_header(base::ByteReader& reader, std::string_view magic, std::string_view what) {
  const base::ByteSpan seen = reader.raw(magic.size());
  const std::uint8_t version = reader.u8();
  BLINDPROOF_TRY(reader.status());
  if (!std::equal(seen.begin(), seen.end(), magic.begin()))
    return base::error(ErrorCode::kMalformed, std::string(what), "the file does not begin as one");
  if (version != kVersion)
    return base::error(ErrorCode::kUnsupported, std::string(what), "version " + std::to_string(version) + " is not known, only 1");
  return {};
}

void write_header(base::ByteWriter& writer, std::string_view magic) {
  writer.raw(base::as_bytes(magic));
  writer.u8(kVersion);
}

void read_id(base::ByteReader& reader, ModelId& id) {
  const base::ByteSpan bytes = reader.raw(id.size());
  if (reader.ok()) std::copy(bytes.begin(), bytes.end(), id.begin());
}

}  // namespace

base::Bytes write_inference_proof(const InferenceProof& proof) {
  base::ByteWriter writer;
  write_header(writer, kProofMagic);
  writer.raw(proof.statement.model);
  for (const VisibleTensor* tensor : {&proof.statement.input, &proof.statement.output}) {
    writer.u8(tensor->hidden ? 1 : 0);
    if (tensor->hidden) {
      writer.u64(tensor->rows.size());
      for (const auto& row : tensor->rows) writer.raw(curve::encode(row));
    } else {
      write_values(writer, tensor->values);
    }
  }
  writer.sized(proof.statement.context);
  writer.sized(proof.proof);
  return std::move(writer).take();
}

base::Result<InferenceProof> parse_inference_proof(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, "proof file");
  BLINDPROOF_TRY(read_header(reader, kProofMagic, "proof file"));
  InferenceProof proof;
  read_id(reader, proof.statement.model);
  for (VisibleTensor* tensor : {&proof.statement.input, &proof.statement.output}) {
    const std::uint8_t hidden = reader.u8();
    if (hidden > 1) reader.fail("a visibility that is neither 0 nor 1");
    tensor->hidden = hidden == 1;
    if (tensor->hidden) {
      const std::size_t rows = reader.count(kMaxValues, curve::kEncodedPointBytes);
      const base::ByteSpan encoded = reader.raw(rows * curve::kEncodedPointBytes);
      BLINDPROOF_TRY(reader.status());
      tensor->rows.resize(rows);
      BLINDPROOF_TRY(curve::decode_batch(encoded, tensor->rows));
    } else {
      tensor->values = read_values(reader);
    }
    BLINDPROOF_TRY(reader.status());
  }
  const base::ByteSpan context = reader.sized(kMaxContextBytes);
  const base::ByteSpan body = reader.sized(kMaxProofBytes);
  BLINDPROOF_TRY(reader.finish());
  proof.statement.context.assign(context.begin(), context.end());
  proof.proof.assign(body.begin(), body.end());
  return proof;
}

base::Bytes write_opening(const Opening& opening) {
  base::ByteWriter writer;
  write_header(writer, kOpeningMagic);
  writer.raw(opening.model);
  for (const auto* tensor : {&opening.input, &opening.output}) {
    writer.u8(tensor->has_value() ? 1 : 0);
    if (!tensor->has_value()) continue;
    writer.raw((*tensor)->seed);
    write_values(writer, (*tensor)->values);
  }
  return std::move(writer).take();
}

base::Result<Opening> parse_opening(base::ByteSpan bytes) {
  base::ByteReader reader(bytes, "opening");
  BLINDPROOF_TRY(read_header(reader, kOpeningMagic, "opening"));
  Opening opening;
  read_id(reader, opening.model);
  for (auto* tensor : {&opening.input, &opening.output}) {
    const std::uint8_t present = reader.u8();
    if (present > 1) reader.fail("a flag that is neither 0 nor 1");
    if (present != 1) continue;
    tensor->emplace();
    const base::ByteSpan seed = reader.raw(32);
    BLINDPROOF_TRY(reader.status());
    std::copy(seed.begin(), seed.end(), (*tensor)->seed.begin());
    (*tensor)->values = read_values(reader);
  }
  BLINDPROOF_TRY(reader.finish());
  return opening;
}

}  // namespace blindproof::zkml
