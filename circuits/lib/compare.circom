pragma circom 2.2.0;

include "bits.circom";

// out = a < b, for a and b of n bits: both are range-checked here, so no caller can forget it.
template IsLess(n) {
  assert(n <= 251);
  signal input a;
  signal input b;
  signal output out;
  InRange(n, 0)(a);
  InRange(n, 0)(b);
  component difference = ToBits(n + 1);
  difference.in <== a - b + (1 << n);
  out <== 1 - difference.out[n];
}

// a <= b, for a and b of n bits.
template AssertAtMost(n) {
  assert(n <= 251);
  signal input a;
  signal input b;
  InRange(n, 0)(a);
  InRange(n, 0)(b);
  InRange(n, 0)(b - a);
}
