/** Every session of `spec/vectors`, spoken with a live connection on each side that it tests, in large and in tiny chunks. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gzip } from '../../src/compression/gzip.js';
import { loadLz4 } from '../../src/compression/lz4.js';
import { projectRoot } from '../support/root.js';
import { runSession } from '../support/session-runner.js';
import type { SessionFile, SideView } from '../support/vectors/view.js';

/** Sessions that fail for now, with the reason; one that passes is an error, so that the list is kept short. */
const known: ReadonlyMap<string, string> = new Map();
/** Whole steps, and every byte by itself. */
const chunkings = [Number.POSITIVE_INFINITY, 1];

const folder = new URL('spec/vectors/sessions/', projectRoot);
const sessions = readdirSync(folder).map(
  (name) =>
    [name.replace('.json', ''), JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as SessionFile] as const,
);

async function speak(session: SessionFile, side: SideView): Promise<void> {
  const compressors = [await loadLz4(), gzip];
  for (const chunkBytes of chunkings) await runSession(session, side, compressors, chunkBytes);
}

async function assertFails(run: () => Promise<void>): Promise<void> {
  let failed = false;
  try {
    await run();
  } catch {
    failed = true;
  }
  assert.ok(failed, 'it passes: take it off the list of what is known to fail');
}

for (const [name, session] of sessions) {
  const faults = session.faults?.length ? `${session.faults.join(' ')} ` : '';
  const reason = known.get(name);
  for (const side of session.tests) {
    const title = `${faults}session ${name}, as the ${side}: ${session.description}`;
    if (reason === undefined) test(title, () => speak(session, side));
    else test(`${title} (known to fail: ${reason})`, () => assertFails(() => speak(session, side)));
  }
}

test.run();
