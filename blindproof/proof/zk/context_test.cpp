#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "blindproof/proof/zk/dishonest_prover_test_support.h"
#include "blindproof/testing/equivocation.h"

namespace blindproof::proof::zk {
namespace {

Fr number(std::int64_t value) { return Fr::from_i64(value); }

void expect_accepted(const Protocol& protocol) {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, std::vector<std::string>());
  EXPECT_TRUE(result.verdict.ok()) << result.verdict.error().message();
}

void expect_refused(const Protocol& protocol, const std::vector<std::string>& violated) {
  const Attempt result = attempt(protocol);
  EXPECT_EQ(result.violated, violated);
  ASSERT_FALSE(result.verdict.ok());
  EXPECT_EQ(place_of(result.verdict), "sigma");
}

// a, b, a*b + error, committed one by one.
Protocol product(std::size_t count, std::int64_t error) {
  return [=](Context& context) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t a = static_cast<std::int64_t>(i) - 3, b = 7 * a + 1;
      const std::vector<Fr> values = {number(a), number(b), number(a * b + (i + 1 == count ? error : 0))};
      const auto s = context.commit("message " + std::to_string(i), 3, context.proving() ? std::span<const Fr>(values) : std::span<const Fr>());
      context.require_zero("product " + std::to_string(i), -s[2], {{s[0], s[1]}});
    }
  };
}

TEST(Context, EmptyProtocolIsAccepted) {
  expect_accepted([](Context&) {});
}

TEST(Context, OneLinearRecord) {
  for (const std::int64_t error : {0, 1}) {
    const Protocol protocol = [=](Context& context) {
      const Scalar s = context.commit_one("s", number(5 + error));
      context.require_zero("five", s * number(2) - number(10));
    };
    error == 0 ? expect_accepted(protocol) : expect_refused(protocol, {"five"});
  }
}

TEST(Context, PublicConstantsAlone) {
  expect_accepted([](Context& context) { context.require_zero("zero", Scalar(number(0))); });
  expect_refused([](Context& context) { context.require_zero("one", Scalar(number(1))); }, {"one"});
}

TEST(Context, RecordsDontCancelEachOther) {
  expect_refused(
      [](Context& context) {
        const Scalar a = context.commit_one("a", number(1)), b = context.commit_one("b", number(-1));
        context.require_zero("a is zero", a);
        context.require_zero("b is zero", b);
      },
      {"a is zero", "b is zero"});
}

TEST(Context, FactorsOfPublicConstants) {
  expect_accepted([](Context& context) {
    const Scalar a = context.commit_one("a", number(6));
    context.require_zero("twelve", Scalar(number(-12)), {{a, Scalar(number(2))}});
  });
}

TEST(Context, ProductsAroundTheWidthOfAMessage) {
  for (const std::size_t count : std::vector<std::size_t>{1, 2, 1023, 1024, 1025, 2100}) {
    expect_accepted(product(count, 0));
    expect_refused(product(count, 1), {"product " + std::to_string(count - 1)});
  }
}

TEST(Context, SlotsOfOneMessageDontMix) {
  expect_refused(
      [](Context& context) {
        const std::vector<Fr> values = {number(1), number(2), number(3), number(4)};
        const auto s = context.commit("m", 4, context.proving() ? std::span<const Fr>(values) : std::span<const Fr>());
        context.require_zero("exchanged", s[0] - number(2));
        context.require_zero("exchanged too", s[1] - number(1));
      },
      {"exchanged", "exchanged too"});
}

// ------------------------------------------------------------------ openings

struct Opened {
  std::vector<std::size_t> axes;
  bool in_statement;
  std::size_t claims;
};

// Tensors with random cells, each opened at random points.
Protocol openings(std::vector<Opened> tensors, std::int64_t error = 0) {
  struct Data {
    std::vector<std::int32_t> cells;
    TensorCommitment commitment;
    TensorSecret secret;
  };
  auto all = std::make_shared<std::vector<Data>>();
  std::mt19937_64 random(7);
  for (const Opened& o : tensors) {
    Data data;
    const TensorLayout layout(o.axes);
    for (std::size_t i = 0; i < layout.cells(); ++i) data.cells.push_back(static_cast<std::int32_t>(random() % 4001) - 2000);
    for (std::size_t r = 0; r < layout.rows(); ++r) data.secret.blinds.push_back(Fr::from_u64(random()));
    all->push_back(std::move(data));
    Data& d = all->back();
    d.commitment = {layout, commit::commit_rows(Generators::standard(), layout, std::span<const std::int32_t>(d.cells), d.secret.blinds)};
  }
  for (Data& d : *all) d.secret.values = std::span<const std::int32_t>(d.cells);
  return [=](Context& context) {
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      Data& d = (*all)[t];
      const std::string name = "tensor " + std::to_string(t);
      const TensorId id = tensors[t].in_statement
                              ? context.add_tensor(name, d.commitment, context.proving() ? &d.secret : nullptr)
                              : context.commit_tensor(name, d.commitment.layout, context.proving() ? &d.secret.values : nullptr);
      for (std::size_t c = 0; c < tensors[t].claims; ++c) {
        const std::string claim = name + " claim " + std::to_string(c);
        const Point z = context.challenge_point(claim + " point", d.commitment.layout.bits());
        const bool last = t + 1 == tensors.size() && c + 1 == tensors[t].claims;
        context.open(id, z, context.commit_one(claim, commit::evaluate(d.commitment.layout, d.secret.values, z) + number(last ? error : 0)));
      }
    }
  };
}

TEST(Openings, OfEverySize) {
  for (const std::vector<std::size_t>& axes : std::vector<std::vector<std::size_t>>{
           {1}, {2}, {3}, {7}, {8}, {1, 1}, {3, 5, 2}, {2047}, {2048}, {2049}, {4100}, {33, 100}, {5, 3000}, {130, 20, 3}}) {
    for (const bool in_statement : {false, true}) {
      expect_accepted(openings({{axes, in_statement, 1}}));
      expect_refused(openings({{axes, in_statement, 1}}, 1), {"opening"});
    }
  }
}

TEST(Openings, OfManyTensorsTogether) {
  const std::vector<Opened> mixed = {{{1}, true, 1}, {{7}, false, 2}, {{4100}, true, 1}, {{3, 5}, true, 3}, {{33, 100}, false, 2}, {{2}, true, 1}};
  expect_accepted(openings(mixed));
  expect_refused(openings(mixed, 1), {"opening"});
}

TEST(Openings, WithoutAnyClaimATensorIsJustCommitted) { expect_accepted(openings({{{100}, false, 0}})); }

TEST(Openings, ErrorsOfTwoClaimsDontCancel) {
  const Protocol protocol = [](Context& context) {
    static const std::vector<std::int32_t> cells = {1, 2, 3};
    const IntegerSpan values = std::span<const std::int32_t>(cells);
    const TensorId a = context.commit_tensor("a", TensorLayout({3}), context.proving() ? &values : nullptr);
    const TensorId b = context.commit_tensor("b", TensorLayout({3}), context.proving() ? &values : nullptr);
    const Point z = context.challenge_point("z", 2);
    const Fr value = commit::evaluate(TensorLayout({3}), values, z);
    context.open(a, z, context.commit_one("claim a", value + number(1)));
    context.open(b, z, context.commit_one("claim b", value - number(1)));
  };
  expect_refused(protocol, {"opening"});
}

TEST(Openings, RowsMayBeTheIdentity) {
  const std::vector<std::int8_t> zeros(5);
  const TensorLayout layout({5});
  const TensorCommitment commitment{layout, {G1Affine::identity()}};
  const TensorSecret secret{std::span<const std::int8_t>(zeros), {Fr::zero()}};
  expect_accepted([&](Context& context) {
    const TensorId id = context.add_tensor("zeros", commitment, context.proving() ? &secret : nullptr);
    context.open(id, context.challenge_point("z", 3), context.commit_one("claim", Fr::zero()));
  });
}

TEST(Openings, JunkInPaddingCellsIsRefused) {
  // A row of three cells with junk in the fourth column, opened by a prover who leaves the junk out.
  const std::vector<std::int32_t> junk = {5, -6, 7, 1000};
  const std::vector<std::int32_t> cells = {5, -6, 7};
  const Fr blind = Fr::from_u64(99);
  const TensorLayout three({3}), four({4});
  const auto rows = commit::commit_rows(Generators::standard(), four, std::span<const std::int32_t>(junk), std::vector<Fr>{blind});
  const TensorCommitment commitment{three, rows};
  const TensorSecret secret{std::span<const std::int32_t>(cells), {blind}};
  const Attempt result = attempt([&](Context& context) {
    const TensorId id = context.add_tensor("t", commitment, context.proving() ? &secret : nullptr);
    const Point z = context.challenge_point("z", 2);
    context.open(id, z, context.commit_one("claim", commit::evaluate(three, secret.values, z)));
  });
  EXPECT_TRUE(result.violated.empty());
  EXPECT_EQ(place_of(result.verdict), "sigma");
}

// ------------------------------------------------------------------ Fiat-Shamir

Fr challenge_after(const Protocol& protocol) {
  DishonestProver prover("test");
  protocol(prover);
  return prover.challenge("at last");
}

TEST(Challenges, DependOnEverythingBefore) {
  static const std::vector<std::int32_t> cells = {1, 2, 3}, other_cells = {1, 2, 4};
  const auto protocol = [](const char* label, std::uint8_t data, std::int64_t value, const std::vector<std::int32_t>& tensor) {
    return [=](Context& context) {
      context.absorb(label, std::array<std::uint8_t, 1>{data});
      context.commit_one("message", number(value));
      const IntegerSpan values = std::span<const std::int32_t>(tensor.data() == cells.data() ? cells : other_cells);
      context.commit_tensor("tensor", TensorLayout({3}), &values);
    };
  };
  const Fr base = challenge_after([&](Context& c) { protocol("a", 1, 5, cells)(c); });
  EXPECT_EQ(base, challenge_after([&](Context& c) { protocol("a", 1, 5, cells)(c); }));
  EXPECT_NE(base, challenge_after([&](Context& c) { protocol("b", 1, 5, cells)(c); }));
  EXPECT_NE(base, challenge_after([&](Context& c) { protocol("a", 2, 5, cells)(c); }));
  EXPECT_NE(base, challenge_after([&](Context& c) { protocol("a", 1, 6, cells)(c); }));
  const auto tensor_alone = [](const std::vector<std::int32_t>& tensor) {
    return challenge_after([&](Context& context) {
      const IntegerSpan values = std::span<const std::int32_t>(tensor);
      context.commit_tensor("tensor", TensorLayout({3}), &values);
    });
  };
  EXPECT_NE(tensor_alone(cells), tensor_alone(other_cells));
}

using Digest = std::array<std::uint8_t, 64>;

TEST(Challenges, OfAnotherProtocolDiffer) {
  DishonestProver one("one"), two("two");
  EXPECT_NE(one.challenge("x"), two.challenge("x"));
}

TEST(Challenges, LabelsAreUsedOnce) {
  DishonestProver prover("test");
  (void)prover.challenge("x");
  EXPECT_DEATH((void)prover.challenge("x"), "label");
}

// The weights of the group equations must come after the last response: who knows the first weight before can shift one
// response so that its error cancels that of a false record.
class FoldForger : public ProverContext {
 public:
  FoldForger(testing::RecordingBlinds& blinds, bool broken) : ProverContext(Generators::standard(), "test", blinds), blinds_(blinds), broken_(broken) {}

 protected:
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
    base::Bytes bytes(sent.begin(), sent.end());
    if (kind == Kind::kPoint) {
      before_point_.push_back(transcript_);
      points_sent_.push_back(bytes);
    } else {
      if (!started_) {
        started_ = true;
        before_responses_ = transcript_;
        const auto forged = *Fr::from_bytes(std::span<const std::uint8_t, 32>(bytes.data(), 32)) + shift();
        const auto encoded = forged.to_bytes();
        bytes.assign(encoded.begin(), encoded.end());
      }
      if (broken_) transcript_ = before_responses_;
    }
    ProverContext::exchange(kind, bytes, out);
  }

 private:
  Fr shift() {
    // Points end in D of every group, T1, T0; before them AB, if there is one.
    commit::Transcript transcript = before_point_.back();
    transcript.absorb("T0", points_sent_.back());
    const Fr e = transcript.challenge("sigma e");
    const std::size_t groups = 5;  // no product, no opening
    transcript = before_point_[before_point_.size() - 3 - groups];
    transcript.absorb("s", points_sent_[points_sent_.size() - 3 - groups]);
    const Fr gamma = transcript.challenge("gamma");
    Fr error, power = gamma;
    for (const Record& r : records_) {
      error += power * r.linear.value();
      power *= gamma;
    }
    commit::Transcript after = before_responses_;
    if (broken_) after.absorb("z T blind", (e * blinds_.blinded("T1").blind + blinds_.blinded("T0").blind).to_bytes());
    const Fr fold = after.challenge("fold");
    return -(e.squared() * error * (fold + e).inverse());
  }

  testing::RecordingBlinds& blinds_;
  bool broken_, started_ = false;
  std::vector<commit::Transcript> before_point_;
  std::vector<base::Bytes> points_sent_;
  commit::Transcript before_responses_{"none"};
};

// Forgets all responses but the last when it draws the weights.
class ForgetfulVerifier : public VerifierContext {
 public:
  explicit ForgetfulVerifier(base::ByteSpan proof) : VerifierContext(Generators::standard(), "test", proof) {}

 protected:
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
    if (kind == Kind::kScalar) {
      if (!started_) before_responses_ = transcript_;
      started_ = true;
      transcript_ = before_responses_;
    }
    VerifierContext::exchange(kind, sent, out);
  }

 private:
  bool started_ = false;
  commit::Transcript before_responses_{"none"};
};

const Protocol kFalse = [](Context& context) {
  const Scalar s = context.commit_one("s", number(1));
  context.require_zero("one is zero", s);
};

TEST(FoldWeights, DrawnBeforeTheResponsesWouldAcceptAForgery) {
  testing::RecordingBlinds blinds;
  FoldForger forger(blinds, true);
  kFalse(forger);
  const base::Bytes proof = forger.finish();
  ForgetfulVerifier control(proof);
  kFalse(control);
  EXPECT_TRUE(control.finish().ok());
  EXPECT_EQ(place_of(verify(kFalse, proof)), "sigma");
}

TEST(FoldWeights, AreDrawnAfterTheResponses) {
  testing::RecordingBlinds blinds;
  FoldForger forger(blinds, false);
  kFalse(forger);
  EXPECT_EQ(place_of(verify(kFalse, forger.finish())), "sigma");
}

// Errors of the first moves of two groups with opposite signs would cancel under one weight.
class FirstMoveForger : public DishonestProver {
 public:
  FirstMoveForger() : DishonestProver("test") {}

 protected:
  void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
    std::array<std::uint8_t, 32> bytes{};
    std::copy(sent.begin(), sent.end(), bytes.begin());
    const G1 h(generators_.h());
    // Of eight points: the message, D of five groups, T1, T0.
    if (kind == Kind::kPoint && (points_ == 1 || points_ == 2)) {
      const G1 point(*curve::decode(bytes));
      bytes = curve::encode((points_ == 1 ? point + h : point - h).to_affine());
    }
    DishonestProver::exchange(kind, bytes, out);
  }
};

TEST(FoldWeights, DifferForEachGroup) {
  const Protocol protocol = [](Context& context) { context.require_zero("zero", context.commit_one("s", number(0))); };
  FirstMoveForger forger;
  protocol(forger);
  EXPECT_EQ(place_of(verify(protocol, forger.finish())), "sigma");
}

// Messages that no record speaks of must be openable too: a shift of one by a generator of no slot can't hide behind the
// opposite shift of another.
TEST(Knowledge, IsShownOfEveryMessage) {
  class Forger : public DishonestProver {
   public:
    Forger() : DishonestProver("test") {}

   protected:
    void exchange(Kind kind, base::ByteSpan sent, std::span<std::uint8_t, 32> out) override {
      std::array<std::uint8_t, 32> bytes{};
      std::copy(sent.begin(), sent.end(), bytes.begin());
      if (kind == Kind::kPoint && points_ < 2) {
        const G1 point(*curve::decode(bytes)), junk(generators_.g()[7]);
        bytes = curve::encode((points_ == 0 ? point + junk : point - junk).to_affine());
      }
      DishonestProver::exchange(kind, bytes, out);
    }
  };
  const Protocol protocol = [](Context& context) {
    context.commit_one("first", number(1));
    context.commit_one("second", number(2));
  };
  expect_accepted(protocol);
  Forger forger;
  protocol(forger);
  const base::Status verdict = verify(protocol, forger.finish());
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(place_of(verdict), "sigma");
}

// ------------------------------------------------------------------ what the verifier reads

TEST(Verifier, RefusesOtherLengthsAndEncodings) {
  const Protocol protocol = product(2, 0);
  const base::Bytes good = attempt(protocol).proof;
  ASSERT_TRUE(verify(protocol, good).ok());
  base::Bytes bytes = good;
  bytes.pop_back();
  EXPECT_EQ(place_of(verify(protocol, bytes)), "proof.length");
  EXPECT_EQ(place_of(verify(protocol, {})), "proof.length");
  bytes = good;
  bytes.push_back(0);
  EXPECT_EQ(place_of(verify(protocol, bytes)), "proof.length");
  bytes = good;
  std::fill(bytes.end() - 32, bytes.end(), std::uint8_t{0xff});
  EXPECT_EQ(place_of(verify(protocol, bytes)), "proof.scalar");
  bytes = good;
  std::fill(bytes.begin(), bytes.begin() + 32, std::uint8_t{0x3f});
  EXPECT_EQ(place_of(verify(protocol, bytes)), "proof.point");
}

}  // namespace
}  // namespace blindproof::proof::zk
