/** The script that `process.test.ts` starts: repeats messages, and goes wrong when told to. */
import { tellReady } from './child.js';

const args = process.argv.slice(2);
const held: Buffer[] = [];

process.on('message', (message: { readonly hold?: number }) => {
  if (message.hold !== undefined) held.push(Buffer.alloc(message.hold, 1));
  process.send?.(message);
});
if (args.includes('--goodbye')) {
  process.on('SIGTERM', () => {
    process.stdout.write('goodbye\n', () => process.exit(7));
  });
}
if (args.includes('--crash')) throw new Error('crashed on purpose');
if (!args.includes('--hang')) tellReady({ args, nodeArgs: process.execArgv, extra: process.env['ECHO_EXTRA'] });
