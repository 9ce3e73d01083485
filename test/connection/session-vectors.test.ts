/** Every session of `spec/vectors`, spoken with a live connection on each side that it tests, in large and in tiny chunks. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gzip } from '../../src/compression/gzip.js';
import { loadLz4 } from '../../src/compression/lz4.js';
import { projectRoot } from '../support/root.js';
import { notSpokenYet as missing } from '../support/session-end.js';
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

const skipped: (readonly [name: string, session: SessionFile])[] = [];
for (const [name, session] of sessions) {
  if (session.needs?.some((need) => missing.has(need))) {
    skipped.push([name, session]);
    continue;
  }
  const faults = session.faults?.length ? `${session.faults.join(' ')} ` : '';
  const reason = known.get(name);
  for (const side of session.tests) {
    const title = `${faults}session ${name}, as the ${side}: ${session.description}`;
    if (reason === undefined) test(title, () => speak(session, side));
    else test(`${title} (known to fail: ${reason})`, () => assertFails(() => speak(session, side)));
  }
}

for (const need of missing) {
  test(`sessions that need ${need} are not all spoken yet`, async () => {
    const waiting = skipped.filter(([, session]) => session.needs?.includes(need));
    console.log(`skipped, need ${need}: ${waiting.map(([name]) => name).join(', ')}`);
    let spoken = 0;
    for (const [, session] of waiting) {
      try {
        for (const side of session.tests) await speak(session, side);
        spoken++;
      } catch {
        // As expected.
      }
    }
    assert.ok(
      waiting.length === 0 || spoken < waiting.length,
      `all are spoken: take ${need} off the list of what is missing`,
    );
  });
}

test.run();
