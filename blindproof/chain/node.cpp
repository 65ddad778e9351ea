#include "blindproof/chain/node.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace blindproof::chain {
namespace {

using base::ErrorCode;
using Kind = JsonValue::Kind;

base::Error malformed(std::string_view place, std::string detail) {
  return base::error(ErrorCode::kMalformed, std::string(place), std::move(detail));
}

JsonValue text(std::string value) { return JsonValue::make_text(std::move(value)); }
JsonValue hex_data(base::ByteSpan bytes) { return text("0x" + base::to_hex(bytes)); }

base::Result<Uint128> quantity(const JsonValue* value, std::string_view place) {
  if (value == nullptr || !value->is_text()) return malformed(place, "is no quantity");
  return parse_quantity(value->text, place);
}

base::Result<std::uint64_t> quantity64(const JsonValue* value, std::string_view place) {
  BLINDPROOF_ASSIGN(const Uint128 number, quantity(value, place));
  if (number >> 64 != 0) return malformed(place, "is 2^64 or more");
  return static_cast<std::uint64_t>(number);
}

base::Result<Address> node_address(const JsonValue* value, std::string_view place) {
  if (value == nullptr) return malformed(place, "has no address");
  BLINDPROOF_ASSIGN(const base::Bytes bytes, parse_hex_data(*value, place));
  if (bytes.size() != 20) return malformed(place, "is no address");
  Address address;
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

base::Result<Digest256> node_digest(const JsonValue* value, std::string_view place) {
  if (value == nullptr) return malformed(place, "has no hash");
  BLINDPROOF_ASSIGN(const base::Bytes bytes, parse_hex_data(*value, place));
  if (bytes.size() != 32) return malformed(place, "is no hash");
  Digest256 digest;
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

}  // namespace

base::Result<Execution> parse_execution(const JsonValue& json, std::string_view place) {
  if (!json.is_object()) return malformed(place, "is no transaction receipt");
  Execution execution;
  BLINDPROOF_ASSIGN(execution.hash, node_digest(json.find("transactionHash"), place));
  BLINDPROOF_ASSIGN(const Uint128 status, quantity(json.find("status"), place));
  if (status > 1) return malformed(place, "has an unknown status");
  execution.success = status == 1;
  BLINDPROOF_ASSIGN(execution.block, quantity64(json.find("blockNumber"), place));
  BLINDPROOF_ASSIGN(execution.gas_used, quantity64(json.find("gasUsed"), place));
  if (const JsonValue* contract = json.find("contractAddress"); contract != nullptr && !contract->is(Kind::kNull)) {
    BLINDPROOF_ASSIGN(execution.contract, node_address(contract, place));
  }
  const JsonValue* logs = json.find("logs");
  if (logs == nullptr || !logs->is(Kind::kArray)) return malformed(place, "has no logs");
  for (const JsonValue& entry : logs->elements) {
    Log log;
    BLINDPROOF_ASSIGN(log.address, node_address(entry.find("address"), place));
    const JsonValue *topics = entry.find("topics"), *data = entry.find("data");
    if (topics == nullptr || !topics->is(Kind::kArray) || topics->elements.size() > 4 || data == nullptr)
      return malformed(place, "has a log of another form");
    for (const JsonValue& topic : topics->elements) {
      BLINDPROOF_ASSIGN(const Digest256 digest, node_digest(&topic, place));
      log.topics.push_back(digest);
    }
    BLINDPROOF_ASSIGN(log.data, parse_hex_data(*data, place));
    execution.logs.push_back(std::move(log));
  }
  return execution;
}

base::Result<Node> Node::connect(std::string_view url, std::optional<std::uint64_t> expected_chain) {
  BLINDPROOF_ASSIGN(JsonRpc rpc, JsonRpc::open(url));
  Node node(std::move(rpc), 0);
  BLINDPROOF_ASSIGN(const Uint128 chain, node.ask_quantity("eth_chainId", {}));
  if (chain == 0 || chain >> 64 != 0) return malformed("eth_chainId", "is no chain that can be used here");
  node.chain_id_ = static_cast<std::uint64_t>(chain);
  if (expected_chain && *expected_chain != node.chain_id_) {
    return base::error(ErrorCode::kMismatch, "chain",
                       "the node is on the chain " + std::to_string(node.chain_id_) + ", not " + std::to_string(*expected_chain));
  }
  return node;
}

base::Result<JsonValue> Node::ask(std::string_view method, std::vector<JsonValue> parameters) {
  BLINDPROOF_ASSIGN(RpcReply reply, rpc_.request(method, JsonValue::make_array(std::move(parameters))));
  if (reply.ok()) return std::move(reply.result);
  std::string detail = reply.refusal;
  if (!reply.revert.empty()) detail += ": " + describe_revert(reply.revert, errors_);
  return base::error(ErrorCode::kRejected, "node: " + std::string(method), std::move(detail));
}

base::Result<Uint128> Node::ask_quantity(std::string_view method, std::vector<JsonValue> parameters) {
  BLINDPROOF_ASSIGN(const JsonValue value, ask(method, std::move(parameters)));
  return quantity(&value, "node: " + std::string(method));
}

base::Result<base::Bytes> Node::code(const Address& address) {
  BLINDPROOF_ASSIGN(const JsonValue value, ask("eth_getCode", {text(to_text(address)), text("latest")}));
  return parse_hex_data(value, "node: eth_getCode");
}

base::Result<std::uint64_t> Node::transaction_count(const Address& address) {
  BLINDPROOF_ASSIGN(const JsonValue value, ask("eth_getTransactionCount", {text(to_text(address)), text("pending")}));
  return quantity64(&value, "node: eth_getTransactionCount");
}

base::Result<Uint128> Node::balance(const Address& address) {
  return ask_quantity("eth_getBalance", {text(to_text(address)), text("latest")});
}

base::Result<base::Bytes> Node::call(const Address& to, base::ByteSpan data, const std::optional<Address>& from) {
  JsonValue request = JsonValue::make_object();
  request.set("to", text(to_text(to)));
  if (from) request.set("from", text(to_text(*from)));
  request.set("data", hex_data(data));
  BLINDPROOF_ASSIGN(const JsonValue value, ask("eth_call", {std::move(request), text("latest")}));
  return parse_hex_data(value, "node: eth_call");
}

base::Result<std::optional<Execution>> Node::find_execution(const Digest256& hash) {
  BLINDPROOF_ASSIGN(const JsonValue value, ask("eth_getTransactionReceipt", {hex_data(hash)}));
  if (value.is(Kind::kNull)) return std::optional<Execution>();
  BLINDPROOF_ASSIGN(Execution execution, parse_execution(value, "node: eth_getTransactionReceipt"));
  if (execution.hash != hash) return malformed("node: eth_getTransactionReceipt", "is of another transaction");
  return std::optional(std::move(execution));
}

base::Result<std::uint64_t> Node::estimate_gas(const Message& message, const std::optional<Address>& from) {
  JsonValue request = JsonValue::make_object();
  if (from) request.set("from", text(to_text(*from)));
  if (message.to) request.set("to", text(to_text(*message.to)));
  if (message.value != 0) request.set("value", text(to_quantity(message.value)));
  request.set("data", hex_data(message.data));
  BLINDPROOF_ASSIGN(const Uint128 estimate, ask_quantity("eth_estimateGas", {std::move(request)}));
  constexpr std::uint64_t kMaxGas = 1'000'000'000;
  if (estimate > kMaxGas) return base::error(ErrorCode::kLimit, "gas", "the node estimates " + to_decimal(estimate));
  return static_cast<std::uint64_t>(estimate);
}

base::Result<Execution> Node::execute(const EthereumKey& key, const Message& message, const FeeLimits& limits, std::uint64_t wait_seconds) {
  Transaction transaction;
  transaction.chain_id = chain_id_;
  transaction.to = message.to;
  transaction.value = message.value;
  transaction.data.assign(message.data.begin(), message.data.end());
  BLINDPROOF_ASSIGN(transaction.nonce, transaction_count(key.address()));

  BLINDPROOF_ASSIGN(const JsonValue block, ask("eth_getBlockByNumber", {text("latest"), JsonValue::make_boolean(false)}));
  const JsonValue* base_fee_text = block.find("baseFeePerGas");
  if (base_fee_text == nullptr) {
    return base::error(ErrorCode::kUnsupported, "node: eth_getBlockByNumber",
                       "the chain has no base fee: transactions by EIP-1559 can't be sent there");
  }
  BLINDPROOF_ASSIGN(const Uint128 base_fee, quantity(base_fee_text, "node: baseFeePerGas"));
  if (limits.priority_fee_per_gas) {
    transaction.max_priority_fee_per_gas = *limits.priority_fee_per_gas;
  } else {
    BLINDPROOF_ASSIGN(transaction.max_priority_fee_per_gas, ask_quantity("eth_maxPriorityFeePerGas", {}));
  }
  // Six full blocks in a row double the base fee.
  if (base_fee > limits.max_fee_per_gas || transaction.max_priority_fee_per_gas > limits.max_fee_per_gas - base_fee) {
    return base::error(ErrorCode::kLimit, "fees",
                       "a unit of gas costs " + to_decimal(base_fee) + " + " + to_decimal(transaction.max_priority_fee_per_gas) +
                           " wei; allowed are " + to_decimal(limits.max_fee_per_gas) + " (see --max-fee-gwei)");
  }
  transaction.max_fee_per_gas = std::min(2 * base_fee + transaction.max_priority_fee_per_gas, limits.max_fee_per_gas);

  if (limits.gas) {
    transaction.gas_limit = *limits.gas;
  } else {
    BLINDPROOF_ASSIGN(const std::uint64_t estimate, estimate_gas(message, key.address()));
    transaction.gas_limit = estimate + estimate / 4;
  }

  const base::Bytes encoded = encode_signed(transaction, key.sign(signing_digest(transaction)));
  const Digest256 hash = transaction_hash(encoded);
  BLINDPROOF_ASSIGN(const JsonValue sent, ask("eth_sendRawTransaction", {hex_data(encoded)}));
  BLINDPROOF_ASSIGN(const Digest256 named, node_digest(&sent, "node: eth_sendRawTransaction"));
  if (named != hash) return malformed("node: eth_sendRawTransaction", "names another transaction than the one sent");

  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(wait_seconds);
  auto pause = std::chrono::milliseconds(50);
  while (true) {
    const auto found = find_execution(hash);
    const bool late = std::chrono::steady_clock::now() >= give_up;
    // It may be in a block all the same: a lost connection must not hide which transaction it is.
    if (!found.ok() && (late || found.error().code != ErrorCode::kIo)) {
      return base::error(found.error().code, "transaction 0x" + base::to_hex(hash),
                         "was sent, but then the node failed: " + found.error().message());
    }
    if (const auto& execution = found.ok() ? *found : std::nullopt) {
      if (!execution->success) {
        return base::error(ErrorCode::kRejected, "transaction 0x" + base::to_hex(hash),
                           "reverted in block " + std::to_string(execution->block));
      }
      return *execution;
    }
    if (late) {
      return base::error(ErrorCode::kIo, "transaction 0x" + base::to_hex(hash),
                         "was sent, but is in no block after " + std::to_string(wait_seconds) + " s; it may still come");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(2000));
  }
}

}  // namespace blindproof::chain
