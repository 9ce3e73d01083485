/**
 * An open loop: calls at a fixed arrival rate, whether or not the ones before were answered. Each turn of the event loop sends what has
 * become due, and a call's latency counts from the moment when it was due, not from when it was sent: a server, or a generator, that
 * stops for a while is late with all the calls of that while (no coordinated omission).
 *
 * So many calls are outstanding at most. One that is due while all places are taken is not dropped: it waits for a place, and its waiting
 * counts. What was never sent or answered by the end of a grace counts with the age that it had then, so a quantile is then a lower
 * bound; how many those were is told.
 */
import { Latencies } from '../latencies.js';
import type { Workload } from '../load.js';
import { type Arrivals, Pacer } from './pacer.js';

/** Time and the event loop; the tests have their own. */
export interface Turns {
  nowMs(): number;
  /** Runs `work` in the next turn of the event loop, without sleeping before it. */
  next(work: () => void): void;
}

export const realTurns: Turns = {
  nowMs: () => performance.now(),
  next: (work) => void setImmediate(work),
};

/** What became of the calls that count. */
export interface OpenCounts {
  readonly ratePerSecond: number;
  /** Answers in the while that counts, by its length. */
  readonly achievedPerSecond: number;
  readonly calls: number;
  /** Due, and not sent, or not answered, by the end of the grace. */
  readonly unsent: number;
  readonly unanswered: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly p9999Us: number;
  readonly maxUs: number;
  /** How long after its moment a call's turn began: the generator's own part of the latency. */
  readonly lateP50Us: number;
  readonly lateP999Us: number;
  /** Turns of the event loop in a second. */
  readonly turnsPerSecond: number;
}

/** For this long behind the last moment calls may still be sent and answered before they count with their age. */
const GRACE_MS = 1_000;
/** And for this long whoever has sent calls waits for the last of them, so that they are no burden for what is measured next. */
const SETTLE_MS = 10_000;
/** Every so many answers, one is compared in full. */
const CALLS_PER_FULL_CHECK = 1_024;

/** A place for one outstanding call; its number is the call's id, so that another call's answer shows. */
class Place {
  dueMs = 0;
  taken = false;

  constructor(
    readonly id: number,
    readonly onAnswer: (answer: unknown) => void,
    readonly onFailure: (error: unknown) => void,
  ) {}
}

export class OpenLoop {
  /** Calls answered, counted or not. */
  done = 0;
  wrong = 0;
  failed = 0;
  failure = '';
  private readonly latencies = new Latencies();
  private readonly lateness = new Latencies();
  private readonly places: Place[];
  private readonly free: Place[];
  private sent = 0;
  private turns = 0;
  private answeredInTime = 0;
  private over = false;
  private pacer = new Pacer({ perSecond: 1, warmUpSeconds: 0, seconds: 0 }, 0);

  constructor(
    private readonly workload: Workload<unknown>,
    private readonly call: (message: unknown) => Promise<unknown>,
    outstandingMax: number,
    private readonly turnsOf: Turns = realTurns,
  ) {
    this.places = Array.from({ length: outstandingMax }, (_, id) => this.place(id));
    this.free = this.places.toReversed();
  }

  /** Resolves when the last call was answered, or given up. */
  async run(arrivals: Arrivals): Promise<OpenCounts> {
    this.pacer = new Pacer(arrivals, this.turnsOf.nowMs());
    const untilMs = this.pacer.endMs + GRACE_MS;
    await this.turnUntil((nowMs) => nowMs > untilMs || (this.sent === this.pacer.calls && this.isQuiet));
    const left = this.leaveRest();
    const settledMs = this.turnsOf.nowMs() + SETTLE_MS;
    await this.turnUntil((nowMs) => this.isQuiet || nowMs > settledMs);
    if (!this.isQuiet) this.fail(new Error('calls were not answered for 10 s'));
    return { ...this.counts(arrivals), ...left };
  }

  private get isQuiet(): boolean {
    return this.free.length === this.places.length;
  }

  private turnUntil(ended: (nowMs: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const turn = (): void => {
        const nowMs = this.turnsOf.nowMs();
        this.turns++;
        if (!this.over) this.sendDue(nowMs);
        if (ended(nowMs)) resolve();
        else this.turnsOf.next(turn);
      };
      turn();
    });
  }

  private sendDue(nowMs: number): void {
    const { pacer, free } = this;
    const due = pacer.dueBy(nowMs);
    while (this.sent < due) {
      const place = free.pop();
      if (place === undefined) return;
      place.taken = true;
      place.dueMs = pacer.dueMs(this.sent++);
      if (place.dueMs >= pacer.countedFromMs) this.lateness.add(nowMs - place.dueMs);
      this.call(this.workload.make(place.id)).then(place.onAnswer, place.onFailure);
    }
  }

  private place(id: number): Place {
    const place: Place = new Place(
      id,
      (answer) => {
        this.onAnswer(place, answer);
      },
      (error) => {
        this.fail(error);
        this.leave(place);
      },
    );
    return place;
  }

  private onAnswer(place: Place, answer: unknown): void {
    const { pacer, workload } = this;
    const nowMs = this.turnsOf.nowMs();
    const full = this.done++ % CALLS_PER_FULL_CHECK === 0;
    if (!(full ? workload.isRight(answer, place.id) : workload.looksRight(answer, place.id))) this.wrong++;
    if (nowMs >= pacer.countedFromMs && nowMs < pacer.endMs) this.answeredInTime++;
    if (place.dueMs >= pacer.countedFromMs && !this.over) this.latencies.add(nowMs - place.dueMs);
    this.leave(place);
  }

  private leave(place: Place): void {
    place.taken = false;
    this.free.push(place);
  }

  private fail(error: unknown): void {
    this.failed++;
    if (this.failure === '') this.failure = String(error);
  }

  /** What is not answered counts with its age, and nothing more is sent. */
  private leaveRest(): Pick<OpenCounts, 'unsent' | 'unanswered'> {
    const { pacer, latencies } = this;
    this.over = true;
    const nowMs = this.turnsOf.nowMs();
    const waiting = this.places.filter(({ taken, dueMs }) => taken && dueMs >= pacer.countedFromMs);
    for (const { dueMs } of waiting) latencies.add(nowMs - dueMs);
    let unsent = 0;
    for (let index = this.sent; index < pacer.calls; index++) {
      const dueMs = pacer.dueMs(index);
      if (dueMs < pacer.countedFromMs) continue;
      unsent++;
      latencies.add(nowMs - dueMs);
    }
    return { unsent, unanswered: waiting.length };
  }

  private counts({ perSecond, warmUpSeconds, seconds }: Arrivals): Omit<OpenCounts, 'unsent' | 'unanswered'> {
    const { latencies, lateness } = this;
    const us = (of: Latencies, q: number): number => of.quantile(q) * 1_000;
    return {
      ratePerSecond: perSecond,
      achievedPerSecond: this.answeredInTime / seconds,
      calls: latencies.count,
      p50Us: us(latencies, 0.5),
      p90Us: us(latencies, 0.9),
      p99Us: us(latencies, 0.99),
      p999Us: us(latencies, 0.999),
      p9999Us: us(latencies, 0.9999),
      maxUs: latencies.mostMs * 1_000,
      lateP50Us: us(lateness, 0.5),
      lateP999Us: us(lateness, 0.999),
      turnsPerSecond: this.turns / (warmUpSeconds + seconds),
    };
  }
}
