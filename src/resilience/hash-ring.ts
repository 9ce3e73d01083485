/**
 * Points of endpoints on a ring of 2^32, and the endpoint that follows a place: the consistent hash of Karger et al. (1997). An endpoint's
 * points depend on its address and weight alone, so that one that joins or leaves moves only the keys it takes or had. Clients
 * that see the same endpoints in whatever order agree on the ring.
 *
 * Used by `consistentHash`, built once per snapshot that a keyed call is made on.
 */
export interface RingMember {
  readonly address: string;
  readonly weight: number;
}

/** Points of an endpoint of average weight: 100 to 200. Its share of the keys varies by 1/sqrt(points), 7 to 10 %. */
const POINTS = 100;
const POINTS_MAX = 1600;
const DIGIT_BITS = 11;
const DIGIT_MASK = 2 ** DIGIT_BITS - 1;

export class HashRing {
  /** Where the points are, ascending. */
  private places: Uint32Array;
  /** Index of the member that each point belongs to. */
  private owners: Uint32Array;
  /** Where to begin to look for a place, by its first bits: a search by halves would cost as much as the rest of a pick. */
  private readonly firsts: Uint32Array;
  private readonly firstShift: number;

  constructor(members: readonly RingMember[]) {
    // By address, so that which of two points at one place goes first is the same to all.
    const order = [...members.keys()].sort((a, b) => (members[a].address < members[b].address ? -1 : 1));
    // A power of two, so that the points of all others stay as they are when one comes or goes, as good as always.
    const mean = members.reduce((sum, { weight }) => sum + weight, 0) / members.length;
    const perWeight = POINTS / 2 ** Math.floor(Math.log2(mean));
    const points = members.map(({ weight }) => Math.min(Math.max(1, Math.round(perWeight * weight)), POINTS_MAX));
    const count = points.reduce((sum, those) => sum + those, 0);
    this.places = new Uint32Array(count);
    this.owners = new Uint32Array(count);
    let filled = 0;
    for (const index of order) {
      const hash = hashOf(members[index].address);
      for (let point = points[index]; point > 0; point--) {
        this.places[filled] = mixed(hash, point);
        this.owners[filled++] = index;
      }
    }
    this.sort();
    const bits = Math.max(1, Math.ceil(Math.log2(count)));
    this.firstShift = 32 - bits;
    this.firsts = new Uint32Array(2 ** bits);
    for (let first = 0, point = 0; first < this.firsts.length; first++) {
      while (point < count && this.places[point] >>> this.firstShift < first) point++;
      this.firsts[first] = point;
    }
  }

  get points(): number {
    return this.places.length;
  }

  /** Number of the first point at or behind the place of `key`. */
  find(key: string): number {
    const place = mixed(hashOf(key), 0);
    const { places } = this;
    let point = this.firsts[place >>> this.firstShift];
    while (point < places.length && places[point] < place) point++;
    return point === places.length ? 0 : point;
  }

  /** Whose point it is: an index of the members. Points go on from the end at the beginning. */
  owner(point: number): number {
    return this.owners[point % this.owners.length];
  }

  /** Radix sort by place, 11 bits a pass: 100,000 points in a few milliseconds. It keeps the order of equal ones. */
  private sort(): void {
    const count = this.places.length;
    const starts = new Uint32Array(2 ** DIGIT_BITS);
    let from = { places: this.places, owners: this.owners };
    let to: typeof from = { places: new Uint32Array(count), owners: new Uint32Array(count) };
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      starts.fill(0);
      for (let i = 0; i < count; i++) starts[(from.places[i] >>> shift) & DIGIT_MASK]++;
      for (let digit = 0, start = 0; digit < starts.length; digit++) {
        const those = starts[digit];
        starts[digit] = start;
        start += those;
      }
      for (let i = 0; i < count; i++) {
        const at = starts[(from.places[i] >>> shift) & DIGIT_MASK]++;
        to.places[at] = from.places[i];
        to.owners[at] = from.owners[i];
      }
      [from, to] = [to, from];
    }
    this.places = from.places;
    this.owners = from.owners;
  }
}

/** FNV-1a over UTF-16 code units. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return hash;
}

/** MurmurHash3's finalizer, which spreads what FNV leaves close together. */
function mixed(hash: number, salt: number): number {
  let h = hash ^ Math.imul(salt, 0x9e37_79b1);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
