/**
 * One socket with calls both ways. The same class serves the side that dialled and the side that accepted; it moves opaque
 * messages and is handed codecs. This file holds the connection's life: handshake, dispatch of frames, drain, and the one
 * teardown that settles everything. The two halves of calling are `caller.ts` and `callee.ts`; the states are in `state.ts`.
 *
 * Used by `channel/` (dialling) and `server/` (accepting).
 */
import type { Clock, Timer } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import type { AnnouncedLimits, Limits } from '../base/limits.js';
import { minimumLimits } from '../base/limits.js';
import type { Compressor } from '../compression/compressor.js';
import { EndpointStats } from '../resilience/endpoint-stats.js';
import type { Transport } from '../transport/transport.js';
import { ACCEPTING_SIDE } from '../wire/call-number.js';
import { CloseCode, type CloseCodeNumber, FrameType } from '../wire/constants.js';
import type { FrameDecoder } from '../wire/decoder.js';
import type { CompressionName, MethodSpec } from '../wire/message-codec.js';
import { decodeClose, encodeClose } from '../wire/records/close.js';
import { decodeMethod } from '../wire/records/method.js';
import type { WireError } from '../wire/wire-error.js';
import { Callee } from './callee/callee.js';
import { Caller } from './caller/caller.js';
import { closedByPeer, closedHere, EndOfCalls, lost } from './calls/end-of-calls.js';
import type { LeftCall } from './calls/left-call.js';
import type { Link } from './calls/link.js';
import { PeerInfo } from './calls/peer-info.js';
import type { CallExtras, GivenBack, PendingCall } from './calls/pending-call.js';
import type { ConnectionOptions } from './connection-options.js';
import { FrameReader, type FrameReaderOwner } from './frame-reader.js';
import { Drain, type DrainOwner } from './lifecycle/drain.js';
import { FloodGuard } from './lifecycle/flood-guard.js';
import { agreeChecksums, Handshake } from './lifecycle/handshake.js';
import { type Keepalive, startKeepalive } from './lifecycle/keepalive.js';
import { Pings } from './lifecycle/pings.js';
import { StallWatch } from './lifecycle/stall-watch.js';
import { type ConnectionState, transition } from './lifecycle/state.js';
import { AssemblyLedger } from './messages/assembly.js';
import { MessageSender } from './messages/message-sender.js';
import { type MethodCompression, methodCompression } from './messages/method-compression.js';
import { WriteQueue } from './messages/write-queue.js';
import { IncomingMethods } from './methods/incoming-methods.js';
import { OutgoingMethods } from './methods/outgoing-methods.js';
import { SchemaExchange } from './methods/schema-exchange.js';
import { StreamTurns } from './streams/stream-turns.js';

/** CLOSE has so long to reach the peer before the socket is destroyed. */
const CLOSE_MS = 100;

type Options = ConnectionOptions<Connection>;

export class Connection implements Link, FrameReaderOwner, DrainOwner {
  readonly clock: Clock;
  readonly limits: Limits;
  peerLimits: AnnouncedLimits = minimumLimits;
  now: number;
  lastReadAt: number;
  silentMs = 0;
  readonly queue: WriteQueue;
  readonly sender: MessageSender;
  readonly turns: StreamTurns;
  readonly ledger: AssemblyLedger;
  readonly peer: PeerInfo;
  readonly endpoint: string;
  readonly stats: EndpointStats;
  /** What was cut off when this side closed the connection; null: it did not. */
  left: readonly LeftCall[] | null = null;
  readonly acceptedCompressors: readonly Compressor[];
  private phase: ConnectionState = 'greeting';
  private readonly options: Options;
  private readonly transport: Transport;
  readonly reader: FrameReader;
  private readonly outgoingMethods: OutgoingMethods;
  private readonly incomingMethods: IncomingMethods;
  private readonly schemas: SchemaExchange;
  private readonly caller: Caller;
  private readonly callee: Callee;
  private readonly flood: FloodGuard;
  private readonly pings: Pings;
  private readonly stall: StallWatch;
  private keepalive: Keepalive | null = null;
  private readonly handshake: Handshake;
  private closeTimer: Timer | null = null;
  private readonly drainState: Drain;
  private peerCompression: readonly string[] = [];
  private reason: RpcError | null = null;

  constructor(options: Options) {
    const { transport, clock, limits, side } = options;
    this.options = options;
    this.transport = transport;
    this.clock = clock;
    this.limits = limits;
    this.now = this.lastReadAt = clock.now();
    this.acceptedCompressors = options.compressors;
    this.peer = options.makePeer?.(this, transport.identity) ?? new PeerInfo(transport.identity);
    this.endpoint = options.endpoint ?? this.peer.toString();
    this.stats = options.stats ?? new EndpointStats();
    this.ledger = new AssemblyLedger(limits.assemblyBytesMax);
    this.stall = new StallWatch(clock, transport, limits.stallMsMax, (text) => this.fail(CloseCode.STALLED, text));
    const { writeQueueBytesSoft: soft, writeQueueBytesHard: hard } = limits;
    const onOverflow = ({ code, message }: WireError): void => this.fail(code, message);
    this.queue = new WriteQueue(transport, { onUnsent: () => this.stall.begin(), onOverflow }, soft, hard);
    this.sender = new MessageSender(this.queue, transport, clock, minimumLimits, hard);
    this.turns = new StreamTurns(transport, clock);
    this.sender.onRoom(() => this.turns.onRoom());
    this.schemas = new SchemaExchange(this, options.schemas);
    this.outgoingMethods = new OutgoingMethods(this, this.schemas);
    this.incomingMethods = new IncomingMethods(this, this.schemas, options.host);
    const ownBit = side === 'dialing' ? 0 : ACCEPTING_SIDE;
    this.caller = new Caller(this, this.outgoingMethods, ownBit);
    this.callee = new Callee(this, this.incomingMethods, options, side === 'dialing' ? ACCEPTING_SIDE : 0);
    this.reader = new FrameReader(this, transport, this.caller, this.callee, ownBit, this);
    this.flood = new FloodGuard(this);
    this.pings = new Pings(this);
    this.drainState = new Drain(this, this.pings);
    const onLateHello = (text: string): void => this.fail(CloseCode.HANDSHAKE_TIMEOUT, text);
    this.handshake = new Handshake(options, clock, this.queue, onLateHello);
    transport.start({
      onData: (chunk) => this.reader.onData(chunk),
      onDrain: () => this.onDrain(),
      onEnd: () => this.reader.onEnd(),
      onClose: (error) => this.onTransportClosed(error),
    });
  }

  get state(): ConnectionState {
    return this.phase;
  }

  /** Calls that this side opened and that are not free of their slot yet, and those that wait for a slot. */
  get callsOut(): number {
    return this.caller.inFlight + this.caller.queued;
  }

  /** Calls of the peer that are not answered. */
  get callsIn(): number {
    return this.callee.inFlight;
  }

  /** Calls that ended well, of both sides. */
  get callsFinished(): number {
    return this.callee.finished + this.caller.finished;
  }

  /** Handlers that have not ended, those of cancelled calls included. */
  get executing(): number {
    return this.callee.executing;
  }

  /**
   * Calls a method of the peer. `deadlineMs`: from now; Infinity for none. Resolves with the response, or with a `CallResult`
   * when `extras.detailed`; rejects with an `RpcError`, never throws.
   */
  call(spec: MethodSpec, request: unknown, deadlineMs: number, extras: CallExtras | null): Promise<unknown> {
    return this.caller.call(spec, request, deadlineMs, extras);
  }

  /** Starts a call that has waited for this connection. */
  resume(call: PendingCall): void {
    this.caller.resume(call);
  }

  /**
   * Refuses new calls of the peer, lets open ones finish, then closes; what is left after `graceMs` is cancelled. Again with a
   * shorter grace: shortens it.
   */
  drain(text: string, graceMs: number): void {
    if (this.over) return;
    this.callee.drain();
    this.drainState.begin(text, graceMs);
    if (this.phase !== 'greeting') this.drainState.send();
  }

  /** Ends the connection at once: CLOSE, and every open call fails. */
  close(text = 'closed by this side'): void {
    this.fail(CloseCode.SHUTDOWN, text);
  }

  /** Calls that have not ended, and handlers that still run, those of a connection that is closed included. */
  openCalls(): LeftCall[] {
    const now = this.clock.now();
    return [...this.callee.left(now), ...this.caller.left(now)];
  }

  /** The peer has sent DRAIN. */
  get peerDrained(): boolean {
    return this.drainState.byPeer;
  }

  // Link: what the halves need of the connection.

  get callable(): boolean {
    return !this.peerDrained && !this.drainState.peerEnded && !this.over;
  }

  giveBack(call: PendingCall, failure: RpcError, why: GivenBack): void {
    const { observer } = this.options;
    if (observer.onGivenBack === undefined) call.fail(failure);
    else observer.onGivenBack(call, failure, why);
  }

  compressionFor(method: CompressionName | undefined): MethodCompression {
    return methodCompression(this.options, this.peerCompression, method);
  }

  fail(code: CloseCodeNumber, text: string): void {
    if (this.over) return;
    if (code === CloseCode.SHUTDOWN) this.left ??= this.openCalls();
    // First of all: what follows may overflow the write queue, which fails, or run a listener that makes a call.
    const end = closedHere(code, text, this.peer);
    this.enterClosing(end.reason);
    this.queue.writeFrame(FrameType.CLOSE, 0, 0, 0, encodeClose({ code, text }));
    this.queue.flush();
    this.settle(end);
    this.transport.end();
    // Input is read and dropped until then: closing a socket with unread input resets it, and CLOSE might be lost.
    this.transport.resume();
    this.closeTimer = this.clock.setTimer(() => this.transport.destroy(), CLOSE_MS);
  }

  chargeReset(): boolean {
    return this.flood.chargeReset(this.callsFinished);
  }

  admitFragment(more: boolean, bytes: number): boolean {
    return this.flood.admitFragment(more, bytes);
  }

  noteTime(now: number): void {
    this.now = now;
  }

  pauseReading(): void {
    this.reader.pause();
  }

  resumeReading(): void {
    this.reader.resume();
  }

  onCallEnded(): void {
    if (this.phase === 'closed' && this.executing === 0) this.options.observer.onHandlersEnded?.(this);
    if (this.idle) this.drainState.onIdle();
  }

  get idle(): boolean {
    if (this.phase !== 'draining' || this.reader.paused) return false;
    return this.callsIn === 0 && this.callsOut === 0 && this.executing === 0;
  }

  onDrained(): void {
    this.fail(CloseCode.NONE, 'drained');
  }

  onGraceOver(): void {
    const text = 'the grace period of the drain is over';
    this.left = this.openCalls();
    this.callee.cancelAll(text);
    this.caller.close(new EndOfCalls(new RpcError('CANCELLED', text), { blamed: false }));
    this.fail(CloseCode.SHUTDOWN, text);
  }

  // FrameReaderOwner: what the reader found.

  get over(): boolean {
    return this.phase === 'closing' || this.phase === 'closed';
  }

  onFirstFrame(frame: FrameDecoder): void {
    if (frame.type === FrameType.CLOSE) return this.onClose(frame.buffer, frame.start, frame.end);
    const hello = this.handshake.read(frame);
    this.peer.greet(hello);
    this.peerLimits = agreeChecksums(hello, this.options, this.queue, this.reader);
    this.peerCompression = hello.compression;
    this.sender.setLimits(this.peerLimits);
    this.phase = transition(this.phase, 'open');
    // While this side does not read, silence says nothing of the peer.
    const lastReadAt = (): number => (this.reader.paused ? this.clock.now() : this.lastReadAt);
    this.keepalive = startKeepalive(this, this.pings, this.options.random, lastReadAt);
    this.outgoingMethods.onHello();
    this.caller.onPeerLimits();
    this.options.observer.onOpen(this);
    if (!this.over) this.drainState.send();
  }

  onConnectionFrame({ type, flags, method, buffer, start, end }: FrameDecoder): void {
    switch (type) {
      case FrameType.METHOD: {
        const record = decodeMethod(buffer, start, end);
        if (record.role === 'DECLARE') this.incomingMethods.onDeclare(method, record);
        else this.outgoingMethods.onAnswer(method, record);
        break;
      }
      case FrameType.SCHEMA:
        this.schemas.onFrame(flags, buffer, start, end);
        break;
      case FrameType.PING:
        this.pings.onPing(buffer, start, end);
        break;
      case FrameType.PONG:
        if (this.pings.onPong(buffer, start)) this.drainState.onPong();
        this.onCallEnded();
        break;
      case FrameType.DRAIN:
        this.drainState.onFrame(buffer, start, end);
        this.caller.onPeerDrain();
        this.onCallEnded();
        break;
      case FrameType.CLOSE:
        this.onClose(buffer, start, end);
        break;
      default:
        this.fail(CloseCode.PROTOCOL, 'a second HELLO');
    }
  }

  private enterClosing(reason: RpcError): void {
    this.phase = transition(this.phase, 'closing');
    this.options.observer.onRetired(this, reason);
  }

  enterDraining(): void {
    if (this.phase !== 'open') return;
    this.phase = transition(this.phase, 'draining');
    this.options.observer.onRetired(this, null);
  }

  private onClose(buffer: Buffer, start: number, end: number): void {
    const record = decodeClose(buffer, start, end);
    const closed = closedByPeer(record.code, record.text, this.peer);
    this.enterClosing(closed.reason);
    this.settle(closed);
    this.transport.end();
    this.closeTimer = this.clock.setTimer(() => this.transport.destroy(), CLOSE_MS);
  }

  private onDrain(): void {
    if (this.over) return;
    this.queue.onDrain();
    this.sender.pump();
    this.turns.onDrain();
    this.callee.onDrain();
    this.caller.onDrain();
  }

  /** The peer ended its half: its calls may still be answered, ours can no longer be (F6, F7). */
  onReadEnd(): void {
    if (this.over) {
      this.transport.end();
      return;
    }
    const truncated = this.reader.finish();
    if (truncated !== null || this.phase === 'greeting') {
      this.fail(CloseCode.TRUNCATED, this.handshake.describeEarlyEnd(truncated));
      return;
    }
    this.drainState.onReadEnd();
    this.caller.close(new EndOfCalls(new RpcError('UNAVAILABLE', `${this.peer} ended the connection`)));
    // It cannot answer a PING any more.
    this.keepalive?.stop();
    this.schemas.onReadEnd();
    this.callee.onReadEnd();
    this.onCallEnded();
  }

  /** The one teardown: every timer, table and buffer, and every open call settles with `reason`. */
  private settle(end: EndOfCalls): void {
    if (this.reason !== null) return;
    this.reason = end.reason;
    this.handshake.stop();
    this.drainState.stop();
    this.keepalive?.stop();
    this.keepalive = null;
    this.stall.stop();
    this.sender.close();
    this.turns.close();
    this.queue.close();
    this.schemas.close();
    this.caller.close(end);
    this.outgoingMethods.close(end.reason);
    this.callee.close(end.reason);
  }

  private onTransportClosed(error: Error | null): void {
    this.phase = transition(this.phase, 'closed');
    const end = lost(error, this.peer);
    this.options.observer.onRetired(this, this.reason ?? end.reason);
    this.settle(end);
    this.closeTimer?.cancel();
    this.closeTimer = null;
    this.options.observer.onClosed(this, this.reason as RpcError);
  }
}
