/** The smallest client: `npm run example:client`, while the server runs. */
import { connect } from 'trunkline';
import { MyService } from './service.mjs';

const channel = connect(`tcp://127.0.0.1:${process.env.PORT ?? 50051}`);
const myService = channel.client(MyService);

console.log(await myService.MyRPC('请求'));
await channel.close();
