// Vectors of AES-EAX in the form of Wycheproof, tried in a page.

// What is wrong with these vectors, as a list of tcIds with a word; runs in the page.
export async function wrongOnes(vectors) {
  const { fromHex, hex } = await import('/assets/lib/bytes.js');
  const { eaxKey, eaxOpen, eaxSeal } = await import('/assets/lib/eax.js');
  const wrong = [];
  for (const one of vectors) {
    const [nonce, header, plaintext, ciphertext, tag] = ['iv', 'aad', 'msg', 'ct', 'tag'].map((name) => fromHex(one[name]));
    const key = await eaxKey(fromHex(one.key));
    const opened = await eaxOpen(key, { nonce, tag, ciphertext }, header);
    if (one.result === 'invalid') {
      if (opened !== null) wrong.push(`${one.tcId}: opened`);
    } else {
      if (opened === null || hex(opened) !== one.msg) wrong.push(`${one.tcId}: not opened`);
      const sealed = await eaxSeal(key, plaintext, header, nonce);
      if (hex(sealed.ciphertext) !== one.ct || hex(sealed.tag) !== one.tag) wrong.push(`${one.tcId}: sealed otherwise`);
    }
  }
  return wrong;
}
