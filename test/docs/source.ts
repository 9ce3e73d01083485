/** What the source says that the documents have to say too: options by interface, texts of errors. */
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/root.js';
import { readTree } from '../tidy/file-tree.js';

export const sources: ReadonlyMap<string, string> = readTree(fileURLToPath(projectRoot), ['src'], ['.ts']);

export interface OptionTable {
  readonly name: string;
  readonly options: readonly string[];
  /** Interfaces that it extends. */
  readonly extended: readonly string[];
  /** Where it is declared. */
  readonly path: string;
}

const DECLARATION = /^(?:export )?interface (\w+)(?:<[^{]*?>)?(?: extends ([^{]*?))? \{\n(.*?)^\}/gms;

/** All interfaces, by name. */
export function interfaces(): Map<string, OptionTable> {
  const found = new Map<string, OptionTable>();
  for (const [path, text] of sources) {
    for (const [, name, extended = '', body] of text.matchAll(DECLARATION)) {
      const options = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, option]) => option);
      const names = [...extended.replace(/<(?:\w+, )*(\w+)>/g, ' $1').matchAll(/\w+/g)].map(([word]) => word);
      found.set(name, { name, options, extended: names, path });
    }
  }
  return found;
}

/** Options that an application may give: what the entry points export by such a name, and what that extends. */
export function publicOptions(): Map<string, OptionTable> {
  const all = interfaces();
  const chosen = new Map<string, OptionTable>();
  const choose = (name: string): void => {
    const table = all.get(name);
    if (table === undefined || chosen.has(name)) return;
    // What it extends and is no set of options, such as the interface of a method's parts, has its own table in another place.
    chosen.set(name, table);
    table.extended.forEach(choose);
  };
  for (const path of ['src/index.ts', 'src/testing/index.ts']) {
    const exported = [...(sources.get(path) ?? '').matchAll(/\b(\w*Options|Endpoint|PathConditions)\b/g)];
    for (const [name] of exported) choose(name);
  }
  choose('MethodOptions');
  return chosen;
}

/** Every text in quotes of the source; … stands for what a template puts in. */
export function textsOfSource(): string[] {
  const texts: string[] = [];
  for (const text of sources.values()) {
    const code = text.replace(/^ *(?:\/\/|\*|\/\*).*$/gm, '');
    for (const [, single, double, template] of code.matchAll(
      /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g,
    )) {
      texts.push((single ?? double ?? withoutExpressions(template)).replace(/\\(.)/g, '$1'));
    }
  }
  return texts;
}

/** Expressions may hold braces, but no backticks: those end the text too early, and its rest is a text of its own. */
function withoutExpressions(template: string): string {
  let text = '';
  let depth = 0;
  for (let at = 0; at < template.length; at++) {
    if (template.startsWith('${', at)) {
      if (depth++ === 0) text += '…';
      at++;
    } else if (depth > 0) depth += template[at] === '{' ? 1 : template[at] === '}' ? -1 : 0;
    else text += template[at];
  }
  return text;
}
