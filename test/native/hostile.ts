/** Damaged bytes for the C peer: what one side says in the sessions of `spec/vectors`, mutated. */
import { createServer, connect as dial, type Socket } from 'node:net';
import { PREFACE } from '../../src/wire/constants.js';
import { mutateFrames } from '../hostile/mutator.js';
import type { Random } from '../support/seed.js';
import { frameBytes } from '../support/vectors/bytes.js';
import type { SessionFile, SideView } from '../support/vectors/view.js';
import { sessionPath } from './dialogue.js';
import { PeerRun } from './peer-program.js';

const LINGER_MS = 500;
/** Most of a session's orders; the bytes that come may end it before. */
const ORDER_MS = 20;

export type Streams = readonly (readonly Buffer[])[];

/** What a side says in each session, as frames behind the preface. */
export function streamsOf(side: SideView, sessions: readonly SessionFile[]): Streams {
  return sessions.map(({ steps }) => {
    const views = steps.filter(({ from }) => from === side).flatMap(({ frames = [] }) => frames);
    return [Buffer.from(PREFACE), ...views.map((view) => frameBytes(view))];
  });
}

function damaged(stream: readonly Buffer[], streams: Streams, random: Random): Buffer {
  const frames = [...stream];
  mutateFrames(frames, random.pick(streams), random);
  return Buffer.concat(frames);
}

/** Says a damaged stream to a server, and reads what it answers until it ends. */
export async function throwAtServer(port: number, streams: Streams, random: Random): Promise<void> {
  const bytes = damaged(random.pick(streams), streams, random);
  await new Promise<void>((resolve) => {
    const socket = dial({ host: '127.0.0.1', port }, () => socket.end(bytes));
    socket.on('error', () => {}).on('data', () => {});
    // A handler that never answers keeps its connection.
    const timeout = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timeout);
      resolve();
    });
  });
}

/** `peer play` as the dialler of a session, with an acceptor of the test's own. Resolves with what the program wrote. */
export async function answerDialler(
  path: string,
  [name, session]: readonly [name: string, session: SessionFile],
  accept: (socket: Socket) => void,
): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const run = new PeerRun(path, ['play', sessionPath(name), 'dialler', String(port)]);
  for (const [index, step] of session.steps.entries()) {
    if (step.from === 'dialler' && step.do !== undefined) run.write(`step ${index}\n`);
  }
  const timeout = setTimeout(() => run.endInput(), ORDER_MS);
  await run.ended;
  clearTimeout(timeout);
  server.close();
  return run.output;
}

/** The same with an acceptor that sends a damaged stream. */
export async function throwAtDialler(
  path: string,
  session: readonly [name: string, session: SessionFile],
  stream: readonly Buffer[],
  streams: Streams,
  random: Random,
): Promise<string> {
  const bytes = damaged(stream, streams, random);
  return answerDialler(path, session, (socket) => socket.write(bytes));
}
