// Test only: reads vectors/hashes.csv.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "blindproof/base/bytes.h"

namespace blindproof::crypto {

struct HashVector {
  std::string input;  // a message length, or a key in hexadecimal
  base::Bytes output;
};

inline std::vector<HashVector> read_hash_vectors(const std::string& kind) {
  std::ifstream file(BLINDPROOF_SOURCE_DIR "/vectors/hashes.csv");
  std::vector<HashVector> vectors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, input, hex;
    std::getline(fields, name, ',');
    if (name == kind && std::getline(fields, input, ',') && std::getline(fields, hex)) {
      vectors.push_back({input, base::from_hex(hex).value()});
    }
  }
  return vectors;
}

/// The message of a given length, as vectors/make_hashes.py defines it.
inline base::Bytes vector_message(std::size_t length) {
  base::Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(131 * i + 7 + i / 256);
  return bytes;
}

}  // namespace blindproof::crypto
