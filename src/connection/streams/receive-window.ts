/**
 * The receiver's account of one stream (protocol chapter 7): what its peer may still send, and when credit goes back. Pure:
 * numbers only.
 *
 *   left + owed + held = size     left: the peer may still send it; owed: taken by the application, not given back yet;
 *                                 held: waits for the application, or belongs to a message that is incomplete
 *
 * Credit goes back in portions of a quarter of the window, so that a CREDIT frame pays for many items.
 *
 * The window doubles, up to `sizeMax`, while it is what limits the stream: a probe takes the time from a CREDIT until the peer goes
 * beyond what it could have sent without it. If the connection was silent for more than 40 % of that time in one piece, and for 4 ms
 * at least, the peer had used up its credit and waited: more bytes fit between the two sides than the window allows. On a fast
 * path the pauses between two chunks stay below a third; at 1 Gb/s and 16 ms the share is nine tenths at 256 KiB and a half at
 * 1 MiB. A process that waits for a core falls silent as well, but not so long so often: two probes in a row must say the same.
 *
 * A slow application makes the peer wait as well, but then much of the window is held here when credit goes back. So a probe only
 * begins while the peer has at least half of it left: one that the application does not empty in a round trip does not grow.
 */
const SILENT_SHARE = 0.4;
/** A shorter silence costs too little: 256 KiB in 4 ms are 64 MB/s. */
const SILENT_MS_MIN = 4;
/** Probes in a row that must find the peer waiting. */
const WAITED_PROBES = 2;

export class ReceiveWindow {
  /** Bytes that the peer may still send, as this side knows it. */
  left: number;
  private size: number;
  private owed = 0;
  /** A probe runs. */
  probing = false;
  /** What the peer could still send without the CREDIT that began it, and when that was. */
  private probeLeft = 0;
  private probeAt = 0;
  /** The longest silence of the connection in it. */
  private silentMsMax = 0;
  /** Probes in a row that found the peer waiting. */
  private waitedProbes = 0;

  constructor(
    size: number,
    private readonly sizeMax: number,
  ) {
    this.size = this.left = size;
  }

  /** A frame of this cost came. False: that was beyond the credit. */
  receive(bytes: number): boolean {
    this.left -= bytes;
    return this.left >= 0;
  }

  /**
   * The same while a probe runs. `now`, `silentMs`: time of the chunk, and of the silence before it, in milliseconds.
   */
  probe(bytes: number, now: number, silentMs: number): void {
    if (!this.probing) return;
    const tookMs = now - this.probeAt;
    // The silence before the chunk in which it began was before it.
    if (tookMs > 0 && silentMs > this.silentMsMax) this.silentMsMax = silentMs;
    this.probeLeft -= bytes;
    if (this.probeLeft >= 0) return;
    this.probing = false;
    const waited = this.silentMsMax > Math.max(SILENT_MS_MIN, tookMs * SILENT_SHARE);
    this.waitedProbes = waited ? this.waitedProbes + 1 : 0;
    if (this.waitedProbes >= WAITED_PROBES && this.size < this.sizeMax) {
      this.waitedProbes = 0;
      const more = Math.min(this.size, this.sizeMax - this.size);
      this.size += more;
      this.owed += more;
    }
  }

  /** So much is no longer held. Returns the credit to give back now; 0: none yet. */
  release(bytes: number, now: number): number {
    this.owed += bytes;
    if (this.owed < this.size >> 2) return 0;
    return this.takeOwed(now);
  }

  /** A message of which `held` bytes are here is incomplete. Returns how many of them must be given back now. */
  lend(held: number): number {
    return this.left < this.size >> 1 ? held : 0;
  }

  private takeOwed(now: number): number {
    const { owed } = this;
    if (!this.probing && this.size < this.sizeMax && this.left >= this.size >> 1) {
      this.probing = true;
      this.probeLeft = this.left;
      this.probeAt = now;
      this.silentMsMax = 0;
    }
    this.left += owed;
    this.owed = 0;
    return owed;
  }
}
