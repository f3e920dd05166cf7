import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';

/** What an application has to do: about twenty lines, and not one request to Rollcall for a request of its own. */
export interface DemoApplication {
  url: string;
  /** How often it has asked Rollcall for anything. */
  questions(): number;
  stop(): Promise<void>;
}

/** Starts an application of one tenant that believes Rollcall's access tokens for `audience` and greets by role. */
export async function startApplication(rollcall: string, audience: string, tenant: string): Promise<DemoApplication> {
  let questions = 0;
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', rollcall), {
    [customFetch]: (url, options) => {
      questions += 1;
      return fetch(url, options);
    },
  });
  const greet = async (request: IncomingMessage): Promise<[status: number, text: string]> => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: rollcall, audience, typ: 'at+jwt' });
      if (payload.tid !== tenant) return [403, 'You belong to another customer.'];
      const roles = payload.roles as string[];
      if (roles.includes('editor')) return [200, 'Welcome. You may read and edit the reports.'];
      if (roles.includes('viewer')) return [200, 'Welcome. You may read the reports.'];
      return [403, 'You have no role here.'];
    } catch {
      return [401, 'I do not know you.'];
    }
  };
  const server = createServer((request, response) => {
    void greet(request).then(([status, text]) => response.writeHead(status).end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions: () => questions,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
