pragma circom 2.2.0;

include "poseidon.circom";

// Domains: 16 ASCII characters, big-endian.
function domain_model() { return 0x626c696e6470726f6f662f6d6f64656c; }         // blindproof/model
function domain_architecture() { return 0x626c696e6470726f6f662f6172636869; }  // blindproof/archi
function domain_input() { return 0x626c696e6470726f6f662f696e707574; }         // blindproof/input
function domain_output() { return 0x626c696e6470726f6f662f6f75747074; }        // blindproof/outpt
function domain_member() { return 0x626c696e6470726f6f662f6d656d6272; }        // blindproof/membr
function domain_nullifier() { return 0x626c696e6470726f6f662f6e756c6c69; }     // blindproof/nulli
function domain_bid() { return 0x626c696e6470726f6f662f6269643031; }           // blindproof/bid01

// Hash of a list of n elements:  h = domain * 2^64 + n;  for each 15 elements, the last filled with zeros: h = Poseidon(h, them).
template HashList(domain, n) {
  assert(n >= 1 && n < (1 << 64));
  signal input in[n];
  signal output out;
  var blocks = (n + 14) \ 15;
  component compress[blocks];
  for (var b = 0; b < blocks; b++) {
    compress[b] = Poseidon(16);
    if (b == 0) {
      compress[b].in[0] <== domain * (1 << 64) + n;
    } else {
      compress[b].in[0] <== compress[b - 1].out;
    }
    for (var i = 0; i < 15; i++) {
      if (15 * b + i < n) {
        compress[b].in[i + 1] <== in[15 * b + i];
      } else {
        compress[b].in[i + 1] <== 0;
      }
    }
  }
  out <== compress[blocks - 1].out;
}
