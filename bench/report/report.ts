/** All files of the report and the figures of the documents, made from raw results: the same results give the same bytes. */
import { page } from './page.js';
import { withFigures } from './readme.js';
import { type Results, resultNames } from './results-files.js';
import type { Section } from './section.js';
import { latencySection } from './sections/latency.js';
import { rivalSections } from './sections/rivals.js';
import { scalingSection } from './sections/scaling.js';
import { tableSections } from './sections/tables.js';

/** A document that shows figures. */
export interface FiguresDocument {
  readonly text: string;
  /** From its folder to the project's: empty, or `../`. */
  readonly toRoot: string;
}

export interface Report {
  /** By name, for the folder of the results. */
  readonly files: ReadonlyMap<string, string>;
  /** The texts of the documents, in the order in which they were given. */
  readonly documents: readonly string[];
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

/** `documents`: README and docs/performance.md as they are. */
export function reportOf(results: Results, documents: readonly FiguresDocument[]): Report {
  const sections = sectionsOf(results);
  const missing = resultNames.filter((name) => results[name] === null);
  const files = new Map([['index.html', page(sections, missing)]]);
  for (const { charts } of sections) {
    for (const { file, svg } of charts) files.set(file, svg);
  }
  return { files, documents: documents.map(({ text, toRoot }) => withFigures(text, sections, toRoot)), missing };
}
