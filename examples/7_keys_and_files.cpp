// Keys and ciphertexts in files: a client that keeps its secret key, a server that has the evaluation keys and never sees a
// number. What a file says of itself is checked; what can't be checked, errors of ciphertexts, isn't in it.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "show.h"

using namespace blindproof;
using namespace blindproof::examples;
using namespace blindproof::fhe;
using std::filesystem::path;

constexpr std::size_t kMaxBytes = std::size_t{1} << 28;  // of a file that somebody else sent

void write(const path& file, const base::Bytes& bytes, base::FileMode mode = base::FileMode::kPublic) {
  require(base::write_file_atomic(file, bytes, mode).ok(), "a file can't be written");
  line(file.filename().c_str(), "%zu bytes", bytes.size());
}

crypto::SecretBytes passphrase() { return crypto::SecretBytes::copy_of(base::as_bytes("correct horse battery staple")); }

// Once: keys. The secret one under a passphrase.
void generate_keys(const path& folder) {
  title("The client makes its keys");
  const formats::AnyContext context = unwrap(formats::create_context("bfv-16384"));
  crypto::Csprng random;
  const formats::Header header{context, formats::generate_key_id(random)};
  const rlwe::SecretKey secret = rlwe::SecretKey::generate(formats::ring_of(context), random);
  const crypto::SecretBytes words = passphrase();
  write(folder / "secret.bpsk", unwrap(formats::write_secret_key(header, secret, &words)), base::FileMode::kSecret);
  const formats::EvaluationKeySelection selection{.rotations = {1, 2}};
  const std::size_t size = unwrap(formats::generate_evaluation_keys(folder / "eval.bpek", header, secret, selection, random,
                                                                    base::Overwrite::kAllow));
  line("eval.bpek", "%zu bytes: a key for products, two for rotations", size);
}

formats::SecretKeyFile read_secret_key(const path& folder, formats::Contexts& contexts) {
  const base::Bytes bytes = unwrap(base::read_file(folder / "secret.bpsk", kMaxBytes));
  return unwrap(formats::parse_secret_key(bytes, contexts, [] { return base::Result<crypto::SecretBytes>(passphrase()); }));
}

void encrypt(const path& folder, const std::vector<std::int64_t>& x) {
  title("The client encrypts: under its secret key, so that half of each ciphertext travels as a seed");
  formats::Contexts contexts;
  const formats::SecretKeyFile key = read_secret_key(folder, contexts);
  const auto context = std::get<bfv::ContextPtr>(key.header.context);
  crypto::Csprng random;
  const bfv::Ciphertext encrypted = bfv::encrypt(key.key, unwrap(bfv::encode(context, x)), random);
  const formats::Layout layout{formats::Content::kIntegers, {x.size()}};
  write(folder / "x.bpct", unwrap(formats::write_ciphertexts({key.header, layout, std::vector{encrypted}})));
}

// The server: x_i (x_{i+1} + x_{i+2}) for all i.
void evaluate(const path& folder) {
  title("The server computes, from the keys and ciphertexts that it was sent");
  formats::Contexts contexts(unwrap(formats::create_context("bfv-16384")));  // no other parameters are accepted
  const formats::EvaluationKeyFile keys = unwrap(formats::EvaluationKeyFile::open(folder / "eval.bpek", contexts, kMaxBytes));
  const rlwe::KeySwitchKey relinearization = unwrap(keys.load_relinearization_key());
  const rlwe::GaloisKeys rotations = unwrap(keys.load_galois_keys());
  line("evaluation keys", "mapped, not copied; seeds expanded");
  const formats::CiphertextFile file =
      unwrap(formats::parse_ciphertexts(unwrap(base::read_file(folder / "x.bpct", kMaxBytes)), contexts));
  require(file.header.key_id == keys.header().key_id, "ciphertext and keys belong to different secret keys");
  const bfv::Ciphertext& received = std::get<std::vector<bfv::Ciphertext>>(file.ciphertexts).front();
  line_of_error("nobody vouches for its error", bfv::add(received, received));
  const bfv::Ciphertext x = formats::assume_fresh(received);
  line("assumed: freshly encrypted", "budget %.0f bits", x.predicted_budget_bits());
  const bfv::Ciphertext sum = unwrap(bfv::add(unwrap(bfv::rotate(x, 1, rotations)), unwrap(bfv::rotate(x, 2, rotations))));
  const bfv::Ciphertext result = unwrap(bfv::multiply(x, sum, relinearization));
  write(folder / "y.bpct", unwrap(formats::write_ciphertexts({file.header, file.layout, std::vector{result}})));
}

std::vector<std::int64_t> decrypt(const path& folder) {
  formats::Contexts contexts;
  const formats::SecretKeyFile key = read_secret_key(folder, contexts);
  const formats::CiphertextFile file =
      unwrap(formats::parse_ciphertexts(unwrap(base::read_file(folder / "y.bpct", kMaxBytes)), contexts));
  return bfv::decode(unwrap(bfv::decrypt(key.key, std::get<std::vector<bfv::Ciphertext>>(file.ciphertexts).front())));
}

void refuse_damage(const path& folder) {
  title("What can't be used is refused");
  formats::Contexts contexts(unwrap(formats::create_context("bfv-16384")));
  base::Bytes bytes = unwrap(base::read_file(folder / "y.bpct", kMaxBytes));
  bytes[bytes.size() / 2] ^= 1;
  line_of_error("one bit flipped on the way", formats::parse_ciphertexts(bytes, contexts));
  const base::Bytes locked = unwrap(base::read_file(folder / "secret.bpsk", kMaxBytes));
  line_of_error("another passphrase", formats::parse_secret_key(locked, contexts, [] {
                  return base::Result<crypto::SecretBytes>(crypto::SecretBytes::copy_of(base::as_bytes("guess")));
                }));
  formats::Contexts others(unwrap(formats::create_context("bfv-8192")));
  line_of_error("other parameters than expected", formats::EvaluationKeyFile::open(folder / "eval.bpek", others));
}

int main() {
  const path folder = std::filesystem::temp_directory_path() / ("blindproof_example_7_" + std::to_string(crypto::Csprng().next_u64()));
  std::filesystem::create_directories(folder);
  std::vector<std::int64_t> x(8192);  // a row of slots
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int64_t>(i % 500);

  generate_keys(folder);
  encrypt(folder, x);
  evaluate(folder);
  const std::vector<std::int64_t> y = decrypt(folder);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t product = x[i] * (x[(i + 1) % x.size()] + x[(i + 2) % x.size()]);
    const std::int64_t t = 786433;
    require((y[i] - product) % t == 0, "a result is wrong");
  }
  title("The client decrypts");
  line("x_i (x_{i+1} + x_{i+2}), all right", "%s", head(std::span<const std::int64_t>(y), 6, " %lld").c_str());
  refuse_damage(folder);
  std::filesystem::remove_all(folder);
}
