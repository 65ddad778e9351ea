// For tests: witnesses of a model's circuits by our own code, to be compared with those of circom's generator byte by
// byte.
//   model_witness inference NET.bpm CIRCUIT.r1cs OUT.wtns MODEL_SALT INPUT_SALT OUTPUT_SALT x_1 .. x_n
//   model_witness receipt   the same
//   model_witness integrity the same
// The terms of receipts and registrations are fixed: terms(). Prints modelHash, inputHash, outputHash and
// architectureHash as computed without a circuit.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "blindproof/base/file.h"
#include "blindproof/circuits/network.h"
#include "blindproof/circuits/witness_solver.h"
#include "blindproof/groth16/decimal.h"
#include "blindproof/groth16/witness.h"
#include "blindproof/model/model_file.h"

namespace blindproof {
namespace {

// chainId 31337, contract 0x0101..01, recipient and owner 0x0202..02, 1000 units at 7, nonce 5, deadline 1800000000,
// hash 0x0303..03.
circuits::ReceiptTerms terms() {
  circuits::ReceiptTerms result;
  result.chain_id = 31337;
  result.contract.fill(1);
  result.recipient.fill(2);
  result.units = 1000;
  result.unit_price = 7;
  result.nonce = 5;
  result.deadline = 1'800'000'000;
  result.receipt_hash.fill(3);
  return result;
}

base::Status run(std::span<char*> arguments) {
  const auto wrong = [](std::string detail) {
    return base::error(base::ErrorCode::kInvalidArgument, "arguments", std::move(detail));
  };
  if (arguments.size() < 8)
    return wrong("KIND NET.bpm CIRCUIT.r1cs OUT.wtns MODEL_SALT INPUT_SALT OUTPUT_SALT x_1 .. x_n");
  const std::string_view kind = arguments[0];
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(arguments[1], std::size_t{1} << 28));
  BLINDPROOF_ASSIGN(const model::ModelFile file, model::parse_model_file(bytes));
  BLINDPROOF_ASSIGN(const circuits::Network network, circuits::network_of(file.graph.architecture));
  BLINDPROOF_ASSIGN(const groth16::R1cs r1cs, groth16::read_r1cs(arguments[2]));
  std::vector<field::Fr> salts;
  for (std::size_t i = 4; i < 7; ++i) {
    const std::optional<field::Fr> salt = groth16::from_decimal<field::Fr>(arguments[i]);
    if (!salt) return wrong("a salt that is no element");
    salts.push_back(*salt);
  }
  std::vector<std::int64_t> input;
  for (const std::string_view text : arguments.subspan(7)) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return wrong("an input that is no integer");
    if (value < network.input_min || value > network.input_max) return wrong("an input outside its range");
    input.push_back(value);
  }
  if (input.size() != network.layers.front().inputs) return wrong("another number of inputs than the network takes");

  const circuits::NetworkParameters parameters = circuits::parameters_of(file.graph);
  const circuits::Salts all_salts{salts[0], salts[1], salts[2]};
  std::vector<field::Fr> inputs;
  if (kind == "inference") {
    inputs = circuits::inference_inputs(parameters, input, all_salts);
  } else if (kind == "receipt") {
    inputs = circuits::receipt_inference_inputs(parameters, input, all_salts, terms());
  } else if (kind == "integrity") {
    inputs =
        circuits::model_integrity_inputs(parameters, salts[0], {terms().chain_id, terms().contract, terms().recipient});
  } else {
    return wrong("KIND is inference, receipt or integrity");
  }
  BLINDPROOF_ASSIGN(const circuits::WitnessSolver solver, circuits::WitnessSolver::make(r1cs));
  if (inputs.size() != solver.input_count()) return wrong("a circuit of another network or kind");
  BLINDPROOF_ASSIGN(const std::vector<field::Fr> witness, solver.solve(inputs));
  BLINDPROOF_TRY(base::write_file_atomic(arguments[3], groth16::write_witness(witness), base::FileMode::kSecret));

  std::vector<std::int64_t> output;
  for (const base::Int128 value : model::run_integer(file.graph, input))
    output.push_back(static_cast<std::int64_t>(value));
  for (const field::Fr& digest :
       {circuits::model_hash(network, parameters, salts[0]), circuits::input_hash(network, input, salts[1]),
        circuits::output_hash(network, output, salts[2]), circuits::architecture_hash(network)}) {
    std::puts(groth16::to_decimal(digest).c_str());
  }
  return {};
}

}  // namespace
}  // namespace blindproof

int main(int count, char** arguments) {
  const blindproof::base::Status status = blindproof::run({arguments + 1, static_cast<std::size_t>(count) - 1});
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.error().message().c_str());
  return 1;
}
