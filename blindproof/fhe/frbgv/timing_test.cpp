// Keys, encryption, decryption and re-randomisation with every secret marked for Memcheck (rlwe/timing_test_support.h).
#include "blindproof/fhe/rlwe/timing_test_support.h"

#if defined(BLINDPROOF_MEMCHECK)
#include "blindproof/fhe/frbgv/rerandomizer.h"

namespace blindproof::fhe::frbgv {
namespace {

class FrBgvTiming : public rlwe::TimingTest {
 protected:
  RingPtr ring_ = Ring::create(7);
  SlotEncoder encoder_ = *SlotEncoder::create(ring_->degree(), *plaintext_prime(std::uint64_t{1} << 40, ring_->degree()));
};

TEST_F(FrBgvTiming, KeysEncryptionAndDecryptionHaveNoBranchOrAddressThatDependsOnSecrets) {
  std::vector<std::int64_t> x(ring_->degree());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int64_t>(i * i) - 1000;
  std::vector<std::int64_t> marked = x;
  rlwe::mark_secret(std::as_bytes(std::span(marked)));

  crypto::Csprng random = rlwe::secret_random(1);
  const SecretKey secret = SecretKey::generate(ring_, random);
  EXPECT_EQ(leaks(), 0u) << "secret key";
  (void)PublicKey::generate(secret, encoder_.t(), random);
  EXPECT_EQ(leaks(), 0u) << "public key";
  const Ciphertext encrypted = encrypt(secret, encoder_, marked, Seed{9}, 0, random);
  EXPECT_EQ(leaks(), 0u) << "encryption";
  Decryption decrypted = decrypt(secret, encoder_, encrypted);
  EXPECT_EQ(leaks(), 0u) << "decryption";
  rlwe::publish(std::as_bytes(std::span(decrypted.slots)));
  EXPECT_TRUE(std::ranges::equal(decrypted.slots, x));
}

TEST_F(FrBgvTiming, RerandomisationHasNoBranchOrAddressThatDependsOnItsRandomness) {
  crypto::Csprng random;
  const SecretKey secret = SecretKey::generate(ring_, random);
  const PublicKey key = PublicKey::generate(secret, encoder_.t(), random);
  const FrVector vanishing = vanishing_values(*ring_, encoder_, 5);
  Ciphertext output = square(encrypt(secret, encoder_, std::vector<std::int64_t>(5, 3), Seed{9}, 0, random));
  crypto::Csprng secret_random = rlwe::secret_random(2);
  const Rerandomizer rerandomizer = draw_rerandomizer(*ring_, encoder_.t(), {.outputs = 1, .components = 3, .flood_limbs = 6, .hiding_limbs = 3}, secret_random);
  EXPECT_EQ(leaks(), 0u) << "drawing";
  add_rerandomizer(*ring_, key, encoder_.t(), vanishing, rerandomizer, 0, output);
  EXPECT_EQ(leaks(), 0u) << "adding";
}

}  // namespace
}  // namespace blindproof::fhe::frbgv
#endif
