/**
 * The layers of the C peer, read from the table in its README: a file includes and calls only its own layer and layers below it, and
 * nothing leads back to its start. It reads the sources as text, so it needs no compiler.
 *
 * A module is a header and the `.c` file of the same name. A call counts for the module that defines the function.
 */
import type { FileTree } from '../tidy/file-tree.js';

const folder = 'native/peer/src/';

/** Layer by module. */
export function layersOf(readme: string): Map<string, number> {
  const layers = new Map<string, number>();
  for (const [, layer, modules] of readme.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)) {
    for (const [, module] of (modules ?? '').matchAll(/`(\w+)`/g)) layers.set(module ?? '', Number(layer));
  }
  return layers;
}

const moduleOf = (path: string): string => path.slice(folder.length).replace(/\.[ch]$/, '');

/** Comments and strings blanked. */
const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, ' ');

/** The module that defines each function which others may call. */
function definitions(sources: FileTree): Map<string, string> {
  const found = new Map<string, string>();
  for (const [path, text] of sources) {
    if (!path.endsWith('.c')) continue;
    for (const [, name] of codeOf(text).matchAll(/^(?!static\b)[a-z][\w *]*?\b(\w+)\([^;{]*\) \{/gm)) {
      if (name !== undefined && name !== 'main') found.set(name, moduleOf(path));
    }
  }
  return found;
}

/** What each module takes from others: `includes link.h`, `calls link_send`. */
function edgesOf(sources: FileTree): Map<string, Map<string, string>> {
  const defined = definitions(sources);
  const edges = new Map<string, Map<string, string>>();
  for (const [path, text] of sources) {
    const from = moduleOf(path);
    const targets = edges.get(from) ?? new Map<string, string>();
    edges.set(from, targets);
    for (const [, header] of text.matchAll(/^#include "(\w+)\.h"/gm)) targets.set(header ?? '', `includes ${header}.h`);
    // Indented lines, and functions of one line: what remains at the margin declares.
    const bodies = codeOf(text).replace(/^[^\s{][^{\n]*(?:;|\) \{|,)$/gm, '');
    for (const [, name] of bodies.matchAll(/\b(\w+)\(/g)) {
      const target = defined.get(name ?? '');
      if (target !== undefined && !targets.has(target)) targets.set(target, `calls ${name}`);
    }
    targets.delete(from);
  }
  return edges;
}

/** The modules on a way from one back to itself, or null. */
function circleOf(edges: ReadonlyMap<string, ReadonlyMap<string, string>>, start: string): string[] | null {
  const before = new Map<string, string>();
  const queue = [start];
  for (let module = queue.shift(); module !== undefined; module = queue.shift()) {
    for (const target of edges.get(module)?.keys() ?? []) {
      if (target === start) {
        const circle = [module];
        for (let at = before.get(module); at !== undefined; at = before.get(at)) circle.unshift(at);
        return circle;
      }
      if (before.has(target)) continue;
      before.set(target, module);
      queue.push(target);
    }
  }
  return null;
}

function leads(edges: ReadonlyMap<string, ReadonlyMap<string, string>>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const module of seen) for (const target of edges.get(module)?.keys() ?? []) seen.add(target);
  return seen.has(to);
}

/** `sources`: the `.c` and `.h` files of the peer by path. */
export function peerLayerProblems(sources: FileTree, layers: ReadonlyMap<string, number>): string[] {
  const problems: string[] = [];
  const edges = edgesOf(sources);
  for (const module of layers.keys()) if (!edges.has(module)) problems.push(`${module}: in the table, but not there`);
  for (const [module, targets] of edges) {
    const layer = layers.get(module);
    if (layer === undefined) problems.push(`${module}: it has no layer in the README`);
    for (const [target, how] of targets) {
      const above = (layers.get(target) ?? 0) > (layer ?? 0);
      if (above) problems.push(`${module} (layer ${layer}) ${how}, which is of layer ${layers.get(target)}`);
    }
  }
  const known = new Set<string>();
  for (const module of edges.keys()) {
    const circle = known.has(module) ? null : circleOf(edges, module);
    if (circle === null) continue;
    for (const member of edges.keys())
      if (leads(edges, module, member) && leads(edges, member, module)) known.add(member);
    const steps = circle.map((member, index) => {
      const next = circle[(index + 1) % circle.length] ?? '';
      return `${member} ${edges.get(member)?.get(next)}`;
    });
    problems.push(`a circle: ${steps.join('; ')}`);
  }
  return problems;
}
