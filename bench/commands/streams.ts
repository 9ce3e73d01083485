/**
 * `bench -- streams`: whether a stalled stream slows down the others. Endless streams on one connection, with and without one more
 * that nobody reads, in turns; many calls of every kind at once; and a fast producer with a slow consumer.
 */

import { defaultLimits } from '../../src/index.js';
import { type Measured, marksAround, measuredBetween, problemOf, sleep } from '../measure.js';
import { command, common, option } from '../options.js';
import { findPinning, type Pinning } from '../process/cores.js';
import type { Mark } from '../process/marks.js';
import { type Pair, type Roles, withSides } from '../process/pair.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median, medians, ratio } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';
import { alternated } from '../rounds.js';
import { type Held, type StreamsExtra, streamsClient, streamsServer } from '../streams/roles.js';
import { type Kind, kinds } from '../streams/service.js';
import { runSlowConsumer, type SlowRun } from '../streams/slow-consumer.js';

export interface StreamsSettings {
  /** Endless streams, the stalled one included. */
  readonly streams: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Calls of each kind at once, and items of each. */
  readonly callsAtOnce: number;
  readonly itemsEach: number;
  /** What the slow consumer takes in all. */
  readonly slowItems: number;
  /** Judge rates: not from runs of a moment. */
  readonly judged: boolean;
  readonly pinning: Pinning;
}

/** One window of time, with the stalled stream or without. */
export interface Window extends Measured {
  readonly stalled: boolean;
  readonly held: Held;
}

export interface KindRun {
  readonly kind: Kind;
  readonly measured: Measured;
}

const RATE_MIN = 0.9;
const { streamWindowBytes, writeQueueBytesSoft, callsInFlightMax } = defaultLimits;
/** What the sender may hold of all streams together: unsent bytes, and the window of the stalled one. */
const HELD_BYTES_MAX = streamWindowBytes + writeQueueBytesSoft;
const ACT_MS_MAX = 60_000;

const options = {
  streams: option.whole('COUNT', 100, 2, 'streams at once, the stalled one included'),
  rounds: common.rounds(5),
  seconds: common.seconds(1, 0.05),
  'warm-up': common.warmUp(2),
  'at-once': option.whole('COUNT', callsInFlightMax, 1, 'calls of each kind at once'),
  'items-each': option.whole('COUNT', 100, 1, 'items of each of them'),
  'slow-items': option.whole('COUNT', 10_000_000, 1, 'items for the slow consumer'),
  json: common.json,
} as const;

export const streamsCommand = command(
  'streams',
  'many streams on one connection, one of them stalled; calls of all kinds at once; a slow consumer',
  options,
  async (values) => {
    const settings: StreamsSettings = {
      streams: values.streams,
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      callsAtOnce: values['at-once'],
      itemsEach: values['items-each'],
      slowItems: values['slow-items'],
      judged: true,
      pinning: findPinning(),
    };
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const { problems, results } = await streams(settings);
    for (const problem of problems) console.log(`FAILED: ${problem}`);
    keepRaw(values.json, { command: 'streams', environment, settings, ...results });
    return problems.length === 0 ? 0 : 1;
  },
);

/** All three parts, printed. `problems`: what was wrong or missed, in words. */
export async function streams(settings: StreamsSettings): Promise<{
  readonly problems: readonly string[];
  readonly results: Readonly<Record<string, unknown>>;
}> {
  const windows = await measureStalled(settings);
  const problems = reportStalled(settings, windows);
  const runs = await runKinds(settings);
  problems.push(...reportKinds(settings, runs));
  process.stderr.write('a slow consumer\n');
  const slow = await runSlowConsumer(settings.slowItems);
  problems.push(...reportSlow(slow));
  return { problems, results: { windows, runs, slow } };
}

function rolesOf({ pinning, itemsEach }: StreamsSettings, count: number): Roles<StreamsExtra> {
  return {
    server: streamsServer(count),
    client: (port) => streamsClient({ streams: count, itemsEach, port }),
    pinning,
    nodeArguments: ['--expose-gc'],
  };
}

/** Windows without and with the stalled stream in turns, over the same connection, so that each has a neighbour in time. */
export function measureStalled(settings: StreamsSettings): Promise<Window[]> {
  const { rounds, seconds, warmUpSeconds } = settings;
  return withSides(rolesOf(settings, settings.streams), async (pair) => {
    await pair.client.act('endless');
    await sleep(warmUpSeconds);
    const windows: Window[] = [];
    for (let round = 0; round < rounds; round++) {
      // The order is turned every round: what comes first has no advantage.
      for (const stalled of alternated([false, true], round)) {
        process.stderr.write(`round ${round + 1} of ${rounds}: ${stalled ? 'one stalled' : 'none stalled'}\n`);
        windows.push(await measureWindow(pair, stalled, seconds));
      }
    }
    return windows;
  });
}

async function measureWindow(pair: Pair<StreamsExtra>, stalled: boolean, seconds: number): Promise<Window> {
  const { server, client } = pair;
  await client.act(stalled ? 'stall' : 'release');
  await sleep(Math.min(0.2, seconds));
  const [clientMarks, serverMarks] = await marksAround(pair, seconds);
  const { held } = await server.act('collect');
  const { unsentBytesMax } = serverMarks[1].held;
  const measured = measuredBetween(clientMarks, serverMarks);
  return { stalled, ...measured, held: { ...held, unsentBytesMax } };
}

function reportStalled(
  { streams: count, rounds, seconds, judged }: StreamsSettings,
  windows: readonly Window[],
): string[] {
  const problem = windows.map(problemOf).find((text) => text !== null);
  if (problem !== undefined) return [`endless streams: ${problem}`];
  console.log(`${count - 1} endless streams on one connection; medians of ${rounds} windows of ${seconds} s each\n`);
  const without = windows.filter(({ stalled }) => !stalled);
  const beside = windows.filter(({ stalled }) => stalled);
  const most = (of: readonly Window[], key: keyof Held): number => Math.max(...of.map(({ held }) => held[key]));
  const row = (name: string, of: readonly Window[]): string[] => {
    const { perSecond, sumUs } = medians(of);
    const heap = median(of.map(({ held }) => held.heapBytes));
    return [name, whole(perSecond), fixed(sumUs, 3), kibibytes(most(of, 'unsentBytesMax')), kibibytes(heap)];
  };
  const head = ['', 'items/s', 'CPU us/item', 'unsent KiB, most', 'sender heap KiB'];
  console.log(table([head, row('none stalled', without), row('one more, stalled', beside)], 1));
  const rate = ratio(beside, without, 'perSecond');
  const cpu = ratio(beside, without, 'sumUs');
  const unsent = most(windows, 'unsentBytesMax');
  const stalledBytes = most(beside, 'stalledBytes');
  const growth = median(beside.map(({ held }, i) => held.heapBytes - (without[i]?.held.heapBytes ?? Number.NaN)));
  console.log(
    `\nrate beside the stalled stream: ${percent(rate)}; CPU per item: ${fixed(cpu, 3)} x\n` +
      `the stalled stream's source was asked for ${kibibytes(stalledBytes)} KiB, its window is ${kibibytes(streamWindowBytes)} KiB\n` +
      `the sender's heap behind a collection, with it: ${kibibytes(growth)} KiB more\n`,
  );
  const problems: string[] = [];
  const judge = (met: boolean, text: string): void => {
    console.log(`target ${met ? 'met' : 'MISSED'}: ${text}`);
    if (!met) problems.push(`missed: ${text}`);
  };
  if (judged) judge(rate >= RATE_MIN, `the others keep at least ${percent(RATE_MIN)} of their rate`);
  if (judged)
    judge(growth <= HELD_BYTES_MAX, `heap grows by at most window and queue, ${kibibytes(HELD_BYTES_MAX)} KiB`);
  judge(unsent <= writeQueueBytesSoft, `unsent bytes at most the queue's bound, ${kibibytes(writeQueueBytesSoft)} KiB`);
  const held = stalledBytes > 0 && stalledBytes <= streamWindowBytes;
  judge(held, `the stalled stream's source is not asked for more than its window`);
  console.log();
  return problems;
}

/** `callsAtOnce` calls of each kind; the server holds each until all of them have begun. */
export function runKinds(settings: StreamsSettings): Promise<KindRun[]> {
  return withSides(rolesOf(settings, settings.callsAtOnce), async ({ server, client }) => {
    const runs: KindRun[] = [];
    for (const kind of kinds) {
      process.stderr.write(`${settings.callsAtOnce} calls at once: ${kind}\n`);
      const [server0, client0] = await Promise.all([server.mark(), client.mark()]);
      const client1: Mark = await client.act(kind, ACT_MS_MAX);
      const server1: Mark = await server.mark();
      // The client counts the items of one kind.
      const measured = measuredBetween([{ ...client0, done: 0 }, client1], [server0, server1]);
      const wrong = measured.wrong + server1.wrong;
      runs.push({ kind, measured: { ...measured, wrong } });
    }
    return runs;
  });
}

function reportKinds({ callsAtOnce, itemsEach }: StreamsSettings, runs: readonly KindRun[]): string[] {
  const problems: string[] = [];
  const rows = [['kind', 'items', 'seconds', 'CPU us/item']];
  for (const { kind, measured } of runs) {
    const items = callsAtOnce * (kind === 'unary' ? 1 : itemsEach);
    const problem =
      problemOf(measured) ?? (measured.done === items ? null : `${measured.done} items in place of ${items}`);
    if (problem === null) rows.push([kind, whole(items), fixed(measured.seconds, 2), fixed(measured.sumUs, 2)]);
    else problems.push(`${callsAtOnce} calls at once, ${kind}: ${problem}`);
  }
  console.log(
    `${whole(callsAtOnce)} calls at once on one connection, all begun before one goes on; cold code, all items checked\n`,
  );
  console.log(`${table(rows, 1)}\n`);
  return problems;
}

function reportSlow({ items, seconds, aheadBytesMax, heldItemsMax, check }: SlowRun): string[] {
  if (check.wrong > 0 || check.failed > 0) return [`slow consumer: ${check.wrong} items wrong; ${check.failure}`];
  // A consumer that never let the producer use up its window would have shown nothing.
  const met = aheadBytesMax <= streamWindowBytes && aheadBytesMax > streamWindowBytes / 2;
  const text = `the producer of ${whole(items)} items is never ahead of a slow consumer by more than its window`;
  console.log(
    `slow consumer: ${fixed(seconds, 1)} s; at most ${whole(heldItemsMax)} items ahead, ${whole(aheadBytesMax)} bytes of ${whole(streamWindowBytes)}\n` +
      `target ${met ? 'met' : 'MISSED'}: ${text}`,
  );
  return met ? [] : [`missed: ${text}`];
}

function kibibytes(bytes: number): string {
  return fixed(bytes / 1024, 1);
}

function percent(share: number): string {
  return `${fixed(share * 100, 1)} %`;
}
