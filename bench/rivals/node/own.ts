/**
 * The programs of the other benches as rivals: the engine in its forms, all with default settings, the floor program, the framed
 * echo, and avsc's own RPC. How each is set up is said in its own file.
 */
import { environmentVersions } from '../../report/environment.js';
import type { NodeRival } from '../rival.js';

const versions = (): string => environmentVersions();

/** Unary calls, and a stream read with `for await` whose handler is a generator. */
export async function engineRival(): Promise<NodeRival> {
  const { engine } = await import('../../contenders/engine.js');
  const { engineStream } = await import('../../stream/engine.js');
  return { versions, unary: engine, stream: engineStream('for-await', 'generator') };
}

/** The loops of both sides do not sleep while calls are open, nor for 200 us behind the last. */
export async function enginePollingRival(): Promise<NodeRival> {
  return { versions, unary: (await import('../../contenders/engine-polling.js')).enginePolling };
}

/** The stream read with `batches()`. */
export async function engineBatchesRival(): Promise<NodeRival> {
  const { engineStream } = await import('../../stream/engine.js');
  return { versions, stream: engineStream('batches', 'generator') };
}

export async function engineBlobRival(): Promise<NodeRival> {
  return { versions, blob: (await import('../../contenders/engine-blob.js')).engineBlob };
}

export async function engineBytesRival(): Promise<NodeRival> {
  return { versions, blob: (await import('../../contenders/engine-bytes.js')).engineBytes };
}

export async function floorRival(): Promise<NodeRival> {
  const { floor } = await import('../../floor/program.js');
  const { floorStream } = await import('../../floor/stream-program.js');
  return { versions, unary: floor, stream: floorStream };
}

export async function framedEchoRival(): Promise<NodeRival> {
  return { versions, blob: (await import('../../contenders/framed-echo.js')).framedEcho };
}

export async function avscRpcRival(): Promise<NodeRival> {
  return { versions, unary: (await import('../../contenders/avsc-rpc.js')).avscRpc };
}

export async function avscRpcCorkedRival(): Promise<NodeRival> {
  return { versions, unary: (await import('../../contenders/avsc-rpc.js')).avscRpcCorked };
}
