/**
 * How to test a program on a simulated network: the real client and server, in one process, with virtual time and faults. Here it is
 * a buyer that orders again only what provably was not taken, and the claim is that no order is ever taken twice.
 *
 * What a seed did once, it does again: a run that fails is repeated by its seed alone.
 */
import assert from 'node:assert/strict';
import { connect, defineService, RpcError, Server, unary } from 'trunkline';
import { SimulatedNetwork } from 'trunkline/testing';

const Shop = defineService('demo.Shop', { order: unary({ request: 'long', response: 'string' }) });

/** What is to be tested. It gets its clock from outside. */
async function buy(shop, clock, id) {
  for (let attempt = 1; attempt <= 5; attempt++) {
    try {
      return await shop.order(id, { deadlineMs: 400 });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.started !== 'no') return 'nobody knows';
      await clock.sleep(100 * attempt);
    }
  }
  return 'not ordered';
}

async function simulate(seed) {
  const network = new SimulatedNetwork({ seed, latencyMs: 5, jitterMs: 40, pieceBytesMax: 50 });
  const { clock, random } = network;

  const taken = new Map();
  const server = new Server(network.options('shop')).add(Shop, {
    async order(id) {
      await clock.sleep(random.below(100));
      taken.set(id, (taken.get(id) ?? 0) + 1);
      return `order ${id}`;
    },
  });
  network.listen('shop', server);
  const channel = connect('tcp://shop:50051', network.options('buyer'));
  const shop = channel.client(Shop);

  const buyers = [];
  for (let id = 0; id < 20; id++) {
    buyers.push(buy(shop, clock, id));
    if (random.oneIn(6)) network.reset('buyer', 'shop');
    if (random.oneIn(6)) network.partition('buyer', 'shop', random.pick(['both', 'forth', 'back']));
    if (random.oneIn(3)) network.heal();
    await network.advance(random.below(200));
  }
  const outcomes = await network.run(Promise.all(buyers));

  network.heal();
  await network.run(Promise.all([channel.close(), server.drain()]));
  for (const [id, outcome] of outcomes.entries()) {
    const times = taken.get(id) ?? 0;
    if (outcome === `order ${id}`) assert.equal(times, 1, `seed ${seed}: order ${id}`);
    else if (outcome === 'not ordered') assert.equal(times, 0, `seed ${seed}: order ${id}`);
    else assert.ok(times <= 1, `seed ${seed}: order ${id} was taken ${times} times`);
  }
  assert.equal(network.openSockets, 0);
  return { hash: network.traceHash(), outcomes };
}

const seen = new Set();
for (let seed = 1; seed <= 50; seed++) {
  const { outcomes } = await simulate(seed);
  for (const outcome of outcomes) seen.add(outcome.replace(/ \d+$/, ''));
}
console.log(`50 seeds: no order was taken twice. Seen: ${[...seen].sort((a, b) => a.localeCompare(b)).join(', ')}`);

const [first, again] = [await simulate(7), await simulate(7)];
console.log(`seed 7 takes the same way each time: ${first.hash === again.hash}`);
