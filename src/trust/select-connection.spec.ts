import { describe, expect, it } from '@jest/globals';
import { ISSUER, makeClaims, makePolicy } from '../../test/support/signed-tokens.js';
import { selectConnection } from './select-connection.js';

const google = 'https://accounts.google.com';
const a = makePolicy({ connectionId: 'a', tenantId: 't1' });
const b = makePolicy({ connectionId: 'b', tenantId: 't2', audiences: ['other'] });
const acme = makePolicy({ connectionId: 'acme', tenantId: 't3', issuer: google, requiredClaims: { hd: 'acme.com' } });
const beta = makePolicy({ connectionId: 'beta', tenantId: 't4', issuer: google, requiredClaims: { hd: 'beta.com' } });
const twin = makePolicy({ connectionId: 'twin', tenantId: 't5' });
const all = [a, b, acme, beta];

function choose(changes: Record<string, unknown>, narrowing = {}, candidates = all): string {
  const choice = selectConnection(candidates, makeClaims(1, changes), narrowing);
  if (choice.kind === 'one') return choice.policy.connectionId;
  const ids = choice.policies.map((policy) => policy.connectionId).join(' ');
  return choice.kind === 'none' ? `${choice.fault}: ${ids}` : ids;
}

describe('which connection', () => {
  it.each([
    [{}, 'a'],
    [{ aud: 'other' }, 'b'],
    [{ aud: ['x', 'other'] }, 'b'],
    [{ iss: google, hd: 'acme.com' }, 'acme'],
    [{ iss: google, hd: 'beta.com' }, 'beta'],
    [{ iss: google, hd: 'else.com' }, 'claim_required: acme beta'],
    [{ iss: google }, 'claim_required: acme beta'],
    [{ aud: 'foreign' }, 'audience_mismatch: a b'],
    [{ aud: {} }, 'audience_mismatch: a b'],
    [{ aud: undefined }, 'audience_mismatch: a b'],
  ])('G9 %j belongs to %s', (changes, expected) => {
    expect(choose(changes)).toBe(expected);
  });

  it.each([[`${ISSUER}/`], [ISSUER.toUpperCase()], ['https://evil.example']])(
    'D1 iss %s belongs to no connection',
    (iss) => {
      expect(choose({ iss })).toBe('issuer_mismatch: ');
    },
  );

  it.each([[[ISSUER]], [undefined], [null], [{}]])('D1 iss %j belongs to no connection', (iss) => {
    expect(choose({ iss })).toBe('issuer_invalid: ');
  });

  it('G9 tenant and connection narrow the choice and never widen it', () => {
    const both = [a, twin];
    expect(choose({}, {}, both)).toBe('connection-a twin'.replace('connection-', ''));
    expect(choose({}, { tenantId: 't5' }, both)).toBe('twin');
    expect(choose({}, { connectionId: 'a' }, both)).toBe('a');
    expect(choose({}, { connectionId: 'a', tenantId: 't5' }, both)).toBe('issuer_mismatch: ');
    expect(choose({}, { connectionId: 'acme' })).toBe('issuer_mismatch: ');
  });

  it('G9 of many that match, 16 are tried: the oldest first, and of every tenant one before the second of any', () => {
    const greedy = Array.from({ length: 20 }, (_, i) => `01-${String(i).padStart(2, '0')}`);
    const many = [...greedy, '02-a', '03-a', '03-b'].map((connectionId) =>
      makePolicy({ connectionId, tenantId: `t${connectionId.slice(0, 2)}` }),
    );
    const tried = ['01-00', '02-a', '03-a', '01-01', '03-b', ...greedy.slice(2, 13)].join(' ');
    expect(choose({}, {}, many)).toBe(tried);
    expect(choose({}, {}, many.toReversed())).toBe(tried);
  });
});
