pragma circom 2.2.0;

include "neural_network_inference.circom";
include "lib/statement.circom";

// The owner knows every parameter of the model with this modelHash and architectureHash, and registers it on this chain, with this
// contract, under this address. Public: statementHi, statementLo = SHA-256 of
//   "blindproof/modl1" | chainId(8) | contract(20) | owner(20) | modelHash(32) | architectureHash(32)
template ModelIntegrity(count, layers, interface) {
  signal input weights[weight_count(count, layers)];
  signal input biases[bias_count(count, layers)];
  signal input multipliers[multiplier_count(count, layers)];
  signal input modelSalt;
  signal input chainId;
  signal input contract;
  signal input owner;
  signal output statementHi;
  signal output statementLo;

  component model = ModelHash(count, layers, interface);
  model.weights <== weights;
  model.biases <== biases;
  model.multipliers <== multipliers;
  model.salt <== modelSalt;
  component statement = Statement(6, [128, 64, 160, 160, 256, 256]);
  statement.in[0] <== 0x626c696e6470726f6f662f6d6f646c31;
  statement.in[1] <== chainId;
  statement.in[2] <== contract;
  statement.in[3] <== owner;
  statement.in[4] <== model.out;
  statement.in[5] <== model.architectureHash;
  statementHi <== statement.hi;
  statementLo <== statement.lo;
}
