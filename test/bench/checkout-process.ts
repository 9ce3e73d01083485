/** Checks a commit out until it is told to end, as the bench would be by a signal. Started by `guard-checkouts.test.ts`. */
import { checkOut } from '../../bench/guard/checkouts.js';
import { tellReady } from '../support/child.js';

const [root = '', commit = ''] = process.argv.slice(2);
process.once('SIGTERM', () => process.exit(143));
checkOut(root, commit).catch((error: unknown) => console.error(error));
tellReady('checking out');
