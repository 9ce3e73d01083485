/** How a call of `bench -- rolling` ended; a byte in the client's file. 0: the client does not know. */
export const Outcome = { notMade: 0, answered: 1, failedUnstarted: 2, failedMaybe: 3 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
