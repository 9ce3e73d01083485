/** What a target means, and the endpoints that are known from the start. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Endpoint, type Resolver, RpcError, resolverFor, StaticList } from '../../src/index.js';
import { VirtualClock } from '../support/clock.js';

function endpointsOf(resolver: Resolver): readonly Endpoint[] {
  let endpoints: readonly Endpoint[] = [];
  resolver.start({
    clock: new VirtualClock(),
    random: () => 0.5,
    onEndpoints: (given) => {
      endpoints = given;
    },
    onError: (error) => {
      throw error;
    },
  });
  resolver.stop();
  return endpoints;
}

function addressesOf(target: string | readonly string[]): string[] {
  return endpointsOf(resolverFor(target)).map(({ address }) => address);
}

function refusal(make: () => unknown): RpcError {
  try {
    make();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('expected an RpcError');
}

test('one address is a list of one, in one form', () => {
  assert.equal(addressesOf('tcp://a:1'), ['tcp://a:1']);
  assert.equal(addressesOf('tls://a.example:443/'), ['tls://a.example:443']);
  assert.equal(addressesOf('tcp://[::1]:7'), ['tcp://[::1]:7']);
  assert.equal(addressesOf('unix:///run/a,b'), ['unix:/run/a,b']);
});

test('several addresses stand in an array or with commas between them', () => {
  assert.equal(addressesOf('tcp://a:1,b:2,tls://c:3,d:4'), ['tcp://a:1', 'tcp://b:2', 'tls://c:3', 'tls://d:4']);
  assert.equal(addressesOf(['tcp://a:1', 'unix:/run/a,b']), ['tcp://a:1', 'unix:/run/a,b']);
  assert.equal(addressesOf(['tcp://a:1,b:2', 'tcp://a:1']), ['tcp://a:1', 'tcp://b:2']);
});

test('an invalid target is INVALID_ARGUMENT and says why', () => {
  for (const target of ['', 'a:1', 'tcp://a', 'tcp://a:0', 'tcp://a:65536', 'tcp://a:1,', 'http://a:1', []]) {
    const { code, message } = refusal(() => resolverFor(target));
    assert.is(code, 'INVALID_ARGUMENT', String(target));
    assert.match(message, /tcp:\/\/host:port|at least one address/);
  }
});

test('names of the DNS are targets too', () => {
  for (const target of [
    'dns://cities:7',
    'dns+tls://cities:7',
    'dns+srv://_rpc._tcp.cities',
    'dns+srv+tls://_rpc._tcp.cities',
  ]) {
    assert.is(resolverFor(target).name, target);
  }
  for (const target of [
    'dns://cities',
    'dns://a:1,b:2',
    'dns+srv://',
    'dns+srv://_rpc._tcp.cities:7',
    'dns+tcp://a:1',
  ]) {
    assert.is(refusal(() => resolverFor(target)).code, 'INVALID_ARGUMENT', target);
  }
});

test('a static list keeps weight, priority and name of its endpoints', () => {
  const given = { address: 'tls://b:2', weight: 2, priority: 1, serverName: 'b.example' };
  assert.equal(endpointsOf(new StaticList(['tcp://a:1', given])), [{ address: 'tcp://a:1' }, given]);
  for (const weight of [0, -1, Number.NaN, Infinity]) {
    assert.is(refusal(() => new StaticList([{ address: 'tcp://a:1', weight }])).code, 'INVALID_ARGUMENT');
  }
});

test('a resolver passes as it is, and serves one channel only', () => {
  const list = new StaticList(['tcp://a:1']);
  assert.is(resolverFor(list), list);
  assert.is(list.name, 'tcp://a:1');
  endpointsOf(list);
  assert.is(refusal(() => endpointsOf(list)).code, 'FAILED_PRECONDITION');
});

test.run();
