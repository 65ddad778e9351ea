pragma circom 2.2.0;

include "../receipt_attestation.circom";

// Public signals, in this order: statementHi, statementLo.
component main = ReceiptAttestation();
