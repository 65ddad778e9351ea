// For this module's tests: a circuit with its witness, and a folder that goes away.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "blindproof/groth16/r1cs.h"

namespace blindproof::groth16 {

/// x^(2^k) times y plus 5: one public output, one public input y, a private x.
struct Power {
  R1cs r1cs;
  std::vector<Fr> witness;

  explicit Power(std::size_t squares, std::uint64_t x_value = 3) {
    r1cs.outputs = r1cs.inputs = r1cs.private_inputs = 1;
    r1cs.wires = static_cast<std::uint32_t>(4 + squares);
    const Fr y = Fr::from_u64(7);
    Fr x = Fr::from_u64(x_value);
    witness = {Fr::one(), Fr::zero(), y, x};
    std::uint32_t at = 3;
    const auto term = [](Combinations& part, std::uint32_t wire) {
      part.add_term(wire, Fr::one());
      part.end_combination();
    };
    for (std::size_t i = 0; i < squares; ++i) {
      term(r1cs.a, at);
      term(r1cs.b, at);
      term(r1cs.c, ++at);
      x *= x;
      witness.push_back(x);
    }
    term(r1cs.a, at);
    term(r1cs.b, 2);
    r1cs.c.add_term(1, Fr::one());
    r1cs.c.add_term(0, -Fr::from_u64(5));
    r1cs.c.end_combination();
    witness[1] = x * y + Fr::from_u64(5);
  }
  std::span<const Fr> public_values() const { return std::span(witness).subspan(1, 2); }
};

/// Of this test alone.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("groth16-" + std::to_string(std::random_device{}()))) { std::filesystem::create_directory(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace blindproof::groth16
