/**
 * The script of a process that serves `Notes` and can call them elsewhere, for tests that stop and continue it. Its ready
 * message is where it listens. It pings nobody; whoever dials it may ping as often as it likes.
 */
import { type ClientChannel, connect, Server } from '../../src/index.js';
import { tellReady } from './child.js';
import { handlers, Notes } from './rpc.js';

type Question =
  /** The ids that its handlers were given. */
  | { readonly ask: 'runs' }
  | { readonly ask: 'dial'; readonly port: number }
  /** Calls over the channel dialled before. */
  | { readonly ask: 'echo'; readonly id: number };

const runs: number[] = [];
const server = new Server({ limits: { pingIntervalMsMin: 0 } }).add(
  Notes,
  handlers({
    echo: (note) => {
      runs.push(note.id);
      return note;
    },
  }),
);
let channel: ClientChannel | null = null;
let dialed: unknown = null;

async function answer(question: Question): Promise<object> {
  if (question.ask === 'runs') return { runs };
  if (question.ask === 'dial') {
    channel = connect(`tcp://127.0.0.1:${question.port}`);
    await channel.ready();
    dialed = channel.peer;
    return {};
  }
  const { id } = question;
  const echoed = await channel?.client(Notes).echo({ id, text: '' });
  return { answer: echoed, samePeer: channel?.peer === dialed };
}

process.on('message', (question: Question) => {
  answer(question).then(
    (message) => process.send?.(message),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

tellReady(await server.listen({ host: '127.0.0.1' }));
