/**
 * One seed from beginning to end: real channels and servers on a simulated network do what the plan says, faults happen, all of
 * it heals, everybody closes, and then nothing may be left. What was not as it must be is listed in `problems`.
 */
import { type Client, type ClientChannel, connect, Server } from '../../src/index.js';
import { SimulatedNetwork, type TraceEvent } from '../../src/testing/index.js';
import { CallRecord } from './call-record.js';
import { CallerSide } from './caller-side.js';
import { HandlerSide } from './handler-side.js';
import type { Outcome } from './outcome.js';
import { drawPlan, type FaultPlan, type Plan, servesBack } from './plan.js';
import { Back, bodyOf, OtherWork, Salt, Work } from './service.js';
import { Witness } from './witness.js';

interface ClientEnd {
  channel: ClientChannel;
  stub: Client<typeof Work>;
}

/** Virtual time after the last deadline within which everything has settled, and a closed side is empty. */
const REST_MS = 5_000;
/** Virtual time within which a healed network carries calls again: keepalive, its timeout, and the backoff. */
const RECOVERY_MS = 90_000;

export async function simulate(seed: number, onEvent?: (event: TraceEvent) => void): Promise<Outcome> {
  const witness = new Witness();
  try {
    return await new Simulation(seed, witness, onEvent).run();
  } finally {
    witness.leave();
  }
}

class Simulation {
  private readonly plan: Plan;
  private readonly network: SimulatedNetwork;
  private readonly records: CallRecord[];
  private readonly problems: string[];
  private readonly clients: ClientEnd[] = [];
  private readonly servers: Server[] = [];
  private readonly closings: Promise<void>[] = [];
  private listener: { close(): void } | null = null;
  private open = 0;
  /** Faults still to be started or to be undone. */
  private faultsLeft = 0;
  private lateMs = 0;

  constructor(
    seed: number,
    private readonly witness: Witness,
    onEvent?: (event: TraceEvent) => void,
  ) {
    const settings = { seed, settling: 'microtasks' as const, ...(onEvent === undefined ? {} : { onEvent }) };
    // The plan is drawn apart, so that it does not depend on what the network draws.
    this.plan = drawPlan(seed, new SimulatedNetwork(settings).random);
    this.network = new SimulatedNetwork({ ...settings, ...this.plan.conditions });
    this.records = this.plan.calls.map((call) => new CallRecord(call));
    this.problems = witness.problems;
  }

  async run(): Promise<Outcome> {
    const { network, plan, problems } = this;
    const { clock } = network;
    const callers = new CallerSide(clock, (record) => this.onSettled(record));
    this.startServer();
    for (let client = 0; client < plan.clients; client++) this.clients.push(this.openChannel(client));
    for (const record of this.records) clock.setTimer(() => callers.make(record, this.stubOf(record)), record.plan.at);
    for (const fault of plan.faults) clock.setTimer(() => this.fault(fault), fault.at);
    this.open = this.records.length;
    this.faultsLeft = plan.faults.length;
    const lastMs = Math.max(...plan.calls.map(({ at, deadlineMs }) => at + deadlineMs));
    const end = Math.max(lastMs, ...plan.faults.map(({ at, ms }) => at + ms)) + REST_MS;
    if (!(await clock.runUntil(() => this.open === 0, end))) problems.push(`${this.open} calls never settled`);
    await clock.runUntil(() => this.faultsLeft === 0);
    network.heal();
    for (const [index, client] of this.clients.entries()) await this.probe(index, client);
    await this.closeAll();
    for (const record of this.records) {
      record.judge(plan, this.lateMs);
      problems.push(...record.problems);
    }
    return { plan, hash: network.traceHash(), problems, outcomes: this.count() };
  }

  private startServer(): void {
    const { limits, checksums } = this.plan;
    const onHandlerError = (error: unknown): void => {
      const planned = error instanceof Error && /^planned$|messageBytesMax/.test(error.message);
      if (!planned) this.problems.push(`handler: ${String(error)}`);
    };
    const server = new Server({ ...this.network.options('server'), limits, checksums, onHandlerError });
    server.add(Work, new HandlerSide(this.network.clock, this.records).handlers);
    this.servers.push(server);
    this.listener = this.network.listen('server', server);
  }

  private openChannel(client: number): ClientEnd {
    const { limits, checksums } = this.plan;
    const channel = connect('tcp://server:1', { ...this.network.options(`client ${client}`), limits, checksums });
    if (servesBack({ client })) channel.add(Back, { confirm: (id) => this.confirm(id) });
    return { channel, stub: channel.client(this.plan.otherVersion ? OtherWork : Work) };
  }

  private confirm(id: number): number {
    (this.records[id - 1] as CallRecord).askedBack++;
    return id + 1;
  }

  private stubOf(record: CallRecord): Client<typeof Work> {
    return (this.clients[record.plan.client] as ClientEnd).stub;
  }

  private onSettled(record: CallRecord): void {
    this.open--;
    this.network.record(`call ${record.plan.id} ${record.outcome} ${record.started}`);
  }

  // What goes wrong.

  private fault({ kind, client, direction, ms }: FaultPlan): void {
    const { network } = this;
    const host = `client ${client}`;
    const later = (undo: () => void): void => {
      this.faultsLeft++;
      network.clock.setTimer(() => {
        this.faultsLeft--;
        undo();
      }, ms);
    };
    network.record(`fault ${kind} ${ms}`);
    this.faultsLeft--;
    switch (kind) {
      case 'partition':
        network.partition(host, 'server', direction);
        later(() => network.heal(host, 'server', direction));
        break;
      case 'reset':
        network.reset(host, 'server');
        break;
      case 'sever':
        network.sever(host, 'server');
        break;
      case 'slowServer':
      case 'slowClient': {
        const slow = kind === 'slowServer' ? 'server' : host;
        network.setReading(slow, ms % 3 === 0 ? 0 : 20_000);
        later(() => network.setReading(slow, Number.POSITIVE_INFINITY));
        break;
      }
      case 'slowWay':
        network.configure(host, 'server', { bytesPerSecond: 20_000, latencyMs: 100 }, direction);
        later(() => network.configure(host, 'server', { bytesPerSecond: Number.POSITIVE_INFINITY, latencyMs: 1 }));
        break;
      case 'rollingRestart':
      case 'crash':
        this.restart(kind === 'crash' ? -1 : ms);
        break;
      case 'closeChannel': {
        const { channel } = this.clients[client] as ClientEnd;
        this.clients[client] = this.openChannel(client);
        this.expectClosed(channel.close({ graceMs: ms }), ms, `channel.close of ${host}`);
        break;
      }
      case 'blockedLoop':
        this.lateMs += Math.min(ms, 2_000);
        network.clock.block(Math.min(ms, 2_000));
        break;
    }
  }

  /** Another server takes over the host. `graceMs` < 0: the first is closed at once. */
  private restart(graceMs: number): void {
    const last = this.servers.at(-1) as Server;
    this.listener?.close();
    this.startServer();
    if (graceMs < 0) this.expectClosed(last.close(), 0, 'server.close');
    else this.expectClosed(last.drain({ graceMs }), graceMs, 'server.drain');
  }

  private expectClosed(closed: Promise<unknown>, graceMs: number, what: string): void {
    const { clock } = this.network;
    const askedAt = clock.now();
    this.closings.push(
      closed.then(() => {
        const tookMs = clock.now() - askedAt;
        if (tookMs > graceMs + 500 + this.lateMs)
          this.problems.push(`${what} took ${tookMs} ms with a grace of ${graceMs} ms`);
      }),
    );
  }

  // The end.

  /** On a healed network a call succeeds, as soon as what was forgotten has been noticed. */
  private async probe(index: number, { stub }: ClientEnd): Promise<void> {
    const { network, problems, records } = this;
    const id = records.length + 1 + index;
    const askOften = async (): Promise<void> => {
      for (const until = network.clock.now() + RECOVERY_MS; ; ) {
        try {
          const answer = await stub.ask({ id, index: 0, body: bodyOf(id, Salt.request, 9) }, { deadlineMs: 4_000 });
          if (answer.id !== id || !answer.body.equals(bodyOf(id, Salt.answer, 9)))
            problems.push('a probe got another answer');
          return;
        } catch (error) {
          if (network.clock.now() > until) {
            problems.push(`client ${index} does not recover: ${String(error)}`);
            return;
          }
          await network.clock.sleep(1_000);
        }
      }
    };
    await network.run(askOften());
  }

  private async closeAll(): Promise<void> {
    const { network, problems, witness } = this;
    const { clock } = network;
    for (const { channel } of this.clients) this.expectClosed(channel.close(), 20_000, 'channel.close in the end');
    this.expectClosed((this.servers.at(-1) as Server).drain(), 20_000, 'server.drain in the end');
    let closed = false;
    void Promise.all(this.closings).then(() => {
      closed = true;
    });
    if (!(await clock.runUntil(() => closed, clock.now() + 60_000))) problems.push('a close or drain never ended');
    await clock.runUntil(() => clock.pending === 0, clock.now() + REST_MS);
    if (clock.pending > 0) problems.push(`${clock.pending} timers are left`);
    if (network.openSockets > 0) problems.push(`${network.openSockets} sockets are left open`);
    for (const server of this.servers) {
      if (server.connectionCount > 0) problems.push(`a server still counts ${server.connectionCount} connections`);
    }
    witness.judgeEnd();
  }

  private count(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { plan, outcome, started } of this.records) {
      const name = `${plan.kind} ${outcome} ${started}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }
}
