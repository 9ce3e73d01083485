/** Made-up results for the tests of the report: the right form, and figures that nobody measured. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const environment = {
  date: '2000-01-02T03:04:05.678Z',
  cpu: 'Made-up CPU <1 & 2>',
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  system: 'linux 1.2.3 x64',
  loadAverage: 0.05,
  node: '20.0.0',
  v8: '11.3',
  avsc: '5.7.9',
  commit: '0123456789ab',
  pinning: 'server on core 0, client on core 1',
};

const settings = { rounds: 3, seconds: 2 };

/** Name, title, language, floor, workloads, calls/s at 512 in flight. */
const rivals = [
  ['engine', 'engine', 'Node', false, 'unary stream', 1_230_000],
  ['engine-polling', 'engine, busy polling', 'Node', false, 'unary', 1_100_000],
  ['engine-batches', 'engine, batches()', 'Node', false, 'stream', 3_100_000],
  ['engine-blob', 'engine, blob lane', 'Node', false, 'blob', 11_000],
  ['engine-bytes', 'engine, raw unary', 'Node', false, 'blob', 13_000],
  ['grpc-js', 'grpc-js', 'Node', false, 'unary blob stream', 6_100],
  ['avsc-rpc', 'avsc RPC', 'Node', false, 'unary', 47_000],
  ['rsocket-tcp', 'rsocket-tcp', 'Node', false, 'unary stream', 102_000],
  ['thrift', 'Apache Thrift', 'Node', false, 'unary', 31_000],
  ['nats', 'NATS request and reply', 'Node', false, 'unary', 41_000],
  ['zeromq', 'ZeroMQ dealer and router', 'Node', false, 'unary', 64_000],
  ['grpc-cpp', 'gRPC C++', 'C++', false, 'unary blob stream', 60_500],
  ['grpc-go', 'grpc-go', 'Go', false, 'unary blob stream', 65_200],
  ['capnp-cpp', "Cap'n Proto C++", 'C++', false, 'unary', 310_000],
  ['floor', 'floor program', 'Node', true, 'unary stream', 1_150_000],
  ['raw-net', 'raw node:net', 'Node', true, 'unary', 163_000],
  ['corked-net', 'corked node:net', 'Node', true, 'unary', 1_990_000],
  ['framed-echo', 'framed node:net', 'Node', true, 'blob', 12_500],
  ['c-epoll', 'C epoll', 'C', true, 'unary blob stream', 2_900_000],
] as const;

const loads = [
  [1, 0.008],
  [64, 0.55],
  [512, 1],
] as const;

function measured(perSecond: number): object {
  const sumUs = 1.9e6 / perSecond;
  const counts = { done: 1000, seconds: 2, wrong: 0, failed: 0, failure: '' };
  return { ...counts, perSecond, clientUs: sumUs * 0.6, serverUs: sumUs * 0.4, sumUs };
}

function rivalSamples(round: number): object[] {
  return rivals.flatMap(([name, , , , workloads, most]) => {
    const speed = most * (1 + round / 100);
    return workloads.split(' ').flatMap((workload) => {
      if (workload !== 'unary') {
        const perSecond = workload === 'blob' ? Math.min(speed, 9_000 + speed / 10) : speed;
        return [{ round, rival: name, workload, inFlight: workload === 'blob' ? 16 : 1, ...measured(perSecond) }];
      }
      return loads.map(([inFlight, share]) => {
        const perSecond = Math.max(speed * share, 3_000 + most / 1000);
        return { round, rival: name, workload, inFlight, ...measured(perSecond) };
      });
    });
  });
}

const rounds = <T>(make: (round: number) => T[]): T[] => [1, 2, 3].flatMap(make);

export const madeUpRivals = {
  command: 'rivals',
  environment,
  settings,
  rivals: rivals.map(([name, title, language, floor, workloads]) => {
    const setup = 'in `its` fastest form & all';
    return { name, title, language, floor, setup, workloads: workloads.split(' '), version: '1.2.3' };
  }),
  skipped: [{ name: 'capnweb', why: 'its package is not installed' }],
  samples: rounds(rivalSamples),
};

function latencySamples(round: number): object[] {
  const at = (contender: string, share: number | null, base: number): object => ({
    round,
    contender,
    share,
    ratePerSecond: 1_200_000 * (share ?? 0.5),
    achievedPerSecond: 1_200_000 * (share ?? 0.5),
    p50Us: base,
    p90Us: base * 2,
    p99Us: base * 5,
    p999Us: base * 20,
    p9999Us: base * 45,
    maxUs: base * 60,
    ...measured(500_000),
  });
  const own = [0.25, 0.5, 0.75, 0.9].map((share) => at('engine', share, 150 + 300 * share ** 3));
  return [...own, at('floor', null, 180), at('rsocket-tcp', null, 900_000), at('grpc-js', null, 1_000_000)];
}

const axes: Readonly<Record<string, readonly number[]>> = {
  connections: [1, 4, 16, 64, 256],
  connectionsEach: [1, 4, 16, 64, 256],
  messageBytes: [16, 256, 4_096, 65_536, 1_048_576, 4_194_304],
  inFlight: [1, 8, 64, 512, 1_024, 4_096],
  streams: [1, 10, 100, 1_000, 10_000],
  streamBatches: [1, 10, 100, 1_000, 10_000],
  processes: [1, 2, 4],
};

function scalingSamples(round: number): object[] {
  return Object.entries(axes).flatMap(([axis, values]) =>
    values.map((value, index) => {
      const perSecond = axis === 'messageBytes' ? 900_000 / (1 + value / 400) : 200_000 * (1 + index);
      return { round, axis, value, bytesPerSecond: perSecond * 46, problem: null, ...measured(perSecond) };
    }),
  );
}

const plain = { command: 'made up', environment, settings };
const contenders = ['engine', 'floor'] as const;
const ofBoth = (make: (contender: string, index: number) => object) => rounds(() => contenders.map(make));

export const madeUpResults: Readonly<Record<string, object>> = {
  rivals: madeUpRivals,
  latency: {
    ...plain,
    settings: {
      ...settings,
      others: [
        { name: 'floor', title: 'floor program', floor: true },
        { name: 'rsocket-tcp', title: 'rsocket-tcp', floor: false },
        { name: 'grpc-js', title: 'grpc-js', floor: false },
      ],
    },
    samples: rounds(latencySamples),
  },
  scaling: { ...plain, samples: rounds(scalingSamples) },
  floor: {
    ...plain,
    samples: ofBoth((contender, index) => ({ contender, inFlight: 512, ...measured(1_200_000 - index * 90_000) })),
  },
  stream: {
    ...plain,
    samples: ['floor', 'batches', 'for-await'].map((program, index) => ({ program, ...measured(2e6 + index * 1e5) })),
  },
  'round-trip': {
    ...plain,
    settings: { rounds: 3 },
    samples: rounds((round) =>
      ['raw-echo', 'engine'].map((contender, index) => {
        const us = 30 + index * 1.5;
        return { round, contender, perSecond: 1e6 / us, p50Us: us, p99Us: 2 * us, clientUs: us / 2, serverUs: us / 3 };
      }),
    ),
  },
  limit: {
    ...plain,
    samples: rounds((round) => [
      {
        round,
        connections: 4,
        inFlight: 1024,
        perSecond: 1.4e6,
        serverUs: 0.7,
        clientUs: 0.2,
        serverBusyShare: 0.99,
        clientBusyShare: 0.3,
      },
    ]),
  },
  allocation: {
    ...plain,
    samples: rounds((round) =>
      contenders.map((contender, index) => {
        const bytes = { clientBytes: 600 + index * 30, serverBytes: 500, sumBytes: 1100 + index * 30 };
        return { round, contender, inFlight: 512, calls: 1_000_000, ...bytes, problem: null };
      }),
    ),
  },
  checksums: {
    ...plain,
    samples: rounds((round) =>
      ['engine', 'engine, checksums'].map((contender, index) => ({
        round,
        contender,
        inFlight: 512,
        ...measured(1_200_000 - index * 40_000),
      })),
    ),
  },
};

/** A temporary folder with these results as files. */
export function resultsFolder(results: Readonly<Record<string, object>> = madeUpResults): string {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-results-'));
  for (const [name, value] of Object.entries(results))
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(value));
  return folder;
}
