pragma circom 2.1.0;

// (a^2 + b)^2 b + 3, and whether a is small: products, a decomposition into bits, sums.
template Circuit() {
    signal input a;
    signal input b;
    signal output c;
    signal d <== a * a + b;
    signal e <== d * d;
    c <== e * b + 3;

    signal bits[8];
    var sum = 0;
    for (var i = 0; i < 8; i++) {
        bits[i] <-- (a >> i) & 1;
        bits[i] * (bits[i] - 1) === 0;
        sum += bits[i] * 2 ** i;
    }
    sum === a;
}

component main {public [b]} = Circuit();
