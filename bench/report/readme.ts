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
    return section === undefined ? whole : `${open}\n${folded(section.readme)}\n\n${close}`;
  });
}

const LINE_MAX = 130;

/** Paragraphs in lines of README's length; tables, pictures and lists are left as they are. */
function folded(markdown: string): string {
  const blocks = markdown.split('\n\n').map((block) => (/^[|!-]/.test(block) ? block : foldedParagraph(block)));
  return blocks.join('\n\n');
}

function foldedParagraph(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE_MAX) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
