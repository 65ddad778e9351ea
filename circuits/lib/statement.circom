pragma circom 2.2.0;

include "bits.circom";
include "sha256.circom";

// Collects fields of a message, big-endian, and hashes them with SHA-256 as two public numbers of 128 bits. Widths are multiples of 8.
// A field of 256 bits holds an element in [0, r): its strict decomposition. Others are range-checked here to their width.
template Statement(fields, widths) {
  signal input in[fields];
  signal output hi;
  signal output lo;
  var length = 0;
  for (var f = 0; f < fields; f++) { length += widths[f]; }
  signal message[length];
  component bits[fields];
  component element[fields];
  var at = 0;
  for (var f = 0; f < fields; f++) {
    var n = widths[f];
    assert(n % 8 == 0 && (n <= 248 || n == 256));
    if (n == 256) {
      element[f] = ToBitsStrict();
      element[f].in <== in[f];
      message[at] <== 0;
      message[at + 1] <== 0;
      for (var i = 0; i < 254; i++) { message[at + 255 - i] <== element[f].out[i]; }
    } else {
      bits[f] = ToBits(n);
      bits[f].in <== in[f];
      for (var i = 0; i < n; i++) { message[at + n - 1 - i] <== bits[f].out[i]; }
    }
    at += n;
  }
  component digest = Sha256(length);
  digest.in <== message;
  var high = 0;
  var low = 0;
  for (var i = 0; i < 128; i++) {
    high += digest.out[i] * (1 << (127 - i));
    low += digest.out[128 + i] * (1 << (127 - i));
  }
  hi <== high;
  lo <== low;
}
