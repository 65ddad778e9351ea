#include "blindproof/fhe/formats/public_key_file.h"

#include <algorithm>

#include "blindproof/fhe/formats/packing.h"

namespace blindproof::fhe::formats {
namespace {

constexpr std::string_view kPlace = "public key";

}  // namespace

base::Bytes write_public_key(const Header& header, const rlwe::PublicKey& key) {
  base::ByteWriter writer;
  write_header(writer, Kind::kPublicKey, header);
  writer.raw(key.seed);
  write_packed(writer, key.b);
  return with_checksum(std::move(writer));
}

base::Result<PublicKeyFile> parse_public_key(base::ByteSpan bytes, Contexts& contexts) {
  BLINDPROOF_ASSIGN(const base::ByteSpan body, checked(bytes, kPlace));
  base::ByteReader reader(body, kPlace);
  BLINDPROOF_ASSIGN(Header header, read_header(reader, Kind::kPublicKey, contexts));
  rlwe::Seed seed{};
  const base::ByteSpan stored = reader.raw(seed.size());
  std::ranges::copy(stored, seed.begin());
  const rlwe::RingPtr& ring = ring_of(header.context);
  const rlwe::Basis basis{ring->q_count(), false};
  BLINDPROOF_ASSIGN(rlwe::NttPoly b, read_packed(reader, ring, basis, kPlace));
  BLINDPROOF_TRY(reader.finish());
  rlwe::NttPoly a = rlwe::expand_uniform(ring, basis, seed, 0);
  return PublicKeyFile{std::move(header), {seed, std::move(b), std::move(a)}};
}

}  // namespace blindproof::fhe::formats
