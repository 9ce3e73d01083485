/** The engine as its users get it: default settings, the default deadline on every call, checked codecs, a service and a stub. */
import { connect, defineService, Server, type ServerOptions, unary } from '../../src/index.js';
import { canonicalSchema, canonicalWorkload } from '../canonical.js';
import type { Contender } from './contender.js';
import { Handled } from './handled.js';

export const Echo = defineService('bench.Echo', {
  echo: unary({ request: canonicalSchema, response: canonicalSchema }),
});

/** `options`: of both sides, in place of the defaults. */
export function engineWith(
  service: typeof Echo,
  options: Pick<ServerOptions, 'busyPollUs' | 'checksums'> = {},
): Contender {
  return {
    workload: canonicalWorkload,

    async serve(handler) {
      const handled = new Handled();
      const server = new Server(options);
      if (handler === 'sync') {
        server.add(service, {
          echo(request) {
            handled.record(request);
            return request;
          },
        });
      } else {
        server.add(service, {
          async echo(request) {
            handled.record(request);
            return request;
          },
        });
      }
      const { port } = await server.listen({ host: '127.0.0.1' });
      return handled.served(port);
    },
    async dial(port) {
      const channel = connect(`tcp://127.0.0.1:${port}`, options);
      await channel.ready();
      return channel.client(service).echo;
    },
  };
}

export const engine = engineWith(Echo);
