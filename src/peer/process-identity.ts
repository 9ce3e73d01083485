/** What all connections of one process share and its peers can see: the name it gives itself, and the schemas it has learned. */
import { randomBytes } from 'node:crypto';
import { SchemaCache } from '../connection/methods/schema-exchange.js';

export class ProcessIdentity {
  /** Schemas that peers sent, by fingerprint. */
  readonly schemas: SchemaCache = new SchemaCache();

  constructor(
    /** 16 bytes, in every HELLO that it sends. */
    readonly instance: Buffer,
  ) {}
}

export const thisProcess: ProcessIdentity = new ProcessIdentity(randomBytes(16));
