/** The server of `bench -- scaling`, alone in its process or as one of several that share a port. */
import { type Limits, Server } from '../../src/index.js';
import { type Canonical, canonicalRecord } from '../canonical.js';
import { computationOf } from '../computation.js';
import { Scaling } from './service.js';

export interface ScalingServer {
  readonly port: number;
  /** Calls that handlers have had, and items that generators have given. */
  done(): number;
}

/** `workUs`: what a call of `work` computes. */
export async function startScalingServer(limits: Partial<Limits>, workUs: number): Promise<ScalingServer> {
  let done = 0;
  const compute = workUs > 0 ? computationOf(workUs) : () => {};
  const server = new Server({ limits }).add(Scaling, {
    echo(request) {
      done++;
      return request;
    },
    bytes(request) {
      done++;
      return request;
    },
    *list(): Generator<Canonical> {
      for (let id = 0; ; id++) {
        done++;
        yield canonicalRecord(id);
      }
    },
    work(request) {
      compute();
      done++;
      return request;
    },
  });
  const { port } = await server.listen({ host: '127.0.0.1' });
  return { port, done: () => done };
}
