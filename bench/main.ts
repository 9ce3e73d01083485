/** The bench's entry: `npm run bench -- COMMAND [options]`. What each command measures and how to read it is in README.md. */
import { allocationCommand, allocationUsage } from './commands/allocation.js';
import { balanceCommand, balanceUsage } from './commands/balance.js';
import { blobCommand, blobUsage } from './commands/blob.js';
import { channelCommand, channelUsage } from './commands/channel.js';
import { checksumsCommand, checksumsUsage } from './commands/checksums.js';
import { floorCommand, floorUsage } from './commands/floor.js';
import { guardCommand, guardUsage } from './commands/guard.js';
import { guardCostCommand, guardCostUsage } from './commands/guard-cost.js';
import { latencyCommand, latencyUsage } from './commands/latency.js';
import { limitCommand, limitUsage } from './commands/limit.js';
import { memoryCommand, memoryUsage } from './commands/memory.js';
import { microCommand, microUsage } from './commands/micro.js';
import { mixCommand, mixUsage } from './commands/mix.js';
import { overloadCommand, overloadUsage } from './commands/overload.js';
import { pathCommand, pathUsage } from './commands/path.js';
import { reportCommand, reportUsage } from './commands/report.js';
import { rivalsCommand, rivalsUsage } from './commands/rivals.js';
import { rollingCommand, rollingUsage } from './commands/rolling.js';
import { roundTripCommand, roundTripUsage } from './commands/round-trip.js';
import { scalingCommand, scalingUsage } from './commands/scaling.js';
import { smokeCommand } from './commands/smoke.js';
import { streamCommand, streamUsage } from './commands/stream.js';
import { streamsCommand, streamsUsage } from './commands/streams.js';
import { UsageError } from './options.js';

const usage = `npm run bench -- COMMAND [options]

  ${reportUsage}
      one page, charts and the figures of README and docs/performance.md from the raw results in bench/results
  ${guardUsage}
      two commits in turns: fails when the head costs over 2 % more in CPU time or bytes allocated
  ${floorUsage}
      the engine, the floor program and avsc's own RPC: CPU per call, calls/s
  ${rivalsUsage}
      the engine against every rival that runs here, in Node and in other languages: calls/s, CPU per call
  ${limitUsage}
      what one server process can answer when its client is not the limit: the load is a program in C
  ${streamUsage}
      one server stream against the floor program: CPU per item
  ${streamsUsage}
      many streams on one connection, one of them stalled; calls of all kinds at once; a slow consumer
  ${blobUsage}
      an echo of 64 KiB against a framed echo on node:net: echoes/s
  ${mixUsage}
      the latency of small calls with and without a large blob each way
  ${channelUsage}
      a channel with one endpoint against a bare connection; what a pick costs
  ${roundTripUsage}
      one call in flight against raw node:net: the round trip
  ${checksumsUsage}
      what checksums cost, by the addon and by its twin: CPU per call
  ${rollingUsage}
      servers restarted in turn under many callers: failed and repeated calls
  ${balanceUsage}
      which endpoint gets the calls when one is slow, fails or is down
  ${latencyUsage}
      how long calls take that come at a fixed rate: p50 to p99.99, beside others
  ${scalingUsage}
      what a call costs as connections, messages, calls in flight, streams and processes grow
  ${overloadUsage}
      what a server answers that is asked for ten times what it can do
  ${memoryUsage}
      memory of both sides over many calls
  ${allocationUsage}
      bytes allocated by call, beside the floor program, and by which functions
  ${pathUsage}
      what each step of a call costs
  ${guardCostUsage}
      what bounded decoding costs
  ${microUsage}
      codec and frame decoder alone
  smoke
      all of it for a moment, to see that it works`;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  report: reportCommand,
  guard: guardCommand,
  floor: floorCommand,
  rivals: rivalsCommand,
  limit: limitCommand,
  stream: streamCommand,
  streams: streamsCommand,
  blob: blobCommand,
  mix: mixCommand,
  channel: channelCommand,
  'round-trip': roundTripCommand,
  checksums: checksumsCommand,
  rolling: rollingCommand,
  balance: balanceCommand,
  latency: latencyCommand,
  scaling: scalingCommand,
  overload: overloadCommand,
  memory: memoryCommand,
  path: pathCommand,
  allocation: allocationCommand,
  'guard-cost': guardCostCommand,
  micro: microCommand,
  smoke: smokeCommand,
};

async function main(name: string | undefined, args: readonly string[]): Promise<number> {
  if (name === '--help' || name === 'help') {
    console.log(usage);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined)
      throw new UsageError(name === undefined ? 'no command was given' : `there is no command ${name}`);
    return await command(args);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return 2;
    }
    console.error(error);
    return 1;
  }
}

// Leaving by `exit` runs what kills the child processes.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code));
}

process.exitCode = await main(process.argv[2], process.argv.slice(3));
