import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Account, Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

/** The customer's identity provider: a whole OpenID provider on loopback, with a login form of its own. */
export interface DemoProvider {
  issuer: string;
  clientId: string;
  redirectUri: string;
  /** From the next sign-in on, the person's tokens name these groups. */
  setGroups(login: string, groups: string[]): void;
  stop(): Promise<void>;
}

interface Person {
  password: string;
  name: string;
  email: string;
  groups: string[];
}

const CLIENT_ID = 'reports';
/** Nobody listens there: the one who signs in reads the code from the address that they are sent to. */
const REDIRECT_URI = 'http://127.0.0.1/signed-in';
const SCOPE = 'openid profile email groups';
const HOUR_SECONDS = 3600;

export const people: Readonly<Record<string, Person>> = {
  ada: { password: 'ada-at-the-idp', name: 'Ada Lovelace', email: 'ada@acme.example', groups: ['engineering'] },
  bob: { password: 'bob-at-the-idp', name: 'Bob Noyce', email: 'bob@acme.example', groups: ['sales'] },
};

/** Starts it on a free port. Signing keys are RS256, made for this run. */
export async function startProvider(): Promise<DemoProvider> {
  const groups = new Map(Object.entries(people).map(([login, person]) => [login, person.groups]));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(
    issuer,
    configuration((login) => groups.get(login) ?? []),
  );
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url?.startsWith('/sign-in/')) {
      signIn(provider, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    } else answer(request, response);
  });
  return {
    issuer,
    clientId: CLIENT_ID,
    redirectUri: REDIRECT_URI,
    setGroups: (login, names) => void groups.set(login, names),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function configuration(groupsOf: (login: string) => string[]): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    adapter: createMemoryAdapter(0),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'demo-1', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [crypto.randomUUID()] },
    clients: [
      {
        client_id: CLIENT_ID,
        redirect_uris: [REDIRECT_URI],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'none',
      },
    ],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    // Else the claims of scopes are only at the userinfo endpoint, and most providers put them into the ID token.
    conformIdTokenClaims: false,
    findAccount: (_: unknown, login: string) => findAccount(login, groupsOf),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/sign-in/${uid}` },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    ttl: {
      AccessToken: HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      Interaction: HOUR_SECONDS,
      Session: HOUR_SECONDS,
      Grant: HOUR_SECONDS,
    },
  };
}

function findAccount(login: string, groupsOf: (login: string) => string[]): Account | undefined {
  const person = people[login];
  if (!person) return undefined;
  const { name, email } = person;
  const claims = { sub: login, name, preferred_username: login, email, email_verified: true };
  return { accountId: login, claims: () => ({ ...claims, groups: groupsOf(login) }) };
}

/** The login form and its answer. Whoever signs in consents to what the application asks for. */
async function signIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return showForm(response, '');
  let body = '';
  for await (const part of request) body += String(part);
  const form = new URLSearchParams(body);
  const login = form.get('login') ?? '';
  if (people[login]?.password !== form.get('password')) return showForm(response, 'No such login and password.');
  const grant = new provider.Grant({ accountId: login, clientId: params.client_id ?? '' });
  grant.addOIDCScope(SCOPE);
  const result = { login: { accountId: login }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

function showForm(response: ServerResponse, fault: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(
    `<!doctype html><title>Acme sign-in</title><form method="post"><p>${fault}</p>
     <input name="login" placeholder="ada or bob"><input name="password" type="password"><button>Sign in</button></form>`,
  );
}
