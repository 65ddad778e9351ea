// Contracts on anvil, a node of its own, over JSON-RPC. Transactions are signed here.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { account, Chain, revertOf } from './evm.mjs';

const kGas = 6_000_000n;

function findAnvil() {
  const require = createRequire(import.meta.url);
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return path.join(path.dirname(require.resolve(`@foundry-rs/anvil-${platform}/package.json`)), 'bin/anvil');
}

export class Anvil extends Chain {
  static async start(chainId = 31337) {
    const anvil = new Anvil();
    anvil.chainId = chainId;
    anvil.process = spawn(findAnvil(), ['--port', '0', '--chain-id', String(chainId), '--accounts', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
    process.on('exit', () => anvil.process.kill());
    anvil.url = await new Promise((resolve, reject) => {
      let text = '';
      anvil.process.on('error', reject);
      anvil.process.on('exit', (code) => reject(new Error(`anvil ended with ${code}:\n${text}`)));
      anvil.process.stdout.on('data', (chunk) => {
        text += chunk;
        const found = /Listening on (\S+:\d+)/.exec(text);
        if (found) resolve(`http://${found[1]}`);
      });
    });
    for (let i = 0; i < 10; ++i) await anvil.rpc('anvil_setBalance', [account(i).address, '0x21e19e0c9bab2400000']);
    anvil.now = BigInt((await anvil.rpc('eth_getBlockByNumber', ['latest', false])).timestamp);
    return anvil;
  }

  stop() {
    this.process.kill();
  }

  async rpc(method, params) {
    const response = await fetch(this.url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = await response.json();
    if (error) throw Object.assign(new Error(`${method}: ${error.message}`), { data: error.data });
    return result;
  }

  /// Sets the clock of the next block.
  async advance(seconds) {
    this.now = BigInt((await this.rpc('eth_getBlockByNumber', ['latest', false])).timestamp) + seconds;
    await this.rpc('evm_setNextBlockTimestamp', [`0x${this.now.toString(16)}`]);
    await this.rpc('evm_mine', []);
  }

  async balance(address) {
    return BigInt(await this.rpc('eth_getBalance', [address, 'latest']));
  }

  async peek(from, { to, data, value = 0n }, errors) {
    try {
      const call = { from: from.address, to, data, value: `0x${value.toString(16)}`, gas: `0x${kGas.toString(16)}` };
      return { returned: await this.rpc('eth_call', [call, 'latest']) };
    } catch (error) {
      if (error.data === undefined) throw error;
      throw revertOf(error.data, errors, 'reverted');
    }
  }

  async run(from, { to, data, value = 0n }, errors) {
    // What the transaction would return or revert with: receipts don't say.
    const outcome = await this.peek(from, { to, data, value }, errors).catch((error) => error);
    if (outcome instanceof Error && outcome.args === undefined) throw outcome;
    const signed = await from.signTransaction({
      type: 'eip1559', chainId: this.chainId, nonce: Number(await this.rpc('eth_getTransactionCount', [from.address, 'pending'])), to, data, value, gas: kGas,
      maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n,
    });
    const hash = await this.rpc('eth_sendRawTransaction', [signed]);
    let receipt = null;
    for (let tries = 0; receipt === null && tries < 200; ++tries) {
      receipt = await this.rpc('eth_getTransactionReceipt', [hash]);
      if (receipt === null) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (receipt === null) throw new Error(`no receipt of ${hash}`);
    if ((receipt.status === '0x1') === outcome instanceof Error) throw new Error(`the transaction's status ${receipt.status} is not what the call promised`);
    if (outcome instanceof Error) throw Object.assign(outcome, { gasUsed: BigInt(receipt.gasUsed) });
    return { returned: outcome.returned, logs: receipt.logs, gasUsed: BigInt(receipt.gasUsed), created: receipt.contractAddress };
  }
}
