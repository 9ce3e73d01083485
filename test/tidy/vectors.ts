/** Each frame type that the code knows has a vector, and each vector speaks of frame types that the code knows. */
import type { FileTree } from './file-tree.js';

export function vectorProblems(constants: string, vectors: FileTree): string[] {
  const body = /FrameType = \{([^}]*)\} as const/.exec(constants)?.[1] ?? '';
  const types = new Set(Array.from(body.matchAll(/^\s*([A-Z]+):/gm), (match) => match[1] ?? ''));
  if (types.size === 0) return ['src/wire/constants.ts: no FrameType found'];

  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [path, text] of vectors) {
    for (const type of frameTypesIn(JSON.parse(text))) {
      seen.add(type);
      if (!types.has(type)) problems.push(`${path}: ${type} is no frame type`);
    }
  }
  for (const type of types) if (!seen.has(type)) problems.push(`spec/vectors: no vector has a ${type} frame`);
  return problems;
}

/** The `type` names of all entries of all `frames` arrays, at any depth. */
function frameTypesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (key !== 'frames' || !Array.isArray(inner)) return frameTypesIn(inner);
    return inner
      .map((frame: unknown) =>
        typeof frame === 'object' && frame !== null && 'type' in frame ? frame.type : undefined,
      )
      .filter((type) => typeof type === 'string');
  });
}
