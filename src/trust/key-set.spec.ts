import { describe, expect, it } from '@jest/globals';
import { ask, first, flood, makeIdp, second, START } from '../../test/support/scripted-idp.js';
import { ISSUER, publish } from '../../test/support/signed-tokens.js';
import { HOUR, MINUTE, SECOND } from '../platform/clock.js';

describe('when keys are fetched', () => {
  it('C1 200 logins at once on a cold cache cause one fetch', async () => {
    const idp = makeIdp();
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(idp, 'first')));
    expect(new Set(answers)).toEqual(new Set(['found']));
    expect(idp.fetches).toEqual([`${ISSUER}/keys`]);
  });

  it('C1 200 logins under different kids on a cold cache cause one fetch', async () => {
    const idp = makeIdp();
    const both = publish(first, second);
    idp.answer = both;
    await Promise.all(Array.from({ length: 200 }, (_, index) => ask(idp, index % 2 ? 'first' : 'second')));
    expect(idp.fetches).toHaveLength(1);
  });

  it('C1 with discovery: one of the metadata, one of the keys', async () => {
    const idp = makeIdp(null);
    await Promise.all(Array.from({ length: 200 }, () => ask(idp, 'first')));
    expect(idp.fetches).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/found`]);
  });

  it('C1 warm keys answer without a promise and without a fetch', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    expect(idp.set.findKeys('first')).not.toBeInstanceOf(Promise);
    expect(idp.set.findKeys(null)).not.toBeInstanceOf(Promise);
    expect(idp.fetches).toHaveLength(1);
  });

  it('C2 1,000 random kids cause one fetch per cool-down, and known kids never wait', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.clock.at += MINUTE;
    for (let round = 0; round < 10; round++) {
      await flood(idp, 100, round * 100);
      expect(idp.set.findKeys('first')).not.toBeInstanceOf(Promise);
      idp.clock.at += 2 * SECOND;
    }
    expect(idp.fetches).toHaveLength(2);
    idp.clock.at += 30 * SECOND;
    await flood(idp, 1000, 5000);
    expect(idp.fetches).toHaveLength(3);
  });

  it('C2 a flood on a cold cache causes the first fetch alone', async () => {
    const idp = makeIdp();
    await flood(idp, 1000);
    expect(idp.fetches).toHaveLength(1);
  });

  it('C2 an attacker who repeats kids gains one more fetch a cool-down, no more', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    const minutes = 4;
    for (let second = 0; second < minutes * 60; second++) {
      idp.clock.at += SECOND;
      await flood(idp, 50);
    }
    expect(idp.fetches.length).toBeLessThanOrEqual(1 + minutes * 2 * 2 + 1);
  });

  it('C3 after a rotation the new kid is found at once when there is no flood', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.clock.at += MINUTE;
    idp.answer = publish(first, second);
    expect(await ask(idp, 'second')).toBe('found');
  });

  it('C3 during a flood the new kid is found within the cool-down, sooner when it comes back', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.clock.at += MINUTE;
    await flood(idp, 50);
    idp.answer = publish(first, second);
    idp.clock.at += SECOND;
    expect(await ask(idp, 'second')).toBe('unknown');
    idp.clock.at += 3 * SECOND;
    await flood(idp, 50, 100);
    expect(await ask(idp, 'second')).toBe('found');
    expect(idp.fetches).toHaveLength(3);
  });

  it('C3 a flood that crowds out every memory delays the new kid by the cool-down at most', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.clock.at += MINUTE;
    await flood(idp, 1);
    idp.answer = publish(first, second);
    let waited = 0;
    for (; (await ask(idp, 'second')) !== 'found'; waited++) {
      idp.clock.at += SECOND;
      await flood(idp, 500, 1000 + waited * 500);
    }
    expect(waited).toBeLessThanOrEqual(30);
  });

  it.each([
    ['an error (500, a time-out, HTML, cut JSON)', new Error('503')],
    ['no keys', { keys: [] }],
    ['no usable keys', { keys: [{ kty: 'oct', k: 'AAAA' }] }],
    ['no key set', []],
    ['null', null],
    ['101 keys', { keys: Array.from({ length: 101 }, () => first.jwk) }],
  ])('C4 after %s the last good keys count up to staleMax, then 503', async (_, answer) => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.answer = answer;
    for (let hour = 0; hour < 5; hour++) {
      idp.clock.at += HOUR;
      expect(await ask(idp, 'first')).toBe('found');
      await idp.set.settle();
      expect(idp.set.status()).toMatchObject({ state: 'stale', fetchedAt: START });
    }
    idp.clock.at = START + 6 * HOUR - 1;
    expect(await ask(idp, 'first')).toBe('found');
    await idp.set.settle();
    idp.clock.at += 1;
    expect(await ask(idp, 'first')).toMatch(/^idp_unavailable \d+$/);
    expect(await ask(idp, null)).toMatch(/^idp_unavailable \d+$/);
    expect(idp.set.status().state).toBe('unavailable');
    idp.answer = publish(first);
    idp.clock.at += MINUTE;
    await ask(idp, 'first');
    await idp.set.settle();
    expect(await ask(idp, 'first')).toBe('found');
    expect(idp.set.status()).toMatchObject({ state: 'ready', detail: null });
  });

  it('C4 a kid that is unknown during an outage is 503, not the fault of the token', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    idp.clock.at += MINUTE;
    idp.answer = new Error('down');
    expect(await ask(idp, 'second')).toMatch(/^idp_unavailable/);
    expect(await ask(idp, 'first')).toBe('found');
  });

  it('C8 metadata of another issuer makes the provider unusable', async () => {
    const idp = makeIdp(null);
    idp.metadata = { issuer: `${ISSUER}/`, jwks_uri: `${ISSUER}/found` };
    expect(await ask(idp, 'first')).toBe('idp_unavailable 1');
    expect(idp.fetches).toHaveLength(1);
    expect(idp.set.status()).toMatchObject({ state: 'unavailable', detail: expect.stringContaining('not of') });
  });

  it('C6 a jwks_uri that is not https is not asked for, whether configured or discovered', async () => {
    const idp = makeIdp(null);
    idp.metadata = { issuer: ISSUER, jwks_uri: 'http://idp.example.com/keys' };
    expect(await ask(idp, 'first')).toBe('idp_unavailable 1');
    expect(idp.fetches).toHaveLength(1);
    const configured = makeIdp('http://idp.example.com/keys');
    expect(await ask(configured, 'first')).toBe('idp_unavailable 1');
    expect(configured.fetches).toEqual([]);
  });

  it('C9 a provider that is down is retried with a back-off that doubles up to a minute', async () => {
    const idp = makeIdp(null);
    idp.metadata = new Error('down');
    const fetchedAt: number[] = [];
    for (let second = 0; second < 300; second++) {
      const before = idp.fetches.length;
      expect(await ask(idp, 'first')).toMatch(/^idp_unavailable/);
      if (idp.fetches.length > before) fetchedAt.push(second);
      idp.clock.at += SECOND;
    }
    expect(fetchedAt).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('C9 Retry-After says when the next try is', async () => {
    const idp = makeIdp();
    idp.answer = new Error('down');
    for (const wait of [1, 2, 4, 8]) {
      expect(await ask(idp, 'first')).toBe(`idp_unavailable ${wait}`);
      idp.clock.at += wait * SECOND;
    }
    idp.answer = publish(first);
    expect(await ask(idp, 'first')).toBe('found');
  });

  it('C10 a key that is gone stops verifying within cacheMaxAge', async () => {
    const idp = makeIdp();
    idp.answer = publish(first, second);
    await ask(idp, 'first');
    idp.answer = publish(second);
    idp.clock.at = START + 10 * MINUTE;
    expect(await ask(idp, 'first')).toBe('unknown');
  });

  it('C10 keys in use are fetched anew before they are too old, and no login waits for it', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    let open = () => {};
    idp.gate = new Promise((resolve) => (open = resolve));
    idp.clock.at = START + 5 * MINUTE;
    for (let login = 0; login < 100; login++) expect(idp.set.findKeys('first')).not.toBeInstanceOf(Promise);
    expect(idp.fetches).toHaveLength(2);
    open();
    await idp.set.settle();
    idp.clock.at = START + 10 * MINUTE;
    expect(idp.set.findKeys('first')).not.toBeInstanceOf(Promise);
  });

  it('C10 a purge takes effect at once, and what was under way before it is not used', async () => {
    const idp = makeIdp();
    await ask(idp, 'first');
    let open = () => {};
    idp.gate = new Promise((resolve) => (open = resolve));
    idp.clock.at = START + 6 * MINUTE;
    await ask(idp, 'first');
    idp.answer = publish(second);
    idp.gate = null;
    const purgedAt = ++idp.clock.at;
    const asked = ask(idp, 'first', purgedAt);
    open();
    expect(await asked).toBe('unknown');
    expect(await ask(idp, 'second', purgedAt)).toBe('found');
  });

  it('C10 who waits for a fetch while a purge comes gets the keys of after the purge', async () => {
    const idp = makeIdp();
    let open = () => {};
    idp.gate = new Promise((resolve) => (open = resolve));
    void ask(idp, 'second');
    const waiting = ask(idp, 'second', ++idp.clock.at);
    idp.answer = publish(second);
    idp.gate = null;
    open();
    expect(await waiting).toBe('found');
  });

  it('B8 the alarm of a leaked key is in the status', async () => {
    const idp = makeIdp();
    idp.answer = publish(first, { kty: 'oct', k: 'c2VjcmV0', kid: 'h' });
    await ask(idp, 'first');
    expect(idp.set.status().faults).toMatchObject([{ kid: 'h', severity: 'alarm' }]);
  });
});
