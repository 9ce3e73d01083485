/**
 * Points of endpoints on a ring of 2^32, and the endpoint that follows a place: the consistent hash of Karger et al. (1997). An endpoint's
 * points depend on its address and weight alone, so that one that joins or leaves moves only the keys it takes or had. Clients
 * that see the same endpoints in whatever order agree on the ring.
 *
 * Used by `consistentHash`, built once per snapshot.
 */
export interface RingMember {
  readonly address: string;
  readonly weight: number;
}

/** Points of an endpoint of average weight: 100 to 200. Its share of the keys varies by 1/sqrt(points), 7 to 10 %. */
const POINTS = 100;
const POINTS_MAX = 1600;

export class HashRing {
  /** Where the points are, ascending. */
  private readonly places: Uint32Array;
  /** Index of the member that each point belongs to. */
  private readonly owners: Uint32Array;

  constructor(members: readonly RingMember[]) {
    const order = [...members.keys()].sort((a, b) =>
      memberAt(members, a).address < memberAt(members, b).address ? -1 : 1,
    );
    // A power of two, so that the points of all others stay as they are when one comes or goes, as good as always.
    const mean = members.reduce((sum, { weight }) => sum + weight, 0) / members.length;
    const perWeight = POINTS / 2 ** Math.floor(Math.log2(mean));
    const pointsOf = ({ weight }: RingMember): number =>
      Math.min(Math.max(1, Math.round(perWeight * weight)), POINTS_MAX);
    const count = members.reduce((sum, member) => sum + pointsOf(member), 0);
    // One number holds both, so that typed arrays sort them: 32 bits of place, below them 21 of rank.
    const points = new Float64Array(count);
    let filled = 0;
    for (const [rank, index] of order.entries()) {
      const member = memberAt(members, index);
      const seed = hashOf(member.address);
      for (let point = pointsOf(member); point > 0; point--) points[filled++] = mixed(seed, point) * RANKS + rank;
    }
    points.sort();
    this.places = Uint32Array.from(points, (point) => Math.floor(point / RANKS));
    this.owners = Uint32Array.from(points, (point) => order[point % RANKS]);
  }

  get points(): number {
    return this.places.length;
  }

  /** Number of the first point at or behind the place of `key`. */
  find(key: string): number {
    const place = mixed(hashOf(key), 0);
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.places[middle] < place) low = middle + 1;
      else high = middle;
    }
    return low === this.places.length ? 0 : low;
  }

  /** Whose point it is: an index of the members. Points go on from the end at the beginning. */
  owner(point: number): number {
    return this.owners[point % this.owners.length];
  }
}

const RANKS = 2 ** 21;

const memberAt = (members: readonly RingMember[], index: number): RingMember => members[index] as RingMember;

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
