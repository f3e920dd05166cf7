import * as oidc from 'openid-client';
import { type DemoProvider, people } from './provider.js';

const REDIRECTS_MAX = 10;

export interface SignedIn {
  idToken: string;
  /** The claims of the ID token, as the client checked them. */
  claims: Record<string, unknown>;
}

/**
 * Signs a person in as an application does it, by authorization code and PKCE (RFC 7636), with openid-client as the
 * application and this function as the browser. Each call is a browser of its own.
 */
export async function signInAt(provider: DemoProvider, login: string): Promise<SignedIn> {
  const client = await oidc.discovery(new URL(provider.issuer), provider.clientId, undefined, oidc.None(), {
    // The provider of the demo is on loopback, without TLS.
    execute: [oidc.allowInsecureRequests],
  });
  const verifier = oidc.randomPKCECodeVerifier();
  const nonce = oidc.randomNonce();
  const state = oidc.randomState();
  const start = oidc.buildAuthorizationUrl(client, {
    redirect_uri: provider.redirectUri,
    scope: 'openid profile email groups',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  });
  const end = await browse(start, provider.redirectUri, { login, password: people[login]?.password ?? '' });
  const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state };
  const tokens = await oidc.authorizationCodeGrant(client, end, checks);
  const claims = tokens.claims();
  if (!tokens.id_token || !claims) throw new Error('the provider gave no ID token');
  return { idToken: tokens.id_token, claims };
}

/** Follows the redirects, fills in the form that is met, and returns where it all ends: the address with the code. */
async function browse(start: URL, redirectUri: string, form: Record<string, string>): Promise<URL> {
  const cookies = new Map<string, string>();
  const visit = async (url: URL, body?: URLSearchParams) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie }, ...(body && { method: 'POST', body }) });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  let url = start;
  for (let count = 0; count < REDIRECTS_MAX; count++) {
    let answer = await visit(url);
    if (answer.status === 200) answer = await visit(url, new URLSearchParams(form));
    const to = answer.headers.get('location');
    if (to === null) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
    url = new URL(to, url);
    if (url.href.startsWith(redirectUri)) return url;
  }
  throw new Error('the provider redirects without end');
}
