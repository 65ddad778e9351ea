pragma circom 2.2.0;

include "poseidon.circom";

// Root of a binary tree of the given depth over Poseidon(2). path[i] is 1 where the node on level i (0: the leaf) is a right child.
// Caller must: take leaves from HashList, which is Poseidon of another width: otherwise an inner node could pass as a leaf.
template MerkleRoot(depth) {
  assert(depth >= 1);
  signal input leaf;
  signal input path[depth];
  signal input siblings[depth];
  signal output root;
  signal node[depth + 1];
  signal moved[depth];
  component parent[depth];
  node[0] <== leaf;
  for (var i = 0; i < depth; i++) {
    path[i] * (path[i] - 1) === 0;
    moved[i] <== path[i] * (siblings[i] - node[i]);
    parent[i] = Poseidon(2);
    parent[i].in[0] <== node[i] + moved[i];
    parent[i].in[1] <== siblings[i] - moved[i];
    node[i + 1] <== parent[i].out;
  }
  root <== node[depth];
}
