/**
 * One hostile case on one live connection: bytes and events in the given order, under virtual time, and then everything that
 * must hold whatever the bytes were. The connection's only company is a transport that the case feeds.
 *
 * Holds, or the run has a problem: nothing is thrown, each of the connection's own calls settles exactly once and with a listed
 * code, the output is well-formed (`OutputCheck`), a connection that is not over answers a call, one that is over is gone after 100 ms,
 * memory follows the bytes received, and nothing is left behind: no timer, slot, handler or held byte.
 */
import { gzip } from '../../src/compression/gzip.js';
import { CallMarks } from '../../src/connection/calls/call-marks.js';
import { type CallExtras, type CallResult, PendingCall } from '../../src/connection/calls/pending-call.js';
import { Connection } from '../../src/connection/connection.js';
import { SchemaCache } from '../../src/connection/methods/schema-exchange.js';
import { RpcCodes, RpcError } from '../../src/index.js';
import type { MethodSpec } from '../../src/wire/message-codec.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, frame } from '../support/frames.js';
import { writeRecord } from '../support/records.js';
import { FedTransport } from './fed-transport.js';
import { type Act, type ConnectionView, type HostileCase, type Outcome, type Step, settings } from './hostile-case.js';
import { Hostile, hostOf, Work } from './methods.js';
import { OutputCheck } from './output-check.js';
import type { Planned, PlannedCall } from './session-streams.js';
import { StreamCalls } from './stream-calls.js';

/** Memory that a connection may take beside what the bytes account for. */
const CONSTANT_BYTES = 64 * 1024;
/** A buffer that grows by doubling, and what is decoded from it. */
const BYTES_PER_BYTE_MAX = 4;
/** What the ledger counts for a call or an item that waits for a schema, beside the bytes of its message. */
const WAITING_BYTES = 512;
const SLAB_BYTES = 64 * 1024;
/** Far above what a session uses. */
const PROBE_METHOD = 60;
const PROBE_SLOT = 15;

const instance = Buffer.alloc(16, 1);
let work = new Work();
const thrown: unknown[] = [];
const host = hostOf(
  () => work,
  () => {},
);

// The write queue's slab is 64 KiB a connection. A hundred thousand connections a second share a few.
const slabs: Buffer<ArrayBuffer>[] = [];
let allocatedBytes = 0;
const allocate = Buffer.allocUnsafeSlow;
Buffer.allocUnsafeSlow = (bytes) => {
  if (bytes === SLAB_BYTES) return slabs.pop() ?? allocate(bytes);
  allocatedBytes += bytes;
  return allocate(bytes);
};
// An error that a connection did not expect ends in CLOSE INTERNAL and in this warning, which says where it came from.
process.emitWarning = ((warning: string | Error) => void thrown.push(warning)) as typeof process.emitWarning;

/** What the checks look at, beside the public face. */
interface Inside {
  readonly reader: { readonly frame: { readonly partial: Buffer; readonly held: number } };
  readonly methods: { readonly incoming: { readonly declared: readonly unknown[] } };
  readonly callee: { readonly table: { readonly slots: readonly (PeersSlot | null)[] } };
  readonly caller: { readonly table: { readonly slots: readonly OwnSlot[] } };
}

/** Says whether anything waits for the next turn. */
class RunClock extends VirtualClock {
  private waiting = 0;

  get readsWait(): boolean {
    return this.waiting > 0;
  }

  override afterReads(callback: () => void): void {
    this.waiting++;
    super.afterReads(() => {
      this.waiting--;
      callback();
    });
  }
}

interface PeersSlot {
  readonly generation: number;
  readonly state: number;
  readonly incoming: unknown;
  readonly window: unknown;
}

interface OwnSlot {
  readonly call: number;
  readonly method: { readonly spec: MethodSpec } | null;
  readonly incoming: unknown;
}

export async function runCase(hostile: HostileCase): Promise<Outcome> {
  return new LiveRun(hostile).run();
}

class LiveRun implements ConnectionView {
  private readonly clock = new RunClock();
  private readonly transport = new FedTransport(this.clock);
  private controller: AbortController | null = null;
  private readonly connection: Connection;
  private readonly settlements: number[] = [];
  private readonly settled: Planned[] = [];
  private readonly problems: string[] = [];
  private readonly streams = new StreamCalls(this.problems);
  private readonly taken: Step[] = [];
  private closings = 0;
  private received = 0;
  private feedMsMost = 0;
  /** The case itself has ended the connection. */
  private broken = false;

  constructor(private readonly hostile: HostileCase) {
    work = new Work();
    thrown.length = 0;
    this.connection = new Connection({
      transport: this.transport,
      side: hostile.side,
      clock: this.clock,
      random: () => 0.5,
      limits: settings[hostile.setting],
      handshakeMs: 10_000,
      host,
      compression: hostile.setting === 'wide' ? 'gzip' : 'off',
      compressors: [gzip],
      compressionBytesMin: 4096,
      software: 'under test',
      instance,
      schemas: new SchemaCache(),
      observer: {
        onOpen: () => {},
        onRetired: () => {},
        onClosed: () => {
          this.closings++;
        },
      },
    });
  }

  async run(): Promise<Outcome> {
    for (const planned of this.hostile.calls) this.call(planned);
    const { steps } = this.hostile;
    for (const step of typeof steps === 'function' ? steps(this) : steps) {
      this.taken.push(step);
      if (typeof step === 'string') await this.act(step);
      else if (Buffer.isBuffer(step)) this.feed(step);
      else this.call(step);
    }
    await turns();
    await this.checkAlive();
    await this.tearDown();
    const check = this.checkEnd();
    const problem = this.problems[0] ?? null;
    const { settled, feedMsMost, taken } = this;
    return {
      problem,
      settled,
      feedMsMost,
      steps: taken,
      terminals: check.terminals,
      closeCode: check.closeCode,
      closeText: check.closeText,
    };
  }

  private call(planned: PlannedCall): void {
    const { method, bytes, how, deadlineMs } = planned;
    const index = this.settlements.push(0) - 1;
    this.settled.push('none');
    const settle = (outcome: Planned, error: unknown): void => {
      this.settlements[index] = (this.settlements[index] as number) + 1;
      this.settled[index] = outcome;
      if (outcome === 'failure' && !(error instanceof RpcError && error.code in RpcCodes)) {
        this.problems.push(`a call failed with ${String(error)}`);
      }
    };
    const request =
      method === 'note' || method === 'paper'
        ? { id: 1, text: 'x'.repeat(bytes), tags: ['a'] }
        : Buffer.alloc(bytes, 'q');
    const spec: MethodSpec = Hostile.methods[method];
    const stream = spec.kind === 'unary' || spec.kind === 'oneway' ? null : this.streams.extras(planned);
    const extras: CallExtras | null =
      how === 'plain' && stream === null
        ? null
        : {
            metadata: how === 'metadata' ? { who: 'me' } : null,
            signal: how === 'signal' ? this.signal : null,
            detailed: how === 'detailed' || stream?.incoming !== undefined,
            priority: 0,
            ledger: how === 'detailed' && spec.kind !== 'oneway' ? new CallMarks(this.clock) : null,
            ...stream,
          };
    const resolve = (result: unknown): void => {
      settle('value', null);
      stream?.incoming?.end((result as CallResult).metadata, (result as CallResult).ledger);
    };
    const reject = (error: unknown): void => {
      settle('failure', error);
      stream?.incoming?.fail(error as RpcError);
    };
    this.connection.caller.resume(
      new PendingCall(spec, request, this.clock.now() + deadlineMs, extras, resolve, reject),
    );
  }

  /** One for all calls that have one. */
  private get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  private feed(chunk: Buffer): void {
    this.received += chunk.length;
    allocatedBytes = 0;
    const writtenBefore = this.transport.writtenBytes;
    const from = performance.now();
    try {
      this.transport.feed(chunk);
    } catch (error) {
      this.problems.push(`thrown out of a chunk: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const ms = performance.now() - from;
    if (ms > this.feedMsMost) this.feedMsMost = ms;
    const sent = this.transport.writtenBytes - writtenBefore + work.grownBytes;
    const mayTake = BYTES_PER_BYTE_MAX * (this.received + sent) + CONSTANT_BYTES;
    if (allocatedBytes > mayTake) this.problems.push(`${allocatedBytes} bytes allocated for ${this.received} received`);
    const { partial } = this.inside.reader.frame;
    if (partial.length > 2 * this.received + 512) this.problems.push(`${partial.length} bytes held by the decoder`);
    const { ledger, callsIn, callsOut } = this.connection;
    // Each call may have one message that waits; items of streams are bounded by their windows.
    const mayHold = this.received + WAITING_BYTES * (callsIn + callsOut);
    if (ledger.bytes > mayHold || ledger.bytes < 0) this.problems.push(`${ledger.bytes} bytes in the ledger`);
  }

  private async act(act: Act): Promise<void> {
    const { connection, transport } = this;
    try {
      switch (act) {
        case 'turn':
          await turns();
          break;
        case 'abort':
          this.controller?.abort();
          break;
        case 'call':
          this.call({ method: 'bytes', bytes: 20_000, how: 'signal', deadlineMs: 1_000 });
          break;
        case 'drain':
          connection.drain('the test drains', 200);
          break;
        case 'stop reading':
          transport.reads = false;
          break;
        case 'read on':
          transport.drain();
          break;
        case 'end':
          this.broken = true;
          transport.feedEnd();
          break;
        case 'reset':
          this.broken = true;
          transport.destroy();
          break;
        case 'handlers end':
          work.finish();
          await turns();
          break;
        case 'close':
          connection.close();
          break;
        default:
          this.clock.advance(Number(act.slice('wait '.length)));
          await turns();
      }
    } catch (error) {
      this.problems.push(`thrown out of ${act}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  get over(): boolean {
    return this.connection.over;
  }

  ownCalls(): { call: number; method: string }[] {
    const found: { call: number; method: string }[] = [];
    for (const { call, method } of this.inside.caller.table.slots) {
      if (call !== 0 && method !== null) found.push({ call, method: method.spec.name.slice('h.S/'.length) });
    }
    return found;
  }

  slot(slot: number): { generation: number; free: boolean; streams: boolean } {
    const entry = this.inside.callee.table.slots[slot];
    const streams = entry != null && (entry.incoming !== null || entry.window !== null);
    return { generation: entry?.generation ?? 0, free: (entry?.state ?? 0) === 0, streams };
  }

  private get inside(): Inside {
    return this.connection as unknown as Inside;
  }

  /** "The connection either goes on or is closed": one more call is answered, unless the stream stands inside a frame. */
  private async checkAlive(): Promise<void> {
    const { connection, transport, clock, inside } = this;
    if (this.broken) return;
    transport.drain();
    // What was held back while handlers were busy starts more of them.
    do {
      clock.advance(1);
      work.finish();
      await turns();
    } while (work.length > 0 || clock.readsWait);
    if (transport.paused) {
      const busy = connection.executing >= settings[this.hostile.setting].handlersMax;
      if (!connection.over && !busy) this.problems.push('reading is paused, though handlers may run');
      return;
    }
    if (connection.over || connection.state === 'greeting' || inside.reader.frame.held > 0) return;
    const slot = inside.callee.table.slots[PROBE_SLOT];
    if (inside.methods.incoming.declared[PROBE_METHOD] !== undefined || (slot?.generation ?? 0) !== 0) return;
    const call = callNumber(PROBE_SLOT, 1, this.hostile.side === 'dialing' ? 'acceptor' : 'dialler');
    transport.feed(
      Buffer.concat([
        frame('METHOD', { method: PROBE_METHOD, payload: probeMethod }),
        frame('REQUEST', { call, method: PROBE_METHOD, payload: 'are you there?' }),
      ]),
    );
    await turns();
    const check = this.newCheck();
    if (check.judge(transport.output) === null && !check.hasEnded(call) && !this.connection.over) {
      this.problems.push(`state ${connection.state}, but a call is not answered`);
    }
  }

  private newCheck(): OutputCheck {
    const { side, setting } = this.hostile;
    const { callsInFlightMax } = settings[setting];
    return new OutputCheck(
      side === 'dialing' ? 0 : 0x8000_0000,
      callsInFlightMax,
      this.connection.peerLimits.frameBytesMax,
    );
  }

  private async tearDown(): Promise<void> {
    const { connection, clock, transport } = this;
    work.finish();
    await turns();
    connection.close();
    work.finish();
    await turns();
    clock.advance(101);
    await turns();
    if (!transport.closed || connection.state !== 'closed')
      this.problems.push('100 ms after CLOSE the socket is not closed');
  }

  private checkEnd(): OutputCheck {
    const { connection, clock, problems, transport } = this;
    const check = this.newCheck();
    const wrong = check.judge(transport.output);
    if (wrong !== null) problems.push(`the output is wrong: ${wrong}`);
    for (const error of thrown) problems.push(`unexpected: ${error instanceof Error ? error.stack : String(error)}`);
    const unsettled = this.settlements.findIndex((times) => times !== 1);
    if (unsettled >= 0) problems.push(`call ${unsettled} settled ${this.settlements[unsettled]} times`);
    const left = {
      timers: clock.pending,
      callsIn: connection.callsIn,
      callsOut: connection.callsOut,
      executing: connection.executing,
      sources: this.streams.sources,
      readers: this.streams.readers,
    };
    for (const [what, count] of Object.entries(left)) if (count !== 0) problems.push(`${count} ${what} left`);
    if (connection.ledger.bytes !== 0) problems.push(`${connection.ledger.bytes} bytes left in the ledger`);
    if (this.closings !== 1) problems.push(`onClosed came ${this.closings} times`);
    if (slabs.length < 8) slabs.push(connection.queue.slab as Buffer<ArrayBuffer>);
    return check;
  }
}

const probeMethod = writeRecord('METHOD', {
  role: 'DECLARE',
  name: Hostile.methods.bytes.name,
  kind: 'UNARY',
  request: null,
  response: null,
  errors: null,
});

/** Promises move to their end, and what is due at the end of the tick leaves: more turns than any chain of them has links. */
async function turns(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
}
