/** From what `connect` is given to the resolver that finds the endpoints. */
import type { Resolver } from './resolver.js';
import { StaticList } from './static-list.js';

/**
 * The resolver for a target: one address (`tcp://host:port`, `tls://host:port`, `unix:/path`), several in an array or with commas
 * between them (`tcp://a:1,b:2`; what names no scheme has that of the one before), or a resolver itself. A path may hold commas:
 * unix sockets are listed in an array. Throws an `RpcError` (INVALID_ARGUMENT) that shows the accepted forms.
 */
export function resolverFor(target: string | readonly string[] | Resolver): Resolver {
  if (typeof target === 'string') return new StaticList(split(target));
  if (isList(target)) return new StaticList(target.flatMap(split));
  return target;
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
