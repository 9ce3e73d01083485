/** The certificates of `test/data/tls`, in the form in which node:tls takes them. What each is: the README there. */
import { readFileSync } from 'node:fs';
import { projectRoot } from './root.js';

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

function read(file: string): string {
  return readFileSync(new URL(`test/data/tls/${file}`, projectRoot), 'utf8');
}

function pair(name: string): KeyPair {
  return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
}

/** The authority to trust. */
export const ca: string = read('ca.pem');
/** An authority that signed only `serverOtherCa` and `clientOtherCa`. */
export const otherCa: string = read('other-ca.pem');

/** For localhost, 127.0.0.1 and ::1. */
export const server: KeyPair = pair('server');
/** For elsewhere.invalid. */
export const serverWrongName: KeyPair = pair('server-wrong-name');
/** Expired at the end of 2020. */
export const serverExpired: KeyPair = pair('server-expired');
export const serverOtherCa: KeyPair = pair('server-other-ca');

/** Common name `trunkline-test-client`. */
export const client: KeyPair = pair('client');
export const clientOtherCa: KeyPair = pair('client-other-ca');
