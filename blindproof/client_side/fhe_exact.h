// The client's part of the fhe level on BFV and BGV, on parsed files. Templates are instantiated for fheml::Bfv and fheml::Bgv.
#pragma once

#include <utility>
#include <vector>

#include "blindproof/client_side/answers.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "blindproof/fheml/exact_scheme.h"

namespace blindproof::client_side {

/// Calls body(Bfv{}) or body(Bgv{}).
auto with_scheme(fheml::ExactScheme scheme, auto&& body) {
  return scheme == fheml::ExactScheme::kBfv ? body(fheml::Bfv{}) : body(fheml::Bgv{});
}

/// One for each prime.   Errors: those of the scheme.
template <class Scheme>
base::Result<std::vector<typename Scheme::ContextPtr>> contexts_of(const fheml::ExactParameters& parameters);

/// The evaluation keys that a program needs.
fhe::formats::EvaluationKeySelection selection_of(const fheml::ExactClientSpec& spec);

inline bool is_batch(const fheml::ExactClientSpec& spec) { return spec.packing == fheml::Packing::kBatch; }
/// Ciphertexts for each prime, of an input or output of that shape.
std::size_t per_prime(const fheml::ExactClientSpec& spec, const model::Shape& shape);

/// An input or output of a program: under each prime one ciphertext, or one for each element of a batch.
template <class Scheme>
struct ExactCiphertexts {
  std::vector<typename Scheme::Ciphertext> elements;
  std::size_t samples = 1;
};

/// The model's integers of samples that are rounded and clipped as the plain interpreter does.
/// Errors: kInvalidArgument for none, or another number of values than the input's; kLimit for more samples than `slots`, or several where the
/// program takes one.
base::Result<std::vector<std::vector<std::int64_t>>> quantize_samples(const fheml::ExactClientSpec& spec,
                                                                      const std::vector<std::vector<float>>& samples, std::size_t slots);

/// The client's integers, by sample.
template <class Scheme>
base::Result<ExactCiphertexts<Scheme>> encrypt_integers(const std::vector<typename Scheme::ContextPtr>& contexts,
                                                        const fheml::ExactClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                        const std::vector<std::vector<std::int64_t>>& samples);
/// By sample.   Errors: kRejected for results that no run of the program gives.
template <class Scheme>
base::Result<std::vector<std::vector<base::Int128>>> decrypt_integers(const fheml::ExactClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                                      const ExactCiphertexts<Scheme>& outputs);

/// The file names the first prime's parameters: contents are those of any plaintext modulus over the ring.
/// Errors: those of the format; kMismatch for another key, or what isn't a program's input or output.
template <class Scheme>
base::Result<ExactCiphertexts<Scheme>> parse_exact_ciphertexts(base::ByteSpan bytes, fhe::formats::Contexts& known,
                                                               const fhe::formats::KeyId& key_id, const fheml::ExactClientSpec& spec,
                                                               const model::Shape& shape,
                                                               const std::vector<typename Scheme::ContextPtr>& contexts);
template <class Scheme>
base::Result<base::Bytes> write_exact_ciphertexts(const fhe::formats::Header& header, const fheml::ExactClientSpec& spec,
                                                  ExactCiphertexts<Scheme> ciphertexts,
                                                  const std::vector<typename Scheme::ContextPtr>& contexts);

/// From the file.   Errors: those of parse_exact_ciphertexts and decrypt_integers; kMismatch for an input.
template <class Scheme>
base::Result<Answers> decrypt_exact_output(const fheml::ExactClientSpec& spec, const std::vector<typename Scheme::ContextPtr>& contexts,
                                           const fhe::formats::SecretKeyFile& key, fhe::formats::Contexts& known, base::ByteSpan ciphertexts);

}  // namespace blindproof::client_side
