// Our side of compare.mjs.
//   key_envelopes generate KEY.jwk                      a secret key; prints its public JWK
//   key_envelopes seal CONTEXT < [public JWK, ...]      prints {"data_key": hex, "envelope": ...}
//   key_envelopes open KEY.jwk CONTEXT < envelope       prints the data key in hex
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "blindproof/envelope/content.h"
#include "blindproof/envelope/key_envelope.h"

namespace {

using blindproof::base::Result;
using blindproof::envelope::Json;
namespace base = blindproof::base;
namespace envelope = blindproof::envelope;

Result<std::string> run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  if (command == "generate" && arguments.size() == 2) {
    const auto key = envelope::RecipientSecretKey::generate();
    BLINDPROOF_TRY(key.write(arguments[1]));
    return key.recipient().jwk().dump();
  }
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  if (command == "seal" && arguments.size() == 2) {
    BLINDPROOF_ASSIGN(const Json jwks, envelope::parse_json(input, 1 << 20));
    std::vector<envelope::RecipientKey> recipients;
    for (const Json& jwk : jwks) {
      BLINDPROOF_ASSIGN(recipients.emplace_back(), envelope::parse_recipient_key(jwk));
    }
    const envelope::Key256 data_key = envelope::make_data_key();
    BLINDPROOF_ASSIGN(const std::string sealed, envelope::seal_data_key(data_key, arguments[1], recipients));
    return Json{{"data_key", base::to_hex(data_key.expose())}, {"envelope", Json::parse(sealed)}}.dump();
  }
  if (command == "open" && arguments.size() == 3) {
    BLINDPROOF_ASSIGN(const auto key, envelope::RecipientSecretKey::read(arguments[1]));
    BLINDPROOF_ASSIGN(const envelope::Key256 data_key, envelope::open_data_key(input, arguments[2], key));
    return base::to_hex(data_key.expose());
  }
  return base::error(base::ErrorCode::kInvalidArgument, "arguments", "see the head of key_envelopes.cpp");
}

}  // namespace

int main(int argc, char** argv) {
  const Result<std::string> output = run({argv + 1, argv + argc});
  if (!output.ok()) {
    std::fprintf(stderr, "%s\n", output.error().message().c_str());
    return 1;
  }
  std::printf("%s\n", output->c_str());
  return 0;
}
