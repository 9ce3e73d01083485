/**
 * Sees what no caller and no handler sees: every connection, what it closed for, and what it still holds at the end. It looks
 * through the prototypes of the engine while it is on duty, so the engine needs no openings for it.
 */
import { Caller } from '../../src/connection/caller/caller.js';
import { Connection } from '../../src/connection/connection.js';
import { SimulatedProcess } from '../../src/testing/simulated-process.js';
import { CloseCode, type CloseCodeNumber } from '../../src/wire/constants.js';
import type { Hello } from '../../src/wire/records/hello.js';

/** What two honest peers may close a connection for; everything else is a defect of one of them. */
const honest = new Set<number>([
  CloseCode.NONE,
  CloseCode.SHUTDOWN,
  CloseCode.HANDSHAKE_TIMEOUT,
  CloseCode.KEEPALIVE_TIMEOUT,
  CloseCode.STALLED,
  CloseCode.TRUNCATED,
  CloseCode.WRITE_QUEUE,
]);

type Fail = (this: Connection, code: CloseCodeNumber, text: string) => void;
type OnHello = (this: Connection, hello: Hello) => void;
type Call = Caller['call'];
type Resume = Caller['resume'];

interface Watched {
  fail: Fail;
  onHello: OnHello;
}

export class Witness {
  readonly problems: string[] = [];
  private readonly connections = new Set<Connection>();
  private readonly original: Watched;
  private readonly caller: { call: Call; resume: Resume };

  constructor() {
    const prototype = Connection.prototype as unknown as Watched;
    const { fail, onHello } = prototype;
    const { call, resume } = Caller.prototype;
    this.original = { fail, onHello };
    this.caller = { call, resume };
    const { connections, problems } = this;
    prototype.fail = function (code, text) {
      connections.add(this);
      if (!this.over && !honest.has(code)) problems.push(`a connection was closed with code ${code}: ${text}`);
      fail.call(this, code, text);
    };
    prototype.onHello = function (hello) {
      connections.add(this);
      onHello.call(this, hello);
    };
    Caller.prototype.call = function (...given) {
      connections.add(this.link as Connection);
      return call.apply(this, given);
    };
    Caller.prototype.resume = function (pending) {
      connections.add(this.link as Connection);
      resume.call(this, pending);
    };
  }

  /** Off duty: the prototypes are as they were. */
  leave(): void {
    Object.assign(Connection.prototype, this.original);
    Object.assign(Caller.prototype, this.caller);
  }

  /** Everything is closed: no connection may hold anything any more. */
  judgeEnd(): void {
    for (const connection of this.connections) {
      // What a process held that crashed went with it.
      if (connection.clock instanceof SimulatedProcess && !connection.clock.alive) continue;
      const { state, callsOut, callsIn, executing, ledger } = connection;
      const held = { callsOut, callsIn, executing, bytes: ledger.bytes };
      if (state !== 'closed') this.problems.push(`a connection is ${state} in the end`);
      for (const [name, count] of Object.entries(held)) {
        if (count !== 0) this.problems.push(`a closed connection has ${name} = ${count}`);
      }
    }
  }
}
