import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeIdpKey, publish, signToken } from './signed-tokens.js';

/** An identity provider on loopback that publishes one key and signs whatever claims it is given. */
export interface LoopbackIdp {
  issuer: string;
  /** What a connection needs to believe it, beside the issuer. */
  trust: { issuer: string; jwksUri: string; algorithms: string[] };
  /** A token issued now, with these claims over the usual ones. */
  token(claims: Record<string, unknown>): string;
  stop(): Promise<void>;
}

export async function startLoopbackIdp(): Promise<LoopbackIdp> {
  const key = makeIdpKey('EdDSA', 'loopback');
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(publish(key)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let count = 0;
  return {
    issuer,
    trust: { issuer, jwksUri: `${issuer}/jwks`, algorithms: ['EdDSA'] },
    token: (claims) => {
      const now = Math.floor(Date.now() / 1000);
      return signToken(key, { iss: issuer, aud: 'rollcall', iat: now, exp: now + 300, jti: `t-${++count}`, ...claims });
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
