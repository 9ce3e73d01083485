/** The public names of Trunkline. */
export { type AvroOptions, avroCodec } from './avro/codec.js';
export type { LogicalTypeClass, LogicalTypes } from './avro/codec-logical.js';
export { DeclaredError, type DeclaredErrorOptions } from './avro/declared-error.js';
export type { Infer, InferInput, InferOutput, ValueOptions } from './avro/infer.js';
export {
  blob,
  clientStream,
  duplex,
  type ErrorInputs,
  type ErrorSchema,
  type ErrorsOf,
  type MessageSource,
  type Method,
  oneway,
  type RequestInput,
  type RequestOutput,
  type ResponseInput,
  type ResponseOutput,
  serverStream,
  unary,
} from './avro/method.js';
export {
  type ProtocolDescription,
  type ProtocolMessage,
  type ProtocolService,
  readProtocol,
  serviceFromProtocol,
} from './avro/protocol.js';
export { type RawCodec, raw } from './avro/raw.js';
export {
  declared,
  defineService,
  isDeclared,
  type MethodTable,
  type ServiceDefinition,
  type ServiceMethod,
  type ServiceOptions,
} from './avro/service.js';
export { type Schema, schema } from './avro/typed-schema.js';
export type { Attempt } from './base/attempt.js';
export { type CallLedger, formatLedger } from './base/call-ledger.js';
export { type LatePart, type LimitHit, type RpcCode, RpcCodes, RpcError, type Started } from './base/errors.js';
export { defaultLimits, type Limits, minimumLimits } from './base/limits.js';
export type { ChannelOptions } from './channel/channel-options.js';
export type { DrainReport } from './channel/connection-set.js';
export type {
  ChannelDescription,
  ConnectionDescription,
  EndpointDescription,
  EndpointState,
} from './channel/description.js';
export type { CallContext, Peer } from './channel/peer.js';
export type { PoolOptions } from './channel/pool-options.js';
export type { HandlerOptions, Handlers } from './channel/service-host.js';
export type {
  BlobStub,
  CallOptions,
  Client,
  ClientStreamStub,
  DuplexStub,
  OnewayStub,
  ServerStreamStub,
  UnaryStub,
} from './channel/stubs.js';
export { type ClientChannel, connect } from './client/client.js';
export type { ServerLoad } from './connection/admission.js';
export type { BlobBody, BlobSource, IncomingBlob, OutgoingBlob } from './connection/blob.js';
export type { LedgerListener } from './connection/call-marks.js';
export type { ItemStream } from './connection/item-stream.js';
export type { LeftCall } from './connection/left-call.js';
export type { ItemSource } from './connection/outgoing-stream.js';
export type { CallResult } from './connection/pending-call.js';
export type { NameServers, SrvRecord } from './discovery/address-book.js';
export { DnsResolver, type DnsResolverOptions } from './discovery/dns.js';
export type { EtcdFetch, EtcdOptions } from './discovery/etcd-client.js';
export { EtcdRegistry, type EtcdRegistryOptions } from './discovery/etcd-registry.js';
export { EtcdResolver, type EtcdResolverOptions } from './discovery/etcd-resolver.js';
export type { LookUpOptions } from './discovery/look-up-loop.js';
export type { Registration, Registry, RegistryContext } from './discovery/registry.js';
export type { Endpoint, Resolver, ResolverContext } from './discovery/resolver.js';
export { SrvResolver, type SrvResolverOptions } from './discovery/srv.js';
export { StaticList } from './discovery/static-list.js';
export { resolverFor } from './discovery/targets.js';
export { type ConsistentHashOptions, consistentHash } from './resilience/consistent-hash.js';
export type { EjectionOptions } from './resilience/ejection.js';
export type { EndpointStats } from './resilience/endpoint-stats.js';
export type { HedgeOptions } from './resilience/hedge-policy.js';
export { leastLoaded } from './resilience/least-loaded.js';
export type { Balancer, Candidate, Picker, PickerContext } from './resilience/picker.js';
export type { RetryBudgetOptions } from './resilience/retry-budget.js';
export type { RetryOptions } from './resilience/retry-policy.js';
export { roundRobin } from './resilience/round-robin.js';
export {
  type ListenAddress,
  type ListenOptions,
  type RegisterOptions,
  Server,
  type ServerOptions,
} from './server/server.js';
export type { CompressionName, MessageCodec, MethodKind } from './wire/message-codec.js';
export type { Metadata } from './wire/records/metadata.js';
