/** The bench's entry: `npm run bench -- COMMAND [options]`. What each command measures and how to read it is in README.md. */
import { allocationCommand } from './commands/allocation.js';
import { balanceCommand } from './commands/balance.js';
import { blobCommand } from './commands/blob.js';
import { channelCommand } from './commands/channel.js';
import { checksumsCommand } from './commands/checksums.js';
import { floorCommand } from './commands/floor.js';
import { guardCommand } from './commands/guard.js';
import { guardCostCommand } from './commands/guard-cost.js';
import { latencyCommand } from './commands/latency.js';
import { limitCommand } from './commands/limit.js';
import { memoryCommand } from './commands/memory.js';
import { microCommand } from './commands/micro.js';
import { mixCommand } from './commands/mix.js';
import { overloadCommand } from './commands/overload.js';
import { pathCommand } from './commands/path.js';
import { reportCommand } from './commands/report.js';
import { rivalsCommand } from './commands/rivals.js';
import { rollingCommand } from './commands/rolling.js';
import { roundTripCommand } from './commands/round-trip.js';
import { scalingCommand } from './commands/scaling.js';
import { smokeCommand } from './commands/smoke.js';
import { streamCommand } from './commands/stream.js';
import { streamsCommand } from './commands/streams.js';
import { type Command, UsageError } from './options.js';

const NAME_WIDTH = 10;

const commands: readonly Command[] = [
  reportCommand,
  guardCommand,
  floorCommand,
  rivalsCommand,
  limitCommand,
  streamCommand,
  streamsCommand,
  blobCommand,
  mixCommand,
  channelCommand,
  roundTripCommand,
  checksumsCommand,
  rollingCommand,
  balanceCommand,
  latencyCommand,
  scalingCommand,
  overloadCommand,
  memoryCommand,
  allocationCommand,
  pathCommand,
  guardCostCommand,
  microCommand,
  smokeCommand,
];

const usage = [
  'npm run bench -- COMMAND [options]',
  'npm run bench -- COMMAND --help',
  '',
  ...commands.map(({ name, summary }) => `  ${name.padEnd(NAME_WIDTH)}  ${summary}`),
].join('\n');

async function main(name: string | undefined, args: readonly string[]): Promise<number> {
  if (name === '--help' || name === 'help') {
    console.log(usage);
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined && args.includes('--help')) {
    console.log(command.help());
    return 0;
  }
  try {
    if (command !== undefined) return await command.run(args);
    throw new UsageError(name === undefined ? 'no command was given' : `there is no command ${name}`);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${command?.help() ?? usage}`);
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
