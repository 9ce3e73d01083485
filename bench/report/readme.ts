/**
 * The figures in the documents, README.md and docs/performance.md: what stands between `<!-- figures:NAME -->` and `<!-- /figures -->` is
 * written by the report from the raw results and by nobody else, so that both always agree. A part without results keeps what stands there.
 */
import { markdownChart, type Section } from './section.js';

/** The part of the front page: the first chart of the first section. */
const FRONT = 'front';

const PART = /(<!-- figures:([a-z]+) -->\n)(.*?)(<!-- \/figures -->)/gs;

/** The names of the parts in a text, in their order. */
export function partsIn(text: string): string[] {
  return [...text.matchAll(PART)].map((match) => match[2] as string);
}

/** `toRoot` leads from the document's folder to the project's: empty, or `../`. Links in sections are those of a document at the root. */
export function withFigures(text: string, sections: readonly Section[], toRoot = ''): string {
  return text.replace(PART, (whole, open: string, name: string, _old: string, close: string) => {
    const [first] = sections.flatMap(({ charts }) => charts);
    const front = first === undefined ? undefined : markdownChart(first);
    const markdown = name === FRONT ? front : sections.find(({ id }) => id === name)?.readme;
    if (markdown === undefined) return whole;
    return `${open}\n${folded(markdown.replaceAll('](bench/', `](${toRoot}bench/`))}\n\n${close}`;
  });
}

const LINE_MAX = 130;

/** Paragraphs in lines of the documents' length; tables, pictures and lists are left as they are. */
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
