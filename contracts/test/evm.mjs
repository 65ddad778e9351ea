// Contracts on an EVM in this process: transactions with the gas that a chain charges, clock and chain id as tests want them.
import { createBlock } from '@ethereumjs/block';
import { createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common';
import { createTxFromRLP } from '@ethereumjs/tx';
import { Account, createAddressFromString, hexToBytes } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { bytesToHex, decodeErrorResult, decodeFunctionResult, encodeDeployData, encodeFunctionData, parseAbi, parseEventLogs } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

export const kHardfork = Hardfork.Prague;
const kGasLimit = 16_000_000n;

/// What a contract reverted with: `name` of the error, its `args`.
export class Revert extends Error {
  constructor(name, args, gasUsed) {
    super(`reverted: ${name}(${(args ?? []).join(', ')})`);
    Object.assign(this, { name, args: args ?? [], gasUsed });
  }
}

/// Keys that nobody should ship.
export const account = (number) => privateKeyToAccount(`0x${(0xb11d + number).toString(16).padStart(64, '0')}`);

/// What a chain does with contracts. Those that extend it have run(from, {to, data, value, gas}, errors), which makes a transaction and
/// returns {returned, logs, gasUsed, created} or throws a Revert, and peek(.. the same), which changes nothing.
export class Chain {
  /// A Contract; its constructor's gas is in `gasUsed`.
  async deploy(artifact, args = [], from = account(0), errors = artifact.abi) {
    const data = encodeDeployData({ abi: artifact.abi, bytecode: artifact.bytecode, args });
    const { created, gasUsed } = await this.run(from, { data }, errors);
    return Object.assign(new Contract(this, created, artifact.abi, errors), { gasUsed });
  }

  /// {value, events, gasUsed}; throws a Revert.
  async send(contract, name, args, { from = account(0), ...options } = {}) {
    const data = encodeFunctionData({ abi: contract.abi, functionName: name, args });
    const { returned, logs, gasUsed } = await this.run(from, { to: contract.address, data, ...options }, contract.errors);
    const value = decodeFunctionResult({ abi: contract.abi, functionName: name, data: returned });
    return { value, events: parseEventLogs({ abi: contract.errors, logs }), gasUsed };
  }

  /// The value of a call whose changes are undone; throws a Revert.
  async read(contract, name, args, { from = account(0), ...options } = {}) {
    const data = encodeFunctionData({ abi: contract.abi, functionName: name, args });
    const { returned } = await this.peek(from, { to: contract.address, data, ...options }, contract.errors);
    return decodeFunctionResult({ abi: contract.abi, functionName: name, data: returned });
  }
}

/// The Revert for what was returned.
export function revertOf(returned, errors, otherwise, gasUsed) {
  const { errorName, args } = returned?.length >= 10 ? decodeErrorResult({ abi: errors, data: returned }) : { errorName: otherwise };
  return new Revert(errorName, args, gasUsed);
}

export class Evm extends Chain {
  static async create({ chainId = 31337 } = {}) {
    const evm = new Evm();
    evm.chainId = chainId;
    evm.now = 1_800_000_000n;
    evm.common = createCustomCommon({ chainId }, Mainnet, { hardfork: kHardfork });
    evm.vm = await createVM({ common: evm.common });
    evm.nonces = new Map();
    return evm;
  }

  /// The same state under another chain id, as after a split.
  async split(chainId) {
    const other = await Evm.create({ chainId });
    other.vm = await createVM({ common: other.common, stateManager: this.vm.stateManager.shallowCopy() });
    other.now = this.now;
    other.nonces = new Map(this.nonces);
    return other;
  }

  async fund(address, wei) {
    const at = createAddressFromString(address);
    const old = (await this.vm.stateManager.getAccount(at)) ?? new Account();
    old.balance = wei;
    await this.vm.stateManager.putAccount(at, old);
  }

  async balance(address) {
    return (await this.vm.stateManager.getAccount(createAddressFromString(address)))?.balance ?? 0n;
  }

  async run(from, { to, data, value = 0n, gas = kGasLimit }, errors) {
    await this.fund(from.address, (await this.balance(from.address)) + gas + value);
    const nonce = this.nonces.get(from.address) ?? 0;
    const signed = await from.signTransaction({
      type: 'eip1559', chainId: this.chainId, nonce, to, data, value, gas, maxFeePerGas: 1n, maxPriorityFeePerGas: 0n,
    });
    const tx = createTxFromRLP(hexToBytes(signed), { common: this.common });
    const block = createBlock({ header: { number: 1n, timestamp: this.now, baseFeePerGas: 1n, gasLimit: 30_000_000n } }, { common: this.common });
    const { execResult, createdAddress, totalGasSpent } = await runTx(this.vm, { tx, block });
    this.nonces.set(from.address, nonce + 1);
    const returned = bytesToHex(execResult.returnValue);
    if (execResult.exceptionError) throw revertOf(returned, errors, execResult.exceptionError.error, totalGasSpent);
    const logs = (execResult.logs ?? []).map(([address, topics, bytes]) => ({
      address: bytesToHex(address), topics: topics.map((topic) => bytesToHex(topic)), data: bytesToHex(bytes),
    }));
    return { returned, logs, gasUsed: totalGasSpent, created: createdAddress?.toString() };
  }

  async peek(from, transaction, errors) {
    await this.vm.stateManager.checkpoint();
    const nonces = new Map(this.nonces);
    try {
      return await this.run(from, transaction, errors);
    } finally {
      await this.vm.stateManager.revert();
      this.nonces = nonces;
    }
  }
}

export class Contract {
  constructor(evm, address, abi, errors) {
    Object.assign(this, { evm, address, abi, errors });
  }
  send(name, args = [], options = {}) { return this.evm.send(this, name, args, options); }
  read(name, args = [], options = {}) { return this.evm.read(this, name, args, options); }
  /// The same contract elsewhere: after a split.
  on(evm) { return new Contract(evm, this.address, this.abi, this.errors); }
}

/// All that any of the artifacts may revert with or log: errors and events come through from contracts that are called.
export function errorsAndEvents(artifacts) {
  const seen = new Map();
  for (const { abi } of Object.values(artifacts)) {
    for (const entry of abi) {
      if (entry.type === 'error' || entry.type === 'event') seen.set(JSON.stringify([entry.type, entry.name, entry.inputs.map(({ type }) => type)]), entry);
    }
  }
  return [...seen.values(), ...parseAbi(['error Error(string)', 'error Panic(uint256)'])];
}
