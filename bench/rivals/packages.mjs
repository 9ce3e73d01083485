/**
 * Loads the rivals' packages. They are installed beside this file (`npm run bench:setup`) and not at the project's root, so they
 * have to be looked for from here: the compiled rivals lie elsewhere.
 */

/** @param {string} name */
export function load(name) {
  return import(name);
}
