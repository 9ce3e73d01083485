/**
 * How calls end at the caller: the attempts in errors and answers, what counts for the endpoint, once each, and which calls are offered
 * for a retry.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noExtras } from '../../src/connection/calls/pending-call.js';
import { type Attempt, blob, clientStream, defineService, oneway, raw, serverStream, unary } from '../../src/index.js';
import { CloseCode } from '../../src/wire/constants.js';
import { VirtualClock } from '../support/clock.js';
import { callNumber, flags } from '../support/frames.js';
import { failureOf } from '../support/rpc.js';
import { ScriptedCallee } from '../support/scripted-callee.js';

const Ends = defineService('test.Ends', {
  read: unary({ request: raw, response: raw, idempotent: true }),
  write: unary({ request: raw, response: raw }),
  list: serverStream({ request: raw, response: raw, idempotent: true }),
  put: clientStream({ request: raw, response: raw, idempotent: true }),
  file: blob({ request: raw, response: raw, idempotent: true }),
  hit: oneway({ request: raw, idempotent: true }),
});

const body = Buffer.from('x');
const first = callNumber(0);
const second = callNumber(1);

function open(options: ConstructorParameters<typeof ScriptedCallee>[2] = {}, endpoint = 'tcp://a:1') {
  const clock = new VirtualClock();
  const callee = new ScriptedCallee(clock, endpoint, options);
  return { clock, callee, calls: callee.client(Ends) };
}

function told(attempts: readonly Attempt[]): string[] {
  return attempts.map(({ endpoint, code, started, durationMs }) => `${endpoint} ${code} ${started} ${durationMs}`);
}

const afterTen = async (clock: VirtualClock): Promise<void> => {
  await clock.settle();
  await clock.advanceSettled(10);
};

test('an answer counts once, with its latency, and a detailed one tells its attempt', async () => {
  const { clock, callee, calls } = open();
  const answers = Promise.all([calls.read(body), calls.read.detailed(body)]);
  await afterTen(clock);
  callee.say('RESPONSE', { call: first, payload: 'y' });
  await clock.advanceSettled(5);
  callee.say('RESPONSE', { call: second, payload: 'z' });
  const [, detailed] = await answers;
  assert.equal(callee.ends, ['answer 10', 'answer 15']);
  assert.equal(told(detailed.attempts), ['tcp://a:1 OK yes 15']);
});

test('streams and blobs count at their END, and tell their attempt then', async () => {
  const { clock, callee, calls } = open();
  const items = calls.list(body);
  const files = calls.file({ head: body, body: null });
  await afterTen(clock);
  callee.say('ITEM', { call: first, payload: 'one' });
  callee.say('ITEM', { call: second, payload: 'head' });
  await callee.settle();
  assert.equal(callee.ends, []);
  assert.equal(items.attempts, []);
  await clock.advanceSettled(20);
  callee.say('END', { call: first });
  callee.say('END', { call: second });
  for await (const _item of items);
  const file = await files;
  await file.body.buffer();
  assert.equal(callee.ends, ['end', 'end']);
  assert.equal(told(items.attempts), ['tcp://a:1 OK yes 30']);
  assert.equal(told(file.body.attempts), ['tcp://a:1 OK yes 30']);
});

test('the answer of a call that sends items counts without a latency: that is as long as its source takes', async () => {
  const { clock, callee, calls } = open();
  const answers = Promise.all([calls.put([body]), calls.put.detailed([body])]);
  await afterTen(clock);
  for (const call of [first, second]) callee.say('RESPONSE', { call, payload: 'y' });
  await answers;
  assert.equal(callee.ends, ['end', 'end']);
});

test('a FAILURE counts once with its code, and its error tells the attempt; that of a call that was cancelled does not count', async () => {
  const { clock, callee, calls } = open();
  const abort = new AbortController();
  const failed = failureOf(calls.write(body));
  const cancelled = failureOf(calls.write(body, { signal: abort.signal }));
  await afterTen(clock);
  callee.fail(first, 5);
  abort.abort();
  callee.fail(second, 13);
  assert.equal(told((await failed).attempts), ['tcp://a:1 NOT_FOUND yes 10']);
  assert.equal(told((await cancelled).attempts), ['tcp://a:1 CANCELLED maybe 10']);
  assert.equal(callee.ends, ['NOT_FOUND']);
});

test('a stream that fails, and one that its caller leaves, tell their attempts', async () => {
  const { clock, callee, calls } = open();
  const failing = calls.list(body, { idempotent: false });
  const left = calls.list(body);
  await afterTen(clock);
  callee.say('ITEM', { call: second, payload: 'one' });
  callee.fail(first, 14);
  await left.next();
  await left.return();
  callee.say('END', { call: second });
  await failureOf(failing.next());
  assert.equal(told(failing.attempts), ['tcp://a:1 UNAVAILABLE yes 10']);
  assert.equal(told(left.attempts), ['tcp://a:1 CANCELLED yes 10']);
  assert.equal(callee.ends, ['UNAVAILABLE']);
});

test('a deadline that passed counts once, unless this side was late: whichever side reports it, and whatever comes after it', async () => {
  const { clock, callee, calls } = open();
  const silent = failureOf(calls.read(body, { deadlineMs: 100 }));
  const inQueue = failureOf(calls.read(body, { deadlineMs: 100 }));
  await callee.settle();
  await clock.advanceSettled(101);
  callee.fail(second, 4, { started: 'NO' });
  await clock.advanceSettled(50);
  callee.say('RESPONSE', { call: first, payload: 'late' });
  assert.equal(told((await inQueue).attempts), ['tcp://a:1 DEADLINE_EXCEEDED no 101']);
  assert.equal(told((await silent).attempts), ['tcp://a:1 DEADLINE_EXCEEDED maybe 125']);
  assert.equal(callee.ends, ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
  assert.equal(callee.offered, []);

  const here = failureOf(calls.read(body, { deadlineMs: 100 }));
  await callee.settle();
  clock.block(300);
  await clock.advanceSettled(50);
  assert.is((await here).late, 'here');
  assert.is(callee.ends.length, 2);
});

test('an answer that cannot be read counts against the endpoint; one that is too much for this side does not', async () => {
  const { clock, callee, calls } = open({ limits: { messageBytesMax: 65_536 } });
  const tooMuch = failureOf(calls.write(body));
  const broken = failureOf(calls.write(body));
  await afterTen(clock);
  callee.say('RESPONSE', { call: first, flags: flags.MORE, payload: Buffer.alloc(65_536) });
  callee.say('RESPONSE', { call: first, payload: 'more' });
  callee.say('RESPONSE', { call: second, flags: flags.METADATA, payload: Buffer.from('ffffffff', 'hex') });
  assert.equal(told((await tooMuch).attempts), ['tcp://a:1 RESOURCE_EXHAUSTED yes 10']);
  assert.equal(told((await broken).attempts), ['tcp://a:1 INTERNAL yes 10']);
  assert.equal(callee.ends, ['INTERNAL']);
  assert.equal(callee.offered, []);
});

test('what this side refuses has no attempt and does not count', async () => {
  const { callee, calls } = open({ peerLimits: { messageBytesMax: 1_024 } });
  await callee.settle();
  const failures = await Promise.all([
    failureOf(calls.read(Buffer.alloc(100_000))),
    failureOf(calls.read(body, { deadlineMs: 0 })),
    failureOf(calls.read(body, { signal: AbortSignal.abort() })),
  ]);
  for (const { attempts } of failures) assert.equal(attempts, []);
  assert.equal(callee.ends, []);
});

test('F3 a lost connection offers idempotent calls as failed, and unsent ones as unprocessed; the others fail', async () => {
  const { clock, callee, calls } = open({ peerLimits: { callsInFlightMax: 16 } });
  await callee.settle();
  void calls.read(body);
  const written = failureOf(calls.write(body));
  for (let slot = 2; slot < 16; slot++) calls.write(body).catch(() => {});
  void calls.write(body);
  await afterTen(clock);
  callee.transport.destroy();
  await callee.settle();
  assert.is((await written).started, 'maybe');
  assert.equal(told((await written).attempts), ['tcp://a:1 UNAVAILABLE maybe 10']);
  assert.equal(
    callee.offered.map(({ call, why }) => [call.spec.name, why, told(call.attempts)]),
    [
      ['test.Ends/write', 'unprocessed', []],
      ['test.Ends/read', 'failed', ['tcp://a:1 UNAVAILABLE maybe 10']],
    ],
  );
  // The one that waited was not tried.
  assert.equal(callee.ends, Array(16).fill('UNAVAILABLE'));
  for (const { call, failure } of callee.offered) assert.equal(failure.attempts, call.attempts);
});

test('cancelled calls are not offered for a retry when their connection is lost, and count as they did', async () => {
  const { clock, callee, calls } = open();
  const abort = new AbortController();
  const cancelled = failureOf(calls.read(body, { signal: abort.signal }));
  const overdue = failureOf(calls.read(body, { deadlineMs: 100 }));
  await callee.settle();
  await clock.advanceSettled(101);
  abort.abort();
  callee.transport.destroy();
  await callee.settle();
  assert.is((await cancelled).code, 'CANCELLED');
  assert.is((await overdue).code, 'DEADLINE_EXCEEDED');
  assert.equal(callee.offered, []);
  assert.equal(callee.ends, ['DEADLINE_EXCEEDED']);
});

test('calls whose request had not left are unprocessed, with their attempt, whatever their method', async () => {
  const { callee, calls } = open();
  await callee.settle();
  void calls.write(body);
  callee.transport.destroy();
  // The end of the tick, which would write the request, is behind the promise of the loss.
  await callee.settle();
  const [given] = callee.offered;
  assert.is(given?.why, 'unprocessed');
  assert.is(given?.failure.started, 'no');
  assert.equal(told(given?.call.attempts ?? []), ['tcp://a:1 UNAVAILABLE no 0']);
});

for (const name of ['PROTOCOL', 'BAD_RECORD', 'FLOW_CONTROL', 'FLAGS', 'FLOOD', 'INTERNAL', 'AUTH'] as const) {
  test(`a connection that its peer closes with ${name} gives nothing back: one of the calls may be why`, async () => {
    const { callee, calls } = open({ peerLimits: { callsInFlightMax: 16 } });
    await callee.settle();
    const sent = Array.from({ length: 16 }, () => failureOf(calls.read(body)));
    const waiting = failureOf(calls.read(body));
    await callee.settle();
    callee.close(CloseCode[name]);
    for (const failed of sent) assert.is((await failed).code, 'UNAVAILABLE');
    assert.is((await waiting).started, 'no');
    assert.equal(callee.offered, []);
  });
}

test('a peer that shuts down is left by idempotent calls; one that is done has nothing to answer for', async () => {
  for (const name of ['SHUTDOWN', 'NONE'] as const) {
    const { callee, calls } = open();
    void calls.read(body);
    await callee.settle();
    callee.close(CloseCode[name]);
    assert.equal(
      callee.offered.map(({ why }) => why),
      ['failed'],
    );
    assert.equal(callee.ends, name === 'NONE' ? [] : ['UNAVAILABLE']);
  }
});

test('what this side closes does not count', async () => {
  const { callee, calls } = open();
  void calls.read(body);
  const written = failureOf(calls.write(body));
  await callee.settle();
  callee.connection.close();
  assert.is((await written).code, 'UNAVAILABLE');
  assert.is(callee.offered.length, 1);
  assert.equal(callee.ends, []);
});

test('a peer that breaks the protocol counts for every open call, and gives none back', async () => {
  const { callee, calls } = open();
  const failures = [failureOf(calls.read(body)), failureOf(calls.write(body))];
  await callee.settle();
  callee.say('RESPONSE', { call: callNumber(7), payload: 'y' });
  for (const failure of failures) assert.is((await failure).code, 'UNAVAILABLE');
  assert.equal(callee.ends, ['UNAVAILABLE', 'UNAVAILABLE']);
  assert.equal(callee.offered, []);
});

test('a refused call is offered for a retry, whatever its method, where the callee says that this may help', async () => {
  const { clock, callee, calls } = open();
  void calls.write(body);
  void calls.write(body);
  void calls.write(body);
  const tooLong = failureOf(calls.read(body));
  const ran = failureOf(calls.write(body));
  void calls.write(body);
  await afterTen(clock);
  callee.fail(first, 8, { started: 'NO', elsewhere: true });
  callee.fail(second, 8, { started: 'NO', retryAfterMs: 50 });
  callee.fail(callNumber(2), 14, { started: 'NO' });
  callee.fail(callNumber(3), 8, { started: 'NO' });
  callee.fail(callNumber(4), 8, { started: 'MAYBE', elsewhere: true });
  // Only a peer that has said DRAIN drains.
  callee.fail(callNumber(5), 14, { started: 'NO', elsewhere: true });
  assert.equal(
    callee.offered.map(({ why, failure }) => [why, failure.code]),
    [
      ['refused', 'RESOURCE_EXHAUSTED'],
      ['refused', 'RESOURCE_EXHAUSTED'],
      ['refused', 'UNAVAILABLE'],
      ['refused', 'UNAVAILABLE'],
    ],
  );
  for (const { call } of callee.offered) assert.is(call.attempts.length, 1);
  assert.is((await tooLong).code, 'RESOURCE_EXHAUSTED');
  assert.is((await ran).started, 'maybe');
  // A message that is too long says nothing of the endpoint.
  const { ends } = callee;
  assert.equal(ends, ['RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE']);
});

test('F15 a drain moves what it refuses, which does not count', async () => {
  const { clock, callee, calls } = open();
  void calls.write(body);
  await afterTen(clock);
  callee.record('DRAIN', { text: 'restarting', graceMs: 1_000 });
  callee.fail(first, 14, { started: 'NO', elsewhere: true });
  assert.equal(
    callee.offered.map(({ why, call }) => [why, told(call.attempts)]),
    [['unprocessed', ['tcp://a:1 UNAVAILABLE no 10']]],
  );
  assert.equal(callee.ends, []);
});

test('an idempotent call that failed is offered for a retry, until its caller has an item or has cancelled it', async () => {
  const { clock, callee, calls } = open();
  const abort = new AbortController();
  void calls.read(body);
  calls.list(body);
  const begun = calls.list(body);
  const cancelled = failureOf(calls.read(body, { signal: abort.signal }));
  const not = failureOf(calls.read(body, { idempotent: false }));
  void calls.write(body, { idempotent: true });
  await afterTen(clock);
  callee.say('ITEM', { call: callNumber(2), payload: 'one' });
  abort.abort();
  for (let slot = 0; slot < 6; slot++) callee.fail(callNumber(slot), 13);
  assert.equal(
    callee.offered.map(({ call, why }) => [call.spec.name, why]),
    [
      ['test.Ends/read', 'failed'],
      ['test.Ends/list', 'failed'],
      ['test.Ends/write', 'failed'],
    ],
  );
  assert.is((await cancelled).code, 'CANCELLED');
  assert.is((await not).code, 'INTERNAL');
  await begun.next();
  assert.is((await failureOf(begun.next())).code, 'INTERNAL');
});

test('a drain ends when a long oneway request has left, though no frame of the peer tells of that', async () => {
  const { clock, callee, calls } = open();
  await callee.settle();
  const { transport } = callee;
  const write = transport.write.bind(transport);
  transport.write = (bytes) => {
    transport.unsentBytes = 200_000;
    return write(bytes);
  };
  const sent = calls.hit(Buffer.alloc(1_000_000));
  await callee.settle();
  callee.record('DRAIN', { text: 'bye', graceMs: 60_000 });
  await callee.settle();
  assert.is(callee.connection.callsOut, 1);
  transport.write = write;
  transport.unsentBytes = 0;
  transport['events']?.onDrain();
  await clock.advanceSettled(1);
  assert.is(callee.connection.callsOut, 0);
  assert.is(await sent, undefined);
  await clock.advanceSettled(1_100);
  assert.is(callee.connection.state, 'closed');
});

test('a oneway call that has left is never offered for a retry, and one that sends items only if they are an array', async () => {
  const { callee, calls } = open();
  await calls.hit(body);
  void calls.put([body, body]);
  const generated = failureOf(
    calls.put(
      (function* () {
        yield body;
      })(),
    ),
  );
  await callee.settle();
  callee.transport.destroy();
  await callee.settle();
  assert.equal(
    callee.offered.map(({ call, why }) => [call.spec.name, why]),
    [['test.Ends/put', 'failed']],
  );
  assert.is((await generated).started, 'maybe');
});

test('a retried call keeps its deadline and lists all of its attempts, in answers, streams and errors', async () => {
  const { clock, callee, calls } = open();
  const other = new ScriptedCallee(clock, 'tcp://b:1');
  const answer = calls.read.detailed(body);
  const items = calls.list(body);
  const failing = failureOf(calls.read(body));
  const late = failureOf(calls.read(body));
  await afterTen(clock);
  callee.transport.destroy();
  await callee.settle();
  await clock.advanceSettled(30);
  const deadlineAt = clock.now() - 40 + 1_000;
  for (const { call } of callee.offered) {
    assert.is(call.deadlineAt, deadlineAt);
    other.connection.caller.resume(call.nextAttempt('retry'));
  }
  await afterTen(clock);
  other.say('RESPONSE', { call: first, payload: 'y' });
  other.say('END', { call: second });
  other.fail(callNumber(2), 5);
  const lost = 'tcp://a:1 UNAVAILABLE maybe 10';
  assert.equal(told((await answer).attempts), [lost, 'tcp://b:1 OK yes 10']);
  await items.next();
  assert.equal(told(items.attempts), [lost, 'tcp://b:1 OK yes 10']);
  const [given] = other.offered;
  assert.equal([given?.call.retries, given?.call.resends], [1, 0]);
  assert.equal([given?.call.nextAttempt().retries, given?.call.nextAttempt().resends], [1, 1]);
  given?.call.fail(given.failure);
  assert.equal(told((await failing).attempts), [lost, 'tcp://b:1 NOT_FOUND yes 10']);
  await clock.advanceSettled(1_000);
  assert.equal(told((await late).attempts), [lost, 'tcp://b:1 DEADLINE_EXCEEDED maybe 985']);
});

test('the error of a call that waits for its retry lists the attempts before', async () => {
  const { clock, callee } = open({ peerLimits: { callsInFlightMax: 16, messageBytesMax: 65_536 } });
  await callee.settle();
  const attempts: readonly Attempt[] = [{ endpoint: 'tcp://z:1', code: 'INTERNAL', started: 'yes', durationMs: 3 }];
  const extras = { ...noExtras, attempts };
  const { read } = Ends.methods;
  const { connection } = callee;
  const tooLong = failureOf(connection.caller.call(read, Buffer.alloc(100_000), 100, extras));
  const expired = failureOf(connection.caller.call(read, body, 0, extras));
  for (let slot = 0; slot < 16; slot++) void connection.caller.call(read, body, 1_000, null);
  const waiting = failureOf(connection.caller.call(read, body, 100, extras));
  const moved = connection.caller.call(read, body, 500, extras);
  void moved;
  await clock.advanceSettled(200);
  callee.record('DRAIN', { text: 'restarting', graceMs: 1_000 });
  for (const failure of [tooLong, expired, waiting]) assert.equal((await failure).attempts, attempts);
  assert.is((await waiting).code, 'DEADLINE_EXCEEDED');
  assert.equal(callee.offered[0]?.failure.attempts, attempts);
  assert.equal(callee.offered[0]?.call.attempts, attempts);
});

test('a callee that has sent items and then says started=no is not believed: the call is not offered for a retry', async () => {
  const { clock, callee, calls } = open();
  const items = calls.list(body);
  await afterTen(clock);
  callee.say('ITEM', { call: first, payload: 'one' });
  callee.fail(first, 8, { started: 'NO', elsewhere: true });
  const failure = await failureOf(
    (async () => {
      for await (const _item of items);
    })(),
  );
  assert.is(failure.started, 'yes');
  assert.equal(told(failure.attempts), ['tcp://a:1 RESOURCE_EXHAUSTED yes 10']);
  assert.equal(callee.offered, []);
});

test.run();
