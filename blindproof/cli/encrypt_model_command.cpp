// blindproof model encrypt
#include <memory>

#include "blindproof/cli/fhe_format.h"
#include "blindproof/cli/format.h"
#include "blindproof/cli/session.h"
#include "blindproof/engine/fhe_encrypted_model.h"

namespace blindproof::cli {

void add_encrypt_model_command(CLI::App& model, Session& session) {
  const auto request = std::make_shared<engine::EncryptModelRequest>();
  CLI::App& command = *model.add_subcommand("encrypt", "Encrypt a program's weights for one client, so that the server doesn't see them (.bpfe)");
  command.add_option("program", request->program, "NET.bpf, from `model lower --level fhe`")->required();
  command.add_option("--public-key", request->public_key, "The client's public.bppk")->required();
  command.add_option("--out", request->out, "NET.bpfe, for `infer`")->required();
  command.footer("The client makes its keys by NET.bpc, as for the plain program. It and the server together can decrypt the weights:\n"
                 "give NET.bpfe to a server that doesn't work with the client.\n"
                 "Example:\n  blindproof model encrypt mlp.bpf --public-key keys/public.bppk --out mlp.bpfe");
  session.add_command(command, [&session, request] {
    const auto outcome = engine::encrypt_model(*request, session.progress());
    if (!outcome.ok()) return session.fail(outcome.error());
    Sheet sheet;
    add_parameters(outcome->parameters, sheet);
    sheet.line("key id", base::to_hex(outcome->key_id))
        .line("encrypted weights", format_count(outcome->ciphertexts) + " ciphertexts, " + format_bytes(outcome->file_bytes))
        .line("hidden from", "the server; not from it and the client together")
        .line("time", format_seconds(outcome->seconds));
    return session.report({{"program", request->out.string()},
                           {"parameters", to_json(outcome->parameters)},
                           {"key_id", base::to_hex(outcome->key_id)},
                           {"ciphertexts", outcome->ciphertexts},
                           {"file_bytes", outcome->file_bytes},
                           {"seconds", outcome->seconds}},
                          sheet.text());
  });
}

}  // namespace blindproof::cli
