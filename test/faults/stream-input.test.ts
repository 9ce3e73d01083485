/** Bad streams to a live server, frame by frame: each row ends as the table of faults and chapter 9 of the protocol say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ItemStream, type RpcCode, RpcError, type ServerOptions } from '../../src/index.js';
import type { CloseCode } from '../../src/wire/index.js';
import { callNumber, flags, frame, u32 } from '../support/frames.js';
import type { FailureRecord } from '../support/records.js';
import {
  cancel,
  credit,
  end,
  HandCaller,
  item,
  namesOf,
  never,
  request,
  rest,
  type StreamHandlers,
  type StreamName,
} from './stream-talk.js';

const call = callNumber(0);
/** Handlers that take nothing, send nothing and do not end. */
const idle: Partial<StreamHandlers> = {
  echo: never,
  down: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
  up: never,
  chat: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
};
const window = 65_536;
const narrow: ServerOptions = { limits: { streamWindowBytes: window, streamWindowBytesMax: window } };

/** Sends the frames to idle handlers and expects CLOSE. */
function closes(code: keyof typeof CloseCode, ...frames: readonly Buffer[]): () => Promise<void> {
  return async () => {
    const peer = await HandCaller.open(idle, narrow);
    peer.send(...frames);
    await peer.expectClose(code);
    await peer.close();
  };
}

/** Sends the frames of call 0 to idle handlers and expects its FAILURE; the connection goes on. */
function fails(code: RpcCode, started: FailureRecord['started'], ...frames: readonly Buffer[]): () => Promise<void> {
  return async () => {
    const peer = await HandCaller.open({ ...idle, echo: (bytes) => bytes }, narrow);
    peer.send(...frames);
    await peer.expectFailure(call, code, started);
    await peer.expectAlive();
    await peer.close();
  };
}

for (const [what, bytes] of [
  ['ITEM', item(call)],
  ['END', end(call)],
  ['CREDIT', credit(call, 1)],
  ['CANCEL', cancel(call)],
] as const) {
  test(`B12 ${what} for a call that was never opened is CLOSE CALL_NUMBER`, closes('CALL_NUMBER', bytes));
  const next = callNumber(0, 2);
  const ofNext = Buffer.from(bytes);
  ofNext.writeUInt32LE(next, 4);
  test(
    `B12 ${what} for the next call of a slot is CLOSE CALL_NUMBER`,
    closes('CALL_NUMBER', request('up'), cancel(call), ofNext),
  );
}
for (const [what, name, bytes] of [
  ['ITEM for a unary call', 'echo', item(call)],
  ['END for a unary call', 'echo', end(call)],
  ['CREDIT for a unary call', 'echo', credit(call, 1)],
  ['ITEM for a server stream', 'down', item(call)],
  ['END for a server stream', 'down', end(call)],
  ['CREDIT for a client stream', 'up', credit(call, 1)],
] as const) {
  test(`B12 ${what} is CLOSE PROTOCOL`, closes('PROTOCOL', request(name), bytes));
}

for (const name of ['up', 'chat'] as const) {
  test(
    `B13 ITEM after END fails that call (${name})`,
    fails('INVALID_ARGUMENT', 'YES', request(name), end(call), item(call)),
  );
  test(
    `B13 a second END fails that call (${name})`,
    fails('INVALID_ARGUMENT', 'YES', request(name), end(call), end(call)),
  );
}
test('B13 bytes in END fail that call', fails('INVALID_ARGUMENT', 'YES', request('up'), end(call, { payload: 'x' })));
test(
  'B13 END inside an item is CLOSE PROTOCOL',
  closes('PROTOCOL', request('up'), item(call, 'half', flags.MORE), end(call)),
);
test(
  'B13 END of a caller with flags is CLOSE FLAGS',
  closes('FLAGS', request('up'), end(call, { flags: flags.METADATA, payload: u32(1) })),
);

test('B13 frames in transit when the call ended are dropped: items within credit, END, CREDIT, CANCEL; its slot stays usable', async () => {
  const peer = await HandCaller.open({
    up: () => {
      throw new RpcError('ABORTED', 'no');
    },
    chat: () => [],
  });
  peer.send(request('up'), item(call), item(call, 'more', flags.MORE), item(call), end(call), cancel(call));
  await peer.expectFailure(call, 'ABORTED', 'YES');
  const second = callNumber(0, 2);
  peer.send(request('chat', 0, 2));
  assert.equal(namesOf(await peer.answers()), ['END']);
  peer.send(item(second), credit(second, 100), item(second), end(second));
  assert.equal(await peer.answers(), []);
  peer.send(request('down', 0, 3, { payload: 'ab' }));
  assert.equal(namesOf(await peer.answers()), ['ITEM', 'ITEM', 'END']);
  await peer.expectAlive();
  await peer.close();
});

test('B13 late items beyond the credit are CLOSE FLOW_CONTROL', async () => {
  const peer = await HandCaller.open({ up: () => Buffer.of(1) }, narrow);
  peer.send(request('up'));
  assert.equal(namesOf(await peer.answers()), ['RESPONSE']);
  const quarter = item(call, Buffer.alloc(window / 4 - 12));
  peer.send(quarter, quarter, quarter, quarter);
  assert.equal(await peer.answers(), []);
  peer.send(item(call, ''));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

test('B13 late frames that the caller was still allowed to send take nothing from the budget; others take one each', async () => {
  const peer = await HandCaller.open(
    { up: () => Buffer.of(1) },
    { limits: { resetsBurstMax: 3, resetsPerSecondMax: 0 } },
  );
  peer.send(request('up'));
  await peer.answers();
  peer.send(...Array.from({ length: 1_000 }, () => item(call)), end(call), cancel(call));
  assert.equal(await peer.answers(), []);
  // What no caller sends costs one each: the budget being three, and one for the call that was answered.
  for (let extra = 0; extra < 10; extra++) peer.send(end(call));
  await peer.expectClose('FLOOD');
  await peer.close();
});

test('B13 CANCEL twice: the first ends the call, the second is late, and more of them are CLOSE FLOOD', async () => {
  const peer = await HandCaller.open(idle);
  peer.send(request('chat'), item(call), cancel(call), cancel(call));
  await peer.expectFailure(call, 'CANCELLED', 'YES');
  await rest();
  assert.equal(await peer.answers(), []);
  peer.send(...Array.from({ length: 300 }, () => cancel(call)));
  await peer.expectClose('FLOOD');
  await peer.close();
});

test('B18 a stream beyond callsInFlightMax is refused as not started, and its items are CLOSE CALL_NUMBER', async () => {
  const peer = await HandCaller.open(idle, { limits: { callsInFlightMax: 16 } });
  const beyond = callNumber(16);
  for (const name of ['down', 'up', 'chat'] as const) {
    peer.send(request(name, 16, 1));
    const failure = await peer.expectFailure(beyond, 'RESOURCE_EXHAUSTED', 'NO');
    assert.match(failure.text, /callsInFlightMax is 16/);
  }
  peer.send(item(beyond));
  await peer.expectClose('CALL_NUMBER');
  await peer.close();
});

test('B18 a stream beyond handlersMax is refused as not started; the items its caller sent with it are dropped', async () => {
  const peer = await HandCaller.open(idle, { limits: { handlersMax: 2 } });
  peer.send(
    request('up', 0),
    request('chat', 1),
    request('up', 2),
    item(callNumber(2)),
    item(callNumber(2)),
    end(callNumber(2)),
  );
  const failure = await peer.expectFailure(callNumber(2), 'RESOURCE_EXHAUSTED', 'NO');
  assert.match(failure.text, /handlersMax is 2/);
  peer.send(item(callNumber(0)), item(callNumber(1)));
  assert.equal(await peer.answers(), []);
  await peer.close();
});

for (const name of ['down', 'up', 'chat'] as const) {
  test(`B19 opening and cancelling streams 10,000 times is CLOSE FLOOD, and no more handlers run than the limit (${name})`, async () => {
    let begun = 0;
    const count = (): Promise<never> => {
      begun++;
      return never();
    };
    const peer = await HandCaller.open({ down: count, up: count, chat: count } as never, {
      limits: { handlersMax: 50 },
    });
    // One by one, each at rest: how many handlers begin in one turn of the event loop depends on what they take.
    for (let generation = 1; generation <= 50; generation++) {
      peer.send(request(name, 0, generation), cancel(callNumber(0, generation)));
      await rest();
    }
    assert.is(begun, 50);
    for (let generation = 51; generation <= 10_000; generation++) {
      peer.send(request(name, 0, generation), cancel(callNumber(0, generation)));
    }
    const frames = await peer.answers();
    assert.is(frames.at(-1)?.name, 'CLOSE');
    assert.is(begun, 50);
    assert.ok(frames.length < 400, `${frames.length} answers`);
    await peer.close();
  });
}

test('B19 a cancelled stream counts as executing until its generator has ended', async () => {
  let release: () => void = () => {};
  let cleaned = 0;
  const peer = await HandCaller.open(
    {
      async *down(bytes) {
        try {
          yield bytes;
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        } finally {
          cleaned++;
        }
      },
    },
    { limits: { handlersMax: 1 } },
  );
  peer.send(request('down'));
  assert.equal(namesOf(await peer.answers()), ['ITEM']);
  peer.send(cancel(call));
  await peer.expectFailure(call, 'CANCELLED', 'YES');
  peer.send(request('down', 0, 2));
  await peer.expectFailure(callNumber(0, 2), 'RESOURCE_EXHAUSTED', 'NO');
  assert.is(cleaned, 0);
  release();
  await rest();
  assert.is(cleaned, 1);
  peer.send(request('down', 0, 3));
  assert.equal(namesOf(await peer.answers()), ['ITEM']);
  await peer.close();
});

for (const [what, frames] of [
  ['CREDIT of 0', (opened: number) => [credit(opened, 0)]],
  ['ITEM behind END', (opened: number) => [end(opened), item(opened)]],
] as const) {
  test(`B20 provoking 10,000 failures with ${what} is CLOSE FLOOD`, async () => {
    const peer = await HandCaller.open(idle, { limits: { handlersMax: 10_000 } });
    for (let generation = 1; generation <= 10_000; generation++) {
      peer.send(request('chat', 0, generation), ...frames(callNumber(0, generation)));
    }
    const answers = await peer.answers();
    assert.is(answers.at(-1)?.name, 'CLOSE');
    assert.ok(answers.length < 400, `${answers.length} answers`);
    await peer.close();
  });
}

test('B23 empty ITEM frames with MORE are CLOSE FLOOD after 10 in a row, over all streams', async () => {
  const peer = await HandCaller.open(idle);
  const calls = [callNumber(0), callNumber(1)];
  peer.send(request('up', 0), request('chat', 1));
  for (let empty = 0; empty < 10; empty++) peer.send(item(calls[empty % 2] ?? 0, '', flags.MORE));
  assert.equal(await peer.answers(), []);
  peer.send(item(call, 'x', flags.MORE));
  for (let empty = 0; empty < 10; empty++) peer.send(item(call, '', flags.MORE));
  assert.equal(await peer.answers(), []);
  peer.send(item(call, '', flags.MORE));
  await peer.expectClose('FLOOD');
  await peer.close();
});

test('B23 empty items cost credit: a consumer that takes none pauses their sender', async () => {
  const peer = await HandCaller.open(idle, narrow);
  peer.send(request('up'));
  const count = Math.floor(window / 12);
  peer.send(...Array.from({ length: count }, () => item(call, '')));
  assert.equal(await peer.answers(), []);
  peer.send(item(call, ''));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

for (const name of ['down', 'chat'] as const) {
  test(`B24 CREDIT of 0 fails that call (${name})`, fails('INVALID_ARGUMENT', 'YES', request(name), credit(call, 0)));
  test(
    `B24 CREDIT beyond 2^31 - 1 is CLOSE FLOW_CONTROL (${name})`,
    closes('FLOW_CONTROL', request(name), credit(call, 2 ** 31 - 1)),
  );
  test(
    `B24 CREDIT that adds up to more than 2^31 - 1 is CLOSE FLOW_CONTROL (${name})`,
    closes('FLOW_CONTROL', request(name), credit(call, 2 ** 31 - 1 - 262_144), credit(call, 1)),
  );
  test(`B24 the highest credit is legal (${name})`, async () => {
    const peer = await HandCaller.open(idle);
    peer.send(request(name), credit(call, 2 ** 31 - 1 - 262_144));
    assert.equal(await peer.answers(), []);
    await peer.close();
  });
}

test('B25 CREDIT frames beyond 10 x (1 + ITEM frames) are CLOSE FLOOD', async () => {
  const peer = await HandCaller.open({
    async *down() {
      yield* [Buffer.of(1), Buffer.of(2), Buffer.of(3)];
      await never();
    },
  });
  peer.send(request('down'));
  assert.equal(namesOf(await peer.answers()), ['ITEM', 'ITEM', 'ITEM']);
  peer.send(...Array.from({ length: 40 }, () => credit(call, 1)));
  assert.equal(await peer.answers(), []);
  peer.send(credit(call, 1));
  await peer.expectClose('FLOOD');
  await peer.close();
});

test('B25 a flood of late CREDIT is CLOSE FLOOD as well', async () => {
  const peer = await HandCaller.open();
  peer.send(request('down', 0, 1, { payload: 'a' }));
  assert.equal(namesOf(await peer.answers()), ['ITEM', 'END']);
  peer.send(...Array.from({ length: 1_000 }, () => credit(call, 1)));
  await peer.expectClose('FLOOD');
  await peer.close();
});

for (const name of ['up', 'chat'] as const) {
  test(`B26 items to the last byte of the window are taken, one more is CLOSE FLOW_CONTROL (${name})`, async () => {
    const peer = await HandCaller.open(idle, narrow);
    const quarter = item(call, Buffer.alloc(window / 4 - 12));
    peer.send(request(name), quarter, quarter, quarter, quarter);
    assert.equal(await peer.frames(), []);
    peer.send(item(call, ''));
    await peer.expectClose('FLOW_CONTROL');
    await peer.close();
  });
}

test('B26 a single frame beyond the window is CLOSE FLOW_CONTROL, no matter how fast its handler takes items', async () => {
  const peer = await HandCaller.open({}, narrow);
  peer.send(request('up'), item(call, Buffer.alloc(window)));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

test('B26 exactly the credit of taken items is given back: both sides keep the same account', async () => {
  const got: number[] = [];
  let stream: ItemStream<Buffer> | null = null;
  const peer = await HandCaller.open(
    {
      up: (items) => {
        stream = items;
        return never();
      },
    },
    narrow,
  );
  let left = window;
  const piece = item(call, Buffer.alloc(1_000));
  const send = (count: number): void => {
    left -= count * 1_012;
    peer.send(...Array.from({ length: count }, () => piece));
  };
  const readCredit = async (): Promise<void> => {
    for (const { name, payload } of await peer.frames()) {
      assert.is(name, 'CREDIT');
      left += payload.readUInt32LE(0);
      got.push(payload.readUInt32LE(0));
    }
  };
  peer.send(request('up'));
  for (let round = 0; round < 50; round++) {
    send(Math.floor(left / 1_012));
    await readCredit();
    assert.ok(left < 1_012, `round ${round}: ${left} left without an item taken`);
    for (let taken = 0; taken < 40; taken++) await (stream as ItemStream<Buffer> | null)?.next();
    await readCredit();
    assert.ok(left <= window);
  }
  assert.ok(
    got.every((bytes) => bytes >= window / 4),
    'credit comes in portions',
  );
  // The sender's account is right to the byte.
  peer.send(item(call, Buffer.alloc(left - 12)));
  await readCredit();
  peer.send(item(call, ''));
  await peer.expectClose('FLOW_CONTROL');
  await peer.close();
});

test('B26 an item longer than the window arrives, since the credit of its first part is given back', async () => {
  const peer = await HandCaller.open({}, narrow);
  const whole = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 251));
  peer.send(request('up'));
  let left = window;
  for (let at = 0; at < whole.length; ) {
    const size = Math.min(16_384, left - 12, whole.length - at);
    assert.ok(size > 0, 'credit must come while an item is incomplete');
    const last = at + size === whole.length;
    peer.send(item(call, whole.subarray(at, at + size), last ? 0 : flags.MORE));
    at += size;
    left -= size + 12;
    if (left < 16_396) for (const { payload } of await peer.frames()) left += payload.readUInt32LE(0);
  }
  peer.send(end(call));
  const parts = (await peer.answers()).filter(({ name }) => name === 'RESPONSE').map(({ payload }) => payload);
  assert.ok(whole.equals(Buffer.concat(parts)));
  await peer.close();
});

test('B26 an item longer than the window arrives after others once those are taken', async () => {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const peer = await HandCaller.open(
    {
      up: async (items) => {
        await opened;
        let bytes = 0;
        for await (const one of items) bytes += one.length;
        return Buffer.from(String(bytes));
      },
    },
    narrow,
  );
  peer.send(request('up'), item(call, 'one'), item(call, 'two'));
  let left = window - 2 * 15;
  let unsent = 300_000;
  const part = 10_000;
  const sendOn = (): void => {
    for (; left >= part + 12 && unsent > part; unsent -= part) {
      peer.send(item(call, Buffer.alloc(part), flags.MORE));
      left -= part + 12;
    }
  };
  sendOn();
  assert.equal(await peer.answers(), []);
  open();
  for (let rounds = 0; unsent > part; rounds++) {
    assert.ok(rounds < 50, `${unsent} bytes are left, ${left} of credit`);
    for (const { name, payload } of await peer.frames()) if (name === 'CREDIT') left += payload.readUInt32LE(0);
    sendOn();
  }
  peer.send(item(call, Buffer.alloc(unsent)), end(call));
  const answer = (await peer.answers()).find(({ name }) => name === 'RESPONSE');
  assert.is(answer?.payload.toString(), '300006');
  await peer.close();
});

test('an item beyond messageBytesMax fails that call, and the rest of it is dropped', async () => {
  const peer = await HandCaller.open({ chat: idle.chat as never }, { limits: { messageBytesMax: 65_536 } });
  const part = item(call, Buffer.alloc(30_000), flags.MORE);
  peer.send(request('chat'), part, part, part);
  const failure = await peer.expectFailure(call, 'RESOURCE_EXHAUSTED', 'YES');
  assert.match(failure.text, /messageBytesMax is 65536/);
  peer.send(item(call, 'the rest'), end(call));
  assert.equal(await peer.answers(), []);
  await peer.expectAlive();
  await peer.close();
});

for (const [what, name, fields, code] of [
  ['MORE', 'up', { flags: flags.MORE }, 'FLAGS'],
  ['COMPRESSED', 'chat', { flags: flags.COMPRESSED }, 'FLAGS'],
] as const) {
  test(
    `a REQUEST of a caller's stream with ${what} is CLOSE ${code}`,
    closes(code, request(name as StreamName, 0, 1, fields)),
  );
}
test(
  "a body on the REQUEST of a caller's stream fails that call",
  fails('INVALID_ARGUMENT', 'NO', request('up', 0, 1, { payload: 'x' })),
);
test(
  'flags on a frame that continues an item are CLOSE FLAGS',
  closes('FLAGS', request('up'), item(call, 'a', flags.MORE), item(call, 'b', flags.COMPRESSED)),
);
test('METADATA on an item is CLOSE FLAGS', closes('FLAGS', request('up'), item(call, u32(0), flags.METADATA)));
test('an item compressed with a codec that was not offered fails that call once it is taken', async () => {
  const peer = await HandCaller.open();
  peer.send(request('up'), item(call, 'ab', flags.COMPRESSED));
  await peer.expectFailure(call, 'INVALID_ARGUMENT', 'YES');
  await peer.expectAlive();
  await peer.close();
});
test(
  'an item of another opener is CLOSE CALL_NUMBER',
  closes('CALL_NUMBER', request('up'), item(callNumber(0, 1, 'acceptor'))),
);
test(
  'a stream whose deadline has passed starts no handler',
  fails('DEADLINE_EXCEEDED', 'NO', frame('REQUEST', { call, method: 2, flags: flags.DEADLINE, payload: u32(0) })),
);

test('bytes of items that were refused, cancelled or never read no longer count for the connection', async () => {
  const peer = await HandCaller.open(idle, { limits: { assemblyBytesMax: 1_200 } });
  for (let generation = 1; generation <= 5; generation++) {
    const number = callNumber(0, generation);
    const part = item(number, Buffer.alloc(800), flags.MORE);
    peer.send(request('up', 0, generation), part, part);
    await peer.expectFailure(number, 'RESOURCE_EXHAUSTED', 'YES');
  }
  const long = callNumber(1);
  peer.send(
    request('up', 1),
    item(long, Buffer.alloc(600), flags.MORE),
    item(long, Buffer.alloc(500), flags.MORE),
    cancel(long),
  );
  await peer.expectFailure(long, 'CANCELLED', 'YES');
  await peer.close();
});

test.run();
