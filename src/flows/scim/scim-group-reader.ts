import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { etagOf } from './etag.js';
import type { IndexedAttributes } from './filter-sql.js';
import { groupNotFound, locationOfGroup, toGroupResource } from './group-resource.js';
import { countMembers, findGroup, findGroups, type GroupRow, listMembers, readMembers } from './group-store.js';
import type { ListSource, SortColumn } from './list-source.js';
import { isShown, projectResource, type Projection } from './protocol/project-resource.js';
import { groupResourceType } from './protocol/resource-types.js';
import type { ResourceJson } from './protocol/stored-values.js';
import type { ScimAnswer } from './scim-answer.js';
import type { ScimDirectory } from './scim-directory.js';
import { NAME_KEY_MAX } from './stored-user.js';

/** Of all the groups of a page, or of those that a filter has to look at together. */
const MEMBERS_READ_MAX = 250_000;

/** Reads groups, and their members only where somebody is told of them or asks by them. */
@Injectable()
export class ScimGroupReader implements ListSource {
  readonly type = groupResourceType;
  readonly table = 'scim_groups';

  readonly indexed: IndexedAttributes = {
    idColumn: 's.id',
    always: new Set(['id', 'schemas', 'displayName', 'meta', 'meta.created', 'meta.lastModified', 'meta.version']),
    columns: {
      id: { kind: 'text', column: 's.id' },
      displayName: { kind: 'key', column: 's.displayNameKey', charsMax: NAME_KEY_MAX },
      externalId: { kind: 'text', column: 's.externalId' },
      'meta.created': { kind: 'number', column: 's.createdAt' },
      'meta.lastModified': { kind: 'number', column: 's.modifiedAt' },
      'members.value': {
        kind: 'elsewhere',
        select: 'SELECT m.groupId FROM scim_members m WHERE m.connectionId = ? AND m.memberId = ?',
        charsMax: 256,
        isExact: true,
      },
    },
  };

  readonly sortColumns: Readonly<Record<string, SortColumn>> = {
    id: { column: 's.id', optional: false },
    displayName: { column: 's.displayNameKey', optional: false },
    externalId: { column: 's.externalId', optional: true },
    'meta.created': { column: 's.createdAt', optional: false },
    'meta.lastModified': { column: 's.modifiedAt', optional: false },
  };

  constructor(private readonly database: Database) {}

  /** Throws `not_found` for what is no group of the directory. */
  async get({ connectionId }: ScimDirectory, id: string): Promise<GroupRow> {
    // What is no id is not looked for: a database would stumble over half a character.
    const group = isId(id) ? await findGroup(this.database.read, connectionId, id) : null;
    if (!group) throw groupNotFound(id);
    return group;
  }

  async read(
    { connectionId, baseUrl }: ScimDirectory,
    ids: readonly string[],
    needs: (attribute: string) => boolean,
  ): Promise<Map<string, ResourceJson>> {
    const groups = await findGroups(this.database.read, connectionId, ids);
    if (needs('members') && ids.length > 1) await this.refuseTooMany(ids);
    const members = needs('members') ? await readMembers(this.database.read, ids) : null;
    return new Map(groups.map((group) => [group.id, toGroupResource(group, members?.get(group.id) ?? null, baseUrl)]));
  }

  /** Throws `scim_too_many` for more members than one answer can hold: never a list that is cut unseen. */
  private async refuseTooMany(ids: readonly string[]): Promise<void> {
    const count = await countMembers(this.database.read, ids);
    if (count <= MEMBERS_READ_MAX) return;
    const detail =
      `These groups have ${count} members together, and ${MEMBERS_READ_MAX} are read at most: ask for fewer groups, ` +
      'or with excludedAttributes=members.';
    throw new Problem('scim_too_many', detail);
  }

  /** What is told of a group. */
  async show({ baseUrl }: ScimDirectory, group: GroupRow, projection: Projection): Promise<ScimAnswer> {
    const members = isShown(projection, 'members')
      ? ((await readMembers(this.database.read, [group.id])).get(group.id) ?? [])
      : null;
    return {
      resource: projectResource(toGroupResource(group, members, baseUrl), projection),
      location: locationOfGroup(baseUrl, group.id),
      etag: etagOf(group),
    };
  }

  /** The group has no more members than that. */
  async hasAtMost(membersMax: number, { id }: GroupRow): Promise<boolean> {
    return (await listMembers(this.database.read, id, membersMax + 1)).size <= membersMax;
  }
}
