pragma circom 2.2.0;

include "lib/quantised.circom";

// A network is a table `layers` with one row for each layer, a Dense and the Requantize that follows it:
//   0 inputs   1 outputs   2 weight bits   3 bias bits (0: no biases)   4 multiplier bits (0: one public factor)   5 public factor
//   6 shift    7 low       8 high          9 hi_min                    10 hi_max
// and a list `interface`: 0 least input, 1 greatest input, 2 input scale, 3 output scale (both the bits of an IEEE double), 4 finish.
// docs/spec/chain.md says how an integer graph becomes one.

function weight_count(count, layers) {
  var sum = 0;
  for (var l = 0; l < count; l++) { sum += layers[l][0] * layers[l][1]; }
  return sum;
}

function bias_count(count, layers) {
  var sum = 0;
  for (var l = 0; l < count; l++) { if (layers[l][3] > 0) { sum += layers[l][1]; } }
  return sum;
}

function multiplier_count(count, layers) {
  var sum = 0;
  for (var l = 0; l < count; l++) { if (layers[l][4] > 0) { sum += layers[l][1]; } }
  return sum;
}

function parameter_words(count, layers) {
  var sum = 0;
  for (var l = 0; l < count; l++) {
    sum += words_of(layers[l][0] * layers[l][1], layers[l][2]);
    if (layers[l][3] > 0) { sum += words_of(layers[l][1], layers[l][3]); }
    if (layers[l][4] > 0) { sum += words_of(layers[l][1], layers[l][4]); }
  }
  return sum;
}

// The least n with -2^n <= every one of row's low, high, hi_min, hi_max < 2^n.
function reach_of(row) {
  var reach = 0;
  for (var i = 7; i <= 10; i++) {
    var magnitude = row[i];
    if (row[i] < 0) { magnitude = -row[i] - 1; }
    var bits = bit_length(magnitude);
    if (bits > reach) { reach = bits; }
  }
  return reach;
}

// Digest of what is public about a network: all constants.
template ArchitectureHash(count, layers, interface) {
  signal output out;
  component hash = HashList(domain_architecture(), 6 + 11 * count);
  hash.in[0] <== count;
  for (var i = 0; i < 5; i++) { hash.in[1 + i] <== interface[i]; }
  for (var l = 0; l < count; l++) {
    for (var i = 0; i < 11; i++) { hash.in[6 + 11 * l + i] <== layers[l][i]; }
  }
  out <== hash.out;
}

// Range-checks all parameters and hashes architecture, salt and parameters: the model's commitment.
template ModelHash(count, layers, interface) {
  signal input weights[weight_count(count, layers)];
  signal input biases[bias_count(count, layers)];
  signal input multipliers[multiplier_count(count, layers)];
  signal input salt;
  signal output architectureHash;
  signal output out;

  component hash = HashList(domain_model(), 2 + parameter_words(count, layers));
  architectureHash <== ArchitectureHash(count, layers, interface)();
  hash.in[0] <== architectureHash;
  hash.in[1] <== salt;
  component packedWeights[count];
  component packedBiases[count];
  component packedMultipliers[count];
  var at = 2;
  var weight = 0;
  var bias = 0;
  var multiplier = 0;
  for (var l = 0; l < count; l++) {
    var size = layers[l][0] * layers[l][1];
    packedWeights[l] = Pack(size, layers[l][2], -(1 << (layers[l][2] - 1)));
    for (var i = 0; i < size; i++) { packedWeights[l].in[i] <== weights[weight + i]; }
    for (var w = 0; w < words_of(size, layers[l][2]); w++) { hash.in[at + w] <== packedWeights[l].out[w]; }
    at += words_of(size, layers[l][2]);
    weight += size;
    if (layers[l][3] > 0) {
      packedBiases[l] = Pack(layers[l][1], layers[l][3], -(1 << (layers[l][3] - 1)));
      for (var i = 0; i < layers[l][1]; i++) { packedBiases[l].in[i] <== biases[bias + i]; }
      for (var w = 0; w < words_of(layers[l][1], layers[l][3]); w++) { hash.in[at + w] <== packedBiases[l].out[w]; }
      at += words_of(layers[l][1], layers[l][3]);
      bias += layers[l][1];
    }
    if (layers[l][4] > 0) {
      packedMultipliers[l] = Pack(layers[l][1], layers[l][4], 0);
      for (var i = 0; i < layers[l][1]; i++) { packedMultipliers[l].in[i] <== multipliers[multiplier + i]; }
      for (var w = 0; w < words_of(layers[l][1], layers[l][4]); w++) { hash.in[at + w] <== packedMultipliers[l].out[w]; }
      at += words_of(layers[l][1], layers[l][4]);
      multiplier += layers[l][1];
    }
  }
  out <== hash.out;
}

// Range-checks `count` integers in [least, greatest] and hashes salt and integers, packed.
template VectorHash(domain, count, least, greatest) {
  signal input in[count];
  signal input salt;
  signal output out;
  var bits = bit_length(greatest - least);
  if (bits == 0) { bits = 1; }
  component packed = Pack(count, bits, least);
  packed.in <== in;
  if (greatest - least != (1 << bits) - 1) {
    for (var i = 0; i < count; i++) { InRange(bits, greatest - (1 << bits) + 1)(in[i]); }
  }
  component hash = HashList(domain, 1 + words_of(count, bits));
  hash.in[0] <== salt;
  for (var w = 0; w < words_of(count, bits); w++) { hash.in[1 + w] <== packed.out[w]; }
  out <== hash.out;
}

// The network's inference: output = layers applied to input, everything private but the three digests.
template NeuralNetworkInference(count, layers, interface) {
  signal input weights[weight_count(count, layers)];
  signal input biases[bias_count(count, layers)];
  signal input multipliers[multiplier_count(count, layers)];
  signal input values[layers[0][0]];
  signal input modelSalt;
  signal input inputSalt;
  signal input outputSalt;
  signal output modelHash;
  signal output inputHash;
  signal output outputHash;

  component model = ModelHash(count, layers, interface);
  model.weights <== weights;
  model.biases <== biases;
  model.multipliers <== multipliers;
  model.salt <== modelSalt;
  modelHash <== model.out;
  inputHash <== VectorHash(domain_input(), layers[0][0], interface[0], interface[1])(values, inputSalt);

  component dense[count];
  var widest = 0;
  for (var l = 0; l < count; l++) { if (layers[l][1] > widest) { widest = layers[l][1]; } }
  component requantize[count][widest];
  var weight = 0;
  var bias = 0;
  var multiplier = 0;
  for (var l = 0; l < count; l++) {
    var inputs = layers[l][0];
    var outputs = layers[l][1];
    if (l > 0) { assert(layers[l - 1][1] == inputs); }
    dense[l] = Dense(inputs, outputs);
    for (var k = 0; k < inputs; k++) {
      if (l == 0) {
        dense[l].in[k] <== values[k];
      } else {
        dense[l].in[k] <== requantize[l - 1][k].out;
      }
    }
    for (var i = 0; i < inputs * outputs; i++) { dense[l].weights[i] <== weights[weight + i]; }
    weight += inputs * outputs;
    for (var n = 0; n < outputs; n++) {
      requantize[l][n] = Requantize(layers[l][6], reach_of(layers[l]), layers[l][7], layers[l][8]);
      if (layers[l][3] > 0) {
        requantize[l][n].in <== dense[l].out[n] + biases[bias + n];
      } else {
        requantize[l][n].in <== dense[l].out[n];
      }
      if (layers[l][4] > 0) {
        requantize[l][n].multiplier <== multipliers[multiplier + n];
      } else {
        requantize[l][n].multiplier <== layers[l][5];
      }
    }
    if (layers[l][3] > 0) { bias += outputs; }
    if (layers[l][4] > 0) { multiplier += outputs; }
  }

  component answer = VectorHash(domain_output(), layers[count - 1][1], layers[count - 1][7], layers[count - 1][8]);
  for (var n = 0; n < layers[count - 1][1]; n++) { answer.in[n] <== requantize[count - 1][n].out; }
  answer.salt <== outputSalt;
  outputHash <== answer.out;
}
