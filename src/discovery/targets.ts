/** From what `connect` and `server.register` are given to the resolver or the registry. */
import { RpcError } from '../base/errors.js';
import { shown } from '../base/options.js';
import { DnsResolver } from './dns/dns.js';
import { SrvResolver } from './dns/srv.js';
import { EtcdRegistry } from './etcd/registry.js';
import { EtcdResolver } from './etcd/resolver.js';
import { type Address, parseAddress } from './resolver/address.js';
import type { Registry } from './resolver/registry.js';
import type { Resolver } from './resolver/resolver.js';
import { StaticList } from './static-list.js';

/**
 * The resolver for a target: one address (`tcp://host:port`, `tls://host:port`, `unix:/path`), several in an array or with commas
 * between them (`tcp://a:1,b:2`; what names no scheme has that of the one before), or a resolver itself. A path may hold commas:
 * unix sockets are listed in an array. `dns://host:port` and `dns+tls://host:port` are all addresses of a host,
 * `dns+srv://_service._tcp.name` and `dns+srv+tls://...` what SRV records name, `etcd://host:2379,host2:2379/prefix` the servers that are
 * registered there (`etcd+tls://`: asked by https). Throws an `RpcError` (INVALID_ARGUMENT) that shows the
 * accepted forms.
 */
export function resolverFor(target: string | readonly string[] | Resolver): Resolver {
  if (typeof target === 'string') return resolverForText(target);
  if (isList(target)) return new StaticList(Array.from(target, textOf).flatMap(split));
  if (isResolver(target)) return target;
  throw wrongTarget(target);
}

function resolverForText(target: string): Resolver {
  const scheme = /^([a-z+]+):\/\//.exec(target)?.[1] ?? '';
  const rest = target.slice(scheme.length + '://'.length);
  switch (scheme) {
    case 'dns':
    case 'dns+tls': {
      const { host, port } = hostAndPort(target, rest);
      return new DnsResolver({ host, port, tls: scheme === 'dns+tls' });
    }
    case 'dns+srv':
    case 'dns+srv+tls':
      return new SrvResolver({ name: rest.replace(/\/$/, ''), tls: scheme === 'dns+srv+tls' });
    case 'etcd':
    case 'etcd+tls':
      return new EtcdResolver(etcdOf(target));
    default:
      return new StaticList(split(target));
  }
}

/** Holes of an array are undefined here. */
function textOf(target: unknown): string {
  if (typeof target === 'string') return target;
  throw wrongTarget(target);
}

function isResolver(target: unknown): target is Resolver {
  const methods = ['start', 'refresh', 'stop'];
  return hasMethods(target, methods) && 'name' in target && typeof target.name === 'string';
}

function hasMethods(target: unknown, names: readonly string[]): target is object {
  if (typeof target !== 'object' || target === null) return false;
  return names.every((name) => typeof Reflect.get(target, name) === 'function');
}

/** Shows how what was given is written as a target, if that can be told. */
function wrongTarget(target: unknown): RpcError {
  const forms =
    'tcp://host:port, tls://host:port, unix:/path, dns://host:port or etcd://host:port/prefix, or a resolver';
  const text = `the target is ${shown(target)}, but must be a string such as ${forms}`;
  if (target instanceof URL) return new RpcError('INVALID_ARGUMENT', `${text}: pass its href`);
  if (typeof target !== 'object' || target === null || !('host' in target) || !('port' in target)) {
    return new RpcError('INVALID_ARGUMENT', text);
  }
  return new RpcError('INVALID_ARGUMENT', `${text}: write \`tcp://\${host}:\${port}\``);
}

/** The registry for `etcd://host:2379/prefix`, or the given one. Throws an `RpcError` (INVALID_ARGUMENT) for another form. */
export function registryFor(target: string | Registry): Registry {
  if (typeof target === 'string') return new EtcdRegistry(etcdOf(target));
  if (hasMethods(target, ['register'])) return target;
  const text = `the registry is ${shown(target)}, but must be a string such as etcd://host:2379/prefix, or an object with register`;
  throw new RpcError('INVALID_ARGUMENT', text);
}

function etcdOf(target: string): { readonly endpoints: string[]; readonly prefix: string } {
  const match = /^etcd(\+tls)?:\/\/([^\s/]+)(\/[^\s]*[^\s/])\/?$/.exec(target);
  const [, tls, hosts = '', prefix = ''] = match ?? [];
  const endpoints = hosts.split(',').map((host) => `${tls === undefined ? 'http' : 'https'}://${host}`);
  if (match !== null && endpoints.every((endpoint) => URL.canParse(endpoint))) return { endpoints, prefix };
  const text = `the target ${JSON.stringify(target)} does not have the form etcd://host:2379,host2:2379/prefix`;
  throw new RpcError('INVALID_ARGUMENT', text);
}

function hostAndPort(target: string, rest: string): Extract<Address, { host: string }> {
  try {
    const address = parseAddress(`tcp://${rest}`);
    if (address.kind !== 'unix') return address;
  } catch {
    // What is wrong is said below, of the target as it was given.
  }
  throw new RpcError('INVALID_ARGUMENT', `the target ${JSON.stringify(target)} does not have the form dns://host:port`);
}

function isList(target: readonly string[] | Resolver): target is readonly string[] {
  return Array.isArray(target);
}

function split(text: string): string[] {
  if (text.startsWith('unix:')) return [text];
  let scheme = '';
  return text.split(',').map((part) => {
    const given = /^[a-z+]+:\/\//.exec(part)?.[0];
    scheme = given ?? scheme;
    return given === undefined ? scheme + part : part;
  });
}
