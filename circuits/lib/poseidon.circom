pragma circom 2.2.0;

include "poseidon_constants.circom";  // written into the build folder by build.mjs

// Poseidon of n = 1..16 elements, circomlib's Poseidon(n): state (0, in), 8 full rounds, out = first element of the state.
// 3 constraints for each fifth power; between them everything is linear and has no signals.
template Poseidon(n) {
  assert(n >= 1 && n <= 16);
  signal input in[n];
  signal output out;
  var t = n + 1;
  var full = 8;
  var partial = poseidon_partial_rounds(t);
  var constants[t * (full + partial)] = poseidon_round_constants(t);
  var matrix[t][t] = poseidon_matrix(t);

  signal square[full + partial][t];
  signal fourth[full + partial][t];
  signal fifth[full + partial][t];
  var state[t];
  state[0] = 0;
  for (var i = 0; i < n; i++) { state[i + 1] = in[i]; }
  for (var round = 0; round < full + partial; round++) {
    var active = 1;
    if (round < full / 2 || round >= full / 2 + partial) { active = t; }
    for (var i = 0; i < t; i++) { state[i] += constants[round * t + i]; }
    for (var i = 0; i < active; i++) {
      square[round][i] <== state[i] * state[i];
      fourth[round][i] <== square[round][i] * square[round][i];
      fifth[round][i] <== fourth[round][i] * state[i];
      state[i] = fifth[round][i];
    }
    var mixed[t];
    for (var i = 0; i < t; i++) {
      mixed[i] = 0;
      for (var j = 0; j < t; j++) { mixed[i] += matrix[i][j] * state[j]; }
    }
    state = mixed;
  }
  out <== state[0];
}
