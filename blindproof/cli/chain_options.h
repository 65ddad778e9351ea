// Options that commands around receipts and contracts share.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "blindproof/chain/ethereum_key.h"
#include "blindproof/chain/node.h"
#include "blindproof/cli/session.h"

namespace blindproof::cli {

inline constexpr const char* kEthereumKeyVariable = "BLINDPROOF_ETHEREUM_KEY";

/// --key-file; without it the environment. There is no option that takes the key itself: arguments are seen by every process.
struct EthereumKeyOption {
  std::optional<std::filesystem::path> file;

  void add_to(CLI::App& command, const std::string& whose);
  base::Result<chain::EthereumKey> load() const;
};

/// --rpc and --chain-id.
struct NodeOption {
  std::string url;
  std::optional<std::uint64_t> chain_id;

  void add_to(CLI::App& command);
  /// The chain must be `expected` too, if that is given.
  base::Result<chain::Node> connect(std::optional<std::uint64_t> expected = {}) const;
};

/// What a transaction may cost, and how long to wait for it.
struct TransactionOptions {
  EthereumKeyOption key;
  std::uint64_t max_fee_gwei = 500;
  std::optional<std::uint64_t> priority_fee_gwei, gas;
  std::uint64_t wait_seconds = 120;

  void add_to(CLI::App& command);
  chain::FeeLimits limits() const;
};

Json to_json(const chain::Execution& execution);

}  // namespace blindproof::cli
