// From a secret seed and a secret message to ciphertexts and back.
#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/rlwe/timing_test_support.h"
#include "blindproof/testing/insecure_parameters.h"

#if defined(BLINDPROOF_MEMCHECK)
namespace blindproof::fhe::bfv {
namespace {

using BfvTiming = rlwe::TimingTest;

TEST_F(BfvTiming, KeysEncryptionAndDecryptionHaveNoBranchOrAddressThatDependsOnSecrets) {
  const ContextPtr context = testing::InsecureParameters::bfv({.log_degree = 7, .t = 65537, .limbs = 3, .digits = 2}).value();
  std::vector<std::int64_t> x(context->slots().slots());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int64_t>(i * i) - 1000;
  std::vector<std::uint64_t> coefficients;
  {
    const Plaintext encoded = encode(context, x).value();
    coefficients.assign(encoded.coefficients().begin(), encoded.coefficients().end());
  }
  rlwe::mark_secret(std::as_bytes(std::span(coefficients)));
  const Plaintext message(context, coefficients);

  crypto::Csprng random = rlwe::secret_random(1);
  const rlwe::SecretKey secret = generate_secret_key(*context, random);
  const rlwe::PublicKey public_key = generate_public_key(secret, random);
  EXPECT_EQ(leaks(), 0u) << "keys";
  (void)generate_relinearization_key(*context, secret, random);
  const std::vector<std::int64_t> steps{1};
  (void)generate_rotation_keys(*context, secret, steps, true, random);
  EXPECT_EQ(leaks(), 0u) << "evaluation keys";
  const Ciphertext by_secret = encrypt(secret, message, random);
  EXPECT_EQ(leaks(), 0u) << "encryption under the secret key";
  const Ciphertext by_public = encrypt(public_key, message, random);
  EXPECT_EQ(leaks(), 0u) << "encryption under the public key";
  for (const Ciphertext* ciphertext : {&by_secret, &by_public}) {
    const std::vector<std::int64_t> slots = decode(decrypt(secret, *ciphertext).value());
    EXPECT_EQ(leaks(), 0u) << "decryption";
    rlwe::publish(std::as_bytes(std::span(slots)));
    EXPECT_EQ(slots, x);
  }
}

}  // namespace
}  // namespace blindproof::fhe::bfv
#endif
