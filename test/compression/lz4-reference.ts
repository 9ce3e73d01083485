/**
 * A strict, slow LZ4 block decoder written from the format's description (lz4_Block_format.md), against which the tests
 * hold the native one. Null when the block is damaged or holds more than `rawLength` bytes.
 */
export function referenceDecode(block: Buffer, rawLength: number): Buffer | null {
  const out = Buffer.alloc(rawLength);
  let at = 0;
  let written = 0;

  /** A length whose first part stood in the token: 15 means that bytes follow, up to the first that is not 255. */
  const extended = (first: number): number => {
    let length = first;
    if (first !== 15) return length;
    for (;;) {
      if (at >= block.length) return Number.NaN;
      const more = block[at++];
      length += more;
      if (more !== 255) return length;
    }
  };

  for (;;) {
    if (at >= block.length) return null;
    const token = block[at++];
    const literals = extended(token >> 4);
    // Written so that NaN, a length that was cut off, fails as well.
    if (!(literals <= block.length - at && literals <= rawLength - written)) return null;
    block.copy(out, written, at, at + literals);
    at += literals;
    written += literals;
    if (at === block.length) return out.subarray(0, written);

    if (block.length - at < 2) return null;
    const offset = block.readUInt16LE(at);
    at += 2;
    const match = extended(token & 15) + 4;
    if (offset === 0 || offset > written || !(match <= rawLength - written)) return null;
    for (let i = 0; i < match; i++, written++) out[written] = out[written - offset];
  }
}
