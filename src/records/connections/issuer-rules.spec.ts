import { describe, expect, it } from '@jest/globals';
import { checkIssuerUrl, findSharedIssuerFault, findUrlAddressFault, isSharedIssuer } from './issuer-rules.js';

describe('C6 an issuer or jwksUri', () => {
  it.each([
    ['https://acme.example.com', []],
    ['https://acme.example.com/realms/a', []],
    ['https://acme.example.com:8443/keys', []],
    ['https:acme.example.com', ['It is not an https URL.']],
    ['javascript:alert(1)', ['It is not an https URL.']],
    ['http://127.0.0.1:3000', ['Only https is accepted.']],
    [' https://acme.example.com', ['The URL holds characters that no URL has.']],
    ['https://acme.example.com\\@evil', ['The URL holds characters that no URL has.']],
    ['https://login.microsoftonline.com/{tenantid}/v2.0', ['The URL holds characters that no URL has.']],
    ['http://acme.example.com', ['Only https is accepted.']],
    ['ftp://acme.example.com', ['It is not an https URL.']],
    ['acme.example.com', ['It is not an https URL.']],
    ['', ['The URL holds characters that no URL has.']],
    ['https://acme.example.com\n', ['The URL holds characters that no URL has.']],
    ['https:\\\\acme.example.com', ['The URL holds characters that no URL has.']],
    ['https://аcme.example.com', ['The URL holds characters that no URL has.']],
    ['https://a:b@acme.example.com', ['The URL holds a user name or password.']],
    ['https://@acme.example.com', ['The URL holds a user name or password.']],
    ['https://acme.example.com?', ['The URL has a query.']],
    ['https://acme.example.com/#', ['The URL has a fragment.']],
    ['http://u@acme.example.com/?a#b', ['Only https', 'user name', 'query', 'fragment']],
    [`https://acme.example.com/${'x'.repeat(1000)}`, ['The URL is longer than 1000 characters.']],
  ])('%s', (url, expected) => {
    const faults = checkIssuerUrl(url, { allowLoopbackHttp: false });
    expect(faults).toHaveLength(expected.length);
    expected.forEach((part, i) => expect(faults[i]).toContain(part));
  });

  it.each(['http://127.0.0.1:4000', 'http://localhost:4000/x', 'http://[::1]'])(
    'may be %s only where loopback http is allowed',
    (url) => {
      expect(checkIssuerUrl(url, { allowLoopbackHttp: true })).toEqual([]);
      expect(findUrlAddressFault(url, { allowLoopbackHttp: true, outboundAllow: [] })).toBeNull();
      expect(checkIssuerUrl(url, { allowLoopbackHttp: false })).toEqual(['Only https is accepted.']);
      expect(findUrlAddressFault(url, { allowLoopbackHttp: false, outboundAllow: [] })).not.toBeNull();
    },
  );
});

it.each(['http://10.0.0.1', 'http://localhost.example.com', 'http://127.0.0.1.example.com'])(
  'C6 %s is no loopback address, and http is refused for it whatever the flag',
  (url) => expect(checkIssuerUrl(url, { allowLoopbackHttp: true })).toEqual(['Only https is accepted.']),
);

describe('C7 a host that is written as an address', () => {
  const refuse = (url: string, ...outboundAllow: string[]) =>
    findUrlAddressFault(url, { allowLoopbackHttp: false, outboundAllow }) !== null;

  it.each([
    'https://10.0.0.1',
    'https://192.168.1.1',
    'https://100.64.0.1',
    'https://169.254.169.254',
    'https://0.0.0.0',
    'https://2130706433',
    'https://0x7f.1',
    'https://[::1]',
    'https://[fd00::1]',
    'https://[::ffff:10.0.0.1]',
    'https://[64:ff9b::a00:1]',
    'https://idp.localhost',
  ])('%s is refused', (url) => expect(refuse(url)).toBe(true));

  it('is taken if it is public, or if the operator opened it', () => {
    expect(refuse('https://93.184.216.34')).toBe(false);
    expect(refuse('https://acme.example.com')).toBe(false);
    expect(refuse('https://10.0.0.1', '10.0.0.0/8')).toBe(false);
    expect(refuse('https://10.0.0.1', '10.0.0.1')).toBe(false);
    expect(refuse('https://11.0.0.1', '10.0.0.0/8')).toBe(false);
    expect(refuse('https://192.168.0.1', '10.0.0.0/8')).toBe(true);
    expect(refuse('https://169.254.169.254', '169.254.169.254')).toBe(true);
  });
});

describe('G9 a shared issuer', () => {
  it.each([
    ['https://accounts.google.com', true],
    ['accounts.google.com', true],
    ['https://accounts.google.com/', true],
    ['https://login.microsoftonline.com/common/v2.0', true],
    ['https://login.microsoftonline.com/Organizations/v2.0', true],
    ['https://login.microsoftonline.com/consumers', true],
    ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', true],
    ['https://ACCOUNTS.google.com', true],
    ['https://login.microsoftonline.com/{tenantid}/v2.0', true],
    ['https://login.microsoftonline.us/common/v2.0', true],
    ['https://sts.windows.net/{tenantid}/', true],
    ['https://appleid.apple.com', true],
    ['https://token.actions.githubusercontent.com', true],
    ['not a url at all', false],
    ['https://login.microsoftonline.com/6f1f4a3c-0000-4000-8000-000000000000/v2.0', false],
    ['https://sts.windows.net/6f1f4a3c-0000-4000-8000-000000000000/', false],
    ['https://accounts.google.com.example.com', false],
    ['https://acme.okta.com', false],
  ])('%s: %s', (issuer, expected) => expect(isSharedIssuer(issuer)).toBe(expected));

  it('needs a required claim that tells whose people are meant', () => {
    const google = 'https://accounts.google.com';
    expect(findSharedIssuerFault(google, {})).not.toBeNull();
    expect(findSharedIssuerFault(google, { aud: 'x', email_verified: true })).not.toBeNull();
    expect(findSharedIssuerFault(google, { hd: 'acme.com' })).toBeNull();
    expect(findSharedIssuerFault('https://acme.okta.com', {})).toBeNull();
  });
});
