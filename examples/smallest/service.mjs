/** What client and server agree on: the service `MyService` with the method `MyRPC`, a string for a string. */
import { defineService, unary } from 'trunkline';

export const MyService = defineService('MyService', {
  MyRPC: unary({ request: 'string', response: 'string' }),
});
