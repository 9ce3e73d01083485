/**
 * Outlier ejection, after Envoy's outlier detection: endpoints that fail get no calls for a while, after failures in a row, or with a
 * success rate far below that of the others. An ejected endpoint comes back on probation: its first failure ejects it again, for longer.
 *
 *   in use --failures in a row, or an outlier--> ejected --its time is over--> probation --answered--> in use
 *                                                   ^------- failed ---------------'
 *
 * At most a share of the endpoints is ejected: if all fail, the cause lies elsewhere, and the rest keeps getting calls. Refusals because of
 * overload (RESOURCE_EXHAUSTED) never eject: the remaining endpoints would get even more load. They only raise the endpoint's cost.
 *
 * Pure: the channel calls `update` after each failure (`EndpointStats.onFailed`) and at `nextAt`, and replaces its picker when the
 * set changed.
 */
import { allOfKind, readOptions, wrongOption } from '../base/options.js';
import type { Candidate } from './picker.js';

export interface EjectionOptions {
  /**
   * This many failures in a row eject an endpoint. Default 5 (Envoy's `consecutive_5xx`). Three (or fewer, if this is less) are enough when
   * no answer came within a second after the first: an endpoint that fails gets few calls, and five failures may take minutes.
   */
  readonly failuresInRowMax?: number;
  /** Success rates are compared over this time, in milliseconds. Default 10,000 (Envoy's `interval`). */
  readonly intervalMs?: number;
  /** An endpoint with fewer calls in that time is not compared. Default 100 (Envoy's `success_rate_request_volume`). */
  readonly callsMin?: number;
  /** How many standard deviations below the mean of the others is an outlier. Default 1.9 (Envoy's `success_rate_stdev_factor`). */
  readonly deviationsMax?: number;
  /**
   * An outlier is at least this far below that mean, as a share of the calls. Default 0.1: with 100 calls, half of that is chance, and
   * `leastLoaded` already gives fewer calls to an endpoint that fails less than that.
   */
  readonly rateGapMin?: number;
  /** Length of the first ejection in milliseconds; the second in a row is twice as long, and so on. Default 30,000 (Envoy's). */
  readonly ejectedMsFirst?: number;
  /** The longest, in milliseconds. Default 300,000 (Envoy's `max_ejection_time`). Each is up to 20 % shorter at random. */
  readonly ejectedMsMax?: number;
  /**
   * Largest share of the endpoints that is ejected at once. Default 0.5 (of a few endpoints, Envoy's 0.1 would be none). Of two or more
   * endpoints one may always be ejected, and one is always kept.
   */
  readonly shareMax?: number;
}

/**
 * Endpoints with enough calls that it takes to compare them: with two there is no telling which is the outlier. Envoy asks for 5, because
 * it counts the outlier in: one of N is never more than sqrt(N - 1) deviations from a mean it is part of, 1.4 of three.
 */
const COMPARED_MIN = 3;
const JITTER = 0.2;
/** Failures in a row that are enough when the first is so long ago. */
const LONG_FAILING_MIN = 3;
const LONG_FAILING_MS = 1_000;

const defaults: Required<EjectionOptions> = {
  failuresInRowMax: 5,
  intervalMs: 10_000,
  callsMin: 100,
  deviationsMax: 1.9,
  rateGapMin: 0.1,
  ejectedMsFirst: 30_000,
  ejectedMsMax: 300_000,
  shareMax: 0.5,
};

/** What is known of one endpoint beside its stats. */
interface Standing {
  /** When it comes back; 0 while it is in use. */
  until: number;
  /** Ejections, less the intervals without one since. */
  times: number;
  /** Its answers when it came back: until there are more, one failure is enough. -1: it is not on probation. */
  probation: number;
  /** When the first of its failures in a row was seen, and its answers by then. */
  failingSince: number;
  failingAfter: number;
  /** Its counts at the beginning of the interval. */
  answered: number;
  failed: number;
}

export class Ejection<C extends Candidate> {
  /** When `update` is to be called even if nothing fails; Infinity: not at all. */
  nextAt = Infinity;
  private readonly options: Required<EjectionOptions>;
  private readonly standings = new Map<C, Standing>();
  /** While nothing fails there is no interval, and nothing to do. */
  private intervalEndsAt = Infinity;

  /** Throws an `RpcError` (INVALID_ARGUMENT) for an option out of its range. */
  constructor(
    options: EjectionOptions,
    private readonly random: () => number,
  ) {
    this.options = {
      ...defaults,
      ...readOptions<EjectionOptions>('ejection.', options, allOfKind(defaults, 'number')),
    };
    for (const [name, value] of Object.entries(this.options)) {
      const most = name === 'shareMax' || name === 'rateGapMin' ? 1 : Infinity;
      if (value > 0 && value <= most) continue;
      const range = most === 1 ? 'more than 0 and at most 1' : 'more than 0';
      throw wrongOption('ejection.', name, value, range);
    }
  }

  /** Whether the endpoint is to get no calls. */
  isEjected(member: C): boolean {
    return (this.standings.get(member)?.until ?? 0) !== 0;
  }

  /**
   * Looks at all endpoints that are up, the ejected ones included; those that are down end their time all the same. True when others than
   * before are ejected.
   */
  update(members: readonly C[], now: number): boolean {
    let changed = this.takeBack(members, now);
    for (const member of members) {
      this.noteFailing(member, now);
      if (this.failsInRow(member, now) && this.eject(member, members, now)) changed = true;
    }
    if (now >= this.intervalEndsAt) {
      for (const member of this.outliers(members)) if (this.eject(member, members, now)) changed = true;
      this.forgive(members);
      this.intervalEndsAt = Infinity;
    }
    if (this.intervalEndsAt === Infinity && this.needsInterval(members)) this.beginInterval(members, now);
    this.nextAt = Math.min(this.intervalEndsAt, this.longFailingAt(members, now));
    for (const { until } of this.standings.values()) if (until !== 0 && until < this.nextAt) this.nextAt = until;
    return changed;
  }

  /** The endpoint is gone. */
  forget(member: C): void {
    this.standings.delete(member);
  }

  /** Those whose time is over, and if endpoints have gone meanwhile and too many are ejected, those whose time is over first. */
  private takeBack(members: readonly C[], now: number): boolean {
    let changed = false;
    for (const [member, { until }] of this.standings) {
      if (until === 0 || until > now) continue;
      this.bringBack(member);
      changed = true;
    }
    const ejected = members.filter((member) => this.isEjected(member));
    const tooMany = ejected.length - this.most(members.length);
    if (tooMany <= 0) return changed;
    ejected.sort((a, b) => this.standingOf(a).until - this.standingOf(b).until);
    for (const member of ejected.slice(0, tooMany)) this.bringBack(member);
    return true;
  }

  private bringBack(member: C): void {
    const standing = this.standingOf(member);
    standing.until = 0;
    standing.probation = member.stats.answered;
    member.stats.forget();
  }

  private most(endpoints: number): number {
    if (endpoints < 2) return 0;
    return Math.min(endpoints - 1, Math.max(1, Math.floor(endpoints * this.options.shareMax)));
  }

  private noteFailing(member: C, now: number): void {
    const { failuresInRow, answered } = member.stats;
    if (failuresInRow === 0) return;
    const standing = this.standingOf(member);
    if (standing.failingAfter === answered) return;
    standing.failingAfter = answered;
    standing.failingSince = now;
  }

  private failsInRow(member: C, now: number): boolean {
    const { failuresInRow, answered } = member.stats;
    if (failuresInRow === 0) return false;
    const { probation = -1, failingSince = now } = this.standings.get(member) ?? {};
    if (failuresInRow >= (probation === answered ? 1 : this.options.failuresInRowMax)) return true;
    return failuresInRow >= LONG_FAILING_MIN && now >= failingSince + LONG_FAILING_MS;
  }

  /** When an endpoint has failed for long, if nothing comes meanwhile. */
  private longFailingAt(members: readonly C[], now: number): number {
    let at = Infinity;
    for (const member of members) {
      const record = this.standings.get(member);
      if (record === undefined || record.until !== 0 || member.stats.failuresInRow < LONG_FAILING_MIN) continue;
      const due = record.failingSince + LONG_FAILING_MS;
      if (due > now) at = Math.min(at, due);
    }
    return at;
  }

  /** False if it is ejected already, or may not be. */
  private eject(member: C, members: readonly C[], now: number): boolean {
    const standing = this.standingOf(member);
    if (standing.until !== 0) return false;
    const ejected = members.reduce((count, other) => (this.isEjected(other) ? count + 1 : count), 0);
    if (ejected >= this.most(members.length)) return false;
    standing.times++;
    const { ejectedMsFirst, ejectedMsMax } = this.options;
    standing.until = now + Math.min(ejectedMsFirst * standing.times, ejectedMsMax) * (1 - JITTER * this.random());
    standing.probation = -1;
    return true;
  }

  /** Those whose success rate is far below that of the others. */
  private outliers(members: readonly C[]): C[] {
    const { callsMin, deviationsMax, rateGapMin } = this.options;
    const compared = members.flatMap((member) => {
      const standing = this.standings.get(member);
      if (standing === undefined || standing.until !== 0) return [];
      const answered = member.stats.answered - standing.answered;
      const calls = answered + culpable(member) - standing.failed;
      return calls < callsMin ? [] : [{ member, rate: answered / calls }];
    });
    if (compared.length < COMPARED_MIN) return [];
    const sum = compared.reduce((total, { rate }) => total + rate, 0);
    const squares = compared.reduce((total, { rate }) => total + rate * rate, 0);
    const others = compared.length - 1;
    return compared
      .filter(({ rate }) => {
        const mean = (sum - rate) / others;
        const deviation = Math.sqrt(Math.max(0, (squares - rate * rate) / others - mean * mean));
        return rate < mean - Math.max(deviationsMax * deviation, rateGapMin);
      })
      .sort((a, b) => a.rate - b.rate)
      .map(({ member }) => member);
  }

  /** An interval has passed: those that were not ejected in it have one ejection less against them. */
  private forgive(members: readonly C[]): void {
    for (const member of members) {
      const standing = this.standings.get(member);
      if (standing !== undefined && standing.until === 0 && standing.times > 0) standing.times--;
    }
  }

  /** Whether something failed since the last interval, or there is something to forgive. */
  private needsInterval(members: readonly C[]): boolean {
    return members.some((member) => {
      const standing = this.standings.get(member);
      if (standing === undefined) return culpable(member) > 0;
      return culpable(member) > standing.failed || (standing.until === 0 && standing.times > 0);
    });
  }

  private beginInterval(members: readonly C[], now: number): void {
    this.intervalEndsAt = now + this.options.intervalMs;
    for (const member of members) {
      const standing = this.standingOf(member);
      standing.answered = member.stats.answered;
      standing.failed = culpable(member);
    }
  }

  private standingOf(member: C): Standing {
    let standing = this.standings.get(member);
    if (standing === undefined) {
      standing = { until: 0, times: 0, probation: -1, failingSince: 0, failingAfter: -1, answered: 0, failed: 0 };
      this.standings.set(member, standing);
    }
    return standing;
  }
}

/** Failures that may eject. */
function culpable({ stats }: Candidate): number {
  return stats.failed - stats.refused;
}
