/**
 * A session of `spec/vectors` between a live connection over TCP and `peer session`, which plays the script and judges every frame.
 * The program says when it is this side's turn to act.
 */
import { createServer, connect as dial, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { Compressor } from '../../src/compression/compressor.js';
import { SocketTransport } from '../../src/transport/socket-transport.js';
import { projectRoot } from '../support/root.js';
import { sleep } from '../support/rpc.js';
import { SessionEnd } from '../support/session-end.js';
import type { SessionFile, SideView } from '../support/vectors/view.js';
import { listeningPeer, PeerRun } from './peer-program.js';

const PATIENCE_MS = 5_000;
const POLL_MS = 5;
/** 50 ms become a second. */
const SLOWER = 20;
/** The script's bytes are there before its order; in so many turns of the loop they are read and dealt with. */
const TURNS = 5;

export function sessionPath(name: string): string {
  return fileURLToPath(new URL(`spec/vectors/sessions/${name}.json`, projectRoot));
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !holds(); ) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(POLL_MS);
  }
}

/** Handlers that answer later do so when the script has long said what comes before, however busy the machine is. */
const slowClock: Clock = {
  ...systemClock,
  setTimer: (callback, ms) => systemClock.setTimer(callback, SLOWER * ms),
};

interface Dialogue {
  readonly session: SessionFile;
  readonly side: SideView;
  readonly compressors: readonly Compressor[];
}

function openEnd({ session, side, compressors }: Dialogue, socket: Socket): SessionEnd {
  const transport = new SocketTransport(socket);
  return new SessionEnd(session, side, { clock: systemClock, handlerClock: slowClock, transport, compressors, until });
}

/** The engine plays `side`, the C program the script. */
export async function speakWithPeer(path: string, name: string, dialogue: Dialogue): Promise<void> {
  const { session, side } = dialogue;
  let end: SessionEnd | null = null;
  let problem: Error | null = null;
  const act = async (run: PeerRun, index: number): Promise<void> => {
    try {
      await until(() => end !== null, 'the connection');
      for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      const step = session.steps[index];
      assert.ok(step, `there is no step ${index}`);
      if (step.from === side) for (const action of step.do ?? []) end?.perform(action);
      if (step.at === side) await end?.check(step);
    } catch (error) {
      problem ??= error instanceof Error ? error : new Error(String(error));
    }
    run.write('\n');
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    end = openEnd(dialogue, socket);
  });
  if (side === 'acceptor') await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const run: PeerRun = new PeerRun(path, ['session', sessionPath(name), side, String(port)], (line) => {
    const [, word, number] = /^(step|listening on) (\d+)$/.exec(line) ?? [];
    if (word === 'step') void act(run, Number(number));
    else if (word !== undefined) {
      const socket = dial({ host: '127.0.0.1', port: Number(number), allowHalfOpen: true }, () => {
        end = openEnd(dialogue, socket);
      });
    }
  });
  const code = await run.ended;
  (end as SessionEnd | null)?.connection.close();
  server.close();
  if (problem !== null) throw problem as Error;
  assert.is(code, 0, run.output);
  assert.equal((end as SessionEnd | null)?.errors, []);
}

/** The C program plays both: `peer play` a side with its own client and server, `peer session` the script. */
export async function speakAmongPeers(path: string, file: string, side: SideView): Promise<void> {
  const problems: string[] = [];
  const onPlayed = (line: string): void => {
    if (line !== 'done') problems.push(line);
    script.write('\n');
  };
  const onScript = (line: string): void => {
    if (/^step \d+$/.test(line)) playing.write(`${line}\n`);
  };
  let script: PeerRun;
  let playing: PeerRun;
  if (side === 'acceptor') {
    const listening = await listeningPeer(path, ['play', file, side, '0'], onPlayed);
    playing = listening.run;
    script = new PeerRun(path, ['session', file, side, String(listening.port)], onScript);
  } else {
    const listening = await listeningPeer(path, ['session', file, side, '0'], onScript);
    script = listening.run;
    playing = new PeerRun(path, ['play', file, side, String(listening.port)], onPlayed);
  }
  const code = await script.ended;
  playing.endInput();
  const playedCode = await playing.ended;
  assert.is(problems.length, 0, problems.join('\n'));
  assert.is(playedCode, 0, `${playing.output}\n${script.output}`);
  assert.is(code, 0, script.output);
}
