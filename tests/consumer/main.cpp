#include <cstdio>

#include "blindproof/base/bytes.h"
#include "blindproof/crypto/sha256.h"

int main() {
  const auto digest = blindproof::crypto::sha256(blindproof::base::as_bytes("abc"));
  const auto expected = blindproof::base::from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const bool good = expected.ok() && blindproof::base::Bytes(digest.begin(), digest.end()) == *expected;
  std::printf("consumer: %s\n", good ? "good" : "wrong digest");
  return good ? 0 : 1;
}
