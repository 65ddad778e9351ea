// The client's part of the fhe level on CKKS, on parsed files: what keys a program needs, encryption, decryption.
#pragma once

#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/client_side/answers.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fhe/formats/secret_key_file.h"
#include "blindproof/fheml/program.h"

namespace blindproof::client_side {

/// The evaluation keys that a program needs.
fhe::formats::EvaluationKeySelection selection_of(const fheml::ClientSpec& spec, const fhe::ckks::Context& context);

inline bool is_batch(const fheml::ClientSpec& spec) { return spec.packing == fheml::Packing::kBatch; }
fhe::formats::Layout layout_of(const fheml::ClientSpec& spec, std::size_t samples);

/// An input or output of a program: one ciphertext, or one for each element of a batch.
struct CkksCiphertexts {
  std::vector<fhe::ckks::Ciphertext> elements;
  std::size_t samples = 1;
};
/// Of a tensor of that shape.   Errors: those of the format; kMismatch for another key, or what isn't a program's input or output.
base::Result<CkksCiphertexts> parse_program_ciphertexts(base::ByteSpan bytes, fhe::formats::Contexts& contexts, const fhe::formats::KeyId& key_id,
                                                        const fheml::ClientSpec& spec, const model::Shape& shape);

/// Of a batch: a ciphertext for each element of the samples, slot i that of sample i.
/// Requires: at most as many samples as slots, each of the input's size.
/// Errors: those of encoding.
base::Result<std::vector<fhe::ckks::Ciphertext>> encrypt_batch(const fhe::ckks::ContextPtr& context, const fhe::rlwe::SecretKey& key,
                                                               const std::vector<std::vector<float>>& samples,
                                                               const base::Progress& progress = {});
/// Results by sample, after the program's finish.
base::Result<std::vector<std::vector<double>>> decrypt_batch(const fheml::ClientSpec& spec, const fhe::rlwe::SecretKey& key,
                                                             const std::vector<fhe::ckks::Ciphertext>& elements, std::size_t samples);

/// Whether samples can be encrypted for this program.
/// Errors: kLimit for more samples than slots; kInvalidArgument for none, for another number of values than the input's, or values beyond those
/// that the model was calibrated on: its polynomials would be wrong there.
base::Status check_samples(const fheml::ClientSpec& spec, const std::vector<std::vector<float>>& samples, std::size_t slots);
/// A file of ciphertexts.   Requires: samples that were checked.
base::Result<base::Bytes> encrypt_samples(const fheml::ClientSpec& spec, const fhe::ckks::ContextPtr& context,
                                          const fhe::formats::SecretKeyFile& key, const std::vector<std::vector<float>>& samples);

/// Errors: those of parse_program_ciphertexts; kMismatch for ciphertexts that aren't at the output's level.
base::Result<Answers> decrypt_program_output(const fheml::ClientSpec& spec, const fhe::formats::SecretKeyFile& key, fhe::formats::Contexts& contexts,
                                             base::ByteSpan ciphertexts);

}  // namespace blindproof::client_side
