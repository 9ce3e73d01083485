/** The three kinds of streams: items from the server, items to the server, and both at once. */
import { clientStream, connect, defineService, duplex, RpcError, Server, schema, serverStream } from 'trunkline';

const Reading = schema({
  type: 'record',
  name: 'demo.Reading',
  fields: [
    { name: 'second', type: 'int' },
    { name: 'celsius', type: 'double' },
  ],
});
const Meter = defineService('demo.Meter', {
  history: serverStream({ request: 'int', response: Reading }),
  upload: clientStream({ request: Reading, response: 'double' }),
  smooth: duplex({ request: Reading, response: Reading }),
});

const server = new Server();
server.add(Meter, {
  // A generator runs while the client reads, and at most a window ahead. When the client leaves, its `finally` runs.
  *history(seconds) {
    try {
      for (let second = 0; second < seconds; second++) {
        if (second === 100_000) throw new RpcError('OUT_OF_RANGE', 'no more than 100,000 seconds are kept');
        yield { second, celsius: 20 + Math.sin(second) };
      }
    } finally {
      console.log('server: history ends');
    }
  },
  async upload(readings) {
    let sum = 0;
    let count = 0;
    // `batches()` gives all items that are here: cheaper than one by one.
    for await (const batch of readings.batches()) {
      for (const { celsius } of batch) sum += celsius;
      count += batch.length;
    }
    return sum / count;
  },
  async *smooth(readings, context) {
    let last = Number.NaN;
    for await (const { second, celsius } of readings) {
      last = Number.isNaN(last) ? celsius : (last + celsius) / 2;
      yield { second, celsius: last };
    }
    context.responseMetadata = { method: 'halves' };
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });
const channel = connect(`tcp://127.0.0.1:${port}`);
const meter = channel.client(Meter);

// Leaving the loop cancels the call.
for await (const { second, celsius } of meter.history(100_000_000)) {
  if (second === 2) {
    console.log(`history: ${celsius.toFixed(2)} degrees after ${second} seconds`);
    break;
  }
}

// An error comes behind the items that were given before it.
let seen = 0;
try {
  for await (const _ of meter.history(200_000)) seen++;
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(`history: ${error.code} behind ${seen} items`);
}

function* readings(count) {
  for (let second = 0; second < count; second++) yield { second, celsius: second % 2 };
}
console.log(`upload: ${await meter.upload(readings(10_000))} degrees on average`);

const smooth = meter.smooth(readings(4), { deadlineMs: 5_000 });
for await (const { second, celsius } of smooth) console.log(`smooth: ${second} ${celsius}`);
console.log(`smooth: method ${smooth.metadata?.method}`);

await channel.close();
await server.drain();
