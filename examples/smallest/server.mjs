/** The smallest server: `npm run example:server`. It listens on port 50051, or on that of the environment variable PORT. */
import { Server } from 'trunkline';
import { MyService } from './service.mjs';

const server = new Server();
server.add(MyService, { MyRPC: () => '处理结果' });

const { host, port } = await server.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 50051) });
console.log(`MyService listens at tcp://${host}:${port}`);
