import { describe, expect, it } from '@jest/globals';
import { buildDiscoveryUrl, readDiscovery } from './discovery.js';

const strict = { allowLoopbackHttp: false };

describe('the metadata of an issuer', () => {
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
