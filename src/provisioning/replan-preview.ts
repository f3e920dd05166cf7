import { Injectable } from '@nestjs/common';
import type { GrantWord, PersonChanges } from '../plan/changes.js';
import { findLoss } from '../plan/losses.js';
import { trips } from '../plan/safety-catch.js';
import type { Principal } from '../platform/access.js';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { OWNER } from '../platform/permissions.js';
import { Problem } from '../platform/problem.js';
import { compilePolicy } from '../records/connections/load-policies.js';
import { ConnectionsService } from '../records/connections/connections.service.js';
import { loadRoleCatalogue } from '../records/roles/role-catalogue.js';
import { findLastingHolder } from '../records/users/last-owner.js';
import { readPeople, type PeoplePlace } from './connection-people.js';
import { mayLoseOwner } from './owner-guard.js';
import { countPeople } from '../records/sync-runs/run-people.js';
import type { ReplanPreviewView, ReplanShare } from './replan.dto.js';
import { ReplanChunk } from './replan-chunk.js';

const CHUNK_PEOPLE = 500;
const PEOPLE_SHOWN_MAX = 200;

/** Tells who would gain and lose what if a connection were saved so: the re-plan itself, not written. */
@Injectable()
export class ReplanPreview {
  constructor(
    private readonly database: Database,
    private readonly connections: ConnectionsService,
    private readonly chunk: ReplanChunk,
    private readonly clock: Clock,
  ) {}

  async preview(caller: Principal, connectionId: string, patch: unknown): Promise<ReplanPreviewView> {
    const proposed = await this.connections.propose(caller, connectionId, patch);
    const policy = compilePolicy(proposed, await loadRoleCatalogue(this.database.read, proposed.tenantId));
    if (!policy) throw new Problem('internal');
    const view: ReplanPreviewView = {
      people: 0,
      changed: 0,
      failed: 0,
      gains: [],
      losses: [],
      users: [],
      more: false,
      held: false,
    };
    const gains = new Map<string, number>();
    const losses = new Map<string, number>();
    const losingOwners: PersonChanges[] = [];
    let losing = 0;
    let place: PeoplePlace | null = null;
    do {
      const page = await readPeople(this.database.read, connectionId, proposed.mappingVersion, place, CHUNK_PEOPLE);
      const { changes, outcomes, now } = await this.chunk.plan(policy, page.userIds, 'write');
      view.people += outcomes.length;
      for (const outcome of outcomes) losing += findLoss(outcome, now) ? 1 : 0;
      view.failed += outcomes.filter(({ result }) => result === 'failed' || result === 'refused').length;
      for (const change of changes) {
        const { event, after, userId } = change;
        if (!event) continue;
        if (mayLoseOwner(change, now)) losingOwners.push(change);
        view.changed += 1;
        const user = {
          id: userId,
          userName: after?.user.userName ?? null,
          displayName: after?.user.displayName ?? null,
          gains: count(event.granted, gains),
          losses: count(event.revoked, losses),
        };
        if (view.users.length < PEOPLE_SHOWN_MAX) view.users.push(user);
        else view.more = true;
      }
      place = page.next;
    } while (place);
    const { safetyCatch } = proposed.settings;
    const people = await countPeople(this.database.read, connectionId, null, this.clock.now());
    view.held = trips(safetyCatch, { deactivated: 0, reduced: losing }, people);
    await this.keepLastOwner(view, losingOwners, gains, losses);
    return { ...view, gains: toShares(gains), losses: toShares(losses) };
  }

  /** People are written one after the other, so that of those who lose it together the last stays as they are. */
  private async keepLastOwner(
    view: ReplanPreviewView,
    losing: readonly PersonChanges[],
    gains: Map<string, number>,
    losses: Map<string, number>,
  ): Promise<void> {
    const last = losing.at(-1);
    if (!last?.event) return;
    const userIds = losing.map(({ userId }) => userId);
    const manager = this.database.read;
    if ((await findLastingHolder(manager, last.tenantId, OWNER, userIds, this.clock.now())) !== null) return;
    view.changed -= 1;
    view.failed += 1;
    count(last.event.granted, gains, -1);
    count(last.event.revoked, losses, -1);
    view.users = view.users.filter(({ id }) => id !== last.userId);
  }
}

/** The words in which they are shown, each counted. */
function count(words: readonly GrantWord[], counts: Map<string, number>, people = 1): string[] {
  const texts = [...new Set(words.map(({ kind, key }) => `${kind} ${key}`))];
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + people);
  return texts;
}

function toShares(counts: ReadonlyMap<string, number>): ReplanShare[] {
  const shares = [...counts].flatMap(([held, people]) => (people > 0 ? [{ held, people }] : []));
  return shares.sort((a, b) => b.people - a.people || (a.held < b.held ? -1 : 1));
}
