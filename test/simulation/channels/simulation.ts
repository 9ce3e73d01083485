/**
 * One seed of the channel simulation from beginning to end: channels, their servers and a registry of endpoints on a simulated
 * network do what the plan says, servers crash, drain and come back, all of it heals, everybody closes, and then nothing may be left.
 * What was not as it must be is listed in `problems`.
 */

import type { CallExtras } from '../../../src/connection/calls/pending-call.js';
import type { Connection } from '../../../src/connection/connection.js';
import {
  type Client,
  type ClientChannel,
  connect,
  consistentHash,
  leastLoaded,
  type RpcError,
  roundRobin,
} from '../../../src/index.js';
import { SimulatedNetwork, type TraceEvent } from '../../../src/testing/index.js';
import type { Outcome } from '../outcome.js';
import { Witness } from '../witness.js';
import { Callers } from './callers.js';
import { ChannelCall } from './channel-call.js';
import { BACKOFF_MS_MAX, ChannelWatch } from './channel-watch.js';
import { type ClientPlan, drawPlan, type FaultPlan, type Plan, ROLLING_PAUSE_MS } from './plan.js';
import { type PushingResolver, Registry } from './registry.js';
import { SendWitness } from './send-witness.js';
import { type Begin, type FailingCode, ServerHost } from './server-host.js';
import { Shop } from './service.js';

/** Virtual time after the last deadline within which everything has settled, and a closed side is empty. */
const REST_MS = 5_000;
/** A grace that no handler needs. */
const GRACE_MS = 40_000;
/** Virtual time in which handlers, slow ones too, have ended, and connections that lead nowhere were noticed. */
const QUIET_MS = 90_000;
/** The longest time of a rolling restart, which depends on its handlers. */
const FAULTS_MS_MAX = 6 * (GRACE_MS + 5_000);
/** The channels are looked at so often while calls are made, and later. */
const LOOK_MS = 40;
const LOOK_LATER_MS = 500;
const LOOK_OFTEN_UNTIL_MS = 10_000;
/** All servers are gone for so long; 100, 160 and 256 ms of backoff, each +-20 %, and some round trips later all are connected. */
const SHAKE_MS = 200;
const SHAKEN_MS_MAX = 1_000;
/** A channel that makes its first call is connected to all endpoints by then. */
const STEADY_MS = 1_000;
const failingCodes: readonly FailingCode[] = ['UNAVAILABLE', 'INTERNAL', 'RESOURCE_EXHAUSTED'];

interface ClientEnd {
  readonly channel: ClientChannel;
  readonly stub: Client<typeof Shop>;
  readonly watch: ChannelWatch;
}

export async function simulateChannels(seed: number, onEvent?: (event: TraceEvent) => void): Promise<Outcome> {
  const witness = new Witness();
  const simulation = new ChannelSimulation(seed, witness, onEvent);
  const sends = new SendWitness(simulation);
  try {
    return await simulation.run();
  } finally {
    sends.leave();
    witness.leave();
  }
}

class ChannelSimulation {
  private readonly plan: Plan;
  private readonly network: SimulatedNetwork;
  private readonly registry: Registry;
  private readonly hosts: ServerHost[];
  private readonly calls: ChannelCall[];
  private readonly clients: ClientEnd[];
  private readonly begins: Begin[] = [];
  private readonly problems: string[];
  private readonly closings: Promise<void>[] = [];
  /** By call number: which of its client's channels has it. */
  private readonly madeBy = new Map<number, ChannelWatch>();
  private readonly closed: ChannelWatch[] = [];
  private open = 0;
  /** Faults still to be started or to be undone. */
  private faultsLeft = 0;
  private looking = true;

  constructor(
    seed: number,
    private readonly witness: Witness,
    onEvent?: (event: TraceEvent) => void,
  ) {
    this.problems = witness.problems;
    const settings = { seed, settling: 'microtasks' as const };
    // The plan is drawn apart, so that it does not depend on what the network draws.
    const { random } = new SimulatedNetwork(settings);
    const plan = drawPlan(seed, random);
    this.plan = plan;
    const watch = (event: TraceEvent): void => {
      this.onEvent(event);
      onEvent?.(event);
    };
    this.network = new SimulatedNetwork({ ...settings, ...plan.conditions, onEvent: watch });
    const { network } = this;
    const problem = (text: string): void => void this.problems.push(text);
    this.hosts = Array.from({ length: plan.servers }, (_, index) => {
      return new ServerHost(`server ${index}`, network, plan.serverLimits, plan.calls, this.begins, problem);
    });
    const addresses = this.hosts.map(({ address }) => address);
    this.registry = new Registry(network.clock, network.random.fork('registry'), addresses, plan.listed);
    this.clients = plan.clients.map((client, index) => this.openChannel(client, index));
    this.calls = plan.calls.map((call) => new ChannelCall(call, plan.clients[call.client] as ClientPlan, addressOf));
  }

  async run(): Promise<Outcome> {
    const { network, plan, problems } = this;
    const { clock } = network;
    const callers = new Callers(clock, (call) => this.onSettled(call));
    for (const host of this.hosts) host.start();
    for (const call of this.calls) clock.setTimer(() => this.make(call, callers), call.plan.at);
    if (plan.weather === 'moving') for (const { channel } of this.clients) channel.ready().catch(() => {});
    this.startFaults();
    this.look();
    this.open = this.calls.length;
    const lastMs = Math.max(...plan.calls.map(({ at, deadlineMs }) => at + deadlineMs));
    if (!(await clock.runUntil(() => this.open === 0, lastMs + REST_MS)))
      problems.push(`${this.open} calls never settled`);
    if (!(await clock.runUntil(() => this.faultsLeft === 0, clock.now() + FAULTS_MS_MAX))) {
      problems.push(`${this.faultsLeft} faults are not over: a drain has not ended`);
    }
    this.heal();
    for (const client of this.clients) await this.probe(client);
    await this.rest();
    await this.shake();
    await this.closeAll();
    this.judge();
    return { plan, hash: network.traceHash(), problems, outcomes: this.count() };
  }

  private openChannel(client: ClientPlan, index: number): ClientEnd {
    const { network, registry } = this;
    const name = `client ${index}`;
    const resolver = registry.resolver(client.newsMs, client.failsFirst);
    const channel = connect(resolver, {
      ...network.options(name),
      limits: client.limits,
      balancer: balancers[client.balancer],
      pool: client.pool,
      waitForReady: client.waitForReady,
      retry: client.retry,
      hedging: client.hedging,
      ejection: client.ejection,
    });
    return { channel, stub: channel.client(Shop), watch: this.watchOf(name, channel, client, resolver) };
  }

  private watchOf(name: string, channel: ClientChannel, client: ClientPlan, resolver: PushingResolver): ChannelWatch {
    const report = (text: string): void => void this.problems.push(text);
    return new ChannelWatch(name, channel, client, resolver, this.hosts, this.network.clock, report);
  }

  private make(call: ChannelCall, callers: Callers): void {
    const { id, client } = call.plan;
    const { stub, watch } = this.clients[client] as ClientEnd;
    this.madeBy.set(id, watch);
    watch.calls.push(call);
    callers.make(call, stub);
  }

  /** Its client has another channel from now on; what it has in flight gets a grace. */
  private closeChannel(client: number, graceMs: number): void {
    const { channel, watch } = this.clients[client] as ClientEnd;
    this.clients[client] = this.openChannel(this.plan.clients[client] as ClientPlan, client);
    this.closed.push(watch);
    this.expectClosed(
      channel.close({ graceMs }).then(() => watch.judgeClosed()),
      graceMs,
      `${watch.name}.close`,
    );
  }

  // What is seen.

  onSend(id: number, connection: Connection, extras: CallExtras): void {
    const { endpoint, state } = connection;
    const call = this.calls[id - 1];
    if (call === undefined) return;
    call.sends.push({ at: this.network.clock.now(), endpoint, earlier: extras.attempts ?? [] });
    this.madeBy.get(id)?.onSend(id, endpoint, state === 'open' || state === 'greeting');
  }

  onRetryable(id: number, failure: RpcError): void {
    this.madeBy.get(id)?.onRetryable(id, failure);
  }

  private onEvent({ kind, from, to }: TraceEvent): void {
    if (kind === 'dial') this.watchNamed(from)?.onDial(to);
    else if (kind === 'refuse') this.watchNamed(to)?.onRefused(from);
  }

  private watchNamed(name: string): ChannelWatch | undefined {
    return this.clients.find(({ watch }) => watch.name === name)?.watch;
  }

  private onSettled({ plan, outcome, started }: ChannelCall): void {
    this.open--;
    this.network.record(`call ${plan.id} ${outcome} ${started}`);
  }

  private look(): void {
    if (!this.looking) return;
    const { clock } = this.network;
    for (const { watch } of this.clients) watch.look();
    clock.setTimer(() => this.look(), clock.now() < LOOK_OFTEN_UNTIL_MS ? LOOK_MS : LOOK_LATER_MS);
  }

  // What goes wrong.

  private startFaults(): void {
    const { clock } = this.network;
    const { faults, weather } = this.plan;
    this.faultsLeft = faults.length;
    if (weather === 'rolling') clock.setTimer(() => void this.restartAll(), faults[0]?.at ?? 0);
    else for (const fault of faults) clock.setTimer(() => this.fault(fault), fault.at);
  }

  /** One server after the other drains and comes back. */
  private async restartAll(): Promise<void> {
    const { clock } = this.network;
    for (const { server, ms } of this.plan.faults) {
      const host = this.hosts[server] as ServerHost;
      await host.drain(GRACE_MS, this.plan.drainCloses);
      await clock.sleep(ms);
      host.start();
      await clock.sleep(ROLLING_PAUSE_MS);
      this.faultsLeft--;
    }
  }

  private fault(fault: FaultPlan): void {
    const { network, registry } = this;
    const { kind, client, direction, ms, list } = fault;
    const host = this.hosts[fault.server] as ServerHost;
    const name = `client ${client}`;
    const later = (undo: () => void): void => {
      this.faultsLeft++;
      network.clock.setTimer(() => {
        this.faultsLeft--;
        undo();
      }, ms);
    };
    network.record(`fault ${kind} ${host.host} ${ms}`);
    this.faultsLeft--;
    switch (kind) {
      case 'crash':
        host.crash();
        later(() => host.start());
        break;
      case 'drain':
        void host.drain(ms, this.plan.drainCloses);
        later(() => host.start());
        break;
      case 'partition':
        network.partition(name, host.host, direction);
        later(() => network.heal(name, host.host, direction));
        break;
      case 'sever':
        network.sever(name, host.host);
        break;
      case 'reset':
        network.reset(name, host.host);
        break;
      case 'slowServer':
        host.slow = true;
        later(() => {
          host.slow = false;
        });
        break;
      case 'failingServer':
        host.failing = failingCodes[ms % failingCodes.length] as FailingCode;
        later(() => {
          host.failing = null;
        });
        break;
      case 'slowWay':
        network.configure(name, host.host, { latencyMs: 200 }, direction);
        later(() => network.configure(name, host.host, { latencyMs: this.plan.conditions.latencyMs ?? 1 }));
        break;
      case 'closeChannel':
        this.closeChannel(client, ms);
        break;
      case 'list':
        registry.change(list, ms, this.plan.weather === 'moving');
        break;
    }
  }

  private heal(): void {
    const { network, registry, hosts } = this;
    network.heal();
    for (const host of hosts) {
      host.slow = false;
      host.failing = null;
      if (host.state === 'draining') host.crash();
      host.start();
    }
    registry.heal();
  }

  // The end.

  /** On a healed network a call succeeds, as soon as what was forgotten has been noticed and the backoff has passed. */
  private async probe({ stub, watch }: ClientEnd): Promise<void> {
    const { network, problems, calls } = this;
    const { clock } = network;
    const {
      keepaliveMs = 0,
      keepaliveTimeoutMs = 0,
      connectMsMax = 0,
    } = this.plan.clients[this.clients.findIndex((end) => end.watch === watch)]?.limits ?? {};
    const recoveryMs = BACKOFF_MS_MAX + connectMsMax + 1.1 * keepaliveMs + keepaliveTimeoutMs;
    const ask = async (): Promise<void> => {
      for (const until = clock.now() + recoveryMs, id = calls.length + 1; ; ) {
        try {
          const answer = await stub.get({ id, filling: Buffer.alloc(0) }, { deadlineMs: 2_000 });
          if (answer.id !== id) problems.push(`${watch.name}: a probe got another answer`);
          return;
        } catch (error) {
          if (clock.now() > until) {
            problems.push(`${watch.name} does not recover within ${recoveryMs} ms: ${String(error)}`);
            return;
          }
          await clock.sleep(500);
        }
      }
    };
    await network.run(ask());
  }

  /** Nothing is asked of anybody: the channels come to rest. */
  private async rest(): Promise<void> {
    const { clock } = this.network;
    const busy = (): boolean => this.clients.some(({ watch }) => watch.busy !== null);
    if (await clock.runUntil(() => !busy(), clock.now() + QUIET_MS)) return;
    for (const { watch } of this.clients) {
      if (watch.busy !== null) this.problems.push(`${watch.name} does not come to rest: ${watch.busy}`);
    }
  }

  /**
   * What happened before is forgotten: when all servers are gone for a moment, the channels connect to all of them as fast as if
   * it were the first time.
   */
  private async shake(): Promise<void> {
    const { clock } = this.network;
    const unready = (): string[] =>
      this.clients.flatMap(({ watch }) => watch.unready.map((address) => `${watch.name}: ${address}`));
    if (!(await clock.runUntil(() => unready().length === 0, clock.now() + BACKOFF_MS_MAX + REST_MS))) {
      this.problems.push(`not connected, with all servers up: ${unready().join(', ')}`);
      return;
    }
    // By then each connection has proven itself.
    await clock.advanceSettled(STEADY_MS + 100);
    for (const host of this.hosts) host.crash();
    await clock.advanceSettled(SHAKE_MS);
    for (const host of this.hosts) host.start();
    if (await clock.runUntil(() => unready().length === 0, clock.now() + SHAKEN_MS_MAX)) return;
    this.problems.push(`not connected ${SHAKEN_MS_MAX} ms after a crash of ${SHAKE_MS} ms: ${unready().join(', ')}`);
  }

  private async closeAll(): Promise<void> {
    const { network, problems, witness } = this;
    const { clock } = network;
    this.looking = false;
    for (const { channel, watch } of this.clients) this.expectClosed(channel.close(), 20_000, `${watch.name}.close`);
    for (const { server, host } of this.hosts) {
      if (server !== null) this.expectClosed(server.drain(), 20_000, `drain of ${host} in the end`);
    }
    let closed = false;
    void Promise.all(this.closings).then(() => {
      closed = true;
    });
    if (!(await clock.runUntil(() => closed, clock.now() + 60_000))) problems.push('a close or drain never ended');
    for (const { watch } of this.clients) watch.judgeClosed();
    await clock.runUntil(() => clock.pending === 0, clock.now() + REST_MS);
    if (clock.pending > 0) problems.push(`${clock.pending} timers are left`);
    if (network.openSockets > 0) problems.push(`${network.openSockets} sockets are left open`);
    witness.judgeEnd();
  }

  private expectClosed(closed: Promise<unknown>, graceMs: number, what: string): void {
    const { clock } = this.network;
    const askedAt = clock.now();
    this.closings.push(
      closed.then(() => {
        const tookMs = clock.now() - askedAt;
        if (tookMs > graceMs + 500) this.problems.push(`${what} took ${tookMs} ms with a grace of ${graceMs} ms`);
      }),
    );
  }

  private judge(): void {
    for (const begin of this.begins) {
      const host = this.hosts.find((each) => each.host === begin.host);
      if (begin.endedAt === null && begin.life === host?.life && host.state === 'up') {
        this.problems.push(`the handler of call ${begin.call} has not ended`);
      }
      this.calls[begin.call - 1]?.begins.push(begin);
    }
    for (const call of this.calls) {
      call.judge(this.plan);
      this.problems.push(...call.problems);
    }
    for (const watch of [...this.closed, ...this.clients.map((end) => end.watch)]) watch.judgeBudget();
    if (this.plan.weather === 'calm') this.judgeKeys();
  }

  /** While nothing changes, a key has one endpoint, where no load moves its calls. */
  private judgeKeys(): void {
    const homes = new Map<string, string>();
    const firstAt = this.clients.map(({ watch }) => Math.min(...watch.calls.map(({ madeAt }) => madeAt)));
    for (const { plan, sends, madeAt } of this.calls) {
      const { balancer, ejection } = this.plan.clients[plan.client] as ClientPlan;
      const endpoint = sends[0]?.endpoint;
      // A deadline that passes counts against its endpoint.
      if (balancer !== 'consistentHashStrict' || ejection !== false || plan.key === undefined || endpoint === undefined)
        continue;
      // Until then endpoints came up one after the other.
      if (madeAt < (firstAt[plan.client] ?? 0) + STEADY_MS) continue;
      const home = homes.get(`${plan.client} ${plan.key}`) ?? endpoint;
      homes.set(`${plan.client} ${plan.key}`, home);
      if (home !== endpoint)
        this.problems.push(`${plan.key} of client ${plan.client} went to ${home}, then to ${endpoint}`);
    }
  }

  private count(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const { plan, outcome, started, sends } of this.calls) {
      add(`${plan.kind} ${outcome} ${started}`);
      if (sends.length > 1) add(`made again: ${outcome} ${started}`);
    }
    return counts;
  }
}

const balancers = {
  leastLoaded,
  roundRobin,
  consistentHash: consistentHash(),
  consistentHashStrict: consistentHash({ loadFactor: Infinity }),
};

function addressOf(host: string): string {
  return `tcp://${host}:1`;
}
