/**
 * One server of the channel simulation: a host with one process after the other, which serves, drains, crashes and comes back, is
 * slow for a while, or fails every call fast. What its handlers did is in the log.
 *
 *   up --drain--> draining --done--> down --start--> up
 *    \------------- crash ------------^
 */
import { type CallContext, type Handlers, type ItemStream, type Limits, RpcError, Server } from '../../../src/index.js';
import type { Clock, SimulatedNetwork } from '../../../src/testing/index.js';
import { endingWith } from '../handler-side.js';
import type { CallPlan } from './plan.js';
import { type Answer, type Ask, Shop } from './service.js';

/** A handler began. */
export interface Begin {
  readonly call: number;
  readonly host: string;
  readonly life: number;
  readonly at: number;
  /** Null: it has not ended, or its process has crashed. */
  endedAt: number | null;
}

export type FailingCode = 'UNAVAILABLE' | 'INTERNAL' | 'RESOURCE_EXHAUSTED';

/** How long the listener of a drained server accepts connections, if it does not close immediately. */
const BACKLOG_MS = 150;
/** The factor by which a slow host is slower, and its time for answers that are otherwise immediate. */
const SLOW_FACTOR = 20;
const SLOW_MS = 20;

export class ServerHost {
  readonly address: string;
  state: 'up' | 'draining' | 'down' = 'down';
  /** Number of its process. */
  life = 0;
  slow = false;
  failing: FailingCode | null = null;
  /** When its last drain began. */
  drainedAt = -Infinity;
  server: Server | null = null;
  private listener: { close(): void } | null = null;
  /** Of the process: it stops when that crashes. */
  private clock: Clock;

  constructor(
    readonly host: string,
    private readonly network: SimulatedNetwork,
    private readonly limits: Partial<Limits>,
    private readonly plans: readonly CallPlan[],
    private readonly log: Begin[],
    private readonly problem: (text: string) => void,
  ) {
    this.address = `tcp://${host}:1`;
    this.clock = network.clock;
  }

  start(): void {
    if (this.state !== 'down') return;
    this.state = 'up';
    const life = ++this.life;
    const { network, host, limits } = this;
    const onHandlerError = (error: unknown): void => {
      if (!(error instanceof Error && error.message === 'planned')) this.problem(`handler: ${String(error)}`);
    };
    const options = network.options(host);
    this.clock = options.clock ?? network.clock;
    const server = new Server({ ...options, limits, onHandlerError });
    server.add(Shop, this.handlers(life));
    this.server = server;
    this.listener = network.listen(host, server);
  }

  crash(): void {
    if (this.state === 'down') return;
    this.leave();
  }

  /** Resolves when the process has ended. */
  async drain(graceMs: number, closes: boolean): Promise<void> {
    const { server, life, network } = this;
    if (this.state !== 'up' || server === null) return;
    this.state = 'draining';
    this.drainedAt = network.clock.now();
    // What was in the backlog is accepted yet, and drained at once.
    const { listener } = this;
    if (closes) listener?.close();
    else network.clock.setTimer(() => listener?.close(), BACKLOG_MS);
    const askedAt = network.clock.now();
    await server.drain({ graceMs });
    if (this.life !== life || this.state !== 'draining') return;
    const tookMs = network.clock.now() - askedAt;
    if (tookMs > graceMs + 500) this.problem(`${this.host} drained in ${tookMs} ms with a grace of ${graceMs} ms`);
    if (server.connectionCount > 0)
      this.problem(`${this.host} has drained and has ${server.connectionCount} connections`);
    this.leave();
  }

  private leave(): void {
    this.state = 'down';
    this.server = null;
    this.listener?.close();
    this.network.crash(this.host);
  }

  private handlers(life: number): Handlers<typeof Shop> {
    return {
      get: (ask, context) => this.answer(life, ask, context),
      put: (ask, context) => this.answer(life, ask, context),
      list: (ask, context) => this.list(life, ask, context),
      fill: (items, context) => this.fill(life, items, context),
    };
  }

  private answer(life: number, { id }: Ask, context: CallContext): Answer | Promise<Answer> {
    const begin = this.begin(life, id);
    const plan = this.plans[id - 1];
    if (this.failing !== null) {
      this.end(begin);
      throw new RpcError(this.failing, 'planned');
    }
    if (plan === undefined || (plan.act === 'answer' && !this.slow)) {
      this.end(begin);
      return this.answerOf(life, id, 0);
    }
    return this.work(plan, context)
      .finally(() => this.end(begin))
      .then(() => this.answerOf(life, id, 0));
  }

  private list(life: number, { id }: Ask, context: CallContext): AsyncIterable<Answer> {
    const begin = this.begin(life, id);
    return endingWith(this.items(life, id, context), () => this.end(begin));
  }

  private async *items(life: number, id: number, context: CallContext): AsyncGenerator<Answer> {
    const plan = this.plans[id - 1] as CallPlan;
    if (this.failing !== null) throw new RpcError(this.failing, 'planned');
    for (let index = 0; index < plan.items; index++) {
      if (index > 0) await this.sleep(Math.min(plan.ms, 100));
      yield this.answerOf(life, id, index);
    }
    await this.work(plan, context);
  }

  private async fill(life: number, items: ItemStream<Ask>, context: CallContext): Promise<Answer> {
    const id = Number(context.metadata['id']);
    const begin = this.begin(life, id);
    try {
      if (this.failing !== null) throw new RpcError(this.failing, 'planned');
      let count = 0;
      for await (const _ of items) count++;
      await this.work(this.plans[id - 1] as CallPlan, context);
      return this.answerOf(life, id, count);
    } finally {
      this.end(begin);
    }
  }

  private begin(life: number, call: number): Begin {
    const { host, network, log } = this;
    const begin: Begin = { call, host, life, at: network.clock.now(), endedAt: null };
    // What goes on in a process that is gone is nobody's doing: it cannot be stopped here.
    if (life === this.life && this.state !== 'down') log.push(begin);
    return begin;
  }

  private end(begin: Begin): void {
    if (begin.life === this.life && this.state !== 'down') begin.endedAt = this.network.clock.now();
  }

  private async work({ act, ms }: CallPlan, { signal }: CallContext): Promise<void> {
    if (act === 'untilAborted') {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      throw signal.reason;
    }
    const usualMs = act === 'answer' ? 0 : ms;
    const tookMs = this.slow ? usualMs * SLOW_FACTOR + SLOW_MS : usualMs;
    if (tookMs > 0) await this.sleep(tookMs);
    if (act === 'refuse') throw new RpcError('ABORTED', 'planned');
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(resolve, ms));
  }

  private answerOf(life: number, id: number, index: number): Answer {
    return { id, index, host: this.host, life };
  }
}
