pragma circom 2.2.0;

include "neural_network_inference.circom";
include "receipt_attestation.circom";

// ReceiptAttestation whose three digests come from an inference in the same proof: what is paid for was computed.
// Public: statementHi, statementLo.
template ReceiptInference(count, layers, interface) {
  signal input weights[weight_count(count, layers)];
  signal input biases[bias_count(count, layers)];
  signal input multipliers[multiplier_count(count, layers)];
  signal input values[layers[0][0]];
  signal input modelSalt;
  signal input inputSalt;
  signal input outputSalt;
  signal input chainId;
  signal input contract;
  signal input recipient;
  signal input units;
  signal input unitPrice;
  signal input nonce;
  signal input deadline;
  signal input receiptHashHi;
  signal input receiptHashLo;
  signal output statementHi;
  signal output statementLo;

  component inference = NeuralNetworkInference(count, layers, interface);
  inference.weights <== weights;
  inference.biases <== biases;
  inference.multipliers <== multipliers;
  inference.values <== values;
  inference.modelSalt <== modelSalt;
  inference.inputSalt <== inputSalt;
  inference.outputSalt <== outputSalt;
  component receipt = ReceiptAttestation();
  receipt.chainId <== chainId;
  receipt.contract <== contract;
  receipt.recipient <== recipient;
  receipt.units <== units;
  receipt.unitPrice <== unitPrice;
  receipt.nonce <== nonce;
  receipt.deadline <== deadline;
  receipt.receiptHashHi <== receiptHashHi;
  receipt.receiptHashLo <== receiptHashLo;
  receipt.modelHash <== inference.modelHash;
  receipt.inputHash <== inference.inputHash;
  receipt.outputHash <== inference.outputHash;
  statementHi <== receipt.statementHi;
  statementLo <== receipt.statementLo;
}
