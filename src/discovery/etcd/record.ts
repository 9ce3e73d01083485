/**
 * What a server writes into etcd, and how a range of keys is asked for: `spec/discovery.md`. What is read is not trusted.
 */
import { RpcError } from '../../base/errors.js';
import { formatAddress, parseAddress } from '../resolver/address.js';
import { type Endpoint, isWeight } from '../resolver/resolver.js';
import { record } from './client.js';

/** Longest value of a key that is read. */
export const VALUE_BYTES_MAX = 4_096;

/** The value of a server's key. */
export function formatRecord({ address, weight, priority, serverName }: Endpoint): string {
  return JSON.stringify({ address, weight, priority, serverName });
}

/** Throws an `RpcError` (INVALID_ARGUMENT) that says what is wrong with the value. */
export function parseRecord(base64: string): Endpoint {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > VALUE_BYTES_MAX) throw bad(`it has ${bytes.length} bytes, more than ${VALUE_BYTES_MAX}`);
  let value: Record<string, unknown>;
  try {
    value = record(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw bad('it is no JSON');
  }
  const { address, weight, priority, serverName } = value;
  if (typeof address !== 'string') throw bad('it has no address');
  if (weight !== undefined && !isWeight(weight)) throw bad('its weight is not a number from 0.0001 to 1,000,000');
  if (priority !== undefined && !(typeof priority === 'number' && Number.isSafeInteger(priority))) {
    throw bad('its priority is no whole number');
  }
  if (serverName !== undefined && !(typeof serverName === 'string' && /^[\w.-]{1,253}$/.test(serverName))) {
    throw bad('its serverName is no host name');
  }
  return {
    address: formatAddress(parseAddress(address)),
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority: priority }),
    ...(serverName === undefined ? {} : { serverName: serverName }),
  };
}

/** The keys of the servers below a prefix, with or without a slash at its end: what begins with `prefix/`. */
export function keysBelow(prefix: string): { readonly key: string; readonly range_end: string } {
  const base = prefix.replace(/\/$/, '');
  return { key: base64(`${base}/`), range_end: base64(`${base}0`) };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function bad(why: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', why);
}
