#!/usr/bin/env python3
"""Writes hashes.csv: digests of messages of many lengths, and ChaCha20 key streams.

Oracles: hashlib for SHA-256, SHAKE256 and BLAKE2b. Keccak-256 is not in hashlib; it is written out below and checked against
hashlib's SHA3-256, which differs from it in one padding byte only. ChaCha20 is checked against the key stream of the
all-zero key, which RFC 8439 prints (appendix A.1).

Byte i of a message is (131*i + 7 + i//256) mod 256.
"""
import hashlib
import pathlib
import struct

MASK64 = (1 << 64) - 1


def keccak_f(a):
    """FIPS 202, section 3.2, on a[x][y]."""
    lfsr = 1
    rotl = lambda v, n: ((v << n % 64) | (v >> (64 - n % 64))) & MASK64
    for _ in range(24):
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        a = [[a[x][y] ^ c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1) for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, a[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, a[x][y] = a[x][y], rotl(current, (t + 1) * (t + 2) // 2)
        a = [[a[x][y] ^ (~a[(x + 1) % 5][y] & a[(x + 2) % 5][y] & MASK64) for y in range(5)] for x in range(5)]
        for j in range(7):
            lfsr = ((lfsr << 1) ^ ((lfsr >> 7) * 0x71)) % 256
            if lfsr & 2:
                a[0][0] ^= 1 << ((1 << j) - 1)
    return a


def keccak(message, suffix, rate=136, size=32):
    padded = bytearray(message) + bytes([suffix])
    padded += bytes(-len(padded) % rate)
    padded[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for i, (lane,) in enumerate(struct.iter_unpack("<Q", padded[start : start + rate])):
            a[i % 5][i // 5] ^= lane
        a = keccak_f(a)
    return b"".join(struct.pack("<Q", a[i % 5][i // 5]) for i in range(size // 8))


def chacha20(key, counter):
    rotl = lambda v, n: ((v << n) | (v >> (32 - n))) & 0xFFFFFFFF
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + bytes(12)))
    x = list(start)
    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for a, b, c, d in columns + diagonals:
            for p, q, r, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[p] = (x[p] + x[q]) & 0xFFFFFFFF
                x[r] = rotl(x[r] ^ x[p], bits)
    return struct.pack("<16I", *((u + v) & 0xFFFFFFFF for u, v in zip(x, start)))


def message(length):
    return bytes((131 * i + 7 + i // 256) % 256 for i in range(length))


def main():
    lines = ["# made by make_hashes.py; kind,length,hex"]
    for length in list(range(301)) + [511, 512, 513, 1000, 4096]:
        data = message(length)
        assert keccak(data, 0x06) == hashlib.sha3_256(data).digest()
        lines.append(f"sha256,{length},{hashlib.sha256(data).hexdigest()}")
        lines.append(f"keccak256,{length},{keccak(data, 0x01).hex()}")
        lines.append(f"shake256,{length},{hashlib.shake_256(data).hexdigest(32)}")
        lines.append(f"blake2b,{length},{hashlib.blake2b(data).hexdigest()}")
    lines.append(f"shake256,3,{hashlib.shake_256(message(3)).hexdigest(500)}")
    zero_key_block = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
    assert chacha20(bytes(32), 0)[:32].hex() == zero_key_block
    for key in (bytes(32), message(32)):
        lines.append(f"chacha20,{key.hex()},{b''.join(chacha20(key, i) for i in range(8)).hex()}")
    pathlib.Path(__file__).with_name("hashes.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
