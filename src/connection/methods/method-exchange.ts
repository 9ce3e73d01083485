/**
 * The methods and schemas of one connection, both ways: where METHOD and SCHEMA frames go, and what happens to both tables when the
 * connection opens, the peer ends its half, or the connection ends. Used by `Connection`, which gives `outgoing` to the caller and
 * `incoming` to the callee.
 */
import type { RpcError } from '../../base/errors.js';
import { FrameType } from '../../wire/constants.js';
import type { FrameDecoder } from '../../wire/decoder.js';
import { decodeMethod } from '../../wire/records/method.js';
import type { CallHost } from '../calls/call-host.js';
import type { Link } from '../calls/link.js';
import { IncomingMethods } from './incoming-methods.js';
import { OutgoingMethods } from './outgoing-methods.js';
import { type SchemaCache, SchemaExchange } from './schema-exchange.js';

export class MethodExchange {
  readonly outgoing: OutgoingMethods;
  readonly incoming: IncomingMethods;
  private readonly schemas: SchemaExchange;

  constructor(link: Link, cache: SchemaCache, host: CallHost | null) {
    this.schemas = new SchemaExchange(link, cache);
    this.outgoing = new OutgoingMethods(link, this.schemas);
    this.incoming = new IncomingMethods(link, this.schemas, host);
  }

  /** The peer's HELLO was read. */
  onHello(): void {
    this.outgoing.onHello();
  }

  /** A METHOD or SCHEMA frame. Throws a `WireError`. False: it is neither. */
  onFrame({ type, flags, method, buffer, start, end }: FrameDecoder): boolean {
    if (type === FrameType.SCHEMA) {
      this.schemas.onFrame(flags, buffer, start, end);
      return true;
    }
    if (type !== FrameType.METHOD) return false;
    const record = decodeMethod(buffer, start, end);
    if (record.role === 'DECLARE') this.incoming.onDeclare(method, record);
    else this.outgoing.onAnswer(method, record);
    return true;
  }

  /** The peer ended its half: no schema comes any more. */
  onReadEnd(): void {
    this.schemas.onReadEnd();
  }

  /** The connection is over, and so are the calls of this side. The callee closes `incoming` with the calls that wait there. */
  close(reason: RpcError): void {
    this.schemas.close();
    this.outgoing.close(reason);
  }
}
