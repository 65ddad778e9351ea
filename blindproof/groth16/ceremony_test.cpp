// Ceremonies: what contributors make verifies, and each check of the verification catches the fault that only it can.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "blindproof/base/file.h"
#include "blindproof/groth16/groth16_test_support.h"
#include "blindproof/groth16/phase2.h"
#include "blindproof/groth16/prove.h"
#include "blindproof/groth16/setup.h"

namespace blindproof::groth16 {
namespace {

constexpr int kPower = 4;
const Beacon kBeacon{{1, 2, 3, 4}, 10};

CeremonyStream fixed_stream(std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = seed;
  return CeremonyStream(bytes);
}

// A file's bytes, and where its sections begin.
class File {
 public:
  explicit File(const std::filesystem::path& path) : bytes_(base::read_file(path, 1 << 24).value()) {
    base::ByteReader reader(bytes_, "file");
    reader.raw(8);
    const std::uint32_t count = reader.u32();
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t type = reader.u32();
      const std::uint64_t size = reader.u64();
      sections_[type] = reader.position();
      reader.raw(size);
    }
  }
  std::uint8_t* at(std::uint32_t section, std::size_t offset) { return &bytes_[sections_.at(section) + offset]; }
  template <class Point>
  Point get(std::uint32_t section, std::size_t offset) {
    Point point;
    std::memcpy(&point, at(section, offset), sizeof point);
    return point;
  }
  template <class Point>
  void put(std::uint32_t section, std::size_t offset, const Point& point) {
    std::memcpy(at(section, offset), &point, sizeof point);
  }
  const base::Bytes& bytes() const { return bytes_; }

 private:
  base::Bytes bytes_;
  std::map<std::uint32_t, std::size_t> sections_;
};

std::string check_of(const base::Status& status) { return status.ok() ? "" : status.error().place; }
std::string ptau_check(const base::Bytes& bytes) {
  const auto ptau = Ptau::of(bytes, "ptau");
  return ptau.ok() ? check_of(verify_ptau(*ptau)) : "parse: " + ptau.error().detail;
}

class Ceremony : public testing::Test {
 protected:
  // 0: nobody; 1, 2: contributors; 3: beacon; 4: prepared.
  static void SetUpTestSuite() {
    folder_ = new Folder;
    ASSERT_TRUE(new_ptau(kPower, *folder_ / "0.ptau").ok());
    ASSERT_TRUE(contribute_to_ptau(ptau(0), {"one", {}}, contributor_stream("words"), *folder_ / "1.ptau").ok());
    ASSERT_TRUE(contribute_to_ptau(ptau(1), {"two", {}}, contributor_stream(), *folder_ / "2.ptau").ok());
    ASSERT_TRUE(contribute_to_ptau(ptau(2), {"beacon", kBeacon}, beacon_stream(kBeacon).value(), *folder_ / "3.ptau").ok());
    ASSERT_TRUE(prepare_ptau(ptau(3), *folder_ / "4.ptau").ok());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static std::filesystem::path path(int step) { return *folder_ / (std::to_string(step) + ".ptau").c_str(); }
  static Ptau ptau(int step) { return Ptau::open(path(step)).value(); }
  static Folder* folder_;
};
Folder* Ceremony::folder_ = nullptr;

TEST_F(Ceremony, EveryStepAfterTheFirstVerifies) {
  EXPECT_EQ(check_of(verify_ptau(ptau(0))), "contributions");
  for (int step = 1; step <= 4; ++step) EXPECT_EQ(check_of(verify_ptau(ptau(step))), "") << step;
  EXPECT_FALSE(ptau(3).prepared());
  const Ptau last = ptau(4);
  EXPECT_TRUE(last.prepared());
  ASSERT_EQ(last.contributions().size(), 3u);
  EXPECT_EQ(last.contributions()[0].origin.name, "one");
  EXPECT_EQ(last.contributions()[2].origin.beacon, kBeacon);
}

TEST_F(Ceremony, PreparedPointsAreThoseThatAreComputed) {
  for (int log_size = 0; log_size <= kPower; ++log_size) {
    EXPECT_EQ(ptau(4).lagrange_g1(kPtauAlpha1, log_size).value(), ptau(3).lagrange_g1(kPtauAlpha1, log_size).value());
    EXPECT_EQ(ptau(4).lagrange_g2(kPtauTau2, log_size).value(), ptau(3).lagrange_g2(kPtauTau2, log_size).value());
  }
  EXPECT_EQ(ptau(4).lagrange_g1(kPtauTau1, kPower + 1).value(), ptau(3).lagrange_g1(kPtauTau1, kPower + 1).value());
}

TEST_F(Ceremony, AlteredFilesAreRejectedByTheCheckThatIsForIt) {
  const G1Affine g1 = G1Affine::generator(), other1 = (g1 * Fr::from_u64(77)).to_affine();
  const G2Affine other2 = (G2Affine::generator() * Fr::from_u64(77)).to_affine();
  const auto altered = [&](auto&& alter) {
    File file(path(4));
    alter(file);
    return ptau_check(file.bytes());
  };
  EXPECT_EQ(altered([](File&) {}), "");
  // Points of the sections of powers: off the curve, another one, all of them consistently of another tau.
  for (const PtauSection section : {kPtauTau1, kPtauAlpha1, kPtauBeta1}) {
    const std::string check = "powers." + std::to_string(section);
    EXPECT_EQ(altered([&](File& f) { f.at(section, 64 * 3)[0] ^= 1; }), check);
    EXPECT_EQ(altered([&](File& f) { f.put(section, 64 * 3, other1); }), check);
    EXPECT_EQ(altered([&](File& f) { f.put(section, 0, other1); }), check);
  }
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauTau2, 128 * 3, other2); }), "powers.3");
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauBeta2, 0, other2); }), "powers.6");
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauLagrangeTau1, 64 * 9, other1); }), "prepared.12");
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauLagrangeTau2, 128 * 9, other2); }), "prepared.13");
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauLagrangeAlpha1, 64 * 9, other1); }), "prepared.14");
  EXPECT_EQ(altered([&](File& f) { f.put(kPtauLagrangeBeta1, 64 * 9, other1); }), "prepared.15");
  EXPECT_EQ(altered([&](File& f) { f.at(kPtauLagrangeBeta1, 64 * 9)[0] ^= 1; }), "prepared.15");

  // The first contribution: its points, its proofs, the challenge that it passes on.
  constexpr std::size_t kTau1 = 4, kTau2 = kTau1 + 64, kAlpha1 = kTau2 + 128, kProofs = kAlpha1 + 64 + 64 + 128, kProofs2 = kProofs + 6 * 64, kState = kProofs2 + 3 * 128,
                        kChallenge = kState + 216;
  EXPECT_EQ(altered([&](File& f) { f.put(7, kTau1, other1); }), "contribution.follows");
  EXPECT_EQ(altered([&](File& f) { f.put(7, kTau2, other2); }), "contribution.follows");
  EXPECT_EQ(altered([&](File& f) { f.put(7, kAlpha1, other1); }), "contribution.follows");
  EXPECT_EQ(altered([&](File& f) { f.at(7, kTau1)[0] ^= 1; }), "contribution.group");
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(altered([&](File& f) { f.put(7, kProofs + 64 * i, other1); }), "contribution.knowledge") << i;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(altered([&](File& f) { f.put(7, kProofs2 + 128 * i, other2); }), "contribution.knowledge") << i;
  EXPECT_EQ(altered([&](File& f) { f.at(7, kChallenge)[0] ^= 1; }), "contribution.knowledge") << "the next contributor was challenged with another hash";
}

TEST_F(Ceremony, TheLastContributionsHashIsChecked) {
  // A lone contributor may rewrite everything but the hash chain: the state of the response.
  File file(path(1));
  constexpr std::size_t kState = 4 + 64 + 128 + 64 + 64 + 128 + 6 * 64 + 3 * 128;
  file.at(7, kState + 128)[0] ^= 1;
  EXPECT_EQ(ptau_check(file.bytes()), "next challenge");
}

TEST_F(Ceremony, ABeaconMustBeWhatItGives) {
  const Beacon other{{1, 2, 3, 5}, 10};
  ASSERT_TRUE(contribute_to_ptau(ptau(1), {"", kBeacon}, beacon_stream(other).value(), *folder_ / "x.ptau").ok());
  EXPECT_EQ(check_of(verify_ptau(Ptau::open(*folder_ / "x.ptau").value())), "contribution.beacon");
  EXPECT_FALSE(beacon_stream({{}, 10}).ok());
  EXPECT_FALSE(beacon_stream({{1}, 9}).ok());
  EXPECT_FALSE(beacon_stream({{1}, 63}).ok()) << "it would take centuries";
}

TEST_F(Ceremony, ZeroAsASecretIsRejected) {
  // tau = 0: every power is the identity, and every ratio of them would hold.
  File file(path(1));
  const G1Affine none1;
  const G2Affine none2;
  for (std::size_t i = 1; i < (2u << kPower) - 1; ++i) file.put(kPtauTau1, 64 * i, none1);
  for (std::size_t i = 1; i < (1u << kPower); ++i) file.put(kPtauTau2, 128 * i, none2);
  file.put(7, 4, none1);
  file.put(7, 4 + 64, none2);
  EXPECT_EQ(ptau_check(file.bytes()), "contribution.follows");
}

TEST_F(Ceremony, KeysOfEverySizeProve) {
  for (const std::size_t squares : {1u, 5u, 12u}) {
    const Power circuit(squares);
    for (const int step : {3, 4}) {
      const auto initial = *folder_ / "initial.zkey", final = *folder_ / "final.zkey";
      ASSERT_TRUE(setup_from_ptau(circuit.r1cs, ptau(step), initial).ok());
      EXPECT_FALSE(prove(Zkey::open(initial).value(), circuit.witness).ok()) << "nobody has contributed";
      ASSERT_TRUE(contribute_to_key(Zkey::open(initial).value(), {"one", {}}, contributor_stream(), *folder_ / "1.zkey").ok());
      ASSERT_TRUE(contribute_to_key(Zkey::open(*folder_ / "1.zkey").value(), {"beacon", kBeacon}, beacon_stream(kBeacon).value(), final).ok());
      const Zkey key = Zkey::open(final).value();
      EXPECT_FALSE(key.insecure());
      EXPECT_EQ(check_of(verify_key_of_circuit(key, circuit.r1cs, ptau(step))), "");
      const auto proof = prove(key, circuit.witness);
      ASSERT_TRUE(proof.ok()) << proof.error().message();
      EXPECT_TRUE(verify(key.verification_key().value(), circuit.public_values(), *proof).ok());
    }
  }
  EXPECT_EQ(setup_from_ptau(Power(30).r1cs, ptau(4), *folder_ / "no.zkey").error().code, base::ErrorCode::kInvalidArgument) << "too few powers";
}

TEST_F(Ceremony, AlteredKeysAreRejectedByTheCheckThatIsForIt) {
  const Power circuit(5);
  const auto initial = *folder_ / "a0.zkey", first = *folder_ / "a1.zkey", final = *folder_ / "a2.zkey";
  ASSERT_TRUE(setup_from_ptau(circuit.r1cs, ptau(4), initial).ok());
  ASSERT_TRUE(contribute_to_key(Zkey::open(initial).value(), {}, contributor_stream(), first).ok());
  ASSERT_TRUE(contribute_to_key(Zkey::open(first).value(), {"beacon", kBeacon}, beacon_stream(kBeacon).value(), final).ok());
  const G1Affine other1 = (G1Affine::generator() * Fr::from_u64(77)).to_affine();
  const G2Affine other2 = (G2Affine::generator() * Fr::from_u64(77)).to_affine();
  const Ptau powers = ptau(4);
  const auto check = [&](const base::Bytes& bytes) {
    const auto key = Zkey::of(bytes, "key");
    return key.ok() ? check_of(verify_key_of_circuit(*key, circuit.r1cs, powers)) : "parse: " + key.error().detail;
  };
  const auto altered = [&](auto&& alter) {
    File file(final);
    alter(file);
    return check(file.bytes());
  };
  EXPECT_EQ(altered([](File&) {}), "");
  EXPECT_EQ(check(File(initial).bytes()), "contributions");
  constexpr std::size_t kPoints = 2 * 36 + 12;  // of the header
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyHeader, kPoints, other1); }), "powers");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyHeader, kPoints + 128 + 128, other2); }), "gamma");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyHeader, kPoints + 128 + 256, other1); }), "delta");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyHeader, kPoints + 128 + 256 + 64, other2); }), "delta");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyIc, 64, other1); }), "points.ic");
  EXPECT_EQ(altered([&](File& f) { f.at(kZkeyCoefficients, 4 + 12)[0] ^= 1; }), "coefficients");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyA, 64, other1); }), "points.a");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyB1, 64, other1); }), "points.b");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyB2, 128, other2); }), "points.b");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyC, 64, other1); }), "points.c");
  EXPECT_EQ(altered([&](File& f) { f.at(kZkeyC, 64)[0] ^= 1; }), "points.c");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyH, 64, other1); }), "points.h");
  // Contributions: the circuit's hash, then those of two contributors.
  constexpr std::size_t kFirst = 68, kTranscript = 3 * 64 + 128;
  EXPECT_EQ(altered([&](File& f) { f.at(kZkeyContributions, 0)[0] ^= 1; }), "contribution.transcript");
  EXPECT_EQ(altered([&](File& f) { f.at(kZkeyContributions, kFirst)[0] ^= 1; }), "contribution.group");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyContributions, kFirst, other1); }), "contribution.follows");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyContributions, kFirst + 64, other1); }), "contribution.transcript");
  EXPECT_EQ(altered([&](File& f) { f.put(kZkeyContributions, kFirst + 192, other2); }), "contribution.knowledge");
  EXPECT_EQ(altered([&](File& f) { f.at(kZkeyContributions, kFirst + kTranscript)[0] ^= 1; }), "contribution.transcript");

  // Whole keys of something else.
  const auto against = [&](const R1cs& r1cs, const Ptau& with) { return check_of(verify_key_of_circuit(Zkey::open(final).value(), r1cs, with)); };
  EXPECT_EQ(against(Power(9).r1cs, powers), "circuit");
  Power changed(5);
  changed.r1cs.c.factors[0] += Fr::one();
  EXPECT_EQ(against(changed.r1cs, powers), "points.c") << "C has no coefficients in the key";
  changed = Power(5);
  changed.r1cs.a.factors[0] += Fr::one();
  EXPECT_EQ(against(changed.r1cs, powers), "coefficients");
  EXPECT_EQ(against(circuit.r1cs, ptau(2)), "powers");
  ASSERT_TRUE(contribute_to_key(Zkey::open(initial).value(), {"", kBeacon}, beacon_stream({{9}, 10}).value(), *folder_ / "x.zkey").ok());
  EXPECT_EQ(check(File(*folder_ / "x.zkey").bytes()), "contribution.beacon");

  // A key that is made with the contributor's number but for another circuit's hash.
  File forged(initial);
  forged.at(kZkeyContributions, 0)[0] ^= 1;
  ASSERT_TRUE(base::write_file_atomic(*folder_ / "forged0.zkey", forged.bytes()).ok());
  ASSERT_TRUE(contribute_to_key(Zkey::open(*folder_ / "forged0.zkey").value(), {}, contributor_stream(), *folder_ / "forged.zkey").ok());
  EXPECT_EQ(check(File(*folder_ / "forged.zkey").bytes()), "circuit hash");
}

TEST_F(Ceremony, DevelopmentKeysStayInsecure) {
  const Power circuit(3);
  ASSERT_TRUE(setup_for_development(circuit.r1cs, *folder_ / "dev.zkey").ok());
  const Zkey key = Zkey::open(*folder_ / "dev.zkey").value();
  EXPECT_EQ(contribute_to_key(key, {}, contributor_stream(), *folder_ / "no.zkey").error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(check_of(verify_key_of_circuit(key, circuit.r1cs, ptau(4))), "key.development");
}

TEST_F(Ceremony, NamesAreBounded) {
  EXPECT_EQ(contribute_to_ptau(ptau(1), {std::string(65, 'x'), {}}, contributor_stream(), *folder_ / "no.ptau").error().code, base::ErrorCode::kInvalidArgument);
  ASSERT_TRUE(contribute_to_ptau(ptau(1), {std::string(64, 'x'), {}}, contributor_stream(), *folder_ / "long.ptau").ok());
  EXPECT_EQ(Ptau::open(*folder_ / "long.ptau").value().contributions()[1].origin.name, std::string(64, 'x'));
}

TEST_F(Ceremony, HostileFilesGiveErrors) {
  const File good(path(1));
  for (std::size_t size = 0; size < good.bytes().size(); size += size < 200 ? 1 : 37) {
    const base::Bytes cut(good.bytes().begin(), good.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(Ptau::of(cut, "cut").ok()) << size;
  }
  for (std::size_t at = 0; at < 60; ++at) {
    for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{31}, std::uint8_t{255}}) {
      base::Bytes bytes = good.bytes();
      bytes[at] = value;
      (void)ptau_check(bytes);
    }
  }
  File counts(path(1));
  counts.at(7, 0)[3] = 0xff;
  EXPECT_FALSE(Ptau::of(counts.bytes(), "counts").ok());
}

TEST(CeremonyStream, IsDeterministicAndInRange) {
  CeremonyStream a = fixed_stream(1), b = fixed_stream(1), c = fixed_stream(2);
  for (int i = 0; i < 50; ++i) {
    const Fr x = a.scalar();
    EXPECT_EQ(x, b.scalar());
    EXPECT_FALSE(x == c.scalar());
    const G1Affine p = a.g1();
    EXPECT_EQ(p, b.g1());
    EXPECT_TRUE(p.is_on_curve() && !p.is_identity());
    const G2Affine q = a.g2();
    EXPECT_EQ(q, b.g2());
    EXPECT_TRUE(q.is_in_group() && !q.is_identity());
  }
  EXPECT_FALSE(contributor_stream("same").scalar() == contributor_stream("same").scalar());
}

}  // namespace
}  // namespace blindproof::groth16
