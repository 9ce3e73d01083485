/**
 * The C floor among the native rivals: built, driven for a moment, and asked for its marks as the bench asks. It shares the part that
 * speaks and counts (`bench/rivals/native/common`) with the others in C and C++. Without a C compiler all of it is skipped by name.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defining, PeerRun } from '../native/peer-program.js';
import { projectRoot } from '../support/root.js';

const source = fileURLToPath(new URL('bench/rivals/native', projectRoot));
const output = fileURLToPath(new URL('.build/native-rivals', projectRoot));
const path = `${output}/c-epoll`;
const IN_FLIGHT = 4;
const HEADER_BYTES = 12;

interface Mark {
  readonly atMs: number;
  readonly cpuUs: number;
  readonly done: number;
  readonly wrong: number;
  readonly failed: number;
  readonly failure: string;
}

interface Rival {
  readonly name: string;
  readonly program: readonly string[];
  readonly debian: readonly string[];
  readonly workloads: readonly string[];
}

/** Why it cannot be built here; null once it is built. Throws, with the compiler's output, when it does not build. */
function build(): string | null {
  if (process.platform !== 'linux') return 'it needs the epoll of Linux';
  for (const tool of ['make', 'cc']) {
    try {
      execFileSync(tool, ['--version'], { stdio: 'ignore' });
    } catch {
      return `there is no ${tool} (apt-get install gcc make libc6-dev)`;
    }
  }
  execFileSync('make', ['-s', '-C', source, `OUT=${output}`, 'CFLAGS=-O1 -Werror', 'c-epoll'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return null;
}

/** A side that is running, and what it says. */
class RivalSide {
  private readonly run: PeerRun;
  private readonly lines: string[] = [];
  private onLine: () => void = () => {};

  constructor(args: readonly string[]) {
    this.run = new PeerRun(path, args, (line) => {
      this.lines.push(line);
      this.onLine();
    });
    void this.run.ended.then(() => this.onLine());
  }

  async port(): Promise<number> {
    return (JSON.parse(await this.line()) as { ready: { port: number } }).ready.port;
  }

  async mark(): Promise<Mark> {
    this.run.write('mark\n');
    return (JSON.parse(await this.line()) as { mark: Mark }).mark;
  }

  /** The first mark of which this is true; a hanging side is ended by `PeerRun`, and its missing line fails. */
  async markWhere(condition: (mark: Mark) => boolean): Promise<Mark> {
    for (;;) {
      const mark = await this.mark();
      if (condition(mark)) return mark;
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<number | null> {
    this.run.write('stop\n');
    return this.run.ended;
  }

  private async line(): Promise<string> {
    if (this.lines.length === 0) await new Promise<void>((resolve) => (this.onLine = resolve));
    const line = this.lines.shift();
    if (line === undefined) throw new Error(`the program ended: ${this.run.output}`);
    return line;
  }
}

const missing = build();
const testWith = defining(test);

const drive = (workload: string, port: number): RivalSide =>
  new RivalSide(['drive', workload, String(IN_FLIGHT), String(port)]);

for (const workload of ['unary', 'blob', 'stream']) {
  testWith(missing, `the C floor answers ${workload}, and both sides count it`, async () => {
    const server = new RivalSide(['serve', workload]);
    const port = await server.port();
    const client = drive(workload, port);
    assert.is(await client.port(), port);
    // Past the second full check of each caller.
    const first = await client.markWhere(({ done }) => done > 2 * 1024 * IN_FLIGHT);
    const second = await client.markWhere(({ done }) => done > first.done);
    assert.is(second.wrong + second.failed, 0, second.failure);
    assert.ok(second.atMs > first.atMs && second.cpuUs >= first.cpuUs && first.cpuUs > 0);
    const served = await server.markWhere(({ done }) => done >= second.done);
    assert.is(served.wrong + served.failed, 0, served.failure);
    assert.is(await client.stop(), 0);
    assert.is(await server.stop(), 0);
  });
}

testWith(missing, 'answers that are not the ones expected are counted as wrong', async () => {
  const port = await new Promise<number>((resolve) => {
    // Echoes the frames as responses, with another id in each: the first byte of the body is that of the id.
    const server = createServer((socket) => {
      let held = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        held = Buffer.concat([held, chunk]);
        while (held.length >= HEADER_BYTES && held.length >= HEADER_BYTES + held.readUInt32LE()) {
          const frame = Buffer.from(held.subarray(0, HEADER_BYTES + held.readUInt32LE()));
          held = held.subarray(frame.length);
          frame[8] = 5;
          frame[HEADER_BYTES] = (frame[HEADER_BYTES] as number) ^ 2;
          socket.write(frame);
        }
      });
    });
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      resolve((server.address() as { port: number }).port);
    });
  });
  const client = drive('unary', port);
  await client.port();
  const mark = await client.markWhere(({ done }) => done > 100);
  assert.ok(mark.wrong > 100 && mark.failed === 0, JSON.stringify(mark));
  assert.is(await client.stop(), 0);
});

testWith(missing, 'calls whose server has gone are counted as failed', async () => {
  const server = new RivalSide(['serve', 'unary']);
  const client = drive('unary', await server.port());
  await client.port();
  await client.markWhere(({ done }) => done > 100);
  await server.stop();
  const mark = await client.markWhere(({ failed }) => failed > 0);
  assert.is(mark.failed, IN_FLIGHT);
  assert.is(mark.failure, 'the connection was closed');
  assert.is(await client.stop(), 0);
});

testWith(missing, 'the end of its input ends it, as it must when whoever started it is gone', () => {
  const lines = execFileSync(path, ['serve', 'unary'], { input: 'mark\n', encoding: 'utf8' }).trim().split('\n');
  assert.is(lines.length, 2);
  assert.match(lines[0] as string, /^\{"ready":\{"port":\d+\}\}$/);
  assert.is((JSON.parse(lines[1] as string) as { mark: Mark }).mark.done, 0);
});

testWith(missing, 'it tells its version in a line, and what it does not understand exits with 2', () => {
  assert.match(execFileSync(path, ['version'], { encoding: 'utf8' }), /^C epoll floor, .+\n$/);
  for (const args of [
    [],
    ['serve'],
    ['serve', 'flood'],
    ['drive', 'unary', '0', '1'],
    ['drive', 'unary', '1', '65536'],
  ]) {
    try {
      execFileSync(path, args, { stdio: 'pipe' });
      assert.unreachable(args.join(' '));
    } catch (error) {
      assert.is((error as { status?: number }).status, 2, args.join(' '));
    }
  }
});

test('each rival of rivals.json has its sources and its rule in the Makefile', () => {
  const rivals = JSON.parse(readFileSync(`${source}/rivals.json`, 'utf8')) as Rival[];
  const [, names] = /^RIVALS := (.+)$/m.exec(readFileSync(`${source}/Makefile`, 'utf8')) ?? [];
  assert.equal(rivals.map(({ name }) => name).sort(), names?.split(' ').sort());
  for (const { name, program, debian, workloads } of rivals) {
    assert.ok(existsSync(`${source}/${name}`), name);
    assert.equal(program, [`build/${name}`]);
    assert.ok(debian.length > 0 && workloads.length > 0);
  }
});

test.run();
