#include "blindproof/hybrid/files.h"

#include <algorithm>
#include <bit>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/formats/ternary.h"
#include "blindproof/field/fr_kernels.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMagicBytes = 4, kDigestBytes = 32, kLeafBytes = std::size_t{1} << 15;
constexpr std::string_view kMagic[] = {"BHSK", "BHPK", "BHCT", "BHPR", "BHSP"};
constexpr std::string_view kNames[] = {"secret key", "public key", "ciphertexts", "program", "client's spec"};
constexpr std::uint8_t kOpen = 0, kUnderPassphrase = 1;
constexpr std::uint8_t kInputs = 0, kOutputs = 1;

std::string_view name_of(FileKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

void write_magic(base::ByteWriter& writer, FileKind kind) {
  writer.raw(base::as_bytes(kMagic[static_cast<std::size_t>(kind)]));
  writer.u16(kVersion);
}
base::Status read_magic(base::ByteReader& reader, FileKind kind) {
  const base::ByteSpan magic = reader.raw(kMagicBytes);
  const std::uint16_t version = reader.u16();
  BLINDPROOF_TRY(reader.status());
  if (kind_of(magic) != kind)
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is none of the hybrid level");
  if (version != kVersion)
    return base::error(ErrorCode::kUnsupported, std::string(name_of(kind)), "version " + std::to_string(version) + " is not known, only 1");
  return base::Status::good();
}

void write_key_header(base::ByteWriter& writer, FileKind kind, std::size_t degree, const KeyHeader& header) {
  write_magic(writer, kind);
  writer.u8(static_cast<std::uint8_t>(std::countr_zero(degree)));
  writer.u64(header.t);
  writer.raw(header.key_id);
}
base::Result<KeyHeader> read_key_header(base::ByteReader& reader, FileKind kind, std::size_t degree) {
  BLINDPROOF_TRY(read_magic(reader, kind));
  const std::uint8_t log_degree = reader.u8();
  KeyHeader header;
  header.t = reader.u64();
  const base::ByteSpan id = reader.raw(header.key_id.size());
  BLINDPROOF_TRY(reader.status());
  std::copy(id.begin(), id.end(), header.key_id.begin());
  if (log_degree != std::countr_zero(degree))
    return base::error(ErrorCode::kUnsupported, std::string(name_of(kind)), "is of a ring of another degree");
  if (!SlotEncoder::create(degree, header.t).ok())
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "its plaintext modulus is no prime of the ring");
  return header;
}

/// 32 bytes a value, little-endian.
void write_values(const FrVector& vector, std::span<std::uint8_t> out) {
  FrVector plain = vector;
  frbgv::scale(plain, Fr::power_of_two(256).inverse());  // montgomery() of x / 2^256 is x
  std::vector<Fr> values(plain.size());
  field::fr_kernels().to_fields(plain.packs(), values.size(), values.data());
  for (std::size_t i = 0; i < values.size(); ++i) frbgv::store_limbs(values[i].montgomery(), out.data() + Fr::kBytes * i);
}

/// Nothing if a value isn't below r.
std::optional<FrVector> read_values(base::ByteSpan bytes) {
  std::vector<Fr> values(bytes.size() / Fr::kBytes);
  bool all_below = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const field::Limbs limbs = frbgv::load_limbs(bytes.data() + Fr::kBytes * i);
    all_below &= frbgv::is_below_modulus(limbs);
    values[i] = Fr::from_montgomery(limbs);
  }
  if (!all_below) return std::nullopt;
  FrVector vector(values);
  frbgv::scale(vector, Fr::power_of_two(256));
  return vector;
}

/// Header, body and digest in one buffer.
base::Bytes write_body(base::ByteWriter&& header, std::span<const FrVector* const> vectors) {
  base::Bytes bytes = std::move(header).take();
  const std::size_t begin = bytes.size(), each = vectors[0]->size() * Fr::kBytes;
  bytes.resize(begin + vectors.size() * each + kDigestBytes);
  const std::span<std::uint8_t> body = std::span(bytes).subspan(begin, vectors.size() * each);
  base::parallel_for(vectors.size(), [&](std::size_t i) { write_values(*vectors[i], body.subspan(i * each, each)); });
  const Digest digest = tree_digest(base::ByteSpan(bytes).first(begin), body);
  std::copy(digest.begin(), digest.end(), bytes.end() - kDigestBytes);
  return bytes;
}

struct Body {
  std::vector<FrVector> vectors;
  Digest digest;
};
/// What follows the header in a file that `reader` has read so far.
base::Result<Body> read_body(base::ByteReader& reader, base::ByteSpan file, std::size_t count, std::size_t degree, FileKind kind) {
  const std::size_t begin = reader.position(), each = degree * Fr::kBytes;
  BLINDPROOF_TRY(reader.status());
  if (reader.remaining() < kDigestBytes || (reader.remaining() - kDigestBytes) / each != count || (reader.remaining() - kDigestBytes) % each != 0)
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is cut off, or longer than its header says");
  const base::ByteSpan body = reader.raw(count * each), stored = reader.raw(kDigestBytes);
  BLINDPROOF_TRY(reader.finish());
  Body result;
  result.digest = tree_digest(file.first(begin), body);
  if (!std::equal(stored.begin(), stored.end(), result.digest.begin()))
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is damaged: its digest is another");
  result.vectors.resize(count);
  std::vector<std::uint8_t> good(count);
  base::parallel_for(count, [&](std::size_t i) {
    if (auto values = read_values(body.subspan(i * each, each)); values) {
      result.vectors[i] = std::move(*values);
      good[i] = 1;
    }
  });
  if (!std::all_of(good.begin(), good.end(), [](std::uint8_t g) { return g == 1; }))
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "a value isn't below the modulus");
  return result;
}

base::Bytes with_checksum(base::ByteWriter&& writer) {
  base::Bytes bytes = std::move(writer).take();
  const crypto::Digest256 digest = crypto::sha256(bytes);
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  return bytes;
}
base::Result<base::ByteSpan> checked(base::ByteSpan bytes, FileKind kind) {
  if (kind_of(bytes) != kind) return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is none of the hybrid level");
  if (bytes.size() < kDigestBytes) return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is cut off");
  const base::ByteSpan content = bytes.first(bytes.size() - kDigestBytes);
  const crypto::Digest256 digest = crypto::sha256(content);
  if (!std::equal(digest.begin(), digest.end(), bytes.end() - kDigestBytes))
    return base::error(ErrorCode::kMalformed, std::string(name_of(kind)), "the file is damaged: its checksum is another");
  return content;
}

struct StoredSecretKey {
  SecretKeySummary summary;
  base::ByteSpan associated, content;
};
base::Result<StoredSecretKey> read_stored_key(const frbgv::Ring& ring, base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, checked(bytes, FileKind::kSecretKey));
  base::ByteReader reader(body, name_of(FileKind::kSecretKey));
  StoredSecretKey key;
  BLINDPROOF_ASSIGN(key.summary.header, read_key_header(reader, FileKind::kSecretKey, ring.degree()));
  const std::uint8_t protection = reader.u8();
  if (protection > kUnderPassphrase) reader.fail("this kind of protection isn't known");
  key.summary.passphrase = protection == kUnderPassphrase;
  key.associated = body.first(reader.position());
  key.content = reader.sized(body.size());
  BLINDPROOF_TRY(reader.finish());
  return key;
}

void write_i128(base::ByteWriter& writer, Int128 value) {
  const auto word = static_cast<base::Uint128>(value);
  writer.u64(static_cast<std::uint64_t>(word));
  writer.u64(static_cast<std::uint64_t>(word >> 64));
}
Int128 read_i128(base::ByteReader& reader) {
  const std::uint64_t low = reader.u64();
  return static_cast<Int128>(static_cast<base::Uint128>(reader.u64()) << 64 | low);
}

}  // namespace

std::optional<FileKind> kind_of(base::ByteSpan bytes) {
  for (std::size_t kind = 0; kind < std::size(kMagic); ++kind) {
    if (bytes.size() >= kMagicBytes && std::equal(kMagic[kind].begin(), kMagic[kind].end(), bytes.begin())) return static_cast<FileKind>(kind);
  }
  return std::nullopt;
}

KeyId generate_key_id(crypto::Csprng& random) {
  KeyId id;
  random.fill(id);
  return id;
}

Digest tree_digest(base::ByteSpan header, base::ByteSpan body) {
  constexpr std::uint8_t kLeaf = 0, kRoot = 1;
  const std::size_t leaves = (body.size() + kLeafBytes - 1) / kLeafBytes;
  std::vector<Digest> digests(leaves);
  base::parallel_ranges(leaves, 4, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const base::ByteSpan leaf = body.subspan(i * kLeafBytes, std::min(kLeafBytes, body.size() - i * kLeafBytes));
      digests[i] = crypto::Sha256().absorb({&kLeaf, 1}).absorb(leaf).finish();
    }
  });
  base::ByteWriter prefix;
  prefix.u8(kRoot);
  prefix.sized(header);
  crypto::Sha256 root;
  root.absorb(prefix.bytes());
  for (const Digest& digest : digests) root.absorb(digest);
  return root.finish();
}

base::Result<base::Bytes> write_secret_key(const KeyHeader& header, const frbgv::SecretKey& key, const crypto::SecretBytes* passphrase,
                                           const secretbox::Cost& cost) {
  base::ByteWriter writer;
  writer.reserve(key.ring()->degree() + 1024);
  write_key_header(writer, FileKind::kSecretKey, key.ring()->degree(), header);
  writer.u8(passphrase != nullptr ? kUnderPassphrase : kOpen);
  const crypto::SecretBytes content = fhe::formats::join_trits(key.ternary().expose());
  if (passphrase != nullptr) {
    BLINDPROOF_ASSIGN(const base::Bytes sealed, secretbox::seal(*passphrase, content.expose(), writer.bytes(), cost));
    writer.sized(sealed);
  } else {
    writer.sized(content.expose());
  }
  return with_checksum(std::move(writer));
}

base::Result<SecretKeySummary> inspect_secret_key(const frbgv::Ring& ring, base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const StoredSecretKey stored, read_stored_key(ring, bytes));
  return stored.summary;
}

base::Result<SecretKeyFile> parse_secret_key(const frbgv::RingPtr& ring, base::ByteSpan bytes, const AskPassphrase& ask) {
  BLINDPROOF_ASSIGN(const StoredSecretKey stored, read_stored_key(*ring, bytes));
  crypto::SecretBytes content;
  if (stored.summary.passphrase) {
    BLINDPROOF_ASSIGN(const crypto::SecretBytes passphrase, ask());
    BLINDPROOF_ASSIGN(content, secretbox::open(passphrase, stored.content, stored.associated));
  } else {
    content = crypto::SecretBytes::copy_of(stored.content);
  }
  BLINDPROOF_ASSIGN(crypto::SecretBytes ternary, fhe::formats::split_trits(ring->degree(), content));
  BLINDPROOF_ASSIGN(frbgv::SecretKey key, frbgv::SecretKey::from_coefficients(ring, std::move(ternary)));
  return SecretKeyFile{stored.summary.header, std::move(key)};
}

base::Bytes write_public_key(const KeyHeader& header, const frbgv::PublicKey& key) {
  base::ByteWriter writer;
  write_key_header(writer, FileKind::kPublicKey, key.components[0].size(), header);
  writer.raw(key.seed);
  const FrVector* const vectors[] = {&key.components[0]};
  return write_body(std::move(writer), vectors);
}

base::Result<PublicKeyFile> parse_public_key(const frbgv::Ring& ring, base::ByteSpan bytes) {
  base::ByteReader reader(bytes, name_of(FileKind::kPublicKey));
  PublicKeyFile file;
  BLINDPROOF_ASSIGN(file.header, read_key_header(reader, FileKind::kPublicKey, ring.degree()));
  const base::ByteSpan seed = reader.raw(file.key.seed.size());
  BLINDPROOF_TRY(reader.status());
  std::copy(seed.begin(), seed.end(), file.key.seed.begin());
  BLINDPROOF_ASSIGN(Body body, read_body(reader, bytes, 1, ring.degree(), FileKind::kPublicKey));
  file.key.components = {std::move(body.vectors[0]), frbgv::expand_uniform(ring, file.key.seed, 0)};
  file.digest = body.digest;
  return file;
}

base::Bytes write_ciphertexts(const CiphertextFile& file) {
  BLINDPROOF_CHECK(!file.ciphertexts.empty() && file.ciphertexts.size() <= kMaxCiphertexts, "1 to kMaxCiphertexts of them");
  const std::size_t components = file.ciphertexts[0].size(), degree = file.ciphertexts[0][0].size();
  BLINDPROOF_CHECK(components == 2 || (components == 3 && !file.seed), "inputs of 2 components, outputs of 2 or 3");
  BLINDPROOF_CHECK(file.records >= 1 && file.records <= degree, "as many records as slots at most");
  base::ByteWriter writer;
  write_key_header(writer, FileKind::kCiphertexts, degree, file.header);
  writer.u32(static_cast<std::uint32_t>(file.records));
  writer.u32(static_cast<std::uint32_t>(file.ciphertexts.size()));
  writer.u8(file.seed ? kInputs : kOutputs);
  if (file.seed) writer.raw(*file.seed);
  else writer.u8(static_cast<std::uint8_t>(components));
  std::vector<const FrVector*> vectors;
  for (const Ciphertext& c : file.ciphertexts) {
    BLINDPROOF_CHECK(c.size() == components, "ciphertexts of one number of components");
    for (std::size_t k = 0; k < (file.seed ? 1 : components); ++k) vectors.push_back(&c[k]);
  }
  return write_body(std::move(writer), vectors);
}

base::Result<CiphertextFile> parse_ciphertexts(const frbgv::Ring& ring, base::ByteSpan bytes) {
  constexpr FileKind kKind = FileKind::kCiphertexts;
  base::ByteReader reader(bytes, name_of(kKind));
  CiphertextFile file;
  BLINDPROOF_ASSIGN(file.header, read_key_header(reader, kKind, ring.degree()));
  file.records = reader.u32();
  const std::size_t count = reader.u32();
  const std::uint8_t content = reader.u8();
  std::size_t components = 2, stored = 1;
  if (content == kInputs) {
    const base::ByteSpan seed = reader.raw(sizeof(frbgv::Seed));
    if (reader.ok()) std::copy(seed.begin(), seed.end(), file.seed.emplace().begin());
  } else if (content == kOutputs) {
    components = stored = reader.u8();
  } else {
    reader.fail("this kind of content isn't known");
  }
  BLINDPROOF_TRY(reader.status());
  if (components != 2 && components != 3) return base::error(ErrorCode::kMalformed, std::string(name_of(kKind)), "have 2 or 3 components");
  if (file.records < 1 || file.records > ring.degree())
    return base::error(ErrorCode::kMalformed, std::string(name_of(kKind)), "no batch has so many records");
  if (count < 1 || count > kMaxCiphertexts)
    return base::error(ErrorCode::kLimit, std::string(name_of(kKind)), "a file has 1 to " + std::to_string(kMaxCiphertexts));
  BLINDPROOF_ASSIGN(Body body, read_body(reader, bytes, count * stored, ring.degree(), kKind));
  file.digest = body.digest;
  file.ciphertexts.resize(count);
  base::parallel_for(count, [&](std::size_t i) {
    Ciphertext& c = file.ciphertexts[i];
    for (std::size_t k = 0; k < stored; ++k) c.push_back(std::move(body.vectors[i * stored + k]));
    if (file.seed) c.push_back(frbgv::expand_uniform(ring, *file.seed, i));
  });
  return file;
}

base::Bytes write_program(const ProgramFile& file) {
  base::ByteWriter writer;
  write_magic(writer, FileKind::kProgram);
  writer.u64(file.program.spec().parameters().evaluations);
  writer.sized(model::write_model_file({file.program.graph(), file.blinding_seed, std::nullopt}));
  return with_checksum(std::move(writer));
}

base::Result<ProgramFile> parse_program(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan content, checked(bytes, FileKind::kProgram));
  base::ByteReader reader(content, name_of(FileKind::kProgram));
  BLINDPROOF_TRY(read_magic(reader, FileKind::kProgram));
  const std::uint64_t evaluations = reader.u64();
  const base::ByteSpan model = reader.sized(content.size());
  BLINDPROOF_TRY(reader.finish());
  BLINDPROOF_ASSIGN(model::ModelFile file, model::parse_model_file(model));
  if (file.float_graph) return base::error(ErrorCode::kMalformed, std::string(name_of(FileKind::kProgram)), "programs have no float network");
  BLINDPROOF_ASSIGN(Program program, Program::create(std::move(file.graph), evaluations));
  return ProgramFile{std::move(program), file.blinding_seed};
}

base::Bytes write_spec(const Spec& spec) {
  base::ByteWriter writer;
  write_magic(writer, FileKind::kSpec);
  writer.u64(spec.parameters().evaluations);
  writer.u8(static_cast<std::uint8_t>(spec.bounds().size()));
  for (const LayerBounds& bound : spec.bounds()) {
    writer.u64(bound.weight_l1);
    write_i128(writer, bound.bias);
  }
  writer.sized(model::write_architecture(spec.architecture()));
  return with_checksum(std::move(writer));
}

base::Result<Spec> parse_spec(base::ByteSpan bytes) {
  BLINDPROOF_ASSIGN(const base::ByteSpan content, checked(bytes, FileKind::kSpec));
  base::ByteReader reader(content, name_of(FileKind::kSpec));
  BLINDPROOF_TRY(read_magic(reader, FileKind::kSpec));
  const std::uint64_t evaluations = reader.u64();
  const std::size_t layers = reader.u8();
  Bounds bounds;
  for (std::size_t i = 0; i < layers && reader.ok(); ++i) {
    LayerBounds bound;
    bound.weight_l1 = reader.u64();
    bound.bias = read_i128(reader);
    bounds.push_back(bound);
  }
  const base::ByteSpan architecture_bytes = reader.sized(content.size());
  BLINDPROOF_TRY(reader.finish());
  BLINDPROOF_ASSIGN(model::Architecture architecture, model::parse_architecture(architecture_bytes));
  return Spec::create(std::move(architecture), std::move(bounds), evaluations);
}

}  // namespace blindproof::hybrid
