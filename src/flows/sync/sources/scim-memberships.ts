import { createHash } from 'node:crypto';
import { SourceFailure } from './source-reader.js';
import type { ScimJson } from './scim-list.js';

const MEMBERSHIPS_MAX = 5_000_000;

/** Who is in which group of a SCIM server, groups within groups included (RFC 7643, section 4.2). */
export class ScimMemberships {
  private readonly groups: { id: string; name: string | null }[] = [];
  /** Of users and of groups, by id: places in `groups`. */
  private readonly memberOf = new Map<string, number[]>();
  private readonly hash = createHash('sha256');
  private pages = 0;
  private count = 0;

  /** @param groupKey how a group is called where rules read it; without such a name it is nowhere */
  constructor(private readonly groupKey: 'displayName' | 'externalId') {}

  /** Whether the server told of groups at all, though it may have none. */
  get isKnown(): boolean {
    return this.pages > 0;
  }

  /** Whether any group has a member. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  addAll(groups: readonly ScimJson[]): void {
    this.pages += 1;
    for (const group of groups) this.add(group);
  }

  private add(group: ScimJson): void {
    const { id, members } = group;
    const name = group[this.groupKey];
    if (typeof id !== 'string') return;
    const place = this.groups.push({ id, name: typeof name === 'string' && name !== '' ? name : null }) - 1;
    this.hash.update(JSON.stringify([id, name ?? null]));
    for (const member of Array.isArray(members) ? (members as unknown[]) : []) {
      const value = typeof member === 'string' ? member : (member as { value?: unknown } | null)?.value;
      if (typeof value !== 'string') continue;
      this.count += 1;
      if (this.count > MEMBERSHIPS_MAX) {
        throw new SourceFailure('invalid', `Its groups have more than ${MEMBERSHIPS_MAX} members.`);
      }
      this.hash.update(value).update('\n');
      const places = this.memberOf.get(value);
      if (places) places.push(place);
      else this.memberOf.set(value, [place]);
    }
  }

  /** Two readings with the same digest found the same members in the same groups. Null where there is nothing to know. */
  digest(): string | null {
    return this.isKnown ? this.hash.copy().digest('base64url') : null;
  }

  namesOf(userId: string): string[] {
    const names = new Set<string>();
    const seen = new Set<number>();
    const open = [...(this.memberOf.get(userId) ?? [])];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const group = this.groups[place];
      if (seen.has(place) || !group) continue;
      seen.add(place);
      if (group.name !== null) names.add(group.name);
      open.push(...(this.memberOf.get(group.id) ?? []));
    }
    return [...names].sort();
  }
}

/** As a user's own `groups` tell them: readOnly, and not shown by every server (RFC 7643, section 4.1.2). */
export function readUserGroups({ groups }: ScimJson, groupKey: 'displayName' | 'externalId'): string[] {
  const names = new Set<string>();
  for (const group of Array.isArray(groups) ? (groups as unknown[]) : []) {
    const { display, value } = (typeof group === 'object' && group !== null ? group : {}) as Record<string, unknown>;
    const name = groupKey === 'displayName' ? display : value;
    if (typeof name === 'string' && name !== '') names.add(name);
  }
  return [...names].sort();
}
