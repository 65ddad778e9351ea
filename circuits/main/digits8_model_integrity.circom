pragma circom 2.2.0;

include "../model_integrity.circom";

// Written by model.mjs. Public signals, in this order: statementHi, statementLo.
component main = ModelIntegrity(4, [
  [64, 64, 6, 16, 8, 1, 14, 0, 255, -1024, 1023],
  [64, 64, 6, 16, 8, 1, 13, 0, 255, -2048, 2047],
  [64, 64, 6, 16, 8, 1, 13, 0, 255, -2048, 1023],
  [64, 10, 6, 16, 8, 1, 10, -2048, 2047, -8192, 8191]
], [0, 255, 4571171282956062736, 4575657221408423936, 0]);
