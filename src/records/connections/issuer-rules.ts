import { findAddressFault, isLoopbackName, parseCidr, readLiteralAddress } from '../../platform/address-rules.js';

const URL_CHARACTERS_MAX = 1000;

/**
 * What is wrong with an issuer or a `jwksUri`, in words, as C6 demands; empty when nothing is. Checked when a connection
 * is saved, and again for the `jwks_uri` that discovery names.
 */
export function checkIssuerUrl(url: string, options: { allowLoopbackHttp: boolean }): string[] {
  if (url.length > URL_CHARACTERS_MAX) return [`The URL is longer than ${URL_CHARACTERS_MAX} characters.`];
  // The parser would quietly mend these, and then the URL fetched is not the URL compared.
  if (!/^[\x21-\x7e]+$/.test(url) || /[\\<>"^`{|}]/.test(url)) return ['The URL holds characters that no URL has.'];
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) return ['It is not an https URL.'];
  const parsed = new URL(url);
  const faults: string[] = [];
  if (parsed.protocol !== 'https:' && !(options.allowLoopbackHttp && isLoopbackName(parsed.hostname))) {
    faults.push('Only https is accepted.');
  }
  if (parsed.username !== '' || parsed.password !== '' || /^https?:\/\/[^/?#]*@/i.test(url)) {
    faults.push('The URL holds a user name or password.');
  }
  if (url.includes('?')) faults.push('The URL has a query.');
  if (url.includes('#')) faults.push('The URL has a fragment.');
  return faults;
}

/**
 * Why a URL whose host is written as an address would never be fetched, in words, or null (C7). What a name resolves to
 * is checked when it is fetched, because it may change until then.
 *
 * @param outboundAllow hosts and CIDR ranges that the operator opened (OUTBOUND_ALLOW)
 */
export function findUrlAddressFault(
  url: string,
  options: { allowLoopbackHttp: boolean; outboundAllow: readonly string[] },
): string | null {
  if (!URL.canParse(url)) return null;
  const { hostname } = new URL(url);
  const { outboundAllow } = options;
  const isTrustedHost = outboundAllow.includes(hostname);
  if (isLoopbackName(hostname) || hostname.endsWith('.localhost')) {
    if (options.allowLoopbackHttp || isTrustedHost) return null;
    if (hostname.endsWith('localhost')) return `${hostname} is not a public host.`;
  }
  const address = readLiteralAddress(hostname);
  if (address === null) return null;
  const allowedCidrs = outboundAllow.filter((each) => each.includes('/')).map(parseCidr);
  return findAddressFault(address, { allowedCidrs }, isTrustedHost || outboundAllow.includes(address));
}

/** Issuers that sign for everybody: their word alone does not say whose customer somebody is. */
const SHARED_ISSUERS: ReadonlySet<string> = new Set([
  'https://accounts.google.com',
  'https://appleid.apple.com',
  'https://www.facebook.com',
  'https://www.linkedin.com/oauth',
  'https://slack.com',
  'https://login.salesforce.com',
  'https://api.login.yahoo.com',
  'https://access.line.me',
  'https://gitlab.com',
  'https://token.actions.githubusercontent.com',
]);

/** The addresses of Entra that stand for any tenant, in each of its clouds, by path. The id is that of all consumers. */
const ENTRA_HOSTS =
  /^(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn|login\.chinacloudapi\.cn|sts\.windows\.net|sts\.chinacloudapi\.cn|login\.windows\.net)$/;
const ENTRA_ANYONE =
  /^\/(common|organizations|consumers|\{tenantid\}|%7btenantid%7d|9188040d-6c67-4c5b-b112-36a304b66dad)(\/|$)/;

/** Whether an issuer signs for people of unrelated organisations. Host and trailing slash compare loosely, to be safe. */
export function isSharedIssuer(issuer: string): boolean {
  const text = /^https?:\/\//i.test(issuer) ? issuer : `https://${issuer}`;
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const path = url.pathname.toLowerCase().replace(/\/+$/, '');
  if (ENTRA_HOSTS.test(url.hostname) && (ENTRA_ANYONE.test(path) || path === '')) return true;
  return SHARED_ISSUERS.has(`https://${url.hostname}${path}`);
}

/** Claims that say nothing of which organisation somebody belongs to. */
const TELLING_NOTHING: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'azp',
  'client_id',
  'appid',
  'exp',
  'iat',
  'nbf',
  'email_verified',
]);

/** Why a connection may not be saved with a shared issuer, in words, or null (G9). */
export function findSharedIssuerFault(
  issuer: string,
  requiredClaims: Readonly<Record<string, unknown>>,
): string | null {
  if (!isSharedIssuer(issuer) || Object.keys(requiredClaims).some((name) => !TELLING_NOTHING.has(name))) return null;
  return 'This issuer signs for everybody: say in requiredClaims which of its people are meant, such as {"hd": "example.com"}.';
}
