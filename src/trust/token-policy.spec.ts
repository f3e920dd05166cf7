import { describe, expect, it } from '@jest/globals';
import { buildDiscoveryUrl, readDiscovery } from './discovery.js';
import { checkIssuerUrl } from './token-policy.js';

const strict = { allowLoopbackHttp: false };
const dev = { allowLoopbackHttp: true };

describe('URLs of issuers and key sets', () => {
  it.each(['https://idp.example.com', 'https://idp.example.com/realms/a/', 'https://idp.example.com:8443/keys'])(
    'C6 %s is accepted',
    (url) => {
      expect(checkIssuerUrl(url, strict)).toEqual([]);
    },
  );

  it.each([
    ['http://idp.example.com', ['Only https is accepted.']],
    ['https://user@idp.example.com', ['The URL holds a user name or password.']],
    ['https://user:secret@idp.example.com', ['The URL holds a user name or password.']],
    ['https://@idp.example.com', ['The URL holds a user name or password.']],
    ['https://idp.example.com?x=1', ['The URL has a query.']],
    ['https://idp.example.com/?', ['The URL has a query.']],
    ['https://idp.example.com#x', ['The URL has a fragment.']],
    ['https://idp.example.com/#', ['The URL has a fragment.']],
    [
      'http://u:p@idp.example.com?x#y',
      [
        'Only https is accepted.',
        'The URL holds a user name or password.',
        'The URL has a query.',
        'The URL has a fragment.',
      ],
    ],
    ['file:///etc/passwd', ['It is not an https URL.']],
    ['javascript:alert(1)', ['It is not an https URL.']],
    ['https:idp.example.com', ['It is not an https URL.']],
    ['idp.example.com', ['It is not an https URL.']],
    ['', ['The URL holds characters that no URL has.']],
    [' https://idp.example.com', ['The URL holds characters that no URL has.']],
    ['https://idp.example.com\n', ['The URL holds characters that no URL has.']],
    ['https://idp.example.com\\@evil', ['The URL holds characters that no URL has.']],
    ['https://ідп.example.com', ['The URL holds characters that no URL has.']],
    ['https://login.microsoftonline.com/{tenantid}/v2.0', ['The URL holds characters that no URL has.']],
    [`https://idp.example.com/${'x'.repeat(1000)}`, ['The URL is longer than 1000 characters.']],
    ['http://127.0.0.1:3000', ['Only https is accepted.']],
  ])('C6 %j is refused, every fault by name', (url, faults) => {
    expect(checkIssuerUrl(url, strict)).toEqual(faults);
  });

  it('C6 http is accepted for loopback alone, under the flag alone', () => {
    for (const url of ['http://127.0.0.1:3000', 'http://localhost:3000/a', 'http://[::1]:3000']) {
      expect(checkIssuerUrl(url, dev)).toEqual([]);
      expect(checkIssuerUrl(url, strict)).toEqual(['Only https is accepted.']);
    }
    for (const url of ['http://10.0.0.1', 'http://localhost.example.com', 'http://127.0.0.1.example.com']) {
      expect(checkIssuerUrl(url, dev)).toEqual(['Only https is accepted.']);
    }
  });

  it('C8 metadata is looked for under the issuer', () => {
    const url = 'https://idp.example.com/a/.well-known/openid-configuration';
    expect(buildDiscoveryUrl('https://idp.example.com/a')).toBe(url);
    expect(buildDiscoveryUrl('https://idp.example.com/a/')).toBe(url);
  });

  it.each([
    [{ issuer: 'https://idp.example.com', jwks_uri: 'https://keys.example.com' }, true],
    [{ issuer: 'https://idp.example.com/', jwks_uri: 'https://keys.example.com' }, false],
    [{ issuer: 'https://IDP.example.com', jwks_uri: 'https://keys.example.com' }, false],
    [{ issuer: ['https://idp.example.com'], jwks_uri: 'https://keys.example.com' }, false],
    [{ jwks_uri: 'https://keys.example.com' }, false],
    [{ issuer: 'https://idp.example.com' }, false],
    [{ issuer: 'https://idp.example.com', jwks_uri: 'http://keys.example.com' }, false],
    [{ issuer: 'https://idp.example.com', jwks_uri: 'https://keys.example.com?x' }, false],
    [{ issuer: 'https://idp.example.com', jwks_uri: 7 }, false],
    [[], false],
    [null, false],
    ['text', false],
  ])('C8 the metadata %j is usable: %j', (document, usable) => {
    expect(readDiscovery(document, 'https://idp.example.com', strict).ok).toBe(usable);
  });
});
