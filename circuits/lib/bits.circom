pragma circom 2.2.0;

// Bits are little-endian everywhere but in SHA-256. Every `<--` of these circuits stands in this file; docs/spec/chain.md lists
// the constraint that fixes each of them.

function bit_length(value) {  // of a non-negative value
  var length = 0;
  for (var rest = value; rest > 0; rest >>= 1) { length++; }
  return length;
}

// in = sum of 2^i out[i], out[i] in {0, 1}. At most 252 bits: the sum can't reach r, so the bits are unique.
template ToBits(n) {
  assert(n >= 1 && n <= 252);
  signal input in;
  signal output out[n];
  var sum = 0;
  for (var i = 0; i < n; i++) {
    out[i] <-- (in >> i) & 1;
    out[i] * (out[i] - 1) === 0;
    sum += out[i] * (1 << i);
  }
  sum === in;
}

// least <= in < least + 2^n, at most 252 bits. The top bit has no signal of its own: in - least - (the lower bits) must be 0 or 2^(n-1).
template InRange(n, least) {
  assert(n >= 1 && n <= 252);
  signal input in;
  signal bits[n - 1];
  var rest = in - least;
  for (var i = 0; i < n - 1; i++) {
    bits[i] <-- ((in - least) >> i) & 1;
    bits[i] * (bits[i] - 1) === 0;
    rest -= bits[i] * (1 << i);
  }
  rest * (rest - (1 << (n - 1))) === 0;
}

// The 254 bits of in's representative in [0, r): those of in + r, which may also fit 254 bits, are refused.
template ToBitsStrict() {
  signal input in;
  signal output out[254];
  var sum = 0;
  for (var i = 0; i < 254; i++) {
    out[i] <-- (in >> i) & 1;
    out[i] * (out[i] - 1) === 0;
    sum += out[i] * (1 << i);
  }
  sum === in;

  // From the top: `equal` is 1 as long as all bits so far are those of r - 1. Where r - 1 has a 0 the bit must then be 0 too;
  // a run of such bits is checked by its sum, which is below r.
  var bound = -1;
  signal equal[255];
  equal[254] <== 1;
  var run = 0;
  for (var i = 253; i >= 0; i--) {
    if ((bound >> i) & 1) {
      if (i == 253) {
        equal[i] <== out[i];
      } else {
        equal[i] <== equal[i + 1] * out[i];
      }
    } else {
      equal[i] <== equal[i + 1];
      run += out[i];
    }
    var run_ends = 1;
    if (i > 0) { run_ends = (bound >> (i - 1)) & 1; }
    if (run_ends == 1 && ((bound >> i) & 1) == 0) {
      equal[i] * run === 0;
      run = 0;
    }
  }
}
