/** Defects of channels that their simulation must find, planted as those in `../planted-bugs.ts`. */
import { Channel } from '../../../src/channel/channel.js';
import { EndpointPool } from '../../../src/channel/endpoint-pool.js';
import { EndpointSet } from '../../../src/channel/endpoint-set.js';
import { WriteQueue } from '../../../src/connection/messages/write-queue.js';
import { Backoff } from '../../../src/resilience/backoff.js';
import { RetryBudget } from '../../../src/resilience/retry-budget.js';
import { type PlantedBug, replace } from '../planted-bugs.js';

export const plantedChannelBugs: readonly PlantedBug[] = [
  {
    // So a call that may have started is given back as one that did not, and made again.
    name: 'makes-again-what-may-have-started',
    plant: () => replace(WriteQueue.prototype, 'isHandedOver', () => () => false),
  },
  {
    name: 'does-not-charge-the-budget',
    plant: () => replace(RetryBudget.prototype, 'withdraw', () => () => true),
  },
  {
    name: 'keeps-what-was-removed',
    plant: () => replace(EndpointSet.prototype, 'remove', () => () => undefined),
  },
  {
    name: 'loses-the-calls-of-what-leaves',
    plant: () =>
      replace(
        EndpointPool.prototype,
        'retire',
        () =>
          function (this: never, connection: { close(text: string): void }) {
            connection.close('planted');
          } as never,
      ),
  },
  {
    name: 'never-resets-the-backoff',
    plant: () => replace(Backoff.prototype, 'reset', () => () => undefined),
  },
  {
    name: 'lets-calls-wait-for-nobody',
    plant: () => replace(Channel.prototype, 'onFailed', () => () => undefined),
  },
];
