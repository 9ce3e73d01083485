/**
 * The rivals' packages, which are not among the project's own: they are loaded when a rival runs, and typed by small interfaces of
 * what the rival uses.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../bench/rivals/', import.meta.url);

/** The module `name` of bench/rivals/node_modules. */
export async function rivalPackage<Module>(name: string): Promise<Module> {
  const { load } = (await import(new URL('packages.mjs', folder).href)) as {
    readonly load: (name: string) => Promise<Module>;
  };
  return load(name);
}

/** A CommonJS package, whose exports an import gives as `default`. */
export async function rivalCommonPackage<Module>(name: string): Promise<Module> {
  return (await rivalPackage<{ readonly default: Module }>(name)).default;
}

/** Such as `thrift 0.24.0, ws 8.23.0`, as they are installed. */
export function packageVersions(names: readonly string[]): string {
  return names.map((name) => `${name} ${installedVersion(name)}`).join(', ');
}

function installedVersion(name: string): string {
  const file = fileURLToPath(new URL(`node_modules/${name}/package.json`, folder));
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
  } catch {
    throw new Error(`the package ${name} is not installed in bench/rivals: npm run bench:setup`);
  }
}
