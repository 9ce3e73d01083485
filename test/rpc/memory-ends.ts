/** The two ends of a channel without a network, on a clock that only the test moves. */

import {
  type ChannelOptions,
  type Client,
  type ClientChannel,
  connect,
  Server,
  type ServerOptions,
} from '../../src/index.js';
import { memoryPair } from '../../src/transport/memory-transport.js';
import { VirtualClock } from '../support/clock.js';
import { handlers, Notes, type NotesHandlers } from '../support/rpc.js';

export interface MemoryEnds {
  readonly clock: VirtualClock;
  readonly server: Server;
  readonly channel: ClientChannel;
  readonly notes: Client<typeof Notes>;
  close(): Promise<void>;
}

export function openMemoryEnds(
  options: {
    readonly handlers?: Partial<NotesHandlers>;
    readonly server?: ServerOptions;
    readonly channel?: ChannelOptions;
    /** Opens the channel's transport; default: at once, towards the server. */
    readonly dial?: ChannelOptions['dial'];
  } = {},
): MemoryEnds {
  const clock = new VirtualClock();
  const server = new Server({ clock, random: () => 0.5, ...options.server }).add(Notes, handlers(options.handlers));
  const dial = async () => {
    const [dialing, accepting] = memoryPair(clock);
    server.accept(accepting);
    return dialing;
  };
  const channel = connect('tcp://memory:1', {
    clock,
    random: () => 0.5,
    dial: options.dial ?? dial,
    ...options.channel,
  });
  return {
    clock,
    server,
    channel,
    notes: channel.client(Notes),
    close: async () => {
      const closed = Promise.all([channel.close({ graceMs: 0 }), server.close()]);
      await clock.advanceSettled(200);
      await closed;
    },
  };
}
