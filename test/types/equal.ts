/** Comparison of types, for the tests of this folder: they are checked by compiling them. */

/** `true` when the two types are the same, `any` and `unknown`, optional and `undefined` told apart. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `expectType<Equal<A, B>>(true)` with equal types. */
export function expectType<Result extends boolean>(_result: Result): void {}
