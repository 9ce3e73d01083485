/** A server with one version of a service and a client with another, and every frame that passes between them. */
import { type Client, connect, type Handlers, Server, type ServiceDefinition } from '../../src/index.js';
import { FrameTap } from './frame-tap.js';

export async function between<S extends ServiceDefinition, C extends ServiceDefinition, T>(
  served: S,
  handlers: Handlers<S>,
  called: C,
  use: (client: Client<C>, tap: FrameTap) => Promise<T>,
): Promise<T> {
  const server = new Server().add(served, handlers);
  const { port } = await server.listen({ host: '127.0.0.1' });
  const tap = await FrameTap.start(port);
  const channel = connect(`tcp://127.0.0.1:${tap.port}`);
  try {
    return await use(channel.client(called), tap);
  } finally {
    await channel.close({ graceMs: 100 });
    await server.close();
    tap.close();
  }
}
