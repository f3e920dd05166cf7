import { Injectable } from '@nestjs/common';
import type { Facts } from '../../plan/facts.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { selectByKeys } from '../../platform/sql.js';
import { readGroupsOf } from './group-store.js';
import { isShown, projectResource, type Projection } from './protocol/project-resource.js';
import type { ScimAnswer } from './scim-answer.js';
import type { ScimDirectory } from './scim-directory.js';
import { etagOfUser, locationOf, readStoredUser, type StoredUser, toUserResource } from './stored-user.js';
import { userNotFound } from './user-draft.js';

@Injectable()
export class ScimUserReader {
  constructor(private readonly database: Database) {}

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
  async show(directory: ScimDirectory, id: string, stored: StoredUser, projection: Projection): Promise<ScimAnswer> {
    const [resource = {}] = await this.showMany(directory, [[id, stored]], projection);
    return { resource, location: locationOf(directory.baseUrl, id), etag: etagOfUser(stored) };
  }

  /** What is told of some users, in their order. */
  async showMany(
    { connectionId, baseUrl }: ScimDirectory,
    users: readonly (readonly [string, StoredUser])[],
    projection: Projection,
  ): Promise<ScimAnswer['resource'][]> {
    const ids = users.map(([id]) => id);
    const groups = isShown(projection, 'groups')
      ? await readGroupsOf(this.database.read, connectionId, ids)
      : new Map<string, never>();
    return users.map(([id, stored]) =>
      projectResource(toUserResource(id, stored, groups.get(id) ?? [], baseUrl), projection),
    );
  }
}
