#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "blindproof/crypto/sha256.h"
#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/packing.h"
#include "blindproof/fhe/formats/public_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::formats {
namespace {

using base::ErrorCode;

constexpr secretbox::Cost kCheap{1, 8};

AnyContext tiny_ckks() {
  return testing::InsecureParameters::ckks({.log_degree = 6, .scale_bits = 30, .levels = 2, .first_bits = 40, .digits = 2}).value();
}
AnyContext tiny_bfv() {
  return testing::InsecureParameters::bfv({.log_degree = 6, .t = 257, .limbs = 3, .limb_bits = 40, .digits = 2}).value();
}
AnyContext tiny_bgv() {
  return testing::InsecureParameters::bgv({.log_degree = 6, .t = 257, .levels = 2, .digits = 2}).value();
}

base::Result<crypto::SecretBytes> no_passphrase() {
  return base::error(ErrorCode::kInvalidArgument, "test", "no passphrase was expected");
}
crypto::SecretBytes secret_text(std::string_view text) { return crypto::SecretBytes::copy_of(base::as_bytes(text)); }

// The same content with a checksum that fits: what somebody who means harm would send.
base::Bytes resealed(base::Bytes bytes) {
  bytes.resize(bytes.size() - kChecksumBytes);
  base::ByteWriter writer;
  writer.raw(bytes);
  return with_checksum(std::move(writer));
}

void expect_equal(const rlwe::NttPoly& a, const rlwe::NttPoly& b) {
  ASSERT_EQ(a.limbs(), b.limbs());
  for (std::size_t i = 0; i < a.limbs(); ++i) EXPECT_TRUE(std::ranges::equal(a.limb(i), b.limb(i)));
}

class FormatsTest : public ::testing::TestWithParam<AnyContext (*)()> {
 protected:
  FormatsTest()
      : context_(GetParam()()),
        random_(std::array<std::uint8_t, 32>{1}),
        header_{context_, generate_key_id(random_)},
        secret_(rlwe::SecretKey::generate(ring_of(context_), random_)),
        contexts_(context_),
        folder_(std::filesystem::path(::testing::TempDir()) / ("blindproof_formats_" + scheme_name(context_) + "_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FormatsTest() override { std::filesystem::remove_all(folder_); }

  AnyCiphertexts encrypted(std::size_t count) {
    const auto encrypt_all = [&](const auto& plaintext, auto type) {
      std::vector<decltype(type)> result;
      for (std::size_t i = 0; i < count; ++i) result.push_back(encrypt(secret_, plaintext, random_));
      return result;
    };
    if (const auto* ckks = std::get_if<ckks::ContextPtr>(&context_)) {
      const auto plaintext = ckks::Encoder(*ckks).encode(std::vector<double>{1, -2, 3}, (*ckks)->top_level()).value();
      return encrypt_all(plaintext, ckks::encrypt(secret_, plaintext, random_));
    }
    const std::vector<std::int64_t> values{1, -2, 3};
    if (const auto* bfv = std::get_if<bfv::ContextPtr>(&context_)) {
      const auto plaintext = bfv::encode(*bfv, values).value();
      return encrypt_all(plaintext, bfv::encrypt(secret_, plaintext, random_));
    }
    const auto plaintext = bgv::encode(std::get<bgv::ContextPtr>(context_), values).value();
    return encrypt_all(plaintext, bgv::encrypt(secret_, plaintext, random_));
  }

  std::vector<double> decrypted(const AnyCiphertexts& ciphertexts) const {
    if (const auto* ckks = std::get_if<std::vector<ckks::Ciphertext>>(&ciphertexts)) {
      std::vector<double> values = ckks::Encoder(ckks->front().context()).decode_real(ckks::decrypt(secret_, ckks->front()).value());
      for (double& value : values) value = std::round(value * 1000) / 1000;
      return values;
    }
    std::vector<std::int64_t> values;
    if (const auto* bfv = std::get_if<std::vector<bfv::Ciphertext>>(&ciphertexts)) {
      values = bfv::decode(bfv::decrypt(secret_, bfv->front()).value());
    } else {
      values = bgv::decode(bgv::decrypt(secret_, std::get<2>(ciphertexts).front()).value());
    }
    return {values.begin(), values.end()};
  }

  static AnyCiphertexts added(const AnyCiphertexts& a) {
    return std::visit(
        [](const auto& vector) {
          auto sum = vector;
          sum.front() = add(vector[0], vector[1]).value();
          return AnyCiphertexts(std::move(sum));
        },
        a);
  }

  AnyContext context_;
  crypto::Csprng random_;
  Header header_;
  rlwe::SecretKey secret_;
  Contexts contexts_;
  std::filesystem::path folder_;
};

INSTANTIATE_TEST_SUITE_P(Schemes, FormatsTest, ::testing::Values(tiny_ckks, tiny_bfv, tiny_bgv),
                         [](const auto& scheme) { return scheme_name(scheme.param()); });

TEST(Parameters, OfNamedSetsReadBackToTheSameModuliAndName) {
  for (const std::string_view name : {"ckks-8192-2", "bfv-8192", "bgv-8192", "ckks-16384-5"}) {
    const AnyContext context = create_context(name).value();
    Contexts contexts;
    const AnyContext read = contexts.find(write_parameters(context)).value();
    EXPECT_NE(read, context);
    EXPECT_EQ(ring_of(read)->parameters(), ring_of(context)->parameters());
    EXPECT_EQ(parameters_name(read), name);
    EXPECT_EQ(contexts.find(write_parameters(context)).value(), read) << "files of equal parameters share a context";
  }
  EXPECT_EQ(create_context("ckks-1").error().code, ErrorCode::kInvalidArgument);
}

TEST(Parameters, ThatAreInsecureForeignOrUnexpectedAreRefused) {
  Contexts any;
  EXPECT_EQ(any.find(write_parameters(tiny_ckks())).error().code, ErrorCode::kInvalidArgument);
  base::Bytes parameters = write_parameters(create_context("bfv-8192").value());
  Contexts expected(create_context("bgv-8192").value());
  EXPECT_EQ(expected.find(parameters).error().code, ErrorCode::kMismatch);
  parameters[17] ^= 2;  // the first modulus
  EXPECT_EQ(any.find(parameters).error().code, ErrorCode::kUnsupported);
  for (std::size_t size = 0; size < parameters.size(); ++size) {
    EXPECT_FALSE(any.find(base::ByteSpan(parameters).first(size)).ok());
  }
}

// Value j at bits j*b .. (j+1)*b - 1, the lowest bit of a byte first.
TEST(Packing, AgreesWithBitByBit) {
  for (const AnyContext& context : {tiny_ckks(), tiny_bfv()}) {
    const rlwe::RingPtr& ring = ring_of(context);
    const rlwe::Basis basis{ring->q_count(), true};
    const rlwe::NttPoly poly = rlwe::expand_uniform(ring, basis, {3}, 0);
    base::ByteWriter writer;
    write_packed(writer, poly);
    base::Bytes expected;
    for (std::size_t i = 0; i < poly.limbs(); ++i) {
      const std::size_t bits = static_cast<std::size_t>(poly.modulus(i).bits()), begin = expected.size();
      expected.resize(begin + ring->degree() * bits / 8);
      for (std::size_t bit = 0; bit < ring->degree() * bits; ++bit) {
        expected[begin + bit / 8] |= static_cast<std::uint8_t>((poly.limb(i)[bit / bits] >> bit % bits & 1) << bit % 8);
      }
    }
    EXPECT_EQ(writer.bytes(), expected);
    EXPECT_EQ(packed_bytes(*ring, basis), expected.size());
    base::ByteReader reader(expected, "test");
    expect_equal(read_packed(reader, ring, basis, "test").value(), poly);
  }
}

TEST_P(FormatsTest, SecretKeysReadBackAsTheyWere) {
  const base::Bytes open = write_secret_key(header_, secret_, nullptr).value();
  const auto read = parse_secret_key(open, contexts_, no_passphrase);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->header.key_id, header_.key_id);
  EXPECT_TRUE(std::ranges::equal(read->key.ternary().expose(), secret_.ternary().expose()));
  EXPECT_EQ(write_secret_key(read->header, read->key, nullptr).value(), open);
}

TEST_P(FormatsTest, AProtectedSecretKeyNeedsItsPassphraseAndItsHeader) {
  const crypto::SecretBytes passphrase = secret_text("correct horse");
  const base::Bytes open = write_secret_key(header_, secret_, nullptr).value();
  const base::Bytes sealed = write_secret_key(header_, secret_, &passphrase, kCheap).value();
  const auto read = parse_secret_key(sealed, contexts_, [&] { return base::Result<crypto::SecretBytes>(passphrase.clone()); });
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(std::ranges::equal(read->key.ternary().expose(), secret_.ternary().expose()));
  EXPECT_EQ(parse_secret_key(sealed, contexts_, [&] { return base::Result<crypto::SecretBytes>(secret_text("wrong")); }).error().code,
            ErrorCode::kMismatch);
  EXPECT_EQ(parse_secret_key(sealed, contexts_, no_passphrase).error().code, ErrorCode::kInvalidArgument);
  const auto content = base::ByteSpan(open).last(kChecksumBytes + 13).first(13);  // of ceil(64 / 5) bytes
  EXPECT_TRUE(std::ranges::search(sealed, content).empty());
  base::Bytes renamed = sealed;
  const auto id = std::ranges::search(renamed, header_.key_id);
  id[0] ^= 1;
  EXPECT_FALSE(parse_secret_key(resealed(renamed), contexts_, [&] {
                 return base::Result<crypto::SecretBytes>(passphrase.clone());
               }).ok());
}

TEST_P(FormatsTest, SecretKeysOfOtherCoefficientsAreRefused) {
  base::Bytes bytes = write_secret_key(header_, secret_, nullptr).value();
  const std::size_t content = bytes.size() - kChecksumBytes - 13;
  bytes[content] = 243;
  EXPECT_EQ(parse_secret_key(resealed(bytes), contexts_, no_passphrase).error().code, ErrorCode::kMalformed);
  bytes[content] = 0;
  bytes[bytes.size() - kChecksumBytes - 1] = 242;  // its highest trit stands for coefficient 64 of 64
  EXPECT_EQ(parse_secret_key(resealed(bytes), contexts_, no_passphrase).error().code, ErrorCode::kMalformed);
}

TEST_P(FormatsTest, PublicKeysReadBackAsTheyWere) {
  const rlwe::PublicKey key = rlwe::PublicKey::generate(secret_, error_multiplier_of(context_), random_);
  const base::Bytes bytes = write_public_key(header_, key);
  const auto read = parse_public_key(bytes, contexts_);
  ASSERT_TRUE(read.ok()) << read.error().message();
  expect_equal(read->key.a, key.a);
  expect_equal(read->key.b, key.b);
  EXPECT_EQ(write_public_key(read->header, read->key), bytes);
}

TEST_P(FormatsTest, CiphertextsReadBackAndFreshOnesTakeHalfTheRoom) {
  const CiphertextFile fresh{header_, {}, encrypted(2)};
  const CiphertextFile sum{header_, {}, added(fresh.ciphertexts)};
  const base::Bytes fresh_bytes = write_ciphertexts(fresh).value(), sum_bytes = write_ciphertexts(sum).value();
  const rlwe::Ring& ring = *ring_of(context_);
  EXPECT_EQ(sum_bytes.size() - fresh_bytes.size(), packed_bytes(ring, {ring.q_count(), false}) - sizeof(rlwe::Seed));
  for (const CiphertextFile* file : {&fresh, &sum}) {
    const base::Bytes bytes = write_ciphertexts(*file).value();
    const auto read = parse_ciphertexts(bytes, contexts_);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(decrypted(read->ciphertexts), decrypted(file->ciphertexts));
    EXPECT_EQ(write_ciphertexts(*read).value(), bytes);
  }
}

TEST_P(FormatsTest, PredictionsDoNotComeFromAFile) {
  const base::Bytes bytes = write_ciphertexts({header_, {}, encrypted(2)}).value();
  const CiphertextFile read = parse_ciphertexts(bytes, contexts_).value();
  if (const auto* ckks = std::get_if<std::vector<ckks::Ciphertext>>(&read.ciphertexts)) {
    EXPECT_EQ(add((*ckks)[0], (*ckks)[1]).value().error_bound(), std::numeric_limits<double>::infinity());
    EXPECT_LT(assume_fresh((*ckks)[0], 3).error_bound(), 1);
  } else if (const auto* bfv = std::get_if<std::vector<bfv::Ciphertext>>(&read.ciphertexts)) {
    EXPECT_FALSE(add((*bfv)[0], (*bfv)[1]).ok());
    EXPECT_TRUE(add(assume_fresh((*bfv)[0]), assume_fresh((*bfv)[1])).ok());
  } else {
    const auto& bgv = std::get<std::vector<bgv::Ciphertext>>(read.ciphertexts);
    EXPECT_FALSE(add(bgv[0], bgv[1]).ok());
    EXPECT_TRUE(add(assume_fresh(bgv[0]), assume_fresh(bgv[1])).ok());
  }
}

TEST_P(FormatsTest, AFreshAssumptionIsNotBelowWhatEncryptionPredicts) {
  const rlwe::PublicKey key = rlwe::PublicKey::generate(secret_, error_multiplier_of(context_), random_);
  if (const auto* ckks = std::get_if<ckks::ContextPtr>(&context_)) {
    const auto a = ckks::encrypt(key, ckks::Encoder(*ckks).encode(std::vector<double>{3}, 2).value(), random_);
    EXPECT_DOUBLE_EQ(assume_fresh(a, 3).prediction().noise, a.prediction().noise);
  } else if (const auto* bfv = std::get_if<bfv::ContextPtr>(&context_)) {
    const auto a = bfv::encrypt(key, bfv::encode(*bfv, std::vector<std::int64_t>{3}).value(), random_);
    EXPECT_DOUBLE_EQ(assume_fresh(a).noise(), a.noise());
  } else {
    const auto a = bgv::encrypt(key, bgv::encode(std::get<bgv::ContextPtr>(context_), std::vector<std::int64_t>{3}).value(), random_);
    EXPECT_DOUBLE_EQ(assume_fresh(a).deviation(), a.deviation());
  }
}

TEST_P(FormatsTest, AMessageInTheOpenIsRejected) {
  AnyCiphertexts ciphertexts = added(encrypted(2));
  std::visit(
      [&](auto& vector) {
        rlwe::Parts parts = vector[0].parts();
        parts[1] = rlwe::NttPoly::zero(parts[1].ring_ptr(), parts[1].basis());
        using Ciphertext = std::decay_t<decltype(vector[0])>;
        if constexpr (std::is_same_v<Ciphertext, ckks::Ciphertext>) {
          vector[0] = {vector[0].context(), vector[0].level(), vector[0].scale(), parts, {}};
        } else if constexpr (std::is_same_v<Ciphertext, bfv::Ciphertext>) {
          vector[0] = {vector[0].context(), parts, 1, 1};
        } else {
          vector[0] = {vector[0].context(), vector[0].level(), vector[0].factor(), parts, 1, 1};
        }
      },
      ciphertexts);
  const base::Bytes bytes = write_ciphertexts({header_, {}, std::move(ciphertexts)}).value();
  EXPECT_EQ(parse_ciphertexts(bytes, contexts_).error().code, ErrorCode::kRejected);
}

TEST_P(FormatsTest, ArraysKeepTheirShapeAndMustFillTheirCiphertexts) {
  const bool reals = std::holds_alternative<ckks::ContextPtr>(context_);
  const Content content = reals ? Content::kReals : Content::kIntegers;
  const std::size_t slots = slots_of(context_);
  EXPECT_EQ(slots, reals ? 32u : 64u);
  const Layout layout{content, {2, slots}};
  const base::Bytes bytes = write_ciphertexts({header_, layout, encrypted(2)}).value();
  EXPECT_EQ(parse_ciphertexts(bytes, contexts_)->layout, layout);
  EXPECT_EQ(write_ciphertexts({header_, {content, {2, slots + 1}}, encrypted(2)}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write_ciphertexts({header_, {reals ? Content::kIntegers : Content::kReals, {1}}, encrypted(1)}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ciphertexts_of(context_, std::vector<std::size_t>{}).value(), 1u);
  EXPECT_EQ(ciphertexts_of(context_, std::vector<std::size_t>{SIZE_MAX, 0, SIZE_MAX}).value(), 1u);
  EXPECT_EQ(ciphertexts_of(context_, std::vector<std::size_t>{SIZE_MAX, SIZE_MAX}).error().code, ErrorCode::kLimit);
}

TEST_P(FormatsTest, BatchesSayHowManySamplesTheyHold) {
  const std::size_t slots = slots_of(context_);
  const auto write = [&](std::vector<std::size_t> shape) {
    return write_ciphertexts({header_, {Content::kBatch, std::move(shape)}, encrypted(3)});
  };
  for (const std::size_t samples : {std::size_t{1}, slots}) {
    const base::Bytes bytes = write({samples}).value();
    EXPECT_EQ(parse_ciphertexts(bytes, contexts_)->layout, (Layout{Content::kBatch, {samples}}));
  }
  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{}, {0}, {slots + 1}, {1, 1}}) {
    EXPECT_EQ(write(shape).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(FormatsTest, EvaluationKeysFromAMappedFileDoWhatTheOriginalsDo) {
  const auto path = folder_ / "eval.bpek";
  const EvaluationKeySelection selection{.relinearization = true, .rotations = {1, -3, 1, 0}, .conjugation = true};
  crypto::Csprng random(std::array<std::uint8_t, 32>{9}), again(std::array<std::uint8_t, 32>{9});
  const std::size_t size =
      generate_evaluation_keys(path, header_, secret_, selection, random, base::Overwrite::kRefuse).value();
  EXPECT_EQ(size, std::filesystem::file_size(path));
  EXPECT_EQ(generate_evaluation_keys(path, header_, secret_, selection, random, base::Overwrite::kRefuse).error().code,
            ErrorCode::kInvalidArgument);

  const EvaluationKeyFile file = EvaluationKeyFile::open(path, contexts_).value();
  ASSERT_EQ(file.entries().size(), 4u);
  EXPECT_EQ(file.header().key_id, header_.key_id);
  const std::uint64_t multiplier = error_multiplier_of(context_);
  for (const EvaluationKeyEntry& entry : file.entries()) {
    const rlwe::KeySwitchKey expected =
        entry.element == 0 ? rlwe::make_relinearization_key(secret_, entry.q_limbs, multiplier, again)
                           : rlwe::make_galois_key(secret_, entry.element, entry.q_limbs, multiplier, again).key;
    const rlwe::KeySwitchKey loaded =
        entry.element == 0 ? file.load_relinearization_key().value() : file.load_galois_key(entry.element).value().key;
    ASSERT_EQ(loaded.b.size(), expected.b.size());
    for (std::size_t digit = 0; digit < expected.b.size(); ++digit) {
      expect_equal(loaded.b[digit], expected.b[digit]);
      expect_equal(loaded.a[digit], expected.a[digit]);
    }
  }
  EXPECT_EQ(file.load_galois_keys()->by_element().size(), 3u);
  EXPECT_EQ(file.load_galois_key(3).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(FormatsTest, DamagedEvaluationKeysAreRefused) {
  const auto path = folder_ / "eval.bpek";
  ASSERT_TRUE(generate_evaluation_keys(path, header_, secret_, {}, random_, base::Overwrite::kAllow).ok());
  const base::Bytes bytes = base::read_file(path, std::size_t{1} << 30).value();
  const std::size_t values = bytes.size() - evaluation_key_bytes(*ring_of(context_), ring_of(context_)->q_count());
  ASSERT_TRUE(EvaluationKeyFile::parse(bytes, contexts_)->load_relinearization_key().ok());
  for (std::size_t i = 0; i < values; ++i) {
    base::Bytes altered = bytes;
    altered[i] ^= 1;
    EXPECT_FALSE(EvaluationKeyFile::parse(altered, contexts_).ok()) << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, values - 1, values, bytes.size() - 1}) {
    EXPECT_FALSE(EvaluationKeyFile::parse(base::ByteSpan(bytes).first(size), contexts_).ok()) << size;
  }
  base::Bytes altered = bytes;
  altered[values + 6] = 255;  // far beyond any modulus, and the digest notices first
  EXPECT_EQ(EvaluationKeyFile::parse(altered, contexts_)->load_relinearization_key().error().code, ErrorCode::kMalformed);
  // With digest and checksum made to fit, the range is what is left to notice.
  std::size_t table_end = values;
  while (!checked(base::ByteSpan(bytes).first(table_end), "").ok()) --table_end;
  std::ranges::copy(crypto::sha256(base::ByteSpan(altered).subspan(values)), altered.begin() + static_cast<std::ptrdiff_t>(table_end) - 64);
  std::ranges::copy(crypto::sha256(base::ByteSpan(altered).first(table_end - kChecksumBytes)),
                    altered.begin() + static_cast<std::ptrdiff_t>(table_end) - 32);
  const auto reader = EvaluationKeyFile::parse(altered, contexts_);
  ASSERT_TRUE(reader.ok()) << reader.error().message();
  EXPECT_NE(reader->load_relinearization_key().error().message().find("not below its modulus"), std::string::npos);
}

// Whatever a sender makes of a file: it is refused, or it is the one encoding of what it says.
TEST_P(FormatsTest, AlteredFilesAreRefusedOrCanonical) {
  const base::Bytes secret = write_secret_key(header_, secret_, nullptr).value();
  const base::Bytes pk = write_public_key(header_, rlwe::PublicKey::generate(secret_, error_multiplier_of(context_), random_));
  const base::Bytes fresh = write_ciphertexts({header_, {}, encrypted(2)}).value();
  const base::Bytes sum = write_ciphertexts({header_, {}, added(encrypted(2))}).value();
  std::size_t accepted = 0;
  const auto check = [&](const base::Bytes& bytes) {
    const auto kind = kind_of(bytes);
    if (!kind.ok()) return;
    if (*kind == Kind::kSecretKey) {
      const auto read = parse_secret_key(bytes, contexts_, no_passphrase);
      if (read.ok()) {
        EXPECT_EQ(write_secret_key(read->header, read->key, nullptr).value(), bytes);
      }
      accepted += read.ok();
    } else if (*kind == Kind::kPublicKey) {
      const auto read = parse_public_key(bytes, contexts_);
      if (read.ok()) {
        EXPECT_EQ(write_public_key(read->header, read->key), bytes);
      }
      accepted += read.ok();
    } else if (*kind == Kind::kCiphertexts) {
      const auto read = parse_ciphertexts(bytes, contexts_);
      if (read.ok()) {
        EXPECT_EQ(write_ciphertexts(*read).value(), bytes);
      }
      accepted += read.ok();
    }
  };
  for (const base::Bytes* original : {&secret, &pk, &fresh, &sum}) {
    base::Bytes damaged = *original;
    damaged[damaged.size() / 2] ^= 1;
    EXPECT_FALSE(parse_secret_key(damaged, contexts_, no_passphrase).ok() || parse_public_key(damaged, contexts_).ok() ||
                 parse_ciphertexts(damaged, contexts_).ok());
    for (std::size_t i = 0; i + kChecksumBytes < original->size(); ++i) {
      for (const std::uint8_t flip : {std::uint8_t{0x01}, std::uint8_t{0x80}, std::uint8_t{0xff}}) {
        base::Bytes altered = *original;
        altered[i] ^= flip;
        check(resealed(std::move(altered)));
      }
      base::Bytes cut(original->begin(), original->begin() + static_cast<std::ptrdiff_t>(i));
      cut.resize(i + kChecksumBytes);
      check(resealed(std::move(cut)));
    }
    base::Bytes longer = *original;
    longer.push_back(0);
    const std::size_t before = accepted;
    check(resealed(std::move(longer)));
    EXPECT_EQ(accepted, before);
  }
  EXPECT_GT(accepted, 100u) << "the test must reach the contents";
}

TEST_P(FormatsTest, AFileOfAnotherKindIsNamed) {
  const base::Bytes secret = write_secret_key(header_, secret_, nullptr).value();
  EXPECT_EQ(kind_of(secret).value(), Kind::kSecretKey);
  EXPECT_NE(parse_ciphertexts(secret, contexts_).error().message().find("holds secret key, not ciphertexts"), std::string::npos);
  EXPECT_EQ(kind_of(base::as_bytes("BPX")).error().code, ErrorCode::kMalformed);
  base::Bytes future = secret;
  future[4] = 2;
  EXPECT_EQ(parse_secret_key(resealed(future), contexts_, no_passphrase).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace blindproof::fhe::formats
