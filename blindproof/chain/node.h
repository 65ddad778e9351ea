// What is asked of an Ethereum node: state, calls, and transactions that are signed here.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "blindproof/chain/artifact.h"
#include "blindproof/chain/ethereum_key.h"
#include "blindproof/chain/json_rpc.h"
#include "blindproof/chain/transaction.h"

namespace blindproof::chain {

/// What the sender is willing to pay, in wei. A node that lies about fees can't make it pay more.
struct FeeLimits {
  Uint128 max_fee_per_gas = Uint128{500} * 1'000'000'000;
  std::optional<Uint128> priority_fee_per_gas;  // nothing: as the node suggests
  std::optional<std::uint64_t> gas;             // nothing: a quarter more than the node's estimate
};

struct Log {
  Address address;
  std::vector<Digest256> topics;
  base::Bytes data;
};

/// What is sent to a contract.
struct Message {
  std::optional<Address> to;  // nothing: makes a contract of `data`
  base::ByteSpan data;
  Uint128 value = 0;  // in wei
};

/// A transaction that is in a block.
struct Execution {
  Digest256 hash{};
  bool success = false;
  std::uint64_t block = 0;
  std::uint64_t gas_used = 0;
  std::optional<Address> contract;  // that it made
  std::vector<Log> logs;
};

class Node {
 public:
  using Errors = std::map<std::array<std::uint8_t, 4>, std::string>;  // of contracts, by selector

  /// Asks for the chain.
  /// Errors: those of JsonRpc; kMismatch if it is another chain than `expected_chain`.
  static base::Result<Node> connect(std::string_view url, std::optional<std::uint64_t> expected_chain = {});

  std::uint64_t chain_id() const noexcept { return chain_id_; }
  /// Names for what contracts revert with.
  void know(const Errors& errors) { errors_.insert(errors.begin(), errors.end()); }

  base::Result<base::Bytes> code(const Address& address);
  /// Transactions that the account made, those that wait too.
  base::Result<std::uint64_t> transaction_count(const Address& address);
  /// In wei.
  base::Result<Uint128> balance(const Address& address);
  /// Runs a contract without a transaction.   Errors: kRejected with its reason if it reverts.
  base::Result<base::Bytes> call(const Address& to, base::ByteSpan data, const std::optional<Address>& from = {});
  /// Of a transaction with this message, base cost included.   Errors: kRejected with its reason if it reverts; kLimit.
  base::Result<std::uint64_t> estimate_gas(const Message& message, const std::optional<Address>& from = {});

  /// Signs, sends, and waits until the transaction is in a block.
  /// Errors: kRejected if it would revert (then nothing was sent) or did; kLimit for fees above the limits; kIo if it wasn't in
  /// a block in time, with its hash.
  base::Result<Execution> execute(const EthereumKey& key, const Message& message, const FeeLimits& limits, std::uint64_t wait_seconds = 120);

 private:
  Node(JsonRpc rpc, std::uint64_t chain_id) : rpc_(std::move(rpc)), chain_id_(chain_id) {}
  base::Result<JsonValue> ask(std::string_view method, std::vector<JsonValue> parameters);
  base::Result<Uint128> ask_quantity(std::string_view method, std::vector<JsonValue> parameters);
  base::Result<std::optional<Execution>> find_execution(const Digest256& hash);

  JsonRpc rpc_;
  std::uint64_t chain_id_;
  Errors errors_;
};

/// A transaction's receipt as nodes write it.   Errors: kMalformed.
base::Result<Execution> parse_execution(const JsonValue& json, std::string_view place);

}  // namespace blindproof::chain
