// Answers one question about Ethereum's formats with ethers, about Ed25519 with Node: `node oracle.mjs QUESTION` reads a JSON
// object from standard input and prints one.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { AbiCoder, Transaction, computeAddress, getCreateAddress, verifyTypedData } from "ethers";

const questions = {
  ed25519: ({ point, message, signature }) => {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(point, "hex").toString("base64url") }, format: "jwk" });
    return { good: verify(null, Buffer.from(message, "utf8"), key, Buffer.from(signature, "base64url")) };
  },
  address: ({ key }) => ({ address: computeAddress(key) }),
  contractAddress: ({ from, nonce }) => ({ address: getCreateAddress({ from, nonce }) }),
  typedData: ({ domain, types, message, signature }) => ({ signer: verifyTypedData(domain, types, message, signature) }),
  transaction: ({ raw }) => {
    const t = Transaction.from(raw);
    return {
      type: t.type, chainId: String(t.chainId), nonce: t.nonce, to: t.to, data: t.data, value: String(t.value), gasLimit: String(t.gasLimit),
      maxFeePerGas: String(t.maxFeePerGas), maxPriorityFeePerGas: String(t.maxPriorityFeePerGas), from: t.from, hash: t.hash, again: t.serialized,
    };
  },
  arguments: ({ types, values }) => ({ encoded: AbiCoder.defaultAbiCoder().encode(types, values) }),
};

const question = questions[process.argv[2]];
if (question === undefined) throw new Error(`unknown question: ${process.argv[2]}`);
console.log(JSON.stringify(question(JSON.parse(readFileSync(0, "utf8")))));
