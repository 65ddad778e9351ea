pragma circom 2.2.0;

// Another circuit with the same public inputs.
template ModelStandIn() {
  signal input statementHi;
  signal input statementLo;
  signal input secret;
  signal sum <== (statementHi + secret) * statementLo;
  signal all <== sum * sum;
}

component main {public [statementHi, statementLo]} = ModelStandIn();
