// From a secret seed and a secret message to ciphertexts and back.
#include "blindproof/fhe/ckks/fixture_test_support.h"
#include "blindproof/fhe/rlwe/timing_test_support.h"

#if defined(BLINDPROOF_MEMCHECK)
namespace blindproof::fhe::ckks {
namespace {

using CkksTiming = rlwe::TimingTest;

TEST_F(CkksTiming, KeysEncryptionAndDecryptionHaveNoBranchOrAddressThatDependsOnSecrets) {
  const ContextPtr context = small_context(7, 3, 2);
  const Encoder encoder(context);
  std::mt19937_64 source(1);
  const Slots x = random_slots(context->slots(), source);
  const Plaintext message = encoder.encode(x, context->top_level(), 0x1p80).value();
  for (std::size_t i = 0; i < message.poly().limbs(); ++i) rlwe::mark_secret(std::as_bytes(message.poly().limb(i)));

  crypto::Csprng random = rlwe::secret_random(1);
  const rlwe::SecretKey secret = generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = generate_public_key(secret, random);
  EXPECT_EQ(leaks(), 0u) << "keys";
  (void)generate_relinearization_key(*context, secret, context->top_level(), random);
  const std::vector<std::int64_t> steps{1};
  (void)generate_rotation_keys(*context, secret, context->top_level(), steps, true, random);
  EXPECT_EQ(leaks(), 0u) << "evaluation keys";
  const Ciphertext by_secret = encrypt(secret, message, random);
  EXPECT_EQ(leaks(), 0u) << "encryption under the secret key";
  const Ciphertext by_public = encrypt(public_key, message, random);
  EXPECT_EQ(leaks(), 0u) << "encryption under the public key";
  for (const Ciphertext* ciphertext : {&by_secret, &by_public}) {
    const Plaintext plain = decrypt(secret, *ciphertext).value();
    EXPECT_EQ(leaks(), 0u) << "decryption";
    const Plaintext shared = decrypt_to_share(secret, *ciphertext, {.bits = 20, .queries = 1}, random).value();
    EXPECT_EQ(leaks(), 0u) << "decryption to be shared";
    for (const Plaintext* plaintext : {&plain, &shared}) {
      const Slots slots = encoder.decode(*plaintext);
      EXPECT_EQ(leaks(), 0u) << "decoding";
      rlwe::publish(std::as_bytes(std::span(slots)));
      EXPECT_LE(largest_difference(slots, x), plaintext->error_bound() + 1e-14);  // doubles
    }
  }
  const Ciphertext sanitized = sanitize(by_public, public_key, 20, random).value();
  EXPECT_EQ(leaks(), 0u) << "flooding";
}

}  // namespace
}  // namespace blindproof::fhe::ckks
#endif
