/** All files of the report, made from raw results: the same results give the same bytes. */
import { page } from './page.js';
import { withFigures } from './readme.js';
import { type Results, resultNames } from './results-files.js';
import type { Section } from './section.js';
import { latencySection } from './sections/latency.js';
import { rivalSections } from './sections/rivals.js';
import { scalingSection } from './sections/scaling.js';
import { tableSections } from './sections/tables.js';

export interface Report {
  /** By name, for the folder of the results. */
  readonly files: ReadonlyMap<string, string>;
  readonly readme: string;
  /** Results that are not there. */
  readonly missing: readonly string[];
}

export function sectionsOf(results: Results): Section[] {
  const { rivals, latency, scaling } = results;
  return [
    ...(rivals === null ? [] : rivalSections(rivals)),
    ...(latency === null ? [] : [latencySection(latency)]),
    ...(scaling === null ? [] : [scalingSection(scaling)]),
    ...tableSections(results),
  ];
}

/** `readme`: README as it is. */
export function reportOf(results: Results, readme: string): Report {
  const sections = sectionsOf(results);
  const missing = resultNames.filter((name) => results[name] === null);
  const files = new Map([['index.html', page(sections, missing)]]);
  for (const { charts } of sections) {
    for (const { file, svg } of charts) files.set(file, svg);
  }
  return { files, readme: withFigures(readme, sections), missing };
}
