// The tamper matrix: every element, every byte and every length of proofs and files. What a parser accepts is the one encoding
// of what it returns, and what a verifier refuses it names.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "blindproof/model/model_file.h"
#include "blindproof/zkml/job_test_support.h"

namespace blindproof::zkml {
namespace {

using base::Bytes;
using base::ByteSpan;
using base::ErrorCode;
using field::Fr;
using model::Arithmetic;
using proof::zk::place_of;
using testing::GraphBuilder;

model::IntegerGraph tiny_graph() {
  GraphBuilder b(Arithmetic::kRescaled, 61);
  return b.finish(b.requantize(b.dense(b.input({2}, 0, 3), 2, 2, 0), 1, -1, 1, 2));
}

const CommittedModel& tiny_model() {
  static const std::shared_ptr<CommittedModel> model = commit_model(tiny_graph());
  return *model;
}

const RegisteredModel& tiny_registered() {
  static const RegisteredModel model = *RegisteredModel::check(tiny_model().shared_key());
  return model;
}

InferenceProof tiny_proof(bool hidden) {
  const auto outcome = prove_inference(tiny_model(), std::vector<std::int64_t>{3, 1}, {hidden, hidden, {'c', 't', 'x'}});
  BLINDPROOF_CHECK(outcome.ok(), "a good proof");
  return outcome->proof;
}

// What to do with a proof: verify an inference or a registration.
struct Target {
  std::string name;
  Bytes proof;
  std::size_t points;  // elements that are points: they come first
  std::string prefix;  // of places
  std::function<base::Status(const Bytes&)> verify;
};

std::vector<Target> targets() {
  std::vector<Target> all;
  for (const bool hidden : {false, true}) {
    Job job = make_job(commit_model(tiny_graph()), {3, 1}, {hidden, hidden});
    proof::zk::DishonestProver counter("test");
    job.protocol()(counter);
    counter.finish();
    const InferenceProof good = tiny_proof(hidden);
    all.push_back({hidden ? "hidden" : "public", good.proof, counter.point_count(), "", [good](const Bytes& bytes) {
                     InferenceProof proof = good;
                     proof.proof = bytes;
                     return verify_inference(tiny_registered(), proof);
                   }});
  }
  proof::zk::DishonestProver counter("test");
  run_registration(counter, tiny_model().key(), &tiny_model().secrets());
  counter.finish();
  all.push_back({"registration", tiny_model().key().registration, counter.point_count(), "registration.", [](const Bytes& bytes) -> base::Status {
                   auto key = std::make_shared<ModelKey>(tiny_model().key());
                   key->registration = bytes;
                   BLINDPROOF_TRY(RegisteredModel::check(key));
                   return {};
                 }});
  return all;
}

std::span<std::uint8_t, 32> element(Bytes& proof, std::size_t index) {
  return std::span<std::uint8_t, 32>(proof.data() + 32 * index, 32);
}

void put(std::span<std::uint8_t, 32> place, const std::array<std::uint8_t, 32>& bytes) { std::copy(bytes.begin(), bytes.end(), place.begin()); }

// 256-bit sum of a little-endian number and limbs.
void add(std::span<std::uint8_t, 32> place, const field::Limbs& limbs) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += place[i] + static_cast<unsigned>(limbs[i / 8] >> (8 * (i % 8)) & 0xff);
    place[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

void expect(const Target& target, const Bytes& proof, ErrorCode code, const std::string& place, const std::string& what) {
  const base::Status verdict = target.verify(proof);
  ASSERT_FALSE(verdict.ok()) << target.name << ": " << what;
  EXPECT_EQ(verdict.error().code, code) << target.name << ": " << what;
  EXPECT_EQ(place_of(verdict), target.prefix + place) << target.name << ": " << what;
}

TEST(TamperedProof, GoodOnesAreAccepted) {
  for (const Target& target : targets()) {
    EXPECT_TRUE(target.verify(target.proof).ok()) << target.name;
    EXPECT_EQ(target.proof.size() % 32, 0u);
    EXPECT_LT(target.points, target.proof.size() / 32);
  }
}

TEST(TamperedProof, EveryElementPlusADeltaIsRefused) {
  for (const Target& target : targets()) {
    for (std::size_t i = 0; i < target.proof.size() / 32; ++i) {
      Bytes proof = target.proof;
      const auto place = element(proof, i);
      if (i < target.points) {
        const auto point = curve::decode(place);
        ASSERT_TRUE(point);
        put(place, curve::encode((curve::G1(*point) + Generators::standard().g()[i % 4]).to_affine()));
      } else {
        const auto scalar = Fr::from_bytes(place);
        ASSERT_TRUE(scalar);
        put(place, (*scalar + Fr::one()).to_bytes());
      }
      expect(target, proof, ErrorCode::kRejected, "sigma", "element " + std::to_string(i));
    }
  }
}

TEST(TamperedProof, EveryElementExchangedWithItsNeighbourIsRefused) {
  for (const Target& target : targets()) {
    for (std::size_t i = 0; i + 1 < target.proof.size() / 32; ++i) {
      if (i + 1 == target.points) continue;  // a point and a scalar
      Bytes proof = target.proof;
      std::swap_ranges(element(proof, i).begin(), element(proof, i).end(), element(proof, i + 1).begin());
      expect(target, proof, ErrorCode::kRejected, "sigma", "elements from " + std::to_string(i));
    }
  }
}

TEST(TamperedProof, OtherEncodingsAreRefused) {
  for (const Target& target : targets()) {
    for (std::size_t i = 0; i < target.proof.size() / 32; ++i) {
      Bytes proof = target.proof;
      const auto place = element(proof, i);
      if (i >= target.points) {
        add(place, Fr::kModulus);
        expect(target, proof, ErrorCode::kMalformed, "proof.scalar", "scalar + r, element " + std::to_string(i));
        std::fill(place.begin(), place.end(), std::uint8_t{0xff});
        expect(target, proof, ErrorCode::kMalformed, "proof.scalar", "all ones, element " + std::to_string(i));
        continue;
      }
      const std::uint8_t odd = place[31] & 0x80;
      place[31] ^= odd;
      add(place, field::Fq::kModulus);
      place[31] |= odd;
      expect(target, proof, ErrorCode::kMalformed, "proof.point", "x + q, element " + std::to_string(i));
      std::array<std::uint8_t, 32> bytes{};
      while (curve::decode(bytes)) ++bytes[0];
      put(place, bytes);
      expect(target, proof, ErrorCode::kMalformed, "proof.point", "off the curve, element " + std::to_string(i));
      bytes = {1};
      bytes[31] = 0x40;
      put(place, bytes);
      expect(target, proof, ErrorCode::kMalformed, "proof.point", "identity with coordinates, element " + std::to_string(i));
      bytes = {};
      bytes[31] = 0xc0;
      put(place, bytes);
      expect(target, proof, ErrorCode::kMalformed, "proof.point", "odd identity, element " + std::to_string(i));
      bytes[31] = 0x40;
      put(place, bytes);
      expect(target, proof, ErrorCode::kRejected, "sigma", "identity, element " + std::to_string(i));
    }
  }
}

TEST(TamperedProof, OtherLengthsAreRefused) {
  for (const Target& target : targets()) {
    const auto cut = [&](std::size_t size) { return Bytes(target.proof.begin(), target.proof.begin() + static_cast<std::ptrdiff_t>(size)); };
    for (std::size_t size = 0; size < target.proof.size(); size += 32)
      expect(target, cut(size), ErrorCode::kMalformed, "proof.length", "cut to " + std::to_string(size));
    for (std::size_t size : {std::size_t{1}, std::size_t{31}, std::size_t{33}, target.proof.size() / 2 + 7, target.proof.size() - 1})
      expect(target, cut(size), ErrorCode::kMalformed, "proof.length", "cut to " + std::to_string(size));
    for (const std::size_t extra : {std::size_t{1}, std::size_t{32}, std::size_t{1000}}) {
      Bytes proof = target.proof;
      proof.resize(proof.size() + extra);
      expect(target, proof, ErrorCode::kMalformed, "proof.length", std::to_string(extra) + " bytes more");
    }
  }
}

// ------------------------------------------------------------------ files

// Every bit of the first `thorough` bytes, one bit of each byte after them.
void for_each_flip(const Bytes& good, std::size_t thorough, const std::function<void(const Bytes&, std::size_t)>& body) {
  Bytes bytes = good;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      if (i >= thorough && bit != (i * 5) % 8) continue;
      bytes[i] ^= static_cast<std::uint8_t>(1u << bit);
      body(bytes, i);
      bytes[i] = good[i];
    }
  }
}

template <class Parse>
void expect_total(const Bytes& good, const Parse& parse) {
  EXPECT_TRUE(parse(good).ok());
  for (std::size_t size = 0; size < good.size(); size += size < 300 ? 1 : 61) {
    const auto result = parse(ByteSpan(good).first(size));
    ASSERT_FALSE(result.ok()) << size;
    EXPECT_TRUE(result.error().code == ErrorCode::kMalformed || result.error().code == ErrorCode::kLimit)
        << size << ": " << result.error().message();
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(parse(longer).ok());
}

TEST(TamperedFile, InferenceProof) {
  for (const bool hidden : {false, true}) {
    const InferenceProof proof = tiny_proof(hidden);
    const Bytes good = write_inference_proof(proof);
    expect_total(good, parse_inference_proof);
    const std::size_t statement = good.size() - proof.proof.size();
    for_each_flip(good, statement, [&](const Bytes& bytes, std::size_t i) {
      const auto parsed = parse_inference_proof(bytes);
      if (!parsed.ok()) return;
      EXPECT_EQ(write_inference_proof(*parsed), bytes) << "byte " << i;
      // A few bytes of each element are enough: the verifier reads all of them into one transcript.
      if (i >= statement && (i - statement) % 32 % 9 != 0) return;
      EXPECT_FALSE(verify_inference(tiny_registered(), *parsed).ok()) << "byte " << i;
    });
  }
}

TEST(TamperedFile, ModelKey) {
  const Bytes good = write_model_key(tiny_model().key());
  expect_total(good, parse_model_key);
  const std::size_t head = good.size() - tiny_model().key().registration.size();
  for_each_flip(good, head, [&](const Bytes& bytes, std::size_t i) {
    auto parsed = parse_model_key(bytes);
    if (!parsed.ok()) return;
    EXPECT_EQ(write_model_key(*parsed), bytes) << "byte " << i;
    if (i >= head && (i - head) % 32 % 9 != 0) return;
    EXPECT_EQ(parsed->id == tiny_model().key().id, i >= head) << "byte " << i;
    const auto registered = RegisteredModel::check(std::make_shared<ModelKey>(std::move(*parsed)));
    ASSERT_FALSE(registered.ok()) << "byte " << i;
    EXPECT_EQ(registered.error().place.substr(0, 13), "registration.");
  });
}

TEST(TamperedFile, Opening) {
  for (const bool hidden : {false, true}) {
    const auto outcome = prove_inference(tiny_model(), std::vector<std::int64_t>{3, 1}, {hidden, hidden, {}});
    ASSERT_TRUE(outcome.ok());
    const Bytes good = write_opening(outcome->opening);
    expect_total(good, parse_opening);
    for_each_flip(good, good.size(), [&](const Bytes& bytes, std::size_t i) {
      const auto parsed = parse_opening(bytes);
      if (!parsed.ok()) return;
      EXPECT_EQ(write_opening(*parsed), bytes) << "byte " << i;
      EXPECT_FALSE(check_opening(tiny_model().key(), outcome->proof.statement, *parsed).ok()) << "byte " << i;
    });
  }
}

TEST(TamperedFile, Model) {
  const Bytes good = model::write_model_file({tiny_graph(), {1, 2, 3}, std::nullopt});
  expect_total(good, model::parse_model_file);
  for_each_flip(good, good.size(), [&](const Bytes& bytes, std::size_t i) {
    const auto parsed = model::parse_model_file(bytes);
    if (!parsed.ok()) return;
    EXPECT_EQ(model::write_model_file(*parsed), bytes) << "byte " << i;
  });
}

// ------------------------------------------------------------------ statements

TEST(TamperedStatement, AnotherContextIsRefused) {
  InferenceProof proof = tiny_proof(false);
  for (const Bytes& context : {Bytes{}, Bytes{'c', 't'}, Bytes{'c', 't', 'x', 0}, Bytes{'c', 't', 'y'}}) {
    proof.statement.context = context;
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), "sigma");
  }
}

TEST(TamperedStatement, AnotherModelIsRefused) {
  const auto other = commit_model(tiny_graph(), 2);
  const auto registered = RegisteredModel::check(other->shared_key());
  ASSERT_TRUE(registered.ok());
  InferenceProof proof = tiny_proof(false);
  const base::Status mismatch = verify_inference(*registered, proof);
  EXPECT_EQ(mismatch.error().code, ErrorCode::kMismatch);
  EXPECT_EQ(place_of(mismatch), "statement.model");
  proof.statement.model = other->key().id;
  EXPECT_EQ(place_of(verify_inference(*registered, proof)), "sigma");
}

TEST(TamperedStatement, AnotherRegistrationIsRefused) {
  const auto other = commit_model(tiny_graph(), 2);
  auto key = std::make_shared<ModelKey>(tiny_model().key());
  key->registration = other->key().registration;
  EXPECT_EQ(place_of(RegisteredModel::check(key)), "registration.sigma");
}

TEST(TamperedStatement, AnotherInputOrOutputIsRefused) {
  for (VisibleTensor Statement::*which : {&Statement::input, &Statement::output}) {
    const char* place = which == &Statement::input ? "statement.input" : "statement.output";
    InferenceProof proof = tiny_proof(false);
    std::swap((proof.statement.*which).values[0], (proof.statement.*which).values[1]);
    ASSERT_NE((proof.statement.*which).values[0], (proof.statement.*which).values[1]);
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), "sigma");
    proof = tiny_proof(false);
    (proof.statement.*which).values.push_back(0);
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), place);
    (proof.statement.*which).values.clear();
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), place);
    // A value and its sum with the field's order can't both be written: 128 bits are fewer.
    proof = tiny_proof(true);
    auto& rows = (proof.statement.*which).rows;
    rows[0] = curve::G1Affine::identity();
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), "sigma");
    rows.push_back(curve::G1Affine::identity());
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), place);
    rows.clear();
    EXPECT_EQ(place_of(verify_inference(tiny_registered(), proof)), place);
  }
}

TEST(TamperedStatement, VisibilityIsPartOfIt) {
  InferenceProof proof = tiny_proof(false);
  proof.statement.input.hidden = true;
  proof.statement.input.rows = tiny_proof(true).statement.input.rows;
  EXPECT_FALSE(verify_inference(tiny_registered(), proof).ok());
  proof = tiny_proof(true);
  proof.statement.output.hidden = false;
  proof.statement.output.values = tiny_proof(false).statement.output.values;
  EXPECT_FALSE(verify_inference(tiny_registered(), proof).ok());
}

TEST(TamperedStatement, OpeningsBelongToOneStatement) {
  const auto one = prove_inference(tiny_model(), std::vector<std::int64_t>{3, 1}, {true, true, {}});
  const auto two = prove_inference(tiny_model(), std::vector<std::int64_t>{3, 1}, {true, true, {}});
  ASSERT_TRUE(one.ok() && two.ok());
  const ModelKey& key = tiny_model().key();
  EXPECT_TRUE(check_opening(key, one->proof.statement, one->opening).ok());
  EXPECT_EQ(place_of(check_opening(key, one->proof.statement, two->opening)), "statement.input");
  Opening mixed = one->opening;
  mixed.output = two->opening.output;
  EXPECT_EQ(place_of(check_opening(key, one->proof.statement, mixed)), "statement.output");
  Opening elsewhere = one->opening;
  elsewhere.model[0] ^= 1;
  EXPECT_EQ(check_opening(key, one->proof.statement, elsewhere).error().code, ErrorCode::kMismatch);
  Statement renamed = one->proof.statement;
  renamed.model[0] ^= 1;
  EXPECT_EQ(place_of(check_opening(key, renamed, one->opening)), "statement.model");
  EXPECT_EQ(place_of(check_opening(key, tiny_proof(false).statement, one->opening)), "statement.input");
}

}  // namespace
}  // namespace blindproof::zkml
