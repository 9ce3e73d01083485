/**
 * The figures in README.md: what stands between `<!-- figures:NAME -->` and `<!-- /figures -->` is written by the report from the raw results
 * and by nobody else, so that both always agree. A part without results keeps what stands there.
 */
import type { Section } from './section.js';

const PART = /(<!-- figures:([a-z]+) -->\n)(.*?)(<!-- \/figures -->)/gs;

/** The names of the parts in a text, in their order. */
export function partsIn(text: string): string[] {
  return [...text.matchAll(PART)].map((match) => match[2] as string);
}

export function withFigures(text: string, sections: readonly Section[]): string {
  return text.replace(PART, (whole, open: string, name: string, _old: string, close: string) => {
    const section = sections.find(({ id }) => id === name);
    return section === undefined ? whole : `${open}\n${section.readme}\n\n${close}`;
  });
}
