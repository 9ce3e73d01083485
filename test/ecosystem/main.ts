/**
 * What surrounds this package, tried with the tools themselves: `node .build/test/ecosystem/main.js STEP`. The tools are installed under
 * `.build`; where npm's registry cannot be reached, the step is skipped. The last line is `N passed, N failed`.
 */
import { bundles } from './bundles.js';
import { install } from './cases.js';
import { compilers } from './compilers.js';
import { runners } from './runners.js';

const steps = { bundles, runners, compilers };
const name = process.argv[2] ?? '';
const step = Object.entries(steps).find(([each]) => each === name)?.[1];
if (step === undefined) throw new Error(`there is no step ${name}: the steps are ${Object.keys(steps).join(', ')}`);

let passed = 0;
let failed = 0;
if (await install(step)) {
  for (const each of await step.cases()) {
    if (each.skipped !== undefined) {
      console.log(`skipped: ${each.name}: ${each.skipped}`);
      continue;
    }
    const from = Date.now();
    try {
      await each.run();
      passed++;
      console.log(`ok    ${each.name} (${Math.round((Date.now() - from) / 1000)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${each.name}\n${String(error)}`);
    }
  }
} else {
  console.log(`skipped: all ${name}: the registry of npm cannot be reached`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
