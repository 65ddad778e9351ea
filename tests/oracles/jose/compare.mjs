// node compare.mjs PROGRAM: npm's jose opens what PROGRAM (key_envelopes.cpp) seals, PROGRAM opens what jose seals, for one and
// several recipients, with and without the parts that a JWE may leave out. Exits 1 and says what failed.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';

import {calculateJwkThumbprint, exportJWK, FlattenedEncrypt, GeneralEncrypt, generalDecrypt, generateKeyPair, importJWK} from 'jose';

const program = process.argv[2], folder = mkdtempSync('keys-'), algorithm = 'ECDH-ES+A256KW', text = new TextEncoder();
const ours = (args, input = '') => execFileSync(program, args, {input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe']}).trim();
const fails = (args, input) => assert.throws(() => ours(args, input), ({status}) => status === 1);
const hex = (bytes) => Buffer.from(bytes).toString('hex');

const mine = [0, 1].map((i) => {
  const file = `${folder}/${i}.jwk`;
  return {file, jwk: JSON.parse(ours(['generate', file]))};
});
const theirs = await Promise.all([0, 1].map(async () => {
  const {publicKey, privateKey} = await generateKeyPair(algorithm, {crv: 'X25519', extractable: true});
  return {privateKey, publicKey, jwk: await exportJWK(publicKey)};
}));

// Both name a key alike, and jose takes our files of secret keys.
for (const {jwk, file} of mine) {
  assert.equal(await calculateJwkThumbprint(jwk), jwk.kid);
  await importJWK(JSON.parse(readFileSync(file, 'utf8')), algorithm);
}

for (const context of ['', 'models/7', 'ü'.repeat(40)]) {
  for (const count of [1, 2]) {
    // Ours, opened by jose.
    const recipients = [mine[0], ...theirs].slice(0, count + 1);
    const {data_key, envelope} = JSON.parse(ours(['seal', context], JSON.stringify(recipients.map(({jwk}) => jwk))));
    for (const {privateKey} of theirs.slice(0, count)) {
      const {plaintext, additionalAuthenticatedData} = await generalDecrypt(envelope, privateKey);
      assert.equal(hex(plaintext), data_key);
      assert.equal(Buffer.from(additionalAuthenticatedData ?? []).toString(), context);
    }
    const stranger = await generateKeyPair(algorithm, {crv: 'X25519'});
    await assert.rejects(generalDecrypt(envelope, stranger.privateKey));
    await assert.rejects(generalDecrypt({...envelope, aad: 'AAAA'}, theirs[0].privateKey));
    assert.equal(ours(['open', mine[0].file, context], JSON.stringify(envelope)), data_key);

    // Jose's, opened by us: headers wherever the standard allows them.
    {
      const key = randomBytes(32);
      const jwe = new GeneralEncrypt(key).setProtectedHeader({enc: 'A256GCM'}).setSharedUnprotectedHeader({cty: 'key'});
      if (context !== '') jwe.setAdditionalAuthenticatedData(text.encode(context));
      for (const {jwk} of mine.slice(0, count)) {
        jwe.addRecipient(await importJWK(jwk, algorithm)).setUnprotectedHeader({alg: algorithm, kid: jwk.kid});
      }
      const sealed = await jwe.encrypt();
      for (const {file} of mine.slice(0, count)) {
        assert.equal(ours(['open', file, context], JSON.stringify(sealed)), hex(key));
        fails(['open', file, context + '.'], JSON.stringify(sealed));
        fails(['open', file, context], JSON.stringify({...sealed, tag: sealed.iv + 'AAAAAA'}));
      }
      if (count === 1) fails(['open', mine[1].file, context], JSON.stringify(sealed));
    }
  }
}

// All in the protected header, with party names: jose knows them in its flattened form, which differs in where one recipient stands.
const key = randomBytes(32);
const {encrypted_key, header, ...rest} = await new FlattenedEncrypt(key)
  .setProtectedHeader({alg: algorithm, enc: 'A256GCM'})
  .setKeyManagementParameters({apu: text.encode('Alice'), apv: text.encode('Bob')})
  .encrypt(await importJWK(mine[0].jwk, algorithm));
assert.equal(ours(['open', mine[0].file, ''], JSON.stringify({...rest, recipients: [{encrypted_key, header}]})), hex(key));
fails(['open', mine[1].file, ''], JSON.stringify({...rest, recipients: [{encrypted_key, header}]}));

rmSync(folder, {recursive: true});
console.log('jose and blindproof open each other\'s key envelopes');
