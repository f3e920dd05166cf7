import { Injectable } from '@nestjs/common';
import type { GrantWord } from '../plan/changes.js';
import type { Principal } from '../platform/access.js';
import { Database } from '../platform/database.js';
import { Problem } from '../platform/problem.js';
import { compilePolicy } from '../records/connections/load-policies.js';
import { ConnectionsService } from '../records/connections/connections.service.js';
import { loadRoleCatalogue } from '../records/roles/role-catalogue.js';
import { readPeople, type PeoplePlace } from './connection-people.js';
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
  ) {}

  async preview(caller: Principal, connectionId: string, patch: unknown): Promise<ReplanPreviewView> {
    const proposed = await this.connections.propose(caller, connectionId, patch);
    const policy = compilePolicy(proposed, await loadRoleCatalogue(this.database.read, proposed.tenantId));
    if (!policy) throw new Problem('internal');
    const view: ReplanPreviewView = { people: 0, changed: 0, failed: 0, gains: [], losses: [], users: [], more: false };
    const gains = new Map<string, number>();
    const losses = new Map<string, number>();
    let place: PeoplePlace | null = null;
    do {
      const page = await readPeople(this.database.read, connectionId, proposed.mappingVersion, place, CHUNK_PEOPLE);
      const { changes, outcomes } = await this.chunk.plan(policy, page.userIds);
      view.people += outcomes.length;
      view.failed += outcomes.filter(({ result }) => result === 'failed' || result === 'refused').length;
      for (const { event, after, userId } of changes) {
        if (!event) continue;
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
    return { ...view, gains: toShares(gains), losses: toShares(losses) };
  }
}

/** The words in which they are shown, each counted. */
function count(words: readonly GrantWord[], counts: Map<string, number>): string[] {
  const texts = [...new Set(words.map(({ kind, key }) => `${kind} ${key}`))];
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return texts;
}

function toShares(counts: ReadonlyMap<string, number>): ReplanShare[] {
  return [...counts].map(([held, people]) => ({ held, people })).sort((a, b) => b.people - a.people);
}
