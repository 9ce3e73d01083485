/**
 * Looks at one channel while the simulation runs: at each call that it gives to a connection, at each retry, and now and then at the
 * whole of `describe()`. What must always be true of these is said here.
 */
import type { ChannelDescription, ClientChannel, EndpointDescription, RpcError } from '../../../src/index.js';
import type { VirtualClock } from '../../../src/testing/index.js';
import type { ChannelCall } from './channel-call.js';
import type { ClientPlan } from './plan.js';
import type { PushingResolver } from './registry.js';
import type { ServerHost } from './server-host.js';

/** The first and the longest wait of `Backoff`, each +-20 %. */
const BACKOFF_MS_FIRST = 100;
const BACKOFF_JITTER = 0.2;
export const BACKOFF_MS_MAX = 30_000 * (1 + BACKOFF_JITTER);
/** The longest attempt to connect. */
const CONNECT_MS_MAX = 2_500;
/** `limits.drainReconnectMsMax`, which the plans leave as it is. */
const MOVING_MS_MAX = 10_000;
/** The retry budget's window, and the second by which it is measured. */
const WINDOW_MS = 10_000;
const WINDOW_SLACK_MS = 1_000;

export class ChannelWatch {
  readonly calls: ChannelCall[] = [];
  /** Sends that were no retries. */
  private readonly firsts: number[] = [];
  private readonly retries: number[] = [];
  /** Calls that were given back for a reason that has to be paid for, and when. */
  private readonly owed = new Map<number, number>();
  private readonly refusedAt = new Map<string, number>();
  private readonly told = new Set<string>();
  private readonly openedAt: number;

  constructor(
    readonly name: string,
    private readonly channel: ClientChannel,
    private readonly plan: ClientPlan,
    private readonly resolver: PushingResolver,
    private readonly hosts: readonly ServerHost[],
    private readonly clock: VirtualClock,
    private readonly report: (text: string) => void,
  ) {
    this.openedAt = clock.now();
  }

  // What happens.

  onSend(call: number, endpoint: string, takesCalls: boolean): void {
    const now = this.clock.now();
    const paidAt = this.owed.get(call);
    this.owed.delete(call);
    if (paidAt === undefined) this.firsts.push(now);
    else this.retries.push(paidAt);
    if (!takesCalls) this.problem(`call ${call} was given to a connection to ${endpoint} that takes none`);
    const seen = this.channel.describe();
    this.judgeChoice(call, endpoint, seen);
    // Who is ejected is judged for the calls that are made, when they are.
    this.judgeEjection(seen);
  }

  onRetryable(call: number, { attempts, code }: RpcError): void {
    // A call that its endpoint has certainly not seen is sent again without using the retry budget.
    const started = attempts.at(-1)?.started ?? 'no';
    // Whose next attempt a hedged call makes, it or its other half, cannot be seen from here.
    const hedged = this.calls.find(({ plan }) => plan.id === call)?.hedged === true;
    if (!hedged && (started !== 'no' || code === 'RESOURCE_EXHAUSTED')) this.owed.set(call, this.clock.now());
  }

  onRefused(host: string): void {
    // It may be the channel before this one that is refused.
    if (this.openedAt === 0 || this.clock.now() - this.openedAt > CONNECT_MS_MAX)
      this.refusedAt.set(host, this.clock.now());
  }

  onDial(host: string): void {
    const refusedAt = this.refusedAt.get(host) ?? -Infinity;
    const pauseMs = this.clock.now() - refusedAt;
    // A list that names it anew makes it another endpoint.
    if (this.resolver.knownAt >= refusedAt || pauseMs >= BACKOFF_MS_FIRST * (1 - BACKOFF_JITTER) - 1) return;
    this.problem(`dialled ${host} again ${pauseMs} ms after it was refused there`);
  }

  /** At rest: whatever can be done at this instant has been done. */
  look(): void {
    const seen = this.channel.describe();
    for (const endpoint of seen.endpoints) this.judgeEndpoint(endpoint);
    this.judgeList(seen);
    this.judgeWaiting(seen);
  }

  // What must be true.

  private judgeChoice(call: number, address: string, { endpoints }: ChannelDescription): void {
    const chosen = endpoints.find((endpoint) => endpoint.address === address);
    if (chosen === undefined) {
      this.problem(`call ${call} was given to ${address}, which is no endpoint any more`);
      return;
    }
    const usable = usableOf(endpoints);
    if (chosen.state !== 'ready') this.problem(`call ${call} was given to ${address}, which is ${chosen.state}`);
    else if (!usable.includes(chosen))
      this.problem(`call ${call} was given to ${address}, which was removed or is of a later priority`);
    if (chosen.ejected && usable.some(({ ejected }) => !ejected)) {
      this.problem(`call ${call} was given to ${address}, which is ejected`);
    }
  }

  private judgeEndpoint({ address, retryInMs, connections }: EndpointDescription): void {
    if (retryInMs > BACKOFF_MS_MAX) this.problem(`${address} is tried again in ${retryInMs} ms`);
    const { connectionsMax = 4 } = this.plan.pool;
    if (connections.length > connectionsMax) this.problem(`${connections.length} connections to ${address}`);
  }

  private judgeList({ endpoints }: ChannelDescription): void {
    const { known } = this.resolver;
    const staying = endpoints.filter(({ leaving }) => !leaving).map(({ address }) => address);
    const named = (known ?? []).map(({ address }) => address);
    if (staying.length !== named.length || staying.some((address) => !named.includes(address))) {
      this.problem(`has the endpoints ${staying.join(', ')}, but was told ${named.join(', ')}`);
    }
    const replaced = endpoints.some(({ leaving, state }) => !leaving && state === 'ready');
    for (const { leaving, address } of endpoints)
      if (leaving && replaced) this.problem(`keeps ${address}, which was removed`);
  }

  private judgeWaiting({ endpoints, callsWaiting }: ChannelDescription): void {
    if (callsWaiting === 0) return;
    const states = endpoints.map(({ state }) => state);
    if (states.includes('ready')) this.problem('calls wait, though an endpoint is ready');
    if (endpoints.some(({ state, leaving }) => state === 'idle' && !leaving)) {
      this.problem(`calls wait, and nobody tries: ${states.join(', ')}`);
    }
    const now = this.clock.now();
    const moving = this.hosts.some(({ drainedAt }) => now - drainedAt < MOVING_MS_MAX + WINDOW_SLACK_MS);
    if (this.resolver.known === null || moving || states.includes('connecting') || states.includes('idle')) return;
    const stuck = this.calls.find(({ sends, patient, settled, madeAt }) => {
      return sends.length === 0 && !patient && settled === 0 && madeAt < now;
    });
    if (stuck !== undefined)
      this.problem(`call ${stuck.plan.id} waits, though nobody can be reached: ${states.join(', ')}`);
  }

  private judgeEjection({ endpoints }: ChannelDescription): void {
    const { ejection } = this.plan;
    if (ejection === false) {
      if (endpoints.some(({ ejected }) => ejected)) this.problem('an endpoint is ejected, and ejection is off');
      return;
    }
    const members = usableOf(endpoints);
    const ejected = members.filter((endpoint) => endpoint.ejected).length;
    const { shareMax = 0.5 } = ejection;
    const most = members.length < 2 ? 0 : Math.max(1, Math.floor(members.length * shareMax));
    if (ejected > most) this.problem(`${ejected} of ${members.length} endpoints are ejected`);
  }

  /** Behind the end: retries were within their budget, at every moment. */
  judgeBudget(): void {
    const { retry } = this.plan;
    if (retry === false) {
      if (this.retries.length > 0) this.problem(`${this.retries.length} retries, and they are off`);
      return;
    }
    const { share = 0.2, perSecondMin = 10 } = retry.budget ?? {};
    for (const at of this.retries) {
      const within = (ms: number) => (time: number) => time > at - ms && time <= at;
      const retries = this.retries.filter(within(WINDOW_MS)).length;
      const calls = this.firsts.filter(within(WINDOW_MS + WINDOW_SLACK_MS)).length;
      const most = (perSecondMin * WINDOW_MS) / 1_000 + share * calls;
      if (retries > most) this.problem(`${retries} retries and ${calls} calls in 10 s, up to ${at}`);
    }
  }

  /** Behind the end: nothing goes on in it. */
  get busy(): string | null {
    const { endpoints, callsWaiting, retries } = this.channel.describe();
    const inFlight = endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
    if (inFlight + callsWaiting + retries.waiting === 0) return null;
    return `${inFlight} calls in flight, ${callsWaiting} waiting, ${retries.waiting} to be made again`;
  }

  /** Those that have no connection. */
  get unready(): readonly string[] {
    return this.channel.describe().endpoints.flatMap(({ state, address }) => (state === 'ready' ? [] : [address]));
  }

  judgeClosed(): void {
    const { state, endpoints } = this.channel.describe();
    if (state !== 'closed') this.problem(`is ${state} when it was closed`);
    for (const { connections, address } of endpoints) {
      if (connections.length > 0) this.problem(`is closed and has ${connections.length} connections to ${address}`);
    }
    if (this.busy !== null) this.problem(`is closed with ${this.busy}`);
  }

  /** Each once: the same thing seen at every look says nothing more. */
  private problem(text: string): void {
    const kind = text.replace(/[\d.]+/g, '');
    if (this.told.has(kind)) return;
    this.told.add(kind);
    this.report(`${this.name} at ${this.clock.now()}: ${text}`);
  }
}

/** Those that may get a call: they are up, of the first priority that has any; removed ones only while there is nobody else. */
function usableOf(endpoints: readonly EndpointDescription[]): EndpointDescription[] {
  const ready = endpoints.filter(({ state }) => state === 'ready');
  const staying = ready.filter(({ leaving }) => !leaving);
  const usable = staying.length > 0 ? staying : ready;
  const first = Math.min(...usable.map(({ priority }) => priority));
  return usable.filter(({ priority }) => priority === first);
}
