import { describe, expect, it } from '@jest/globals';
import type { ConnectionPolicy } from '../../../plan/policy.js';
import { failureOf, readAll } from '../../../../test/support/read-source.js';
import { SOURCE_LIMITS } from './page-guard.js';
import { ScimSource } from './scim-source.js';
import type { SourceClient } from './source-client.js';
import { SourceFailure, type SourcePlace } from './source-reader.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const policy = {
  mapping: { groupKey: 'displayName' },
  roles: new Map(),
  allowedRoles: new Set(),
  allowedEntitlements: [],
  allowPrivileged: false,
} as unknown as ConnectionPolicy;

type Resource = Record<string, unknown>;

/** A SCIM server of one process: its users and groups, its clock, and how it fails. */
class ScriptedScim {
  minute = 0;
  users: Resource[] = [];
  groups: Resource[] = [];
  /** Whether its answers are dated. */
  hasDate = true;
  /** How many groups it counts that it does not name. */
  unnamedGroups = 0;
  /** How far its clock is ahead of ours. */
  aheadMinutes = 0;
  beforeEach: (path: string, query: URLSearchParams) => void = () => {};
  readonly filters: (string | null)[] = [];

  at(minute: number): string {
    return new Date(Date.UTC(2026, 10, 22, 10, minute)).toISOString();
  }

  user(n: number, modified: number): Resource {
    return { id: `u${n}`, userName: `user${n}`, meta: { lastModified: this.at(modified) } };
  }

  source(groups: 'list' | 'users' = 'list'): ScimSource {
    const getJson = (url: string) => {
      const { pathname, searchParams } = new URL(url);
      this.beforeEach(pathname, searchParams);
      if (pathname === '/ServiceProviderConfig') return this.answer({});
      const from = Number(searchParams.get('startIndex')) - 1;
      const all = pathname === '/Users' ? this.users : this.groups;
      if (pathname === '/Users' && from === 0) this.filters.push(searchParams.get('filter'));
      const resources = all.slice(from, from + Math.min(2, Number(searchParams.get('count'))));
      const totalResults = all.length + (pathname === '/Groups' ? this.unnamedGroups : 0);
      return this.answer({ schemas: [LIST], totalResults, Resources: resources });
    };
    return new ScimSource(
      { getJson, host: 'host', limits: SOURCE_LIMITS } as unknown as SourceClient,
      { type: 'scim', url: 'https://host', paging: 'index', pageSize: 2, externalId: 'id', groups },
      { findPolicy: () => Promise.resolve(policy), now: () => Date.parse(this.at(this.minute)) * 1000 },
    );
  }

  private answer(value: unknown) {
    const date = new Date(this.at(this.minute + this.aheadMinutes)).toUTCString();
    return Promise.resolve({ value, headers: this.hasDate ? { date } : {}, text: Buffer.alloc(0) });
  }
}

describe('changes of a SCIM server', () => {
  /** Twenty minutes a page; who was read already changes before the last page, on which somebody is newer still. */
  const changing = (): ScriptedScim => {
    const scim = new ScriptedScim();
    scim.minute = 30;
    scim.users = [1, 2, 3, 4, 5].map((n) => scim.user(n, 0));
    scim.beforeEach = (path, query) => {
      if (path !== '/Users' || query.has('filter')) return;
      if (query.get('startIndex') !== '1') scim.minute += 20;
      if (query.get('startIndex') !== '4') return;
      scim.users[0] = scim.user(1, 60);
      scim.users[4] = scim.user(5, scim.minute);
    };
    return scim;
  };

  it.each<[string, Partial<ScriptedScim>, number]>([
    ['whose answers are dated', {}, 25],
    ['whose answers are not dated', { hasDate: false }, 25],
    ['whose clock is behind', { aheadMinutes: -7 }, 18],
    ['whose clock is ahead', { aheadMinutes: 7 }, 25],
  ])('made while one %s is read are asked for the next time', async (_, of, minute) => {
    const scim = Object.assign(changing(), of);
    const { last } = await readAll(scim.source());
    await readAll(scim.source(), 'changes', last.place);
    expect(scim.filters.at(-1)).toBe(`meta.lastModified ge "${scim.at(minute)}"`);
  });

  it('made before a reading was taken over are asked for the next time', async () => {
    const scim = changing();
    let place: SourcePlace = { state: null, page: null };
    for await (const page of scim.source().read(place, 'full', new AbortController().signal)) {
      place = JSON.parse(JSON.stringify(page.place)) as SourcePlace;
      if (page.records.length > 0) break;
    }
    const { last } = await readAll(scim.source(), 'full', place);
    await readAll(scim.source(), 'changes', last.place);
    expect(scim.filters.at(-1)).toBe(`meta.lastModified ge "${scim.at(25)}"`);
  });

  it('are asked for from the newest that was seen, where that is before the reading', async () => {
    const scim = new ScriptedScim();
    scim.minute = 30;
    scim.users = [1, 2, 3].map((n) => scim.user(n, n * 5));
    const { last } = await readAll(scim.source());
    await readAll(scim.source(), 'changes', last.place);
    expect(scim.filters.at(-1)).toBe(`meta.lastModified ge "${scim.at(10)}"`);
  });
});

describe('changes of a SCIM server whose users tell their groups', () => {
  it('reach whom a group was taken from, though no change of them is dated', async () => {
    const scim = new ScriptedScim();
    const withGroups = (names: string[]) => ({ ...scim.user(1, 0), groups: names.map((display) => ({ display })) });
    scim.users = [withGroups(['Ops', 'Staff']), scim.user(2, 0)];
    scim.minute = 30;
    const { last } = await readAll(scim.source('users'), 'changes');
    scim.users[0] = withGroups(['Staff']);
    const { records } = await readAll(scim.source('users'), 'changes', last.place);
    expect(records[0]).toMatchObject({ externalId: 'u1', groups: ['Staff'] });
    expect(scim.filters).toEqual([null, null]);
  });
});

describe('a user of a SCIM server', () => {
  it('in so many groups within groups that their names are too long together is refused by their number', async () => {
    const scim = new ScriptedScim();
    scim.users = [scim.user(1, 0), scim.user(2, 0)];
    const name = (n: number) => `Group ${n} ${'x'.repeat(20_000)}`;
    scim.groups = [0, 1, 2, 3].map((n) => ({
      id: `g${n}`,
      displayName: name(n),
      members: [{ value: n === 0 ? 'u1' : `g${n - 1}` }, ...(n === 3 ? [{ value: 'u2' }] : [])],
    }));
    const { records } = await readAll(scim.source());
    expect(records).toEqual([null, expect.objectContaining({ externalId: 'u2', groups: [name(3)] })]);
  });
});

describe('a SCIM server whose groups are not there', () => {
  const missing = (status: number) =>
    new SourceFailure(status === 404 ? 'invalid' : 'unreachable', `status ${status}`, { status });
  const grouped = (): ScriptedScim => {
    const scim = new ScriptedScim();
    scim.users = [1, 2, 3].map((n) => scim.user(n, 0));
    scim.groups = [1, 2, 3].map((n) => ({ id: `g${n}`, displayName: `Group ${n}`, members: [{ value: `u${n}` }] }));
    return scim;
  };
  const failGroups = (scim: ScriptedScim, status: number, startIndex = '1') => {
    scim.beforeEach = (path, query) => {
      if (path === '/Groups' && query.get('startIndex') === startIndex) throw missing(status);
    };
  };

  it.each([404, 501])(
    'for once (%d), and had members before, is unreachable, and empties nobody’s groups',
    async (status) => {
      const scim = grouped();
      const { pages, records, last } = await readAll(scim.source());
      expect(records[0]).toMatchObject({ groups: ['Group 1'] });
      failGroups(scim, status);
      for (const mode of ['full', 'changes'] as const) {
        await expect(readAll(scim.source(), mode, last.place)).rejects.toMatchObject({ kind: 'unreachable' });
      }
      const middle = pages.find(({ place }) => place.page !== null)?.place;
      await expect(readAll(scim.source(), 'full', middle)).rejects.toMatchObject({ kind: 'unreachable' });
    },
  );

  it.each([404, 501])(
    'from the second page on (%d) is unreachable: a part of the groups is not all of them',
    async (status) => {
      const scim = grouped();
      failGroups(scim, status, '2');
      expect(await failureOf(scim.source())).toMatchObject({ kind: 'unreachable' });
      expect(scim.filters).toEqual([]);
    },
  );

  it.each([404, 501])('and never had a member (%d) has none, whenever it is read', async (status) => {
    const scim = grouped();
    scim.groups = [];
    const { last } = await readAll(scim.source());
    failGroups(scim, status);
    for (const place of [undefined, last.place]) {
      const { records } = await readAll(scim.source(), 'full', place);
      expect(records[0]).not.toHaveProperty('groups');
    }
  });

  it('in full, though it counts them, is unreachable: whoever is in the others would lose these', async () => {
    const scim = grouped();
    scim.unnamedGroups = 1;
    expect(await failureOf(scim.source())).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('Not all groups could be read.'),
    });
    expect(scim.filters).toEqual([]);
  });

  it('with members, and says just now of none whether it has any, is unreachable, and empties nobody’s groups', async () => {
    const scim = grouped();
    scim.groups = scim.groups.map(({ id, displayName }) => ({ id, displayName }));
    scim.beforeEach = (path) => {
      if (path === '/Groups/g1') throw new SourceFailure('unreachable', 'status 503', { status: 503 });
    };
    expect(await failureOf(scim.source())).toMatchObject({ kind: 'unreachable' });
    expect(scim.filters).toEqual([]);
  });
});
