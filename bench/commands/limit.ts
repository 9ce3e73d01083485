/**
 * `bench -- limit`: how many calls one server process of the engine answers when its client is not the limit: the load is the C
 * program of `native/peer`. Prints both sides' CPU time and how busy their cores were.
 */
import { buildLoad } from '../limit/peer-build.js';
import { findLimit, type LimitSample, type LimitSettings, limitCases } from '../limit/run.js';
import { command, common, option, UsageError } from '../options.js';
import { findPinning } from '../process/cores.js';
import { describeEnvironment, environmentText } from '../report/environment.js';
import { keepRaw } from '../report/raw.js';
import { median } from '../report/statistics.js';
import { fixed, table, whole } from '../report/table.js';

/** What `peer drive` takes; one connection takes no more than 1,000 calls from the engine's default. */
const IN_FLIGHT_MAX = 65_536;
const CALLS_A_CONNECTION_MAX = 1_000;
const CONNECTIONS_MAX = 1_000;
/** From this share on a core counts as fully used. */
const SATURATED_SHARE = 0.95;

const options = {
  connections: option.wholes('COUNT', [1, 8, 64], 1, CONNECTIONS_MAX, 'connections, each a case'),
  'in-flight': common.inFlight([64, 512, 1000], IN_FLIGHT_MAX),
  rounds: common.rounds(3),
  seconds: common.seconds(2),
  'warm-up': common.warmUp(1),
  json: common.json,
} as const;

export const limitCommand = command(
  'limit',
  'what one server process answers when its client is not the limit: the load is a program in C',
  options,
  async (values) => {
    const settings: LimitSettings = {
      connections: values.connections,
      inFlight: values['in-flight'],
      rounds: values.rounds,
      seconds: values.seconds,
      warmUpSeconds: values['warm-up'],
      pinning: findPinning(),
    };
    const cases = limitCases(settings);
    if (cases.length === 0) throw new UsageError('--in-flight must be at least --connections for one case');
    for (const { connections, inFlight } of cases) {
      if (inFlight <= connections * CALLS_A_CONNECTION_MAX) continue;
      throw new UsageError(
        `--in-flight is at most ${CALLS_A_CONNECTION_MAX} a connection, not ${inFlight} over ${connections}`,
      );
    }
    const built = buildLoad();
    if ('reason' in built) {
      console.log(`skipped: limit: ${built.reason}`);
      return 0;
    }
    const environment = describeEnvironment(settings.pinning.text);
    console.log(`${environmentText(environment)}\n`);
    const samples = await findLimit(settings, built.path);
    const code = reportLimit(settings, samples);
    keepRaw(values.json, { command: 'limit', environment, settings, samples });
    return code;
  },
);

type Figure = 'perSecond' | 'serverUs' | 'clientUs' | 'serverBusyShare' | 'clientBusyShare';

/** Prints the result. Returns the exit code: 1 when something was wrong, and then no figures. */
export function reportLimit(settings: LimitSettings, samples: readonly LimitSample[]): number {
  for (const { problem, connections, inFlight } of samples) {
    if (problem === null) continue;
    console.log(`FAILED: ${inFlight} in flight over ${connections} connections: ${problem}`);
    return 1;
  }
  const { rounds, seconds } = settings;
  console.log(
    `one server process, load in C; medians of ${rounds} rounds of ${seconds} s; all answers checked in full\n`,
  );
  const lines = limitCases(settings).map((one) => {
    const own = samples.filter(
      ({ connections, inFlight }) => connections === one.connections && inFlight === one.inFlight,
    );
    const of = (figure: Figure): number => median(own.map((sample) => sample[figure]));
    const [serverBusyShare, clientBusyShare] = [of('serverBusyShare'), of('clientBusyShare')];
    return {
      ...one,
      perSecond: of('perSecond'),
      serverUs: of('serverUs'),
      clientUs: of('clientUs'),
      serverBusyShare,
      clientBusyShare,
    };
  });
  const head = ['connections', 'in flight', 'calls/s', 'server us', 'client us', 'server busy', 'client busy'];
  const rows = lines.map((line) => [
    String(line.connections),
    String(line.inFlight),
    whole(line.perSecond),
    fixed(line.serverUs, 3),
    fixed(line.clientUs, 3),
    percent(line.serverBusyShare),
    percent(line.clientBusyShare),
  ]);
  console.log(table([head, ...rows], 0));
  const most = lines.reduce((best, line) => (line.perSecond > best.perSecond ? line : best));
  const saturated = most.serverBusyShare >= SATURATED_SHARE;
  console.log(
    `\nlimit of one server process: ${whole(most.perSecond)} calls/s (${most.inFlight} in flight over ${most.connections}` +
      ` connections), ${fixed(most.serverUs, 3)} us of CPU a call` +
      (saturated ? '' : `\nits core was busy ${percent(most.serverBusyShare)} only: the limit may be higher`),
  );
  return 0;
}

function percent(share: number): string {
  return `${fixed(share * 100, 0)} %`;
}
