/** Random records of the protocol, as views, within what the protocol allows. */
import type { FrameTypeName } from '../../src/wire/constants.js';
import { kindSymbols } from './record-view.js';
import type { Random } from './seed.js';
import type { RecordView } from './vectors/view.js';

export const recordNames = [
  'HELLO',
  'METHOD',
  'SCHEMA',
  'FAILURE',
  'CANCEL',
  'DRAIN',
  'CLOSE',
] as const satisfies readonly FrameTypeName[];

const INT_MAX = 0x7fff_ffff;
const alphabet = ['a', 'Z', '0', ' ', '\0', '"', 'é', 'ß', '话', '\u2028', '😀', '\ufffd'];

export function randomText(random: Random, lengthMax = 20): string {
  return Array.from({ length: random.below(lengthMax + 1) }, () => random.pick(alphabet)).join('');
}

/** A name for HELLO's lists. */
function randomName(random: Random): string {
  return `n${randomText(random, 15)}`;
}

const list = <T>(random: Random, lengthMax: number, make: () => T): T[] =>
  Array.from({ length: random.below(lengthMax + 1) }, make);
const maybe = <T>(random: Random, make: () => T): T | null => (random.oneIn(2) ? make() : null);
const hexOf = (random: Random, bytes: number): string => random.bytes(bytes).toString('hex');

/** Near the bounds as often as between them. */
function inRange(random: Random, low: number, high: number): number {
  if (random.oneIn(4)) return low;
  if (random.oneIn(4)) return high;
  return low + Math.floor(random.unit() * (high - low));
}

function randomHello(random: Random): RecordView {
  const versionMin = inRange(random, 1, 5);
  return {
    versionMin,
    versionMax: inRange(random, versionMin, INT_MAX),
    capabilities: list(random, 5, () => randomName(random)),
    limits: {
      frameBytesMax: inRange(random, 16_384, 16_777_216),
      // One less than the most: avsc refuses the last safe integer.
      messageBytesMax: inRange(random, 65_536, Number.MAX_SAFE_INTEGER - 1),
      callsInFlightMax: inRange(random, 16, 65_536),
      metadataBytesMax: inRange(random, 4_096, INT_MAX),
      metadataEntriesMax: inRange(random, 16, INT_MAX),
      methodsMax: inRange(random, 64, 65_536),
      streamWindowBytes: inRange(random, 65_536, INT_MAX),
      pingIntervalMsMin: inRange(random, 0, INT_MAX),
    },
    compression: list(random, 3, () => randomName(random)),
    auth: maybe(random, () => ({ scheme: randomName(random), credentials: hexOf(random, random.below(200)) })),
    software: randomText(random),
    instance: hexOf(random, 16),
    extensions: Object.fromEntries(list(random, 4, () => [randomName(random), hexOf(random, random.below(20))])),
  };
}

export function randomRecord(name: (typeof recordNames)[number], random: Random): RecordView {
  const fingerprint = (): string => hexOf(random, 32);
  switch (name) {
    case 'HELLO':
      return randomHello(random);
    case 'METHOD':
      return {
        role: random.pick(['DECLARE', 'ANSWER']),
        name: randomText(random, 60),
        kind: random.pick(kindSymbols),
        request: maybe(random, fingerprint),
        response: maybe(random, fingerprint),
        errors: maybe(random, fingerprint),
      };
    case 'SCHEMA':
      return { fingerprint: fingerprint(), schema: maybe(random, () => randomText(random, 200)) };
    case 'FAILURE':
      return {
        code: inRange(random, 1, random.oneIn(2) ? 16 : INT_MAX),
        started: random.pick(['NO', 'MAYBE', 'YES']),
        text: randomText(random, 60),
        retryAfterMs: maybe(random, () => inRange(random, 0, INT_MAX)),
        elsewhere: random.oneIn(2),
        detail: maybe(random, () => hexOf(random, random.below(100))),
      };
    case 'CANCEL':
      return { code: random.pick([1, 4]), text: randomText(random, 60) };
    case 'DRAIN':
      return { text: randomText(random, 60), graceMs: inRange(random, 0, INT_MAX) };
    case 'CLOSE':
      return { code: inRange(random, 0, INT_MAX), text: randomText(random, 60) };
  }
}
