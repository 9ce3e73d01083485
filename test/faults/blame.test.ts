/**
 * Where the time of a call went, with a server in a process of its own: a handler that sleeps, a busy event loop on either side, a
 * delayed network. Each takes far longer than anything else, so that the test does not depend on the machine.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CallLedger, type Client, connect } from '../../src/index.js';
import { withProcess } from '../support/process.js';
import { FaultProxy } from '../support/proxy.js';
import { Notes, sleep } from '../support/rpc.js';
import { onlyIn } from '../support/runtime.js';

const inNode = onlyIn(test, ['node'], 'Bun and Deno do not count how long the event loop slept');

const parts = [
  'waitingUs',
  'encodingUs',
  'socketUs',
  'networkUs',
  'peerWaitingUs',
  'peerHandlerUs',
  'peerEncodingUs',
  'lateUs',
  'decodingUs',
] as const;

type Part = (typeof parts)[number];

const CAUSE_MS = 300;

/** The call takes at least most of CAUSE_MS, and that part more than all others together. */
function assertBlamed(ledger: CallLedger, part: Part, measuredMs: number): void {
  const text = JSON.stringify(ledger);
  let sumUs = 0;
  for (const name of parts) sumUs += ledger[name];
  assert.is(sumUs, ledger.totalUs, text);
  const off = Math.abs(measuredMs * 1_000 - sumUs);
  assert.ok(off <= Math.max(0.05 * measuredMs * 1_000, 50), `${measuredMs} ms measured: ${text}`);
  assert.ok(ledger[part] > (CAUSE_MS * 1_000) / 2, `${part}: ${text}`);
  assert.ok(ledger[part] > sumUs / 2, `${part}: ${text}`);
}

/** One measured call of a warm connection; `during` happens while it is under way. */
async function measure(notes: Client<typeof Notes>, id: number, during?: () => unknown): Promise<[CallLedger, number]> {
  for (let call = 0; call < 5; call++) await notes.echo.detailed({ id: 0, text: '' }, { ledger: true });
  const before = performance.now();
  const pending = notes.echo.detailed({ id, text: '' }, { ledger: true }).then((result) => ({
    result,
    ms: performance.now() - before,
  }));
  await during?.();
  const { result, ms } = await pending;
  return [result.ledger as CallLedger, ms];
}

function busy(ms: number): void {
  for (const start = performance.now(); performance.now() - start < ms; );
}

inNode('each cause of a slow call is attributed to its part, and the parts add up to the measured total', () =>
  withProcess(new URL('../rpc/ledger-process.js', import.meta.url), {}, async (child) => {
    const { port } = child.ready as { readonly port: number };
    const proxy = await FaultProxy.start(port);
    const channel = connect(`tcp://127.0.0.1:${proxy.port}`);
    const notes = channel.client(Notes);
    await channel.ready();
    const direct = connect(`tcp://127.0.0.1:${port}`);

    const [handler, handlerMs] = await measure(notes, CAUSE_MS);
    assertBlamed(handler, 'peerHandlerUs', handlerMs);

    // The proxy lives in this process: what it delays is its own, and no loop is busy.
    proxy.delay(CAUSE_MS / 2);
    const [network, networkMs] = await measure(notes, 0);
    assertBlamed(network, 'networkUs', networkMs);
    proxy.delay(0);

    // The peer's loop is busy when the request comes.
    const directNotes = direct.client(Notes);
    await measure(directNotes, 0);
    await directNotes.hit({ id: 2 * CAUSE_MS, text: '' });
    await sleep(100);
    const before = performance.now();
    const { ledger: peer } = await directNotes.echo.detailed({ id: 0, text: '' }, { ledger: true });
    assertBlamed(peer as CallLedger, 'peerWaitingUs', performance.now() - before);

    // This loop is busy when the answer comes.
    const [late, lateMs] = await measure(directNotes, 30, async () => {
      await sleep(5);
      busy(CAUSE_MS);
    });
    assertBlamed(late, 'lateUs', lateMs);

    // This loop is busy before the request leaves.
    const [unsent, unsentMs] = await measure(directNotes, 0, () => busy(CAUSE_MS));
    assertBlamed(unsent, 'socketUs', unsentMs);

    await channel.close();
    await direct.close();
    proxy.close();
  }),
);

test.run();
