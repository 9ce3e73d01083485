/** The parts of the report that are a table only: the floor program, ways to read a stream, the server's limit, allocation, checksums. */
import { type ContenderName, titles } from '../../contenders/names.js';
import { type Figures, problemOf } from '../../measure.js';
import { type StreamProgramName, streamTitles } from '../../stream/names.js';
import type { ChecksumSample, LimitSample, ResultFile, Results } from '../results-files.js';
import { grouped, markdownTable, type ReportTable, type Section, sourceOf, three } from '../section.js';
import { median, medians, ratio } from '../statistics.js';

export function tableSections(results: Results): Section[] {
  const { floor, stream, 'round-trip': roundTrip, limit, allocation, checksums } = results;
  return [
    floor && floorSection(floor),
    stream && streamSection(stream),
    roundTrip && roundTripSection(roundTrip),
    limit && limitSection(limit),
    allocation && allocationSection(allocation),
    checksums && checksumSection(checksums),
  ].filter((section) => section !== null);
}

function section(file: ResultFile<unknown>, id: string, title: string, paragraph: string, table: ReportTable): Section {
  const source = sourceOf(file);
  const readme = [`${title}. ${paragraph}`, markdownTable(table), source].join('\n\n');
  return { id, title, paragraphs: [paragraph], charts: [], tables: [table], source, readme };
}

type Run = Figures & Parameters<typeof problemOf>[0];

/** Figures of one contender and its ratios to another, or what went wrong. */
function contestRow(own: readonly Run[], other: readonly Run[]): string[] {
  const problem = own.map(problemOf).find((text) => text !== null);
  if (problem !== undefined) return ['-', '-', '-', '-', problem ?? ''];
  const { perSecond, sumUs } = medians(own);
  const figures = [three(perSecond), three(sumUs)];
  if (own === other || other.length === 0) return [...figures, '', '', ''];
  const [cpu, speed] = [ratio(own, other, 'sumUs'), ratio(own, other, 'perSecond')];
  return [
    ...figures,
    three(cpu),
    three(speed),
    cpu <= 1 && speed >= 1 ? 'ahead' : cpu > 1 && speed < 1 ? 'behind' : 'mixed',
  ];
}

function floorSection(file: NonNullable<Results['floor']>): Section {
  const rows = [...grouped(file.samples, ({ inFlight }) => inFlight)].flatMap(([inFlight, samples]) => {
    const by = grouped(samples, ({ contender }) => contender);
    const floor = by.get('floor') ?? [];
    return [...by].map(([name, own]) => [String(inFlight), titleOf(name), ...contestRow(own, floor)]);
  });
  return section(
    file,
    'floor',
    'Beside the floor program',
    'The floor program does only framing, slots, promises and plain avsc: the minimum for any engine on node:net with avsc.',
    {
      caption: 'Unary calls',
      head: ['in flight', 'program', 'calls/s', 'CPU µs/call', 'CPU x floor', 'calls/s x floor', ''],
      rows,
      left: 2,
    },
  );
}

function streamSection(file: NonNullable<Results['stream']>): Section {
  const by = grouped(file.samples, ({ program }) => program);
  const floor = by.get('floor') ?? [];
  const rows = [...by].map(([name, own]) => [streamTitleOf(name), ...contestRow(own, floor)]);
  return section(
    file,
    'reading',
    'A server stream, by handler and by reading',
    'One stream of the canonical record, beside the floor program, whose consumer is a function: no promise and no iterator per item.',
    {
      caption: 'Items',
      head: ['program', 'items/s', 'CPU µs/item', 'CPU x floor', 'items/s x floor', ''],
      rows,
      left: 1,
    },
  );
}

function titleOf(name: string): string {
  return titles[name as ContenderName] ?? name;
}

function streamTitleOf(name: StreamProgramName): string {
  return streamTitles[name] ?? name;
}

function roundTripSection(file: NonNullable<Results['round-trip']>): Section {
  const by = grouped(file.samples, ({ contender }) => contender);
  const [rawName, raw] = [...by][0] ?? [];
  const rows = [...by].map(([name, own]) => {
    const of = (figure: 'perSecond' | 'p50Us' | 'p99Us'): number => median(own.map((sample) => sample[figure]));
    const ratios = own.flatMap(({ round, p50Us }) => {
      const other = raw?.find((sample) => sample.round === round);
      return other === undefined || name === rawName ? [] : [p50Us / other.p50Us];
    });
    const against = ratios.length === 0 ? '' : three(median(ratios));
    return [titleOf(name), three(of('perSecond')), three(of('p50Us')), three(of('p99Us')), against];
  });
  return section(
    file,
    'roundtrip',
    'One call in flight',
    'The programs take many short turns one after the other, so that each ratio compares neighbouring moments. What remains is the time the kernel takes to wake a process.',
    {
      caption: 'One call at a time',
      head: ['program', 'calls/s', 'p50 µs', 'p99 µs', `p50 x ${rawName === undefined ? '' : titleOf(rawName)}`],
      rows,
      left: 1,
    },
  );
}

function limitSection(file: ResultFile<LimitSample>): Section {
  const groups = grouped(file.samples, ({ connections, inFlight }) => `${connections} ${inFlight}`);
  const rows = [...groups.values()].map((samples) => {
    const { connections, inFlight } = samples[0] as LimitSample;
    const of = (figure: Exclude<keyof LimitSample, 'problem'>): number =>
      median(samples.map((sample) => sample[figure]));
    const percent = (share: number): string => `${Math.round(share * 100)} %`;
    const problem = samples.find((sample) => sample.problem)?.problem;
    if (problem)
      return [String(connections), inFlight.toLocaleString('en-US'), `FAILED: ${problem}`, '-', '-', '-', '-'];
    return [
      String(connections),
      inFlight.toLocaleString('en-US'),
      three(of('perSecond')),
      three(of('serverUs')),
      three(of('clientUs')),
      percent(of('serverBusyShare')),
      percent(of('clientBusyShare')),
    ];
  });
  return section(
    file,
    'limit',
    'The limit of one server process',
    "The load comes from a program in C that speaks the protocol, so that the server is what is measured: its core is busy, the load's is not.",
    {
      caption: 'One server process, canonical record',
      head: ['connections', 'in flight', 'calls/s', 'server µs/call', 'load µs/call', 'server busy', 'load busy'],
      rows,
      left: 0,
    },
  );
}

function allocationSection(file: NonNullable<Results['allocation']>): Section {
  const rows = [...grouped(file.samples, ({ inFlight }) => inFlight)].flatMap(([inFlight, samples]) => {
    const by = grouped(samples, ({ contender }) => contender);
    const floor = by.get('floor');
    return [...by].map(([name, own]) => {
      const of = (figure: 'clientBytes' | 'serverBytes' | 'sumBytes'): number =>
        median(own.map((sample) => sample[figure]));
      const ratios = own.flatMap(({ round, sumBytes }) => {
        const other = floor?.find((sample) => sample.round === round);
        return other === undefined || name === 'floor' ? [] : [sumBytes / other.sumBytes];
      });
      const problem = own.find((sample) => sample.problem)?.problem;
      const figures = [of('clientBytes'), of('serverBytes'), of('sumBytes')].map((value) =>
        problem ? '-' : three(value),
      );
      return [
        String(inFlight),
        titleOf(name),
        ...figures,
        ratios.length === 0 ? '' : three(median(ratios)),
        problem ?? '',
      ];
    });
  });
  return section(
    file,
    'allocation',
    'Bytes allocated per call',
    "What a call asks of V8's heap on each side, from its own statistics over many calls.",
    {
      caption: 'Bytes per call',
      head: ['in flight', 'program', 'client', 'server', 'both', 'x floor', ''],
      rows,
      left: 2,
    },
  );
}

function checksumSection(file: ResultFile<ChecksumSample>): Section {
  const rows = [...grouped(file.samples, ({ inFlight }) => inFlight)].flatMap(([inFlight, samples]) => {
    const by = grouped(samples, ({ contender }) => contender);
    const plain = [...by.values()][0] ?? [];
    return [...by].map(([name, own]) => {
      const of = (figure: 'perSecond' | 'sumUs'): number => median(own.map((sample) => sample[figure]));
      const ratios = own.flatMap((sample, index) => {
        const other = plain[index];
        return other === undefined || own === plain ? [] : [sample.sumUs / other.sumUs];
      });
      return [
        String(inFlight),
        titleOf(name),
        three(of('perSecond')),
        three(of('sumUs')),
        ratios.length === 0 ? '' : three(median(ratios)),
      ];
    });
  });
  return section(
    file,
    'checksums',
    'Checksums',
    'The cost of a checksum on every frame, compared with the engine without checksums.',
    { caption: 'Unary calls', head: ['in flight', 'program', 'calls/s', 'CPU µs/call', 'CPU x'], rows, left: 2 },
  );
}
