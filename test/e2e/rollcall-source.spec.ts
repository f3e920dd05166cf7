import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PrimaryClient } from '../../src/flows/sync/sources/primary-client.js';
import { type FollowedState, RollcallSource } from '../../src/flows/sync/sources/rollcall-source.js';
import { FROM_THE_START, type SourcePlace } from '../../src/flows/sync/sources/source-reader.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import { Clock, MINUTE, parseTime } from '../../src/platform/clock.js';
import { Outbound, OutboundOptions } from '../../src/platform/outbound.js';
import { PeopleDigest } from '../../src/records/users/people-digest.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

const SIGNAL = new AbortController().signal;

interface Copied {
  externalId: string;
  statedAt: string;
  roles: string[];
  groups: string[];
}

/** What a secondary would hold: of each person the newest that it was told. */
class Copy {
  readonly people = new Map<string, Copied>();
  place: SourcePlace = FROM_THE_START;
  pages = 0;

  /** Reads as an engine does; cut off after so many pages, it goes on where that page said. */
  async sync(source: RollcallSource, mode: 'full' | 'changes' = 'changes', pagesMax = Infinity): Promise<boolean> {
    const named = new Set<string>();
    let left = pagesMax;
    for await (const page of source.read(this.place, mode, SIGNAL)) {
      for (const record of page.records) {
        const one = JSON.parse(String(record)) as Copied;
        named.add(one.externalId);
        const known = this.people.get(one.externalId);
        if (!known || at(known) <= at(one)) this.people.set(one.externalId, one);
      }
      for (const id of page.removed ?? []) this.people.delete(id);
      this.place = page.place;
      this.pages += 1;
      if (page.isLast) return true;
      left -= 1;
      if (left <= 0) return false;
    }
    throw new Error('no last page');
  }

  digest(without: ReadonlySet<string>): PeopleDigest {
    const digest = new PeopleDigest();
    for (const one of this.people.values()) if (!without.has(one.externalId)) digest.add(one.externalId, at(one));
    return digest;
  }
}

function at({ statedAt }: Copied): number {
  return parseTime(statedAt) ?? 0;
}

describe('the reader that follows another Rollcall', () => {
  let primary: TestApp;
  let tenantId: string;
  let okta: string;
  let admin: HttpClient;
  let ids: string[];
  let copy: Copy;
  const outbound = new Outbound(new OutboundOptions({ allowLoopbackHttp: true }));

  beforeAll(async () => {
    primary = await startApp();
    tenantId = await seedTenantWithRoles(primary, 'acme');
    okta = await seedConnection(primary, tenantId, 'okta');
    admin = await primary.clientWith(tenantId, ['api-keys:write', 'sync:read', 'users:write', 'roles:grant']);
    ids = [];
    for (let start = 0; start < 3; start++) {
      const seeds = Array.from({ length: 400 }, (_, n) => ({
        userName: `user-${start}-${n}`,
        identities: [{ connectionId: okta, externalId: `x-${start}-${n}` }],
      }));
      ids.push(...(await seedPersons(primary, tenantId, seeds)));
    }
    await seedPersons(primary, tenantId, [{ userName: 'stranger' }]);
  }, 60_000);
  afterAll(async () => {
    await outbound.onApplicationShutdown();
    await primary.stop();
  });
  beforeEach(() => {
    copy = new Copy();
  });

  const keyOf = async (connection = okta) => {
    const { body } = await admin.post<{ sync_api_key: string }>(`/connections/${connection}/sync-key`, {});
    return body.sync_api_key;
  };
  const sourceWith = (apiKey: string, settings: { url?: string; primaryId?: string } = {}, clock = new Clock()) =>
    new RollcallSource(
      new PrimaryClient(outbound, { type: 'rollcall', url: primary.url, primaryId: okta, ...settings }, apiKey, clock),
    );
  const settled = () => primary.app.get(Sequencer).catchUp();
  const digestOf = (without: ReadonlySet<string>) => Promise.resolve(copy.digest(without));
  const compared = async (source: RollcallSource) => {
    await settled();
    return source.compare(copy.place.state as FollowedState, digestOf, SIGNAL);
  };

  it('reads everybody the first time, then nobody but who has changed, who was deleted included', async () => {
    await settled();
    const source = sourceWith(await keyOf());
    expect(await copy.sync(source)).toBe(true);
    expect(copy.people.size).toBe(1200);
    expect(await compared(source)).toBe('same');
    const [changed = '', deleted = ''] = ids.splice(0, 2);
    await admin.put(`/users/${changed}/roles/editor`);
    await admin.delete(`/users/${deleted}`);
    await settled();
    const before = copy.pages;
    await copy.sync(source);
    expect(copy.pages - before).toBe(2);
    expect(copy.people.get(changed)?.roles).toEqual(['editor']);
    expect(copy.people.has(deleted)).toBe(false);
    expect(await compared(source)).toBe('same');
    ids.push(changed);
  });

  it('cut off after any page, goes on there, and misses nothing that changes meanwhile; a replay does no harm', async () => {
    const source = sourceWith(await keyOf());
    const places: SourcePlace[] = [];
    for (let turn = 0; ; turn++) {
      places.push(copy.place);
      // Who was read already, who was not yet, who comes and who goes.
      await admin.put(`/users/${ids[turn]}/roles/${turn % 2 === 0 ? 'editor' : 'viewer'}`);
      await admin.put(`/users/${ids[1000 + turn]}/roles/viewer`);
      await admin.delete(`/users/${ids.splice(500, 1)[0]}`);
      const identities = [{ connectionId: okta, externalId: `late-${turn}` }];
      ids.push(...(await seedPersons(primary, tenantId, [{ userName: `late-${turn}`, identities }])));
      await settled();
      if (await copy.sync(source, 'changes', 1)) break;
    }
    expect(places.length).toBeGreaterThan(4);
    await settled();
    await copy.sync(source);
    expect(await compared(source)).toBe('same');
    const { place } = copy;
    for (const earlier of places) {
      copy.place = earlier;
      await copy.sync(source);
    }
    copy.place = place;
    expect(await compared(source)).toBe('same');
  }, 30_000);

  it('takes over that hundreds came into many groups each at once', async () => {
    await settled();
    const source = sourceWith(await keyOf());
    await copy.sync(source, 'full');
    const groups = Array.from({ length: 60 }, (_, n) => `group ${n}`);
    const users = Array.from({ length: 400 }, (_, n) => ({ externalId: `x-2-${n}`, groups }));
    const pusher = await primary.clientWith(tenantId, ['users:sync']);
    expect((await pusher.post('/users/sync', { connection: okta, users })).status).toBe(200);
    await settled();
    await copy.sync(source);
    expect([...copy.people.values()].filter((one) => one.groups.length === 60)).toHaveLength(400);
    expect(await compared(source)).toBe('same');
  });

  it('says that a copy differs, that its people have moved, and that a ledger is another one', async () => {
    await settled();
    const source = sourceWith(await keyOf());
    await copy.sync(source, 'full');
    const [someone] = copy.people.keys();
    const removed = copy.people.get(someone ?? '');
    copy.people.delete(someone ?? '');
    expect(await compared(source)).toBe('differs');
    if (removed) copy.people.set(removed.externalId, { ...removed, statedAt: '2020-01-01T00:00:00Z' });
    expect(await compared(source)).toBe('differs');
    await copy.sync(source, 'full');
    expect(await compared(source)).toBe('same');
    const { position } = copy.place.state as FollowedState;
    expect(await source.compare({ position: position + 1 }, digestOf, SIGNAL)).toBe('behind');
    expect(await source.compare({ position: 0 }, digestOf, SIGNAL)).toBe('moved');
    expect(await source.findMissing([ids[0] ?? '', okta], SIGNAL)).toEqual([okta]);
  });

  it('compares those who have not changed since, whether what has is numbered or not', async () => {
    await settled();
    const source = sourceWith(await keyOf());
    await copy.sync(source, 'full');
    const state = copy.place.state as FollowedState;
    const [changed = '', deleted = '', ...others] = ids;
    await admin.put(`/users/${changed}/roles/viewer`, { until: '2099-01-01T00:00:00Z' });
    await admin.delete(`/users/${deleted}`);
    ids = [changed, ...others];
    for (const isNumbered of [false, true]) {
      if (isNumbered) await settled();
      expect(await source.compare(state, digestOf, SIGNAL)).toBe('same');
      // Whoever changed may be here as they are now already; all others may not.
      copy.people.delete(changed);
      expect(await source.compare(state, digestOf, SIGNAL)).toBe('same');
    }
    copy.people.delete(others[0] ?? '');
    expect(await source.compare(state, digestOf, SIGNAL)).toBe('differs');
  });

  it('is refused with a key that was replaced, in the middle too, and goes on with the new one', async () => {
    await settled();
    const old = sourceWith(await keyOf());
    await copy.sync(old, 'full', 1);
    const fresh = await keyOf();
    await expect(copy.sync(old, 'full')).rejects.toMatchObject({ kind: 'unauthorized' });
    await copy.sync(sourceWith(fresh), 'full');
    expect(await compared(sourceWith(fresh))).toBe('same');
  });

  it('logs in again when its token is over', async () => {
    const source = sourceWith(await keyOf());
    await copy.sync(source, 'full', 1);
    const clock = primary.app.get(Clock);
    const later = clock.now() + 60 * MINUTE;
    const held = jest.spyOn(clock, 'now').mockReturnValue(later);
    try {
      // The token of then is not of a future that this copy would refuse: its own clock is an hour on as well.
      const ownClock = new Clock();
      jest.spyOn(ownClock, 'now').mockReturnValue(later);
      const patient = sourceWith(await keyOf(), {}, ownClock);
      expect(await copy.sync(patient, 'full', 1)).toBe(false);
      held.mockReturnValue(later + 60 * MINUTE);
      jest.spyOn(ownClock, 'now').mockReturnValue(later + 60 * MINUTE);
      expect(await copy.sync(patient, 'full')).toBe(true);
    } finally {
      held.mockRestore();
    }
  });

  it.each<[string, () => Promise<RollcallSource>, object]>([
    [
      'a key of another connection',
      async () => sourceWith(await keyOf(), { primaryId: tenantId }),
      { kind: 'invalid', message: /another connection/ },
    ],
    ['a key that is none', async () => sourceWith('rc_nonsense'), { kind: 'unauthorized' }],
    [
      'an address that is no Rollcall',
      async () => sourceWith(await keyOf(), { url: `${primary.url}/health` }),
      { kind: 'invalid' },
    ],
    [
      'a clock that is ahead',
      async () => {
        const clock = new Clock();
        jest.spyOn(clock, 'now').mockReturnValue(clock.now() - 5 * MINUTE);
        return sourceWith(await keyOf(), {}, clock);
      },
      { kind: 'invalid', message: /seconds ahead/ },
    ],
    [
      'a clock that is behind',
      async () => {
        const clock = new Clock();
        jest.spyOn(clock, 'now').mockReturnValue(clock.now() + 5 * MINUTE);
        return sourceWith(await keyOf(), {}, clock);
      },
      { kind: 'invalid', message: /seconds behind/ },
    ],
    ['nobody there', async () => sourceWith('rc_x', { url: 'http://127.0.0.1:9' }), { kind: 'unreachable' }],
  ])('takes nothing from %s', async (_, make, failure) => {
    const { message, ...rest } = failure as { message?: RegExp };
    const error: unknown = await copy.sync(await make()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(rest);
    if (message) expect(String(error)).toMatch(message);
    expect(copy.people.size).toBe(0);
  });
});
