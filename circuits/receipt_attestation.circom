pragma circom 2.2.0;

include "lib/bits.circom";
include "lib/statement.circom";

// What a contract settles, in two public numbers: statementHi, statementLo = SHA-256 of
//   "blindproof/rcpt1" | chainId(8) | contract(20) | recipient(20) | amount(16) | nonce(8) | deadline(8) | receiptHash(32)
//   | modelHash(32) | inputHash(32) | outputHash(32),     amount = units * unitPrice, both of 64 bits.
// receiptHash is a SHA-256 digest as two halves of 128 bits; the other three are Poseidon digests.
// Caller must: derive modelHash, inputHash and outputHash from an inference in the same circuit (receipt_inference.circom), if the
// statement is to say more than that somebody vouches for them.
template ReceiptAttestation() {
  signal input chainId;
  signal input contract;
  signal input recipient;
  signal input units;
  signal input unitPrice;
  signal input nonce;
  signal input deadline;
  signal input receiptHashHi;
  signal input receiptHashLo;
  signal input modelHash;
  signal input inputHash;
  signal input outputHash;
  signal output statementHi;
  signal output statementLo;

  InRange(64, 0)(units);
  InRange(64, 0)(unitPrice);
  signal amount <== units * unitPrice;
  component statement = Statement(12, [128, 64, 160, 160, 128, 64, 64, 128, 128, 256, 256, 256]);
  statement.in[0] <== 0x626c696e6470726f6f662f7263707431;
  statement.in[1] <== chainId;
  statement.in[2] <== contract;
  statement.in[3] <== recipient;
  statement.in[4] <== amount;
  statement.in[5] <== nonce;
  statement.in[6] <== deadline;
  statement.in[7] <== receiptHashHi;
  statement.in[8] <== receiptHashLo;
  statement.in[9] <== modelHash;
  statement.in[10] <== inputHash;
  statement.in[11] <== outputHash;
  statementHi <== statement.hi;
  statementLo <== statement.lo;
}
