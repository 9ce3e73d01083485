/** A server calls its clients: while it answers one of them, and all of them whenever it likes. */
import { connect, defineService, oneway, Server, serverStream, unary } from 'trunkline';

const Market = defineService('demo.Market', {
  sell: unary({ request: 'string', response: 'string' }),
});
/** What the clients serve. */
const Trader = defineService('demo.Trader', {
  confirm: unary({ request: 'string', response: 'boolean' }),
  offers: serverStream({ request: 'null', response: 'string' }),
  closing: oneway({ request: 'string' }),
});

const server = new Server();
server.add(Market, {
  async sell(what, context) {
    const agreed = await context.peer.client(Trader).confirm(`Really sell ${what}?`);
    return agreed ? `sold: ${what}` : `kept: ${what}`;
  },
});
const { port } = await server.listen({ host: '127.0.0.1' });

const channel = connect(`tcp://127.0.0.1:${port}`);
let closing = 'never';
channel.add(Trader, {
  confirm: (question) => !question.includes('house'),
  *offers() {
    yield 'a bicycle';
    yield 'two chairs';
  },
  closing(time) {
    closing = time;
  },
});

const market = channel.client(Market);
console.log(await market.sell('the piano'));
console.log(await market.sell('the house'));

for (const peer of server.peers) {
  const trader = peer.client(Trader);
  for await (const offer of trader.offers(null)) console.log(`offered: ${offer}`);
  await trader.closing('18:00');
  // A oneway call has no answer; the next one is taken behind it.
  await trader.confirm('Until tomorrow?');
}
console.log(`the market closes at ${closing}`);

await channel.close();
await server.drain();
