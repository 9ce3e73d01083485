/**
 * Packages that few programs need: loaded by name when one does, in a way that every bundler leaves outside of its bundle. avsc reads IDL
 * and is CommonJS, which a bundle of ES modules cannot hold; lz4-napi is optional and native.
 */
import Module from 'node:module';
import { join, resolve } from 'node:path';
import { isError } from './error-values.js';

/** Whatever the package exports. */
type Exports = ReturnType<NodeJS.Require>;

/**
 * Loads a CommonJS package as `require` does, from where this file is. In a bundle that may be nowhere (`import.meta.url` is
 * undefined in CommonJS), so the program's folder and the working directory are looked through too.
 */
export function requirePackage(name: string): Exports {
  const program = process.argv[1];
  const places = [import.meta.url, program && resolve(program), join(process.cwd(), 'main.js')];
  let failure: unknown = new Error(`there is no place to look for ${name}`);
  for (const place of places) {
    if (!place) continue;
    try {
      return Module.createRequire(place)(name);
    } catch (error) {
      failure = error;
      if (!isMissing(error, name)) break;
    }
  }
  throw failure;
}

/** Whether `requirePackage` threw because the package is not installed, rather than because it does not load. */
export function isMissing(error: unknown, name: string): boolean {
  const { code, message } = isError(error) && 'code' in error ? error : { code: null, message: '' };
  return code === 'MODULE_NOT_FOUND' && message.includes(`'${name}'`);
}

/** Imports a package. Its name is not written where bundlers look for names; the comments are for webpack and vite. */
export function importPackage(name: string): Promise<{ readonly default: Exports }> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name);
}
