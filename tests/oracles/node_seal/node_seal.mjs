// Runs circuits with Microsoft SEAL. SEAL chooses its own moduli; degrees, t and scales are ours.
import SEAL from 'node-seal';

const seal = await SEAL();

const kLimbs = {8192: 3, 16384: 6};  // and a special one for key switching

class Runner {
  constructor(set) {
    this.set = set;
    const limbs = kLimbs[set.degree];
    const bits = [...Array(limbs).fill(50), 60];
    if (set.scheme === 'ckks') bits.fill(Math.log2(set.scale), 1, limbs);
    const parameters = seal.EncryptionParameters(seal.SchemeType[set.scheme]);
    parameters.setPolyModulusDegree(set.degree);
    parameters.setCoeffModulus(seal.CoeffModulus.Create(set.degree, Int32Array.from(bits)));
    if (set.scheme !== 'ckks') parameters.setPlainModulus(seal.Modulus(BigInt(set.t)));
    this.context = seal.Context(parameters, true, seal.SecurityLevel.tc128);
    if (!this.context.parametersSet()) throw new Error(`SEAL doesn't take the parameters of ${set.parameters}`);
    const generator = seal.KeyGenerator(this.context);
    this.relinearization = generator.createRelinKeys();
    this.rotations = generator.createGaloisKeys(Int32Array.from([...set.steps, 0]));  // 0: exchange or conjugation
    this.encryptor = seal.Encryptor(this.context, generator.createPublicKey());
    this.decryptor = seal.Decryptor(this.context, generator.secretKey());
    this.evaluator = seal.Evaluator(this.context);
    this.encoder = set.scheme === 'ckks' ? seal.CKKSEncoder(this.context) : seal.BatchEncoder(this.context);
    this.top = limbs - 1;
    this.levels = [];  // identifiers of parameters
    for (let data = this.context.firstContextData; this.levels.length <= this.top; data = data.nextContextData) {
      this.levels.unshift(data.parmsId);
    }
    this.moduli = Array.from(parameters.coeffModulus, Number);
    this.scales = [];  // by level, as in docs/spec/fhe.md
    this.scales[this.top] = set.scale;
    for (let l = this.top; l > 0; --l) this.scales[l - 1] = this.scales[l] ** 2 / this.moduli[l];
  }

  encoded(values, level = this.top, scale = this.scales[level]) {
    if (this.set.scheme !== 'ckks') return this.encoder.encode(BigInt64Array.from(values, BigInt));
    const plain = this.encoder.encode(Float64Array.from(values), scale);
    if (level < this.top) this.evaluator.plainModSwitchTo(plain, this.levels[level], plain);
    return plain;
  }

  encrypted(values) {
    return {cipher: this.encryptor.encrypt(this.encoded(values)), level: this.top};
  }

  decrypted({cipher}) {
    const plain = this.decryptor.decrypt(cipher);
    if (this.set.scheme === 'ckks') return this.encoder.decode(plain);
    return Array.from(this.encoder.decodeBigInt(plain, true), Number);
  }

  /// After a product, which with CKKS has the square of the level's scale.
  rescaled(cipher, level) {
    if (this.set.scheme === 'bfv') return {cipher, level};
    if (this.set.scheme === 'bgv') this.evaluator.cipherModSwitchToNext(cipher, cipher);
    if (this.set.scheme === 'ckks') {
      this.evaluator.rescaleToNext(cipher, cipher);
      cipher.setScale(this.scales[level - 1]);  // but for rounding it is that already
    }
    return {cipher, level: level - 1};
  }

  lowered({cipher, level}, target) {
    if (level === target) return {cipher, level};
    const next = seal.CipherText();
    if (this.set.scheme === 'bgv') {
      this.evaluator.cipherModSwitchTo(cipher, this.levels[target], next);
      return {cipher: next, level: target};
    }
    // Times 1, at the scale that leads to that of the target.
    this.evaluator.cipherModSwitchTo(cipher, this.levels[target + 1], next);
    const scale = this.scales[target] / this.scales[level] * this.moduli[target + 1];
    const one = this.encoded(Array(this.encoder.slotCount).fill(1), target + 1, scale);
    this.evaluator.multiplyPlain(next, one, next);
    return this.rescaled(next, target + 1);
  }


  execute({op, a, b, c, plain, steps}, registers, plains) {
    const evaluator = this.evaluator, result = seal.CipherText();
    const operands = [a, b, c].filter((index) => index !== undefined).map((index) => registers[index]);
    const level = Math.min(...operands.map((operand) => operand.level));
    const [x, y, z] = operands.map((operand) => this.lowered(operand, level).cipher);
    const relinearized = (cipher) => {
      evaluator.relinearize(cipher, this.relinearization, cipher);
      return this.rescaled(cipher, level);
    };
    switch (op) {
      case 'add': evaluator.add(x, y, result); break;
      case 'subtract': evaluator.sub(x, y, result); break;
      case 'negate': evaluator.negate(x, result); break;
      case 'add_plain': evaluator.addPlain(x, this.encoded(plains[plain], level), result); break;
      case 'subtract_plain': evaluator.subPlain(x, this.encoded(plains[plain], level), result); break;
      case 'multiply_plain':
        evaluator.multiplyPlain(x, this.encoded(plains[plain], level), result);
        return this.rescaled(result, level);
      case 'multiply': return relinearized(evaluator.multiply(x, y));
      case 'square': return relinearized(evaluator.square(x));
      case 'sum_of_products':
        evaluator.add(evaluator.multiply(x, y), evaluator.multiply(z, y), result);
        return relinearized(result);
      case 'rotate':
      case 'rotate_hoisted':
        if (this.set.scheme === 'ckks') evaluator.rotateVector(x, steps, this.rotations, result);
        else evaluator.rotateRows(x, steps, this.rotations, result);
        break;
      case 'exchange':
        if (this.set.scheme === 'ckks') evaluator.complexConjugate(x, this.rotations, result);
        else evaluator.rotateColumns(x, this.rotations, result);
        break;
      default: throw new Error(`no instruction is called '${op}'`);
    }
    return {cipher: result, level};
  }

  run(circuit) {
    const registers = circuit.inputs.map((values) => this.encrypted(values));
    for (const instruction of circuit.instructions) {
      registers.push(this.execute(instruction, registers, circuit.plains));
    }
    return registers.map((register) => this.decrypted(register));
  }
}

/// For each circuit of the set the values of all registers; and what it takes to bound SEAL's errors.
export function run(set) {
  const runner = new Runner(set);
  return {circuits: set.circuits.map((circuit) => runner.run(circuit)), moduli: runner.moduli, scales: runner.scales};
}
