/**
 * Defects that the simulation must find: each is planted through a prototype, for as long as a test wants it, so the engine has
 * no switch for it. They are of the kind that slips through ordinary tests: rare, and without effect on the call that causes them.
 */

import { SweepTimer } from '../../src/base/sweep-timer.js';
import { Answers } from '../../src/connection/callee/answers.js';
import { CallTable } from '../../src/connection/caller/call-table.js';
import { CancelPacer } from '../../src/connection/caller/cancel-pacer.js';
import { WriteQueue } from '../../src/connection/messages/write-queue.js';
import { IncomingCredit } from '../../src/connection/streams/incoming-credit.js';
import { SendWindow } from '../../src/connection/streams/send-window.js';
import { Source } from '../../src/connection/streams/source.js';

export interface PlantedBug {
  readonly name: string;
  /** Returns how to remove it. */
  plant(): () => void;
}

type Method = (this: never, ...given: never[]) => unknown;

/** Replaces a method, a private one too, until the returned function is called. */
export function replace(prototype: object, name: string, make: (original: Method) => Method): () => void {
  const methods = prototype as Record<string, Method>;
  const original = methods[name];
  if (typeof original !== 'function') throw new Error(`there is no method ${name} to plant a bug in`);
  methods[name] = make(original);
  return () => {
    methods[name] = original;
  };
}

/** Every `nth` time the method does `instead`. */
export function nowAndThen(nth: number, instead: (original: () => unknown) => unknown): (original: Method) => Method {
  return (original) => {
    let times = 0;
    return function (this: unknown, ...given: unknown[]) {
      const usual = (): unknown => Reflect.apply(original, this, given);
      return ++times % nth === 0 ? instead(usual) : usual();
    } as Method;
  };
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'answers-twice',
    plant: () =>
      replace(
        Answers.prototype,
        'respond',
        nowAndThen(6, (respond) => {
          respond();
          return respond();
        }),
      ),
  },
  {
    name: 'loses-a-cancel',
    plant: () =>
      replace(
        CancelPacer.prototype,
        'write',
        nowAndThen(2, () => undefined),
      ),
  },
  {
    name: 'keeps-a-slot',
    plant: () =>
      replace(
        CallTable.prototype,
        'give',
        nowAndThen(9, () => undefined),
      ),
  },
  {
    name: 'forgets-a-deadline',
    plant: () =>
      replace(
        SweepTimer.prototype,
        'watch',
        nowAndThen(7, () => undefined),
      ),
  },
  {
    name: 'swears-that-nothing-started',
    plant: () => replace(WriteQueue.prototype, 'isHandedOver', () => () => false),
  },
  {
    name: 'withholds-credit',
    plant: () =>
      replace(
        IncomingCredit.prototype,
        'giveBack',
        nowAndThen(2, () => undefined),
      ),
  },
  {
    name: 'sends-beyond-credit',
    plant: () => replace(SendWindow.prototype, 'spend', () => () => undefined),
  },
  {
    name: 'leaves-a-source-open',
    plant: () => replace(Source.prototype, 'end', () => () => Promise.resolve()),
  },
];
