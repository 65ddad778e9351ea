pragma circom 2.2.0;

include "bits.circom";
include "hash.circom";

// Words of a list of `count` integers in [least, least + 2^bits): each word holds floor(252 / bits) of them, the first lowest,
// as value - least. Every value is range-checked.
function words_of(count, bits) {
  var each = 252 \ bits;
  return (count + each - 1) \ each;
}

template Pack(count, bits, least) {
  assert(bits >= 1 && bits <= 252);
  signal input in[count];
  signal output out[words_of(count, bits)];
  var each = 252 \ bits;
  for (var i = 0; i < count; i++) { InRange(bits, least)(in[i]); }
  for (var w = 0; w < words_of(count, bits); w++) {
    var word = 0;
    for (var i = 0; i < each && each * w + i < count; i++) { word += (in[each * w + i] - least) * (1 << (bits * i)); }
    out[w] <== word;
  }
}

// out[n] = sum_k weights[n * inputs + k] * in[k].
// Caller must: range-check everything so that no sum reaches r / 2 in magnitude.
template Dense(inputs, outputs) {
  signal input in[inputs];
  signal input weights[inputs * outputs];
  signal output out[outputs];
  signal products[outputs][inputs];
  for (var n = 0; n < outputs; n++) {
    var sum = 0;
    for (var k = 0; k < inputs; k++) {
      products[n][k] <== weights[n * inputs + k] * in[k];
      sum += products[n][k];
    }
    out[n] <== sum;
  }
}

// out = clamp(hi, low, high), hi = floor((in * multiplier + 2^(shift-1)) / 2^shift): the integer graph's Requantize (halves upwards).
// ReLU is a clamp with low = 0. hi is shown to lie in [-2^reach, 2^reach), which contains low and high.
// Both parts come from one decomposition of in * multiplier + half + 2^(shift + reach): the bits are unique, hence hi and the remainder.
template Requantize(shift, reach, low, high) {
  assert(shift + reach + 1 <= 252 && low <= high);
  assert(-low <= (1 << reach) && high < (1 << reach));
  signal input in;
  signal input multiplier;
  signal output out;
  var half = 0;
  if (shift > 0) { half = 1 << (shift - 1); }
  component bits = ToBits(shift + reach + 1);
  bits.in <== in * multiplier + half + (1 << (shift + reach));
  var hi = -(1 << reach);
  for (var i = 0; i <= reach; i++) { hi += bits.out[shift + i] * (1 << i); }

  component above = ToBits(reach + 2);  // hi - low and hi - high - 1 lie in [-2^(reach+1), 2^(reach+1)): the top bit is the sign
  above.in <== hi - low + (1 << (reach + 1));
  component beyond = ToBits(reach + 2);
  beyond.in <== hi - high - 1 + (1 << (reach + 1));
  signal raised <== (1 - above.out[reach + 1]) * (low - hi);
  signal lowered <== beyond.out[reach + 1] * (high - hi);
  out <== hi + raised + lowered;
}
