pragma circom 2.2.0;

include "bits.circom";

// FIPS 180-4. Inside, words are 32 little-endian bits; a sum modulo 2^32 is a decomposition whose top bits are dropped.

function sha256_initial(i) {
  var words[8] = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
  return words[i];
}

function sha256_constant(i) {
  var words[64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2];
  return words[i];
}

// Value of the bitwise a ^ b ^ c, where a, b, c are `in` rotated right by r[0], r[1], r[2]; with `shift`, the third is shifted.
template XorOfRotations(r0, r1, r2, shift) {
  signal input in[32];
  signal output out;
  signal product[32];
  signal second[32];
  var sum = 0;
  for (var i = 0; i < 32; i++) {
    var a = in[(i + r0) % 32];
    var b = in[(i + r1) % 32];
    product[i] <== a * b;
    var either = a + b - 2 * product[i];
    if (shift && i + r2 >= 32) {
      second[i] <== 0;
      sum += either * (1 << i);
    } else {
      var c = in[(i + r2) % 32];
      second[i] <== either * c;
      sum += (either + c - 2 * second[i]) * (1 << i);
    }
  }
  out <== sum;
}

// Value of the bitwise "if in then yes else no".
template Choose() {
  signal input in[32];
  signal input yes[32];
  signal input no[32];
  signal output out;
  signal product[32];
  var sum = 0;
  for (var i = 0; i < 32; i++) {
    product[i] <== in[i] * (yes[i] - no[i]);
    sum += (product[i] + no[i]) * (1 << i);
  }
  out <== sum;
}

// Value of the bitwise majority.
template Majority() {
  signal input a[32];
  signal input b[32];
  signal input c[32];
  signal output out;
  signal both[32];
  signal other[32];
  var sum = 0;
  for (var i = 0; i < 32; i++) {
    both[i] <== b[i] * c[i];
    other[i] <== a[i] * (b[i] + c[i] - 2 * both[i]);
    sum += (both[i] + other[i]) * (1 << i);
  }
  out <== sum;
}

// The low 32 bits of a sum below 2^(32 + carry).
template WordOf(carry) {
  signal input in;
  signal output out[32];
  component bits = ToBits(32 + carry);
  bits.in <== in;
  for (var i = 0; i < 32; i++) { out[i] <== bits.out[i]; }
}

template Sha256Compress() {
  signal input state[8][32];
  signal input block[16][32];
  signal output out[8][32];

  signal words[64][32];
  component small0[64];
  component small1[64];
  component extended[64];
  for (var t = 0; t < 64; t++) {
    if (t < 16) {
      words[t] <== block[t];
    } else {
      small0[t] = XorOfRotations(7, 18, 3, 1);
      small0[t].in <== words[t - 15];
      small1[t] = XorOfRotations(17, 19, 10, 1);
      small1[t].in <== words[t - 2];
      var old = 0;
      for (var i = 0; i < 32; i++) { old += (words[t - 7][i] + words[t - 16][i]) * (1 << i); }
      extended[t] = WordOf(2);
      extended[t].in <== small0[t].out + small1[t].out + old;
      words[t] <== extended[t].out;
    }
  }

  // a[t + 3], a[t + 2], a[t + 1], a[t] are the registers a, b, c, d before round t; e likewise e, f, g, h.
  signal a[68][32];
  signal e[68][32];
  for (var i = 0; i < 4; i++) {
    a[i] <== state[3 - i];
    e[i] <== state[7 - i];
  }
  component big0[64];
  component big1[64];
  component choose[64];
  component majority[64];
  component nextA[64];
  component nextE[64];
  for (var t = 0; t < 64; t++) {
    big1[t] = XorOfRotations(6, 11, 25, 0);
    big1[t].in <== e[t + 3];
    choose[t] = Choose();
    choose[t].in <== e[t + 3];
    choose[t].yes <== e[t + 2];
    choose[t].no <== e[t + 1];
    big0[t] = XorOfRotations(2, 13, 22, 0);
    big0[t].in <== a[t + 3];
    majority[t] = Majority();
    majority[t].a <== a[t + 3];
    majority[t].b <== a[t + 2];
    majority[t].c <== a[t + 1];
    var first = big1[t].out + choose[t].out + sha256_constant(t);
    var d = 0;
    for (var i = 0; i < 32; i++) {
      first += (e[t][i] + words[t][i]) * (1 << i);
      d += a[t][i] * (1 << i);
    }
    nextE[t] = WordOf(3);
    nextE[t].in <== first + d;
    e[t + 4] <== nextE[t].out;
    nextA[t] = WordOf(3);
    nextA[t].in <== first + big0[t].out + majority[t].out;
    a[t + 4] <== nextA[t].out;
  }

  component last[8];
  for (var k = 0; k < 8; k++) {
    var sum = 0;
    for (var i = 0; i < 32; i++) {
      if (k < 4) {
        sum += (state[k][i] + a[67 - k][i]) * (1 << i);
      } else {
        sum += (state[k][i] + e[71 - k][i]) * (1 << i);
      }
    }
    last[k] = WordOf(1);
    last[k].in <== sum;
    out[k] <== last[k].out;
  }
}

// SHA-256 of n bits (a multiple of 8), in the order of the message: the first is the top bit of the first byte.
// Caller must: constrain every bit of `in` to be 0 or 1.
template Sha256(n) {
  assert(n % 8 == 0 && n < (1 << 32));
  signal input in[n];
  signal output out[256];
  var blocks = (n + 65 + 511) \ 512;
  component compress[blocks];
  for (var b = 0; b < blocks; b++) {
    compress[b] = Sha256Compress();
    for (var w = 0; w < 16; w++) {
      for (var i = 0; i < 32; i++) {
        var at = 512 * b + 32 * w + 31 - i;
        if (at < n) {
          compress[b].block[w][i] <== in[at];
        } else if (at == n) {
          compress[b].block[w][i] <== 1;
        } else if (at >= 512 * blocks - 64) {
          compress[b].block[w][i] <== (n >> (512 * blocks - 1 - at)) & 1;
        } else {
          compress[b].block[w][i] <== 0;
        }
      }
    }
    for (var k = 0; k < 8; k++) {
      for (var i = 0; i < 32; i++) {
        if (b == 0) {
          compress[b].state[k][i] <== (sha256_initial(k) >> i) & 1;
        } else {
          compress[b].state[k][i] <== compress[b - 1].out[k][i];
        }
      }
    }
  }
  for (var k = 0; k < 8; k++) {
    for (var i = 0; i < 32; i++) { out[32 * k + i] <== compress[blocks - 1].out[k][31 - i]; }
  }
}
