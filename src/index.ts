/** The public names of Trunkline. */
export { type AvroOptions, avroCodec } from './avro/codec/codec.js';
export type { LogicalTypeClass, LogicalTypes, LogicalTypesOption } from './avro/logical/conversions.js';
export { Decimal } from './avro/logical/decimal.js';
export {
  BigIntType,
  DateType,
  DecimalTextType,
  DecimalType,
  type Duration,
  DurationType,
  MicrosType,
  MillisType,
  RoundedMicrosType,
  standardLogicalTypes,
  UuidType,
} from './avro/logical/standard-types.js';
export {
  type ProtocolDescription,
  type ProtocolMessage,
  type ProtocolService,
  readProtocol,
  serviceFromProtocol,
} from './avro/protocol/protocol.js';
export { DeclaredError, type DeclaredErrorOptions } from './avro/service/declared-error.js';
export type { Infer, InferInput, InferOutput, ValueOptions } from './avro/service/infer.js';
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
} from './avro/service/method.js';
export { type RawCodec, raw } from './avro/service/raw.js';
export {
  declared,
  defineService,
  isDeclared,
  type MethodTable,
  type ServiceDefinition,
  type ServiceMethod,
  type ServiceOptions,
} from './avro/service/service.js';
export { type Schema, type SchemaOf, schema, schemaOf } from './avro/service/typed-schema.js';
export { type CallLedger, formatLedger } from './base/call-ledger.js';
export type { Attempt, LatePart, RpcCode, Started } from './base/codes.js';
export { RpcCodes } from './base/codes.js';
export { type RefusalOptions, RpcError, refuse } from './base/errors.js';
export { defaultLimits, type LimitHit, type Limits, minimumLimits } from './base/limits.js';
export type { ChannelOptions } from './channel/channel-options.js';
export type {
  ChannelDescription,
  ConnectionDescription,
  EndpointDescription,
  EndpointState,
} from './channel/description.js';
export type { PoolOptions } from './channel/pool-options.js';
export { type ClientChannel, connect } from './client/client.js';
export type { LedgerListener } from './connection/calls/call-marks.js';
export type { CallResult } from './connection/calls/pending-call.js';
export type { UnfinishedCall } from './connection/calls/unfinished-call.js';
export type { BlobBody, BlobSource, IncomingBlob, OutgoingBlob } from './connection/streams/blob.js';
export type { ItemStream } from './connection/streams/item-stream.js';
export type { ItemSource } from './connection/streams/source.js';
export type { NameServers, SrvRecord } from './discovery/dns/address-book.js';
export { DnsResolver, type DnsResolverOptions } from './discovery/dns/dns.js';
export { SrvResolver, type SrvResolverOptions } from './discovery/dns/srv.js';
export type { EtcdFetch, EtcdOptions } from './discovery/etcd/client.js';
export type { EtcdRegistryOptions, EtcdResolverOptions } from './discovery/etcd/options.js';
export { EtcdRegistry } from './discovery/etcd/registry.js';
export { EtcdResolver } from './discovery/etcd/resolver.js';
export type { LookUpOptions } from './discovery/resolver/look-up-loop.js';
export type { Registration, Registry, RegistryContext } from './discovery/resolver/registry.js';
export type { Endpoint, Resolver, ResolverContext } from './discovery/resolver/resolver.js';
export { StaticList } from './discovery/static-list.js';
export { resolverFor } from './discovery/targets.js';
export type { DrainReport } from './peer/connection-set.js';
export type {
  BlobStub,
  CallContext,
  CallOptions,
  Client,
  ClientStreamStub,
  DuplexStub,
  OnewayStub,
  Peer,
  ServerStreamStub,
  UnaryStub,
} from './peer/public-types.js';
export type { HandlerOptions, Handlers } from './peer/service-host.js';
export type { GraceOptions } from './peer/settings.js';
export type { ServerLoad } from './resilience/admission/admission.js';
export { type ConsistentHashOptions, consistentHash } from './resilience/consistent-hash.js';
export type { EjectionOptions } from './resilience/ejection.js';
export type { EndpointStats } from './resilience/endpoint-stats.js';
export type { HedgeOptions } from './resilience/hedge-policy.js';
export { leastLoaded } from './resilience/least-loaded.js';
export type { Balancer, Candidate, Picker, PickerContext } from './resilience/picker.js';
export type { RetryBudgetOptions } from './resilience/retry-budget.js';
export type { RetryOptions } from './resilience/retry-policy.js';
export { roundRobin } from './resilience/round-robin.js';
export { type ListenAddress, Server } from './server/server.js';
export type { ListenOptions, RegisterOptions, ServerOptions } from './server/server-options.js';
export type { CompressionName, MessageCodec, MethodKind } from './wire/message-codec.js';
export type { Metadata } from './wire/records/metadata.js';
