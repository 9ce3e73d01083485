/**
 * The work of an `EtcdResolver`: reads the keys, watches them from that revision on, and begins again when the watch ends.
 *
 *   waiting --start(), backoff over--> reading --keys--> opening --created--> watching
 *      ^                                  |                 |                    |
 *      +--- failed, ended, silent --------+-----------------+--------------------+         any state --stop()--> stopped
 *
 * After a failure the next member is asked. After a watch that worked for a while, the wait is short.
 *
 * A watch can go silent unnoticed: its connection is half open, or a proxy holds it (etcd's own progress notices come every ten
 * minutes). So a small request checks every `checkMs` whether anything changed that the watch did not report. Without an answer the next
 * member is asked; if something changed, the watch is opened again.
 *
 * Trouble is a failed attempt, a slow check, or a revision that went back. From then until `graceMs` after a watch works again, the
 * roster keeps servers whose keys vanished: leases may have expired because etcd stood still, or be lost with its data.
 */
import type { Timer } from '../../base/clock.js';
import { RpcError, toRpcError } from '../../base/errors.js';
import { type Steps, step } from '../../base/state-machine.js';
import { ENDPOINTS_MAX, EndpointList } from '../resolver/endpoint-list.js';
import { LookUpLoop } from '../resolver/look-up-loop.js';
import type { ResolverContext } from '../resolver/resolver.js';
import { RetryDelay } from '../resolver/retry-delay.js';
import { EtcdClient, record } from './client.js';
import type { EtcdResolverOptions } from './options.js';
import { keysBelow } from './record.js';
import { type EtcdKey, keysOf, Roster } from './roster.js';
import { type KeyChange, watch } from './watch.js';

/** A check that takes longer means that etcd is in trouble. */
const SLOW_MS = 2_000;
/** A watch that lived this long has proven its member: the next attempt follows at once. */
const PROVEN_MS = 1_000;
/** Clients that lost their watches together come back spread over this time. */
const SPREAD_MS = 100;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;

/** The check has found a change that the watch did not report. */
const silent = new RpcError('CANCELLED', 'the watch is silent');
/** The check failed, which was reported. */
const unchecked = new RpcError('UNAVAILABLE', 'the watch could not be checked');

interface RangeAnswer {
  readonly keys: readonly EtcdKey[];
  readonly count: number;
  readonly revision: number;
}

type Phase = 'waiting' | 'reading' | 'opening' | 'watching' | 'stopped';

const steps: Steps<Phase> = {
  waiting: ['reading', 'stopped'],
  reading: ['opening', 'waiting', 'stopped'],
  opening: ['watching', 'waiting', 'stopped'],
  watching: ['waiting', 'stopped'],
  stopped: [],
};

export class EtcdSession {
  private readonly client: EtcdClient;
  private readonly keys: ReturnType<typeof keysBelow>;
  private readonly keysMax: number;
  private readonly list: EndpointList;
  private readonly roster: Roster;
  private readonly delay: RetryDelay;
  private phase: Phase = 'waiting';
  private checks: LookUpLoop | null = null;
  private waitTimer: Timer | null = null;
  private graceTimer: Timer | null = null;
  /** When the watch was created; null: there is none. */
  private watchingSince: number | null = null;

  constructor(
    private readonly name: string,
    private readonly options: EtcdResolverOptions,
    private readonly context: ResolverContext,
  ) {
    const { clock, random } = context;
    const { endpointsMax = ENDPOINTS_MAX } = options;
    this.client = new EtcdClient(options, clock, random);
    this.keys = keysBelow(options.prefix);
    this.list = new EndpointList(context, name, endpointsMax);
    // One more than is taken, so that the list can report that there are more.
    this.keysMax = endpointsMax + 1;
    this.roster = new Roster(this.keysMax, (error) => this.list.error(error));
    this.delay = new RetryDelay(random, RETRY_FIRST_MS, RETRY_MOST_MS);
  }

  start(): void {
    void this.run();
  }

  /** Checks soon whether the watch has reported everything. */
  refresh(): void {
    this.checks?.refresh();
  }

  stop(): void {
    if (this.isStopped) return;
    this.transition('stopped');
    this.list.close();
    this.client.close();
    this.checks?.stop();
    this.waitTimer?.cancel();
    this.graceTimer?.cancel();
  }

  private get isStopped(): boolean {
    return this.phase === 'stopped';
  }

  private transition(to: Phase): void {
    this.phase = step('a session with etcd', steps, this.phase, to);
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const { clock, random } = this.context;
    while (!this.isStopped) {
      this.transition('reading');
      let failure: RpcError | null = null;
      try {
        await this.follow();
      } catch (error) {
        failure = toRpcError(error);
      }
      if (this.isStopped) return;
      this.transition('waiting');
      const since = this.watchingSince;
      this.watchingSince = null;
      this.checks?.stop();
      this.checks = null;
      // A watch that broke off is no trouble yet: the next attempt will show.
      if (failure !== null && failure !== silent) {
        this.client.next();
        if (since === null || failure.code !== 'UNAVAILABLE') this.onTrouble(failure);
      }
      const proven = since !== null && clock.now() - since >= PROVEN_MS;
      if (proven) this.delay.reset();
      await this.wait(proven ? SPREAD_MS * random() : this.delay.nextMs());
    }
  }

  /** Reads and watches until that ends. */
  private async follow(): Promise<void> {
    const { revision, keys } = await this.range();
    if (this.isStopped) return;
    // Another cluster, or one that lost its data.
    if (revision < this.roster.revision) this.holdBack();
    this.roster.replace(keys, revision);
    this.push();
    const control = new AbortController();
    this.transition('opening');
    const onChanges = (changes: readonly KeyChange[]): void => {
      if (this.phase === 'opening') this.onCreated(control);
      this.onChanges(changes);
    };
    await watch(this.client, this.keys, revision + 1, onChanges, control);
  }

  private onCreated(control: AbortController): void {
    const { clock, random } = this.context;
    this.transition('watching');
    this.watchingSince = clock.now();
    if (this.roster.holdsBack) this.holdBack();
    const quiet = { clock, random, onEndpoints: () => {}, onError: () => this.holdBack() };
    const periodMs = this.options.checkMs ?? 3_000;
    const options = { periodMs, floorMs: Math.min(1_000, periodMs), lookUpMsMax: SLOW_MS };
    this.checks = new LookUpLoop(quiet, options, this.name, () => this.check(control));
    this.checks.rest();
  }

  private onChanges(changes: readonly KeyChange[]): void {
    // What a check has already read comes again.
    const { revision } = this.roster;
    for (const change of changes) {
      if (change.modRevision <= revision) continue;
      if (change.deleted) this.roster.delete(change.key);
      else this.roster.put(change);
      this.roster.revision = change.modRevision;
    }
    this.push();
  }

  /** Whether something changed that the watch did not report. Never rejects. */
  private async check(control: AbortController): Promise<boolean> {
    try {
      const news = await this.range(this.roster.revision + 1);
      if (news.keys.length === 0 && news.count === this.roster.size) return false;
      const { revision, keys } = await this.range();
      // The watch may have been faster.
      if (revision < this.roster.revision || !this.roster.replace(keys, revision)) return false;
      this.push();
      control.abort(silent);
      return true;
    } catch (error) {
      if (this.isStopped) return false;
      this.onTrouble(toRpcError(error));
      control.abort(unchecked);
      return false;
    }
  }

  /** All keys, or those that changed since a revision; `count` is always that of all. */
  private async range(sinceRevision?: number): Promise<RangeAnswer> {
    const since = sinceRevision === undefined ? {} : { min_mod_revision: String(sinceRevision) };
    const answer = record(
      await this.client.ask('/v3/kv/range', { ...this.keys, limit: String(this.keysMax), ...since }),
    );
    const revision = Number(record(answer['header'])['revision']);
    if (!Number.isSafeInteger(revision)) throw new RpcError('INTERNAL', `etcd ${this.client.base} gave no revision`);
    return { keys: keysOf(answer['kvs']), count: Number(answer['count'] ?? 0), revision };
  }

  private onTrouble(failure: RpcError): void {
    this.holdBack();
    this.list.failed(failure);
  }

  /** Keeps servers whose keys vanished for `graceMs`, which begins when there is a watch again. */
  private holdBack(): void {
    this.roster.holdsBack = true;
    this.graceTimer?.cancel();
    this.graceTimer = null;
    if (this.watchingSince === null) return;
    this.graceTimer = this.context.clock.setTimer(() => {
      this.graceTimer = null;
      if (this.watchingSince === null) return;
      this.roster.release();
      this.push();
    }, this.options.graceMs ?? 10_000);
  }

  private push(): void {
    this.list.push(this.roster.endpoints());
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.waitTimer = this.context.clock.setTimer(resolve, ms);
    });
  }
}
