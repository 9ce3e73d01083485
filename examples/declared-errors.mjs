/**
 * Errors. A method may declare errors as Avro records: they travel as typed values. Everything else arrives as an `RpcError` with a
 * code and with `started`, which says whether the handler may have run.
 */
import { connect, declared, defineService, isDeclared, RpcError, Server, schema, unary } from 'trunkline';

const NoSuchAccount = schema({
  type: 'error',
  name: 'bank.NoSuchAccount',
  fields: [{ name: 'account', type: 'string' }],
});
const Overdrawn = schema({
  type: 'error',
  name: 'bank.Overdrawn',
  fields: [
    { name: 'account', type: 'string' },
    { name: 'missing', type: 'long' },
  ],
});
const Transfer = schema({
  type: 'record',
  name: 'bank.Transfer',
  fields: [
    { name: 'account', type: 'string' },
    { name: 'amount', type: 'long' },
  ],
});
const Bank = defineService('bank.Bank', {
  withdraw: unary({ request: Transfer, response: 'long', errors: [NoSuchAccount, Overdrawn] }),
});

const balances = new Map([['alice', 100]]);
const server = new Server();
server.add(Bank, {
  withdraw({ account, amount }) {
    const balance = balances.get(account);
    if (balance === undefined) throw declared(Bank.methods.withdraw, 'bank.NoSuchAccount', { account });
    if (amount < 0) throw new RpcError('INVALID_ARGUMENT', 'the amount is negative');
    if (amount > balance) {
      throw declared(Bank.methods.withdraw, 'bank.Overdrawn', { account, missing: amount - balance });
    }
    return balance - amount;
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`);
const bank = channel.client(Bank);
const requests = [
  { account: 'alice', amount: 30 },
  { account: 'alice', amount: 130 },
  { account: 'bob', amount: 1 },
  { account: 'alice', amount: -1 },
];
for (const request of requests) {
  try {
    console.log('left:', await bank.withdraw(request));
  } catch (error) {
    if (isDeclared(error, Bank.methods.withdraw)) console.log(error.errorName, error.value);
    else if (error instanceof RpcError) console.log(`${error.code}, started: ${error.started}: ${error.message}`);
    else throw error;
  }
}

await channel.close();
await server.drain();
