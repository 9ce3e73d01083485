/**
 * One socket with calls both ways. The same class serves the side that dialled and the side that accepted; it moves opaque
 * messages and is handed codecs. This file decides what happens in the connection's life: handshake, dispatch of frames, drain, and
 * the one teardown. Its parts in `lifecycle/` return what they found; the halves of calling are `caller.ts` and `callee.ts`.
 *
 * Used by `channel/` (dialling) and `server/` (accepting).
 */
import type { Clock } from '../base/clock.js';
import { RpcError } from '../base/errors.js';
import { inspectCustom } from '../base/inspect.js';
import { type AnnouncedLimits, type Limits, minimumLimits } from '../base/limits.js';
import type { Compressor } from '../compression/compressor.js';
import { EndpointStats } from '../resilience/endpoint-stats.js';
import type { Transport } from '../transport/transport.js';
import { ACCEPTING_SIDE } from '../wire/call-number.js';
import { CloseCode, type CloseCodeNumber, FrameType } from '../wire/constants.js';
import type { FrameDecoder } from '../wire/decoder.js';
import type { CompressionName } from '../wire/message-codec.js';
import { type CloseRecord, decodeClose } from '../wire/records/close.js';
import type { Hello } from '../wire/records/hello.js';
import { WireError } from '../wire/wire-error.js';
import { Callee } from './callee/callee.js';
import { Caller } from './caller/caller.js';
import { closedByPeer, closedHere, EndOfCalls, lost } from './calls/end-of-calls.js';
import type { Link } from './calls/link.js';
import { PeerInfo } from './calls/peer-info.js';
import type { PendingCall, RetryReason } from './calls/pending-call.js';
import type { UnfinishedCall } from './calls/unfinished-call.js';
import type { ConnectionOptions } from './connection-options.js';
import { FrameReader } from './frame-reader.js';
import { Closing } from './lifecycle/closing.js';
import { Drain } from './lifecycle/drain.js';
import { agreeChecksums, Handshake } from './lifecycle/handshake.js';
import { PeerWatch } from './lifecycle/peer-watch.js';
import { readError } from './lifecycle/read-error.js';
import { SocketHold } from './lifecycle/socket-hold.js';
import { type ConnectionState, transition } from './lifecycle/state.js';
import { AssemblyLedger } from './messages/assembly.js';
import { MessageSender } from './messages/message-sender.js';
import { type MethodCompression, methodCompression } from './messages/method-compression.js';
import { WriteQueue } from './messages/write-queue.js';
import { MethodExchange } from './methods/method-exchange.js';
import { StreamTurns } from './streams/stream-turns.js';

type Options = ConnectionOptions<Connection>;

export class Connection implements Link {
  readonly clock: Clock;
  readonly limits: Limits;
  peerLimits: AnnouncedLimits = minimumLimits;
  now: number;
  silentMs = 0;
  private lastReadAt: number;
  readonly queue: WriteQueue;
  readonly sender: MessageSender;
  readonly turns: StreamTurns;
  readonly ledger: AssemblyLedger;
  readonly peer: PeerInfo;
  readonly endpoint: string;
  readonly stats: EndpointStats;
  /** What was cut off when this side closed the connection; null: it did not. */
  left: readonly UnfinishedCall[] | null = null;
  readonly acceptedCompressors: readonly Compressor[];
  private phase: ConnectionState = 'greeting';
  private readonly transport: Transport;
  readonly reader: FrameReader;
  readonly hold: SocketHold;
  private readonly methods: MethodExchange;
  /** Makes the calls of this side. */
  readonly caller: Caller;
  private readonly callee: Callee;
  private readonly watch: PeerWatch;
  private readonly handshake: Handshake;
  private readonly closing: Closing;
  private readonly drainState: Drain;
  private peerCompression: readonly string[] = [];
  private reason: RpcError | null = null;

  constructor(private readonly options: Options) {
    const { transport, clock, limits, side } = options;
    this.transport = transport;
    this.clock = clock;
    this.limits = limits;
    this.now = this.lastReadAt = clock.now();
    this.acceptedCompressors = options.compressors;
    this.peer = options.makePeer?.(this, transport.identity) ?? new PeerInfo(transport.identity);
    this.endpoint = options.endpoint ?? this.peer.toString();
    this.stats = options.stats ?? new EndpointStats();
    this.ledger = new AssemblyLedger(limits.assemblyBytesMax);
    const { writeQueueBytesSoft: soft, writeQueueBytesHard: hard } = limits;
    const onFailure = (error: WireError): void => void this.failBy(error);
    const events = { onUnsent: () => this.watch.stall.begin(), onOverflow: onFailure };
    this.hold = new SocketHold(clock, transport, () => this.caller.isWaiting);
    this.queue = new WriteQueue(transport, events, soft, hard);
    this.watch = new PeerWatch(options, this.queue, onFailure);
    this.sender = new MessageSender(this.queue, transport, clock, minimumLimits, hard);
    this.turns = new StreamTurns(transport, clock);
    this.sender.onRoom(() => this.turns.onRoom());
    this.methods = new MethodExchange(this, options.schemas, options.host);
    const ownBit = side === 'dialing' ? 0 : ACCEPTING_SIDE;
    this.caller = new Caller(this, this.methods.outgoing, ownBit);
    this.callee = new Callee(this, this.methods.incoming, options, side === 'dialing' ? ACCEPTING_SIDE : 0);
    this.reader = new FrameReader(limits.frameBytesMax, this.caller, this.callee, ownBit);
    this.drainState = new Drain(clock, this.queue, this.watch.pings, {
      onGraceOver: () => this.onGraceOver(),
      onLingerOver: () => this.onCallEnded(),
    });
    this.closing = new Closing(clock, transport);
    this.handshake = new Handshake(options, clock, this.queue, onFailure);
    transport.start({
      onData: (chunk) => this.onData(chunk),
      onDrain: () => this.onDrain(),
      onEnd: () => this.onEnd(),
      onClose: (error) => this.onTransportClosed(error),
    });
  }

  /** In `console.log`: what a connection consists of is nobody's business, and may hold messages. */
  [inspectCustom](): string {
    return `Connection { peer: ${this.peer}, state: ${this.phase} }`;
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
   * Refuses new calls of the peer, lets open ones finish, then closes; what is left after `graceMs` is cancelled. Again with a
   * shorter grace: shortens it.
   */
  drain(text: string, graceMs: number): void {
    if (this.over) return;
    this.callee.drain();
    this.drainState.begin(text, graceMs);
    if (this.phase !== 'greeting') this.sendDrain();
  }

  /** Ends the connection at once: CLOSE, and every open call fails. */
  close(text = 'closed by this side'): void {
    this.fail(CloseCode.SHUTDOWN, text);
  }

  /** Calls that have not ended, and handlers that still run, those of a connection that is closed included. */
  openCalls(): UnfinishedCall[] {
    const now = this.clock.now();
    return [...this.callee.left(now), ...this.caller.unfinished(now)];
  }

  /** The peer has sent DRAIN. */
  get peerDrained(): boolean {
    return this.drainState.byPeer;
  }

  get callable(): boolean {
    return !this.peerDrained && !this.drainState.peerEnded && !this.over;
  }

  offerRetry(call: PendingCall, failure: RpcError, reason: RetryReason): void {
    const { observer } = this.options;
    if (observer.onRetryable === undefined) call.fail(failure);
    else observer.onRetryable(call, failure, reason);
  }

  compressionFor(method: CompressionName | undefined): MethodCompression {
    return methodCompression(this.options, this.peerCompression, method);
  }

  fail(code: CloseCodeNumber, text: string): void {
    if (this.over) return;
    if (code === CloseCode.SHUTDOWN) this.left ??= this.openCalls();
    this.end(closedHere(code, text, this.peer), { code, text });
  }

  /** False: there is an error, and it has ended the connection. */
  private failBy(error: WireError | null): boolean {
    if (error !== null) this.fail(error.code, error.message);
    return error === null;
  }

  chargeReset(): boolean {
    return this.failBy(this.watch.flood.chargeReset(this.now, this.callsFinished));
  }

  admitFragment(more: boolean, bytes: number): boolean {
    return this.failBy(this.watch.flood.admitFragment(more, bytes));
  }

  noteTime(now: number): void {
    this.now = now;
  }

  pauseReading(): void {
    if (this.reader.pause()) this.transport.pause();
  }

  resumeReading(): void {
    if (!this.reader.resume()) return;
    // What was read before the pause comes before anything that the transport may bring.
    this.callee.admission.onRead(this.clock.now());
    this.readFrames();
    if (this.reader.paused || this.over) return;
    this.transport.resume();
    if (this.reader.ended) this.onReadEnd();
  }

  onCallEnded(): void {
    if (this.phase === 'closed' && this.executing === 0) this.options.observer.onHandlersEnded?.(this);
    if (this.idle && this.drainState.onIdle()) this.fail(CloseCode.NONE, 'drained');
  }

  /** The connection drains, no call is live in either direction, and no handler runs. */
  private get idle(): boolean {
    if (this.phase !== 'draining' || this.reader.paused) return false;
    return this.callsIn === 0 && this.callsOut === 0 && this.executing === 0;
  }

  private onGraceOver(): void {
    const text = 'the grace period of the drain is over';
    this.left = this.openCalls();
    this.callee.cancelAll(text);
    this.caller.close(new EndOfCalls(new RpcError('CANCELLED', text), { countsAsFailure: false }));
    this.fail(CloseCode.SHUTDOWN, text);
  }

  /** The connection is closing or closed. */
  get over(): boolean {
    return this.phase === 'closing' || this.phase === 'closed';
  }

  private onData(chunk: Buffer): void {
    if (this.over) return;
    const now = this.clock.now();
    this.silentMs = now - this.lastReadAt;
    this.lastReadAt = this.now = now;
    this.callee.admission.onRead(now);
    const { queue, reader } = this;
    reader.push(chunk);
    const batch = queue.beginBatch();
    this.readFrames();
    if (batch) queue.endBatch();
    reader.keepRest();
  }

  private readFrames(): void {
    const { reader } = this;
    try {
      while (reader.readCalls()) this.onOwnFrame(reader.frame);
      // The frames may have ended the last call, or confirmed the drain.
      if (this.phase === 'draining') this.onCallEnded();
    } catch (error) {
      this.failBy(readError(error));
    }
    reader.endRead();
  }

  /** A frame that belongs to no call, or came before the peer's HELLO. */
  private onOwnFrame(frame: FrameDecoder): void {
    const { type, buffer, start, end } = frame;
    if (type === FrameType.CLOSE) this.end(closedByPeer(decodeClose(buffer, start, end), this.peer), null);
    else if (this.phase === 'greeting') this.onHello(this.handshake.read(frame));
    else if (type === FrameType.PING) this.watch.pings.onPing(buffer, start, end, this.now);
    else if (type === FrameType.PONG) this.drainState.onPong(this.watch.pings.onPong(buffer, start));
    else if (type === FrameType.DRAIN) this.onPeerDrain(buffer, start, end);
    else if (!this.methods.onFrame(frame)) throw new WireError(CloseCode.PROTOCOL, 'a second HELLO');
  }

  private onHello(hello: Hello): void {
    this.peer.greet(hello);
    this.peerLimits = agreeChecksums(hello, this.options, this.queue, this.reader);
    this.peerCompression = hello.compression;
    this.sender.setLimits(this.peerLimits);
    this.phase = transition(this.phase, 'open');
    this.reader.open();
    // While this side does not read, silence says nothing of the peer.
    this.watch.startKeepalive(this.peerLimits, () => (this.reader.paused ? this.clock.now() : this.lastReadAt));
    this.methods.onHello();
    this.caller.onPeerLimits();
    this.options.observer.onOpen(this);
    if (!this.over) this.sendDrain();
  }

  private onPeerDrain(buffer: Buffer, start: number, end: number): void {
    this.drainState.onFrame(buffer, start, end);
    this.enterDraining();
    this.caller.onPeerDrain();
  }

  /** Writes the DRAIN that was asked for, if any. Not before the peer's HELLO. */
  private sendDrain(): void {
    if (this.drainState.state !== 'pending') return;
    this.enterDraining();
    this.drainState.send();
  }

  private enterDraining(): void {
    if (this.phase === 'open') this.retire('draining', null);
  }

  private onDrain(): void {
    if (this.over) return;
    this.queue.onDrain();
    this.sender.pump();
    this.turns.onDrain();
    this.callee.onDrain();
    this.caller.onDrain();
  }

  private onEnd(): void {
    if (this.reader.end()) this.onReadEnd();
  }

  /** The peer ended its half: its calls may still be answered, ours can no longer be (F6, F7). */
  private onReadEnd(): void {
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
    this.enterDraining();
    this.caller.close(new EndOfCalls(new RpcError('UNAVAILABLE', `${this.peer} ended the connection`)));
    this.watch.stopKeepalive();
    this.methods.onReadEnd();
    this.callee.onReadEnd();
    this.onCallEnded();
  }

  /** From here on the connection takes no new calls of one side, or of both. */
  private retire(to: 'draining' | 'closing' | 'closed', reason: RpcError | null): void {
    this.phase = transition(this.phase, to);
    if (this.over) this.reader.close();
    this.options.observer.onRetired(this, reason);
  }

  /** `close`: the CLOSE that this side sends; null: the peer sent one. */
  private end(end: EndOfCalls, close: CloseRecord | null): void {
    // First of all: what follows may overflow the write queue, which fails, or run a listener that makes a call.
    this.retire('closing', end.reason);
    if (close !== null) this.closing.write(this.queue, close);
    this.settle(end);
    this.closing.endTransport();
  }

  /** The one teardown: every timer, table and buffer, and every open call settles with `reason`. */
  private settle(end: EndOfCalls): void {
    if (this.reason !== null) return;
    this.reason = end.reason;
    this.hold.stop();
    this.handshake.stop();
    this.drainState.stop();
    this.watch.stop();
    this.sender.close();
    this.turns.close();
    this.queue.close();
    this.caller.close(end);
    this.methods.close(end.reason);
    this.callee.close(end.reason);
  }

  private onTransportClosed(error: Error | null): void {
    const end = lost(error, this.peer);
    const reason = this.reason ?? end.reason;
    this.retire('closed', reason);
    this.settle(end);
    this.closing.stop();
    this.options.observer.onClosed(this, reason);
  }
}
