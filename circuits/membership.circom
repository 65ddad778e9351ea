pragma circom 2.2.0;

include "lib/hash.circom";
include "lib/merkle.circom";

// The prover's secret is behind one of the leaves of a Poseidon tree. leaf = HashList(member, [secret]).
// Public: nullifier = HashList(nullifier, [scope, secret]), the same for every proof of one member in one scope; then root, scope and
// message, which the proof is bound to (a recipient, say: otherwise a proof could be sent in somebody else's name).
// Caller must: draw `secret` with at least 128 random bits; refuse a nullifier that was seen in this scope.
template Membership(depth) {
  signal input root;
  signal input scope;
  signal input message;
  signal input secret;
  signal input path[depth];
  signal input siblings[depth];
  signal output nullifier;

  component tree = MerkleRoot(depth);
  tree.leaf <== HashList(domain_member(), 1)([secret]);
  tree.path <== path;
  tree.siblings <== siblings;
  tree.root === root;
  nullifier <== HashList(domain_nullifier(), 2)([scope, secret]);
  signal bound <== message * secret;  // a public input in no constraint could be exchanged
}
