import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Leases } from '../../src/platform/leases.js';
import { ReplanService } from '../../src/provisioning/replan.service.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { RemovalsWorld, people } from '../support/removals-world.js';
import {
  createGroup,
  finishGroupRuns,
  groupBody,
  groupFactOf,
  groupPath,
  makeGroupWorld,
  membersOf,
  patchGroup,
  rolesGiven,
  type ScimGroup,
  seedScimPeople,
} from '../support/scim-groups-world.js';
import { CATCH } from '../support/removals-world.js';
import type { ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

const inGroup = (group: string) => [{ id: 'eng', when: `'${group}' in claims.groups`, grant: ['editor'] }];

async function saveRules(world: Pick<RemovalsWorld, 'admin' | 'connectionId'>, mapping: object): Promise<string> {
  const path = `/connections/${world.connectionId}`;
  const { body } = await world.admin.get<{ version: number }>(path);
  const saved = await world.admin.patch<{ replan: string }>(path, { mapping }, { 'if-match': `"${body.version}"` });
  expect(saved.status).toBe(200);
  return saved.body.replan;
}

async function countRoles(connectionId: string): Promise<number> {
  return rollcall.database.read.countBy(GrantEntity, { connectionId, heldKey: 'editor' });
}

describe('the safety catch of an edited rule', () => {
  const members = (count: number, group: string, from = 0) => people(count, { groups: [group], roles: [] }, from);

  it('gives roles at once, and holds what it takes from too many; a later edit supersedes it', async () => {
    const world = await RemovalsWorld.build(rollcall);
    await world.push([...members(10, 'engineering'), ...members(10, 'sales', 10)]);
    const preview = await world.admin.post<{ held: boolean }>(`/connections/${world.connectionId}/dry-run`, {
      mapping: { roles: inGroup('sales') },
    });
    expect([preview.status, preview.body.held]).toEqual([200, true]);
    const first = await world.ended(await saveRules(world, { roles: inGroup('sales') }));
    expect(first).toMatchObject({ status: 'held', counts: { changed: 10, held: 10 } });
    expect(await countRoles(world.connectionId)).toBe(20);
    expect((await world.plan(first.id)).body).toMatchObject({
      removals: { deactivated: 0, reduced: 10, losses: [{ held: 'role editor', people: 10 }] },
    });

    const second = await world.ended(await saveRules(world, { roles: inGroup('nobody') }));
    expect(second).toMatchObject({ status: 'held', counts: { held: 20 } });
    expect((await world.run(first.id)).body.status).toBe('superseded');
    expect((await world.decide(first.id, 'approve')).status).toBe(409);
    await world.decide(second.id, 'approve');
    expect(await world.ended(second.id)).toMatchObject({ status: 'finished', counts: { changed: 20 } });
    expect(await countRoles(world.connectionId)).toBe(0);
  });

  it('lets pass what it takes from few, and from many that are a small share', async () => {
    const world = await RemovalsWorld.build(rollcall);
    await world.push([...members(5, 'engineering'), ...members(60, 'sales', 10)]);
    const run = await world.ended(await saveRules(world, { roles: inGroup('sales') }));
    expect(run).toMatchObject({ status: 'finished', counts: { changed: 65 } });
    expect(await countRoles(world.connectionId)).toBe(60);
  });

  it('approved once other rules are saved, takes nothing by these: their own run is held for that', async () => {
    const world = await RemovalsWorld.build(rollcall);
    await world.push([...members(10, 'engineering'), ...members(10, 'sales', 10)]);
    const first = await world.ended(await saveRules(world, { roles: inGroup('sales') }));
    let second = '';
    await rollcall.app.get(Leases).run(`replan:${world.connectionId}`, 60_000, async () => {
      second = await saveRules(world, { roles: [] });
      await world.decide(first.id, 'approve');
      expect(await world.ended(first.id)).toMatchObject({ status: 'finished', counts: { unchanged: 10 } });
    });
    expect(await world.ended(second)).toMatchObject({ status: 'held', counts: { held: 20 } });
    expect(await countRoles(world.connectionId)).toBe(20);
  });

  it('approved, is not taken for finished because a rule fails for somebody whom it does not hold', async () => {
    const world = await RemovalsWorld.build(rollcall);
    await world.push([...members(10, 'engineering'), ...members(5, 'sales', 10), ...people(1, { roles: [] }, 50)]);
    const rules = [{ id: 'eng', when: `claims.groups[0] == 'sales'`, grant: ['editor'] }];
    const { id } = await world.ended(await saveRules(world, { roles: rules }));
    await rollcall.app.get(Leases).run(`removals:${id}`, 60_000, async () => {
      await world.decide(id, 'approve');
      await rollcall.app.get(ReplanService).workThrough();
      expect((await world.run(id)).body).toMatchObject({ status: 'running', phase: 'removing', counts: { failed: 1 } });
    });
    expect(await world.ended(id)).toMatchObject({ status: 'finished', counts: { changed: 15, failed: 1 } });
    expect(await countRoles(world.connectionId)).toBe(5);
  });

  it('leaves whoever is held as they are until then, and a push of them is held as well', async () => {
    const world = await RemovalsWorld.build(rollcall);
    await world.push(members(10, 'engineering'));
    const run = await world.ended(await saveRules(world, { roles: inGroup('sales') }));
    expect(run.status).toBe('held');
    const { body } = await world.push(members(10, 'engineering'));
    expect(body.counts.held).toBe(10);
    expect(await countRoles(world.connectionId)).toBe(10);
    await world.decide(run.id, 'approve');
    await world.ended(run.id);
    expect(await countRoles(world.connectionId)).toBe(0);
    // What the push would have taken is gone by then.
    await world.decide(body.run, 'approve');
    expect((await world.ended(body.run)).status).toBe('finished');
  });
});

describe('the safety catch of changed groups', () => {
  const MAY = ['connections:read', 'connections:write', 'connections:trust', 'sync-runs:read', 'sync-runs:write'];
  let world: ScimWorld;
  let admin: HttpClient;
  let ids: string[];
  let group: string;
  const begin = async (size: number) => {
    world = await makeGroupWorld(rollcall, { safetyCatch: CATCH });
    admin = await rollcall.clientWith(world.tenantId, MAY);
    ids = await seedScimPeople(rollcall, world, size);
    group = (await createGroup(world.scim, 'engineering', ids)).id;
    expect(await editors()).toEqual(sorted(ids));
  };
  const sorted = (some: readonly string[]) => [...some].sort();
  const editors = async () => sorted(Object.keys(await rolesGiven(rollcall, world.connectionId)));
  const runs = async () => (await finishGroupRuns(rollcall, world)).map(({ status, counts }) => ({ status, counts }));
  const approve = async () => {
    const [run] = await finishGroupRuns(rollcall, world);
    expect((await admin.post(`/sync-runs/${String(run?.id)}/approve`, undefined)).status).toBe(200);
    await finishGroupRuns(rollcall, world);
  };
  const rename = () => patchGroup(world, group, { op: 'replace', path: 'displayName', value: 'sales' });

  it('holds what a run over groups takes from too many', async () => {
    await begin(12);
    await saveRules({ admin, connectionId: world.connectionId }, { groupKey: 'externalId' });
    expect(await runs()).toEqual([{ status: 'held', counts: expect.objectContaining({ held: 12 }) }]);
    expect(await editors()).toEqual(sorted(ids));
    await approve();
    expect(await editors()).toEqual([]);
  });

  it('holds what a renamed group takes from too many, and tells the provider that it is renamed', async () => {
    await begin(12);
    expect(await rename()).toMatchObject({ status: 200, body: { displayName: 'sales' } });
    expect(await runs()).toEqual([{ status: 'held', counts: expect.objectContaining({ held: 12 }) }]);
    expect(await editors()).toEqual(sorted(ids));
    await approve();
    expect(await editors()).toEqual([]);
    expect(await groupFactOf(rollcall, ids[0] ?? '')).toEqual(['sales']);
  });

  it('lets a group be renamed at once that takes from few', async () => {
    await begin(2);
    expect((await rename()).status).toBe(200);
    expect([await editors(), await runs()]).toEqual([[], []]);
  });

  it('takes from whoever is taken out of a group at once, though what its new name takes is held', async () => {
    await begin(12);
    const [out = '', ...staying] = ids;
    const answer = await world.scim.put<ScimGroup>(groupPath(group), groupBody('sales', staying));
    expect([answer.status, membersOf(answer)]).toEqual([200, sorted(staying)]);
    expect((await editors()).includes(out)).toBe(false);
    expect(await runs()).toEqual([{ status: 'held', counts: expect.objectContaining({ held: 11 }) }]);
    expect(await editors()).toEqual(sorted(staying));
  });

  it('holds nothing that members lose who are taken out, or whose group is deleted: these are words of the provider', async () => {
    await begin(12);
    const put = await world.scim.put<ScimGroup>(groupPath(group), groupBody('engineering', ids.slice(6)));
    expect([put.status, await editors()]).toEqual([200, sorted(ids.slice(6))]);
    expect((await world.scim.delete(groupPath(group))).status).toBe(204);
    expect([await editors(), await runs()]).toEqual([[], []]);
  });
});
