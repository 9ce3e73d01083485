/**
 * Whether compressing pays, decided from sizes alone: no clock, no randomness. One `CompressionChoice` stands for the
 * messages of one method in one direction, which tend to be alike.
 *
 * A message below the threshold is never tried. A result is kept only if the compressed message is at least 10 %
 * shorter than the plain one. After a try that was not kept, 1 message of sufficient size goes out untried, after the
 * next 2, then 4, up to 64; one that was kept ends the pause. So a method whose messages do not compress (pictures,
 * ciphertext) pays for 1 message in 65, and one that starts to compress is noticed within 65.
 */

/** Most messages sent untried after a try. */
const skipMax = 64;

export class CompressionChoice {
  /** Messages still to pass by untried. */
  #skip = 0;
  /** Messages skipped after the last try that did not pay; 0 after one that did. */
  #pause = 0;

  constructor(private readonly compressionBytesMin: number) {}

  /** Whether to compress the next message. Asked once a message, and `settle` follows each `true`. */
  tries(rawBytes: number): boolean {
    if (rawBytes < this.compressionBytesMin) return false;
    if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    return true;
  }

  /** How the try ended: `kept` as `worthKeeping` said. */
  settle(kept: boolean): void {
    this.#pause = kept ? 0 : Math.min(Math.max(1, this.#pause * 2), skipMax);
    this.#skip = this.#pause;
  }
}

/** A tenth saved at least, codec and length included. */
export function worthKeeping(rawBytes: number, bodyBytes: number): boolean {
  return bodyBytes * 10 <= rawBytes * 9;
}
