#include "blindproof/cli/chain_options.h"

#include <cstdlib>

namespace blindproof::cli {

void EthereumKeyOption::add_to(CLI::App& command, const std::string& whose) {
  command.add_option("--key-file", file,
                     whose + " secp256k1 key: one line of 64 hexadecimal digits, mode 0600 (default: the environment variable " +
                         std::string(kEthereumKeyVariable) + ")");
}

base::Result<chain::EthereumKey> EthereumKeyOption::load() const {
  if (file) return chain::EthereumKey::read(*file);
  if (std::getenv(kEthereumKeyVariable) == nullptr) {
    return base::error(base::ErrorCode::kInvalidArgument, "Ethereum key",
                       "give --key-file, or set the environment variable " + std::string(kEthereumKeyVariable));
  }
  return chain::EthereumKey::from_environment(kEthereumKeyVariable);
}

void NodeOption::add_to(CLI::App& command) {
  command.add_option("--rpc", url, "Ethereum node, e.g. http://127.0.0.1:8545")->required();
  command.add_option("--chain-id", chain_id, "Refuse a node of any other chain");
}

base::Result<chain::Node> NodeOption::connect(std::optional<std::uint64_t> expected) const {
  if (chain_id && expected && *chain_id != *expected) {
    return base::error(base::ErrorCode::kMismatch, "--chain-id", "what is to be sent is for the chain " + std::to_string(*expected));
  }
  return chain::Node::connect(url, chain_id ? chain_id : expected);
}

void TransactionOptions::add_to(CLI::App& command) {
  key.add_to(command, "The sender's");
  const CLI::Range gwei(std::uint64_t{0}, std::uint64_t{1'000'000'000});
  command.add_option("--max-fee-gwei", max_fee_gwei, "Refuse to pay more for a unit of gas")->check(gwei)->capture_default_str();
  command.add_option("--priority-fee-gwei", priority_fee_gwei, "Of it for the block's producer (default: as the node suggests)")
      ->check(gwei);
  command.add_option("--gas", gas, "Limit of gas (default: a quarter more than the node's estimate)")
      ->check(CLI::Range(std::uint64_t{21'000}, std::uint64_t{1'000'000'000}));
  command.add_option("--wait-seconds", wait_seconds, "How long to wait for the transaction's block")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{86'400}))
      ->capture_default_str();
}

chain::FeeLimits TransactionOptions::limits() const {
  constexpr chain::Uint128 kGwei = 1'000'000'000;
  chain::FeeLimits limits;
  limits.max_fee_per_gas = kGwei * max_fee_gwei;
  if (priority_fee_gwei) limits.priority_fee_per_gas = kGwei * *priority_fee_gwei;
  limits.gas = gas;
  return limits;
}

Json to_json(const chain::Execution& execution) {
  return {{"transaction", "0x" + base::to_hex(execution.hash)}, {"block", execution.block}, {"gas_used", execution.gas_used}};
}

}  // namespace blindproof::cli
