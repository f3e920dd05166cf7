import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emailDomain, normaliseKey } from './text-key.js';

describe('keys of user names and e-mails', () => {
  it.each([
    ['Ada', 'ADA', true],
    ['José', 'JOSÉ', true],
    ['josé', 'jose\u0301', true],
    ['ａｄａ', 'ada', true],
    ['josé', 'jose', false],
    ['ada', 'аda', false],
    ['ada', 'ada ', false],
    ['I', 'ı', false],
  ])('%s and %s count as the same: %s', (one, two, same) => {
    expect(normaliseKey(one) === normaliseKey(two)).toBe(same);
  });

  it('the key of a key is itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(normaliseKey(normaliseKey(text))).toBe(normaliseKey(text));
      }),
    );
  });

  it.each([
    ['ada@acme.com', 'acme.com'],
    ['a@b@acme.com', 'acme.com'],
    ['@acme.com', null],
    ['ada@', null],
    ['ada', null],
  ])('the domain of %s is %s', (email, domain) => {
    expect(emailDomain(email)).toBe(domain);
  });
});
