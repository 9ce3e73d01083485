import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as certificates from './certificates.js';

/** 'secure', or the code of the error that the client or the server saw first. */
async function handshake(serverOptions: tls.TlsOptions, clientOptions: tls.ConnectionOptions): Promise<string> {
  const server = tls.createServer(serverOptions);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outcome = new Promise<string>((resolve) => {
    const fail = (error: Error & { code?: string }) => resolve(error.code ?? error.message);
    server.on('tlsClientError', fail);
    server.on('secureConnection', (socket) => socket.on('error', () => {}).end('welcome'));
    const { port } = server.address() as AddressInfo;
    const client = tls.connect({ host: '127.0.0.1', port, ca: certificates.ca, ...clientOptions });
    client.on('error', fail);
    // Data, not secureConnect: in TLS 1.3 the client is done before the server has judged its certificate.
    client.on('data', () => resolve('secure'));
  });
  const result = await outcome;
  server.close();
  return result;
}

test('the server certificate holds for its names', async () => {
  assert.is(await handshake(certificates.server, {}), 'secure');
  assert.is(await handshake(certificates.server, { servername: 'localhost' }), 'secure');
});

test('each bad server certificate is refused for its own reason', async () => {
  assert.is(await handshake(certificates.serverExpired, {}), 'CERT_HAS_EXPIRED');
  assert.is(await handshake(certificates.serverWrongName, {}), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.is(await handshake(certificates.serverOtherCa, {}), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

test('a server that asks for client certificates takes the right one and refuses others', async () => {
  const strict = { ...certificates.server, ca: certificates.ca, requestCert: true, rejectUnauthorized: true };
  assert.is(await handshake(strict, certificates.client), 'secure');
  assert.not.equal(await handshake(strict, certificates.clientOtherCa), 'secure');
  assert.not.equal(await handshake(strict, {}), 'secure');
});

test.run();
