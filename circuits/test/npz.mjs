// Reads arrays of .npz files (numpy.savez, compressed or not).
import fs from 'node:fs';
import zlib from 'node:zlib';

const types = { '<f4': [4, (b, at) => b.readFloatLE(at)], '<i8': [8, (b, at) => Number(b.readBigInt64LE(at))] };

export function readNpz(file) {
  const zip = fs.readFileSync(file);
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const arrays = {};
  let at = zip.readUInt32LE(end + 16);
  for (let i = zip.readUInt16LE(end + 10); i > 0; --i) {
    const [method, nameLength, extra, comment] = [10, 28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const [size, local] = [20, 42].map((field) => zip.readUInt32LE(at + field));
    const name = zip.toString('latin1', at + 46, at + 46 + nameLength);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const body = zip.subarray(start, start + size);
    arrays[name.replace(/\.npy$/, '')] = readNpy(method === 8 ? zlib.inflateRawSync(body) : body);
    at += 46 + nameLength + extra + comment;
  }
  return arrays;
}

function readNpy(bytes) {
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  const [width, read] = types[/'descr': '([^']+)'/.exec(header)[1]];
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((part) => part.trim()).map(Number);
  const count = shape.reduce((product, n) => product * n, 1);
  return { shape, values: Array.from({ length: count }, (_, i) => read(bytes, 10 + length + width * i)) };
}
