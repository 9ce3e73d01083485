/** The messages of etcd's `/v3/watch` for a range of keys. */
import { RpcError } from '../../base/errors.js';
import { type EtcdClient, record } from './client.js';
import { type EtcdKey, keyOf } from './roster.js';

export interface KeyChange extends EtcdKey {
  readonly deleted: boolean;
}

/**
 * Watches from a revision on. `onChanges` is called with no changes when etcd has created the watch, then with the changes in order.
 * Resolves when etcd ends the watch without an error: the answer ended, or the revision is gone because the history was compacted, and the
 * keys have to be read again. Rejects with an `RpcError`.
 */
export async function watch(
  client: EtcdClient,
  keys: { readonly key: string; readonly range_end: string },
  fromRevision: number,
  onChanges: (changes: readonly KeyChange[]) => void,
  control: AbortController,
): Promise<void> {
  let compacted = false;
  const onMessage = (message: unknown): void => {
    const { created, canceled, compact_revision, cancel_reason, events } = record(record(message)['result']);
    if (canceled === true) {
      compacted = compact_revision !== undefined;
      if (compacted) control.abort(ended);
      else throw new RpcError('UNAVAILABLE', `etcd ${client.base} ended the watch: ${JSON.stringify(cancel_reason)}`);
    } else if (created === true) onChanges([]);
    if (Array.isArray(events) && !compacted) onChanges(events.map(changeOf).filter(({ key }) => key !== ''));
  };
  const request = { create_request: { ...keys, start_revision: String(fromRevision) } };
  try {
    await client.stream('/v3/watch', request, onMessage, control);
  } catch (error) {
    if (!compacted) throw error;
  }
}

const ended = new RpcError('CANCELLED', 'the watch ended');

function changeOf(event: unknown): KeyChange {
  const { type, kv } = record(event);
  return { ...keyOf(kv), deleted: type === 'DELETE' };
}
