/** The public names of Trunkline. */
export { DeclaredError } from './avro/declared-error.js';
export type { Infer, InferInput, InferOutput } from './avro/infer.js';
export {
  clientStream,
  duplex,
  type ErrorsOf,
  oneway,
  type RequestInput,
  type RequestOutput,
  type ResponseInput,
  type ResponseOutput,
  serverStream,
  unary,
} from './avro/method.js';
export { raw } from './avro/raw.js';
export { declared, defineService, isDeclared, type ServiceDefinition } from './avro/service.js';
export { type Schema, schema } from './avro/typed-schema.js';
export { type LimitHit, type RpcCode, RpcCodes, RpcError, type Started } from './base/errors.js';
export { defaultLimits, type Limits, minimumLimits } from './base/limits.js';
export type { ChannelOptions } from './channel/channel.js';
export {
  type CallOptions,
  type Client,
  type ClientChannel,
  connect,
  type OnewayStub,
  type UnaryStub,
} from './client/client.js';
export type { CallContext } from './connection/call-context.js';
export type { Peer } from './connection/peer.js';
export type { CallResult } from './connection/pending-call.js';
export { type Handlers, type ListenAddress, type ListenOptions, Server, type ServerOptions } from './server/server.js';
export type { CompressionName, MessageCodec, MethodKind } from './wire/message-codec.js';
export type { Metadata } from './wire/records/metadata.js';
