/**
 * Constant tables such as `RpcCodes`: objects whose keys are names. TypeScript types the keys of an object as strings, since it may have
 * more of them than its type says; a constant table has not, so these functions give them their type.
 */

/** Whether a name is a key of the table itself. What every object inherits (`toString`) is none. */
export function isKeyOf<T extends object>(name: PropertyKey, table: T): name is keyof T {
  return Object.hasOwn(table, name);
}

/** The names of the table. */
export function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table).filter((name): name is keyof T & string => isKeyOf(name, table));
}
