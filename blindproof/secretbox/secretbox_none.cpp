// Where libsodium isn't: keys under a passphrase are refused, neither made nor opened.
#include "blindproof/secretbox/secretbox.h"

namespace blindproof::secretbox {
namespace {

base::Error refused() {
  return base::error(base::ErrorCode::kUnsupported, "passphrase",
                     "keys under a passphrase can't be made or opened by this build, which has no libsodium: use the program");
}

}  // namespace

base::Result<base::Bytes> seal(const crypto::SecretBytes&, base::ByteSpan, base::ByteSpan, const Cost&) { return refused(); }
base::Result<crypto::SecretBytes> open(const crypto::SecretBytes&, base::ByteSpan, base::ByteSpan) { return refused(); }

}  // namespace blindproof::secretbox
