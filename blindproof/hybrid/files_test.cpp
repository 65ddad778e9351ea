#include "blindproof/hybrid/files.h"

#include <gtest/gtest.h>

#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/sha256.h"
#include "blindproof/field/kernel_set.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;

Program make_program(std::uint64_t seed = 1, std::uint64_t evaluations = 1000) {
  testing::GraphBuilder builder(model::Arithmetic::kExact, seed);
  auto x = builder.dense(builder.input({3}, 0, 15), 2, 4, 16);
  x = builder.multiply(x, x);
  auto program = Program::create(builder.finish(builder.dense(x, 2, 4, 16)), evaluations);
  BLINDPROOF_CHECK(program.ok(), "a program that fits");
  return *std::move(program);
}

struct Fixture {
  Program program = make_program();
  frbgv::RingPtr ring = frbgv::Ring::create(6);
  crypto::Csprng random{std::array<std::uint8_t, 32>{1}};
  frbgv::SecretKey secret = frbgv::SecretKey::generate(ring, random);
  KeyHeader header{program.spec().parameters().t, generate_key_id(random)};
  frbgv::PublicKey key = frbgv::PublicKey::generate(secret, header.t, random);
  frbgv::Seed seed{7};
  std::vector<Ciphertext> inputs = *encrypt_records(program.spec(), secret, std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}, seed, random);
  std::vector<Ciphertext> outputs = evaluate(program, *ring, {&key, inputs, 2}, random).outputs;

  CiphertextFile input_file() const { return {header, 2, seed, inputs, {}}; }
  CiphertextFile output_file() const { return {header, 2, std::nullopt, outputs, {}}; }
};

base::Result<crypto::SecretBytes> no_passphrase() { return base::error(ErrorCode::kInvalidArgument, "passphrase", "was asked for"); }

void expect_equal(const std::vector<Ciphertext>& a, const std::vector<Ciphertext>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].size(), b[i].size());
    for (std::size_t k = 0; k < a[i].size(); ++k) EXPECT_EQ(a[i][k].to_vector(), b[i][k].to_vector());
  }
}

/// Every flipped byte, every truncation and any addition is refused, by `parse` and without a crash.
template <class Parse>
void expect_only_itself(const base::Bytes& bytes, const Parse& parse) {
  ASSERT_TRUE(parse(bytes).ok());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes altered = bytes;
    altered[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
    EXPECT_FALSE(parse(altered).ok()) << i;
  }
  for (std::size_t size = 0; size < bytes.size(); size += size < 256 ? 1 : 97) {
    EXPECT_FALSE(parse(base::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))).ok()) << size;
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse(longer).ok());
}

/// With a digest that fits: what is left are the readers' other checks.
base::Bytes sealed_again(base::Bytes bytes, std::size_t header_bytes) {
  const base::ByteSpan all(bytes);
  const Digest digest = tree_digest(all.first(header_bytes), all.subspan(header_bytes, bytes.size() - header_bytes - 32));
  std::copy(digest.begin(), digest.end(), bytes.end() - 32);
  return bytes;
}
constexpr std::size_t kKeyHeaderBytes = 4 + 2 + 1 + 8 + 16;

TEST(HybridFiles, SecretKeysReturn) {
  Fixture f;
  const auto bytes = write_secret_key(f.header, f.secret, nullptr);
  ASSERT_TRUE(bytes.ok());
  const auto parse = [&](const base::Bytes& b) { return parse_secret_key(f.ring, b, no_passphrase); };
  const auto file = parse(*bytes);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->header, f.header);
  EXPECT_EQ(file->key.values().to_vector(), f.secret.values().to_vector());
  expect_only_itself(*bytes, parse);
}

TEST(HybridFiles, SecretKeysOpenWithTheirPassphraseOnly) {
  Fixture f;
  const secretbox::Cost cheap{1, secretbox::kMinKib};
  const auto passphrase = [](std::string_view text) { return crypto::SecretBytes::copy_of(base::as_bytes(text)); };
  const crypto::SecretBytes right = passphrase("right");
  const auto bytes = write_secret_key(f.header, f.secret, &right, cheap);
  ASSERT_TRUE(bytes.ok());
  const auto open = [&](std::string_view text) {
    return parse_secret_key(f.ring, *bytes, [&]() -> base::Result<crypto::SecretBytes> { return passphrase(text); });
  };
  ASSERT_TRUE(open("right").ok());
  EXPECT_EQ(open("right")->key.values().to_vector(), f.secret.values().to_vector());
  EXPECT_EQ(open("wrong").error().code, ErrorCode::kMismatch);
  const auto summary = inspect_secret_key(*f.ring, *bytes);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->header, f.header);
  EXPECT_TRUE(summary->passphrase);
  EXPECT_FALSE(inspect_secret_key(*f.ring, *write_secret_key(f.header, f.secret, nullptr))->passphrase);
  EXPECT_EQ(parse_secret_key(f.ring, *bytes, no_passphrase).error().place, "passphrase");
}

TEST(HybridFiles, PublicKeysReturn) {
  Fixture f;
  const base::Bytes bytes = write_public_key(f.header, f.key);
  const auto parse = [&](const base::Bytes& b) { return parse_public_key(*f.ring, b); };
  const auto file = parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->header, f.header);
  for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(file->key.components[k].to_vector(), f.key.components[k].to_vector());
  expect_only_itself(bytes, parse);
}

TEST(HybridFiles, CiphertextsReturnAndHaveOneDigestEach) {
  Fixture f;
  for (const CiphertextFile& made : {f.input_file(), f.output_file()}) {
    const base::Bytes bytes = write_ciphertexts(made);
    const auto parse = [&](const base::Bytes& b) { return parse_ciphertexts(*f.ring, b); };
    const auto file = parse(bytes);
    ASSERT_TRUE(file.ok()) << file.error().message();
    EXPECT_EQ(file->header, f.header);
    EXPECT_EQ(file->records, 2u);
    EXPECT_EQ(file->seed, made.seed);
    expect_equal(file->ciphertexts, made.ciphertexts);
    EXPECT_TRUE(std::equal(file->digest.begin(), file->digest.end(), bytes.end() - 32));
    EXPECT_EQ(write_ciphertexts(*file), bytes);
    expect_only_itself(bytes, parse);
  }
}

TEST(HybridFiles, DontDependOnKernelsOrThreads) {
  std::vector<base::Bytes> written;
  for (const base::Simd set : field::available_kernel_sets()) {
    const field::ScopedKernelSet scoped(set);
    for (const std::size_t threads : {1u, 3u}) {
      const std::size_t before = base::thread_count();
      base::set_thread_count(threads);
      Fixture f;
      written.push_back(write_ciphertexts(f.output_file()));
      base::set_thread_count(before);
    }
  }
  for (const base::Bytes& bytes : written) EXPECT_EQ(bytes, written.front());
}

TEST(HybridFiles, RefuseValuesThatArentCanonical) {
  Fixture f;
  base::Bytes bytes = write_ciphertexts(f.input_file());
  const std::size_t header = kKeyHeaderBytes + 4 + 4 + 1 + 32;
  // r itself, in place of the second value.
  for (std::size_t k = 0; k < 32; ++k) bytes[header + 32 + k] = static_cast<std::uint8_t>(Fr::kModulus[k / 8] >> (8 * (k % 8)));
  const auto refused = parse_ciphertexts(*f.ring, sealed_again(bytes, header));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().detail.find("below the modulus"), std::string::npos);
  bytes[header + 32] -= 1;  // r - 1
  EXPECT_TRUE(parse_ciphertexts(*f.ring, sealed_again(bytes, header)).ok());
}

TEST(HybridFiles, RefuseHeadersThatLie) {
  Fixture f;
  const base::Bytes bytes = write_ciphertexts(f.input_file());
  const std::size_t header = kKeyHeaderBytes + 4 + 4 + 1 + 32;
  const auto altered = [&](std::size_t at, std::uint8_t value) {
    base::Bytes copy = bytes;
    copy[at] = value;
    return parse_ciphertexts(*f.ring, sealed_again(copy, header));
  };
  EXPECT_EQ(altered(4, 2).error().code, ErrorCode::kUnsupported);   // version
  EXPECT_EQ(altered(6, 14).error().code, ErrorCode::kUnsupported);  // degree
  EXPECT_EQ(altered(7, static_cast<std::uint8_t>(bytes[7] ^ 1)).error().code, ErrorCode::kMalformed);  // t
  EXPECT_EQ(altered(kKeyHeaderBytes, 0).error().code, ErrorCode::kMalformed);                          // records
  EXPECT_EQ(altered(kKeyHeaderBytes, 65).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(altered(kKeyHeaderBytes + 4, 0).error().code, ErrorCode::kLimit);  // ciphertexts
  EXPECT_EQ(altered(kKeyHeaderBytes + 4, 4).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(altered(kKeyHeaderBytes + 7, 255).error().code, ErrorCode::kLimit);
  EXPECT_EQ(altered(kKeyHeaderBytes + 8, 2).error().code, ErrorCode::kMalformed);  // content
}

TEST(HybridFiles, DigestsBindHeaderOrderAndLeaves) {
  base::Bytes header{1, 2, 3}, body(100000, 5);
  const Digest digest = tree_digest(header, body);
  EXPECT_NE(tree_digest(base::Bytes{1, 2}, body), digest);
  for (const std::size_t at : {std::size_t{0}, std::size_t{32767}, std::size_t{32768}, body.size() - 1}) {
    base::Bytes altered = body;
    altered[at] ^= 1;
    EXPECT_NE(tree_digest(header, altered), digest) << at;
  }
  base::Bytes swapped = body;
  swapped[0] = 6;
  const Digest first = tree_digest(header, swapped);
  std::swap(swapped[0], swapped[32768]);
  EXPECT_NE(tree_digest(header, swapped), first);
  // By the formula, with an independent loop.
  base::Bytes root{1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3};
  for (std::size_t i = 0; i < body.size(); i += 32768) {
    base::Bytes leaf{0};
    leaf.insert(leaf.end(), body.begin() + static_cast<std::ptrdiff_t>(i), body.begin() + static_cast<std::ptrdiff_t>(std::min(body.size(), i + 32768)));
    const auto hash = crypto::sha256(leaf);
    root.insert(root.end(), hash.begin(), hash.end());
  }
  EXPECT_EQ(crypto::sha256(root), digest);
  EXPECT_NE(tree_digest(header, {}), tree_digest({}, header));
}

TEST(HybridFiles, ProgramsAndSpecsReturn) {
  const Program program = make_program(3, 5000);
  const ProgramFile made{program, {9}};
  const base::Bytes bytes = write_program(made);
  const auto file = parse_program(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->blinding_seed, made.blinding_seed);
  EXPECT_EQ(file->program.graph().values, program.graph().values);
  EXPECT_EQ(file->program.spec(), program.spec());
  EXPECT_EQ(write_program(*file), bytes);
  expect_only_itself(bytes, [](const base::Bytes& b) { return parse_program(b); });
  const base::Bytes spec = write_spec(program.spec());
  const auto read = parse_spec(spec);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(*read, program.spec());
  EXPECT_EQ(write_spec(*read), spec);
  expect_only_itself(spec, [](const base::Bytes& b) { return parse_spec(b); });
}

TEST(HybridFiles, SpecsWithOtherBoundsAreRefusedOrOtherSpecs) {
  const Program program = make_program();
  Bounds bounds = program.spec().bounds();
  bounds[0].weight_l1 = (std::uint64_t{1} << 56) + 1;
  EXPECT_EQ(Spec::create(program.spec().architecture(), bounds, 1000).error().code, ErrorCode::kMalformed);
  bounds[0] = {1, -1};
  EXPECT_EQ(Spec::create(program.spec().architecture(), bounds, 1000).error().code, ErrorCode::kMalformed);
  bounds.pop_back();
  EXPECT_EQ(Spec::create(program.spec().architecture(), bounds, 1000).error().code, ErrorCode::kMalformed);
}

TEST(HybridFiles, AreToldApartByTheirFirstBytes) {
  Fixture f;
  EXPECT_EQ(kind_of(write_public_key(f.header, f.key)), FileKind::kPublicKey);
  EXPECT_EQ(kind_of(write_ciphertexts(f.input_file())), FileKind::kCiphertexts);
  EXPECT_EQ(kind_of(write_spec(f.program.spec())), FileKind::kSpec);
  EXPECT_EQ(kind_of(write_program({f.program, {}})), FileKind::kProgram);
  EXPECT_FALSE(kind_of(base::as_bytes("BPSK")).has_value());
  EXPECT_FALSE(kind_of({}).has_value());
  EXPECT_EQ(parse_public_key(*f.ring, write_ciphertexts(f.input_file())).error().code, ErrorCode::kMalformed);
}

}  // namespace
}  // namespace blindproof::hybrid
