import { Injectable } from '@nestjs/common';
import type { Facts } from '../../plan/facts.js';
import { readStoredUser, type StoredUser } from '../../plan/scim-entry.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { selectByKeys } from '../../platform/sql.js';
import { readGroupsOf } from './group-store.js';
import type { ListSource } from './list-source.js';
import { projectResource, type Projection } from './protocol/project-resource.js';
import { userResourceType } from './protocol/resource-types.js';
import type { ResourceJson } from './protocol/stored-values.js';
import type { ScimAnswer } from './scim-answer.js';
import type { ScimDirectory } from './scim-directory.js';
import { locationOf, toUserResource, userEtagOf } from './stored-user.js';
import { userNotFound } from './user-draft.js';
import { indexedUserAttributes, userSortColumns } from './user-list-source.js';

/** Users as they are stored and told. */
@Injectable()
export class ScimUserReader implements ListSource {
  readonly type = userResourceType;
  readonly table = 'scim_users';
  readonly idIndex = 'scim_users_connection';
  readonly indexed = indexedUserAttributes;
  readonly sortColumns = userSortColumns;

  constructor(private readonly database: Database) {}

  async read(
    directory: ScimDirectory,
    ids: readonly string[],
    needs: (attribute: string) => boolean,
  ): Promise<Map<string, ResourceJson>> {
    const [users, groups] = await Promise.all([
      this.findMany(directory, ids),
      // `meta.version` tells them too.
      needs('groups') || needs('meta') ? readGroupsOf(this.database.read, directory.connectionId, ids) : null,
    ]);
    const resources = new Map<string, ResourceJson>();
    for (const [id, stored] of users) {
      resources.set(id, toUserResource(id, stored, groups?.get(id) ?? [], directory.baseUrl));
    }
    return resources;
  }

  /** Throws `not_found` for whoever is not in the directory. */
  async get(directory: ScimDirectory, id: string): Promise<StoredUser> {
    // What is no id is not looked for: a database would stumble over half a character.
    const stored = isId(id) ? (await this.findMany(directory, [id])).get(id) : undefined;
    if (!stored) throw userNotFound(id);
    return stored;
  }

  /** The users of the directory among these ids. */
  async findMany({ connectionId }: ScimDirectory, ids: readonly string[]): Promise<Map<string, StoredUser>> {
    const rows = await selectByKeys(
      this.database.read,
      (keys) => `SELECT id, facts FROM identities WHERE connectionId = ? AND id IN ${keys}`,
      [connectionId],
      ids,
    );
    const found = new Map<string, StoredUser>();
    for (const row of rows) {
      const stored = readStoredUser({ facts: JSON.parse(String(row.facts)) as Facts });
      if (stored) found.set(String(row.id), stored);
    }
    return found;
  }

  /** What is told of a user. */
  async show(
    { connectionId, baseUrl }: ScimDirectory,
    { id, stored, isNew = false }: { id: string; stored: StoredUser; isNew?: boolean },
    projection: Projection,
  ): Promise<ScimAnswer> {
    const groups = isNew ? [] : ((await readGroupsOf(this.database.read, connectionId, [id])).get(id) ?? []);
    const resource = toUserResource(id, stored, groups, baseUrl);
    const location = locationOf(baseUrl, id);
    return { resource: projectResource(resource, projection), location, etag: userEtagOf(stored, groups) };
  }
}
