pragma circom 2.2.0;

// Takes any statement: what the contracts do with proofs is tested apart from what circuits say.
template ReceiptStandIn() {
  signal input statementHi;
  signal input statementLo;
  signal input secret;
  signal product <== statementHi * secret;
  signal all <== product * statementLo;
}

component main {public [statementHi, statementLo]} = ReceiptStandIn();
