/**
 * An open loop: calls at a fixed arrival rate, whether or not earlier ones were answered. Each turn of the event loop sends the calls
 * that are due. Latency counts from the moment when a call was due, not from when it was sent: if a server, or the load generator,
 * pauses, every call due in the pause counts as late (no coordinated omission).
 *
 * The number of calls in flight is bounded. A call that is due above that bound is not dropped: it waits, and the wait counts. A call
 * that was not sent or answered by the end of the grace counts with its age at that moment, so quantiles are then lower bounds; the
 * result says how many those were.
 */
import { Latencies } from '../latencies.js';
import type { Workload } from '../load.js';
import { type Arrivals, Pacer } from './pacer.js';

/** Time and the event loop; tests replace them. */
export interface Turns {
  nowMs(): number;
  /** Runs `work` in the next turn of the event loop, without sleeping before it. */
  next(work: () => void): void;
}

export const realTurns: Turns = {
  nowMs: () => performance.now(),
  next: (work) => void setImmediate(work),
};

/** Outcomes of the measured calls. */
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

/** Grace: how long after the last moment calls may still be sent and answered before they count with their age. */
const GRACE_MS = 1_000;
/** Then how long to wait for the last answers, so that unfinished calls do not disturb the next measurement. */
const SETTLE_MS = 10_000;
/** Every so many answers, one is compared in full. */
const CALLS_PER_FULL_CHECK = 1_024;

/** What was recorded of some calls. */
class Recorder {
  readonly latencies = new Latencies();
  readonly lateness = new Latencies();
}

/** A place for one outstanding call; its number is the call's id, so that another call's answer shows. */
class Place {
  dueMs = 0;
  taken = false;

  constructor(
    readonly id: number,
    /** Where its call is recorded. */
    public into: Recorder,
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
  private readonly counted = new Recorder();
  /**
   * By whether a call counts. Calls of the warm-up are recorded too, by the same code: otherwise the first measured calls would run
   * code that is not compiled for them yet, and be late by milliseconds.
   */
  private readonly recorders: readonly Recorder[] = [new Recorder(), this.counted];
  private readonly places: Place[];
  private readonly free: Place[];
  private sent = 0;
  private turns = 0;
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
    const pacer = new Pacer(arrivals, this.turnsOf.nowMs());
    this.pacer = pacer;
    await this.turnUntil(pacer.countedFromMs);
    const before = this.done;
    await this.turnUntil(pacer.endMs);
    const answered = this.done - before;
    await this.turnUntil(pacer.endMs + GRACE_MS);
    const left = this.leaveRest();
    await this.turnUntil(this.turnsOf.nowMs() + SETTLE_MS);
    if (!this.isQuiet) this.fail(new Error('calls were not answered for 10 s'));
    return { ...this.counts(arrivals), achievedPerSecond: answered / arrivals.seconds, ...left };
  }

  private get isQuiet(): boolean {
    return this.free.length === this.places.length;
  }

  /** Turns the event loop and sends what is due, until that moment, or until the last call was answered. */
  private turnUntil(untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      const turn = (): void => {
        const nowMs = this.turnsOf.nowMs();
        this.turns++;
        this.sendDue(nowMs);
        if (nowMs >= untilMs || (this.sent === this.pacer.calls && this.isQuiet)) resolve();
        else this.turnsOf.next(turn);
      };
      turn();
    });
  }

  private sendDue(nowMs: number): void {
    const { pacer, free, recorders } = this;
    const due = pacer.dueBy(nowMs);
    while (this.sent < due) {
      const place = free.pop();
      if (place === undefined) return;
      const index = this.sent++;
      const into = recorders[Number(index >= pacer.firstCounted)] as Recorder;
      place.taken = true;
      place.into = into;
      place.dueMs = pacer.dueMs(index);
      into.lateness.add(nowMs - place.dueMs);
      this.call(this.workload.make(place.id)).then(place.onAnswer, place.onFailure);
    }
  }

  private place(id: number): Place {
    const place: Place = new Place(
      id,
      this.counted,
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
    const { workload } = this;
    place.into.latencies.add(this.turnsOf.nowMs() - place.dueMs);
    const full = this.done++ % CALLS_PER_FULL_CHECK === 0;
    if (!(full ? workload.isRight(answer, place.id) : workload.looksRight(answer, place.id))) this.wrong++;
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
    const { pacer, counted, recorders } = this;
    const nowMs = this.turnsOf.nowMs();
    const waiting = this.places.filter(({ taken, into }) => taken && into === counted);
    for (const place of waiting) {
      counted.latencies.add(nowMs - place.dueMs);
      place.into = recorders[0] as Recorder;
    }
    const unsentFrom = Math.max(this.sent, pacer.firstCounted);
    for (let index = unsentFrom; index < pacer.calls; index++) {
      counted.latencies.add(nowMs - pacer.dueMs(index));
      counted.lateness.add(nowMs - pacer.dueMs(index));
    }
    this.sent = pacer.calls;
    return { unsent: pacer.calls - unsentFrom, unanswered: waiting.length };
  }

  private counts(arrivals: Arrivals): Omit<OpenCounts, 'achievedPerSecond' | 'unsent' | 'unanswered'> {
    const { latencies, lateness } = this.counted;
    const us = (of: Latencies, q: number): number => of.quantile(q) * 1_000;
    return {
      ratePerSecond: arrivals.perSecond,
      calls: latencies.count,
      p50Us: us(latencies, 0.5),
      p90Us: us(latencies, 0.9),
      p99Us: us(latencies, 0.99),
      p999Us: us(latencies, 0.999),
      p9999Us: us(latencies, 0.9999),
      maxUs: latencies.mostMs * 1_000,
      lateP50Us: us(lateness, 0.5),
      lateP999Us: us(lateness, 0.999),
      turnsPerSecond: this.turns / (arrivals.warmUpSeconds + arrivals.seconds),
    };
  }
}
