/**
 * From V8's CPU profile of one side to the steps of a call: whose own time each function's is. The functions that V8 has built into
 * another count with that one, so a step is what its outermost functions do.
 */

/** As `--cpu-prof` writes it. Times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

/** In the order in which a call passes them. */
export const steps = [
  'application',
  'stub, channel, slot, promise',
  'frame out',
  'message encoded',
  'socket written',
  'socket read',
  'frame in',
  'message decoded',
  'handler called',
  'answer settled',
  'tick, promises',
  'collection of garbage',
  'outside of JavaScript',
  'other',
] as const;

export type Step = (typeof steps)[number];

/** The first that fits counts: a part of the file's path or, after `#`, of the function's name. */
const rules: readonly (readonly [Step, readonly string[]])[] = [
  ['collection of garbage', ['#(garbage collector)']],
  ['outside of JavaScript', ['#(program)']],
  ['application', ['/bench/']],
  ['answer settled', ['caller.js#onResponse', 'endpoint-stats.js', 'response-receiver.js']],
  ['frame out', ['caller.js#writeRequest', 'message-sender.js', 'write-queue.js', 'encoder.js', 'answers.js']],
  ['frame in', ['frame-reader.js', '/decoder.js', 'standing-buffer.js', 'socket-transport.js', 'polled-transport.js']],
  ['message encoded', ['write-tap.js', '/codec.js#encode', '#write']],
  ['message decoded', ['/byte-tap.js', '/read-tap.js', '/decode.js', '/codec.js#decode', '#read', '#fromCharCode']],
  ['handler called', ['callee.js', 'execution.js', 'admission', 'callee-', 'call-context.js']],
  [
    'stub, channel, slot, promise',
    ['/channel/', '/peer/', '/connection/caller', 'call-table.js', 'connection.js', 'sweep-timer.js'],
  ],
  ['tick, promises', ['process/task_queues', 'process/promises', '#runMicrotasks', 'internal/async_hooks']],
];

/** Node's own functions around a socket, by what they do. */
const writes = [
  'writeBuffer',
  'createWriteWrap',
  'write',
  'onwrite',
  'afterWrite',
  'subarray',
  'SafeMap',
  'FastBuffer',
];

export function stepOf({ functionName, url }: CallFrame): Step | null {
  if (functionName === '(idle)') return null;
  const place = `${url}#${functionName}`;
  const native = url === '' || url.startsWith('node:');
  if (native && writes.some((name) => functionName.startsWith(name) && !isGenerated(functionName)))
    return 'socket written';
  if (native && /stream_base_commons|streams\/(?:readable|writable)|node:net/.test(url)) {
    return /rite/.test(functionName + url) ? 'socket written' : 'socket read';
  }
  const found = rules.find(([, parts]) => parts.some((part) => matches(place, part)));
  return found === undefined ? 'other' : found[0];
}

/** The codec's functions have no file: `writeCanonical`, `readShortAscii`. */
function isGenerated(name: string): boolean {
  return /^(?:write|read)[A-Z]/.test(name) && name !== 'writeBuffer';
}

function matches(place: string, part: string): boolean {
  const hash = part.indexOf('#');
  if (hash < 0) return place.includes(part);
  if (hash > 0) return place.endsWith(part);
  return place.startsWith('#') ? place.startsWith(part) : place.endsWith(part);
}

/** The share of each step in the time that was not idle, within the last `seconds` of the profile. */
export function sharesOf(profile: CpuProfile, seconds: number): ReadonlyMap<Step, number> {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const from = profile.endTime - seconds * 1e6;
  const times = new Map<Step, number>();
  let at = profile.startTime;
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] as number;
    at += delta;
    const step = at < from ? null : stepOf(frames.get(id) as CallFrame);
    if (step === null) continue;
    busy += delta;
    times.set(step, (times.get(step) ?? 0) + delta);
  }
  return new Map([...times].map(([step, time]) => [step, time / busy]));
}
