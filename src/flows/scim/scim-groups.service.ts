import { Injectable } from '@nestjs/common';
import { actorOf } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { isId, newId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import type { GroupEdit, GroupPlan } from './group-delta.js';
import { etagOfGroup, groupNotFound, locationOfGroup, toGroupResource } from './group-resource.js';
import { findGroup, type GroupRow, listMembers, readMembers } from './group-store.js';
import { GroupWriter } from './group-writer.js';
import { readGroupBody, readGroupPatch } from './group-request.js';
import { type GroupWays, planGroup, planNewGroup, planRemoval } from './plan-group.js';
import {
  type AskedAttributes,
  isShown,
  type Projection,
  projectResource,
  readProjection,
} from './protocol/project-resource.js';
import { groupResourceType } from './protocol/resource-types.js';
import type { ScimAnswer } from './scim-answer.js';
import { ScimDirectories, type ScimDirectory } from './scim-directory.js';
import type { ChangeAnswer, ScimRequest } from './scim-users.service.js';
import { matchesEtag } from './user-draft.js';

/** A PATCH of a larger group is answered with 204, unless the client asks for attributes. */
const MEMBERS_TOLD_MAX = 100;
const ID_ALONE = readProjection(groupResourceType, { attributes: ['id'] });

/** Groups over SCIM (RFC 7643, section 4.2): a group is never read or written as a whole to change a part of it. */
@Injectable()
export class ScimGroupsService {
  constructor(
    private readonly directories: ScimDirectories,
    private readonly writer: GroupWriter,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async get(principal: Principal, id: string, asked: AskedAttributes): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, asked);
    return this.show(directory, await this.find(directory, id), projection);
  }

  /** POST (RFC 7644, section 3.3). */
  async create(principal: Principal, body: unknown, asked: AskedAttributes): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, asked);
    const { displayName, externalId, members } = readGroupBody(body, directory.leniencies);
    const { tenantId, connectionId } = directory;
    const now = this.clock.now();
    const group: GroupRow = {
      id: newId(),
      tenantId,
      connectionId,
      displayName,
      externalId,
      version: 1,
      revision: 1,
      createdAt: now,
      modifiedAt: now,
    };
    const created = await this.write(principal, (open) =>
      planNewGroup(this.database.read, group, members, waysOf(open)),
    );
    return this.show(directory, created ?? group, projection);
  }

  /** PUT (RFC 7644, section 3.5.1). */
  async replace(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, request);
    const edit = readGroupBody(body, directory.leniencies);
    const group = await this.rewrite(principal, id, request.ifMatch, edit);
    return this.show(directory, group, projection);
  }

  /** PATCH (RFC 7644, section 3.5.2). */
  async change(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ChangeAnswer> {
    const directory = await this.directories.open(principal);
    const { leniencies } = directory;
    const projection = readProjection(groupResourceType, request);
    const edit = readGroupPatch(body, leniencies, id);
    const group = await this.rewrite(principal, id, request.ifMatch, edit);
    const isAsked = request.attributes !== undefined || request.excludedAttributes !== undefined;
    const isTold = isAsked || (leniencies.patchResponse === 'resource' && (await this.isSmall(group)));
    return { answer: await this.show(directory, group, isTold ? projection : ID_ALONE), isTold };
  }

  /** DELETE (RFC 7644, section 3.6): the group is gone at once; of many members the roles follow by a run. */
  async remove(principal: Principal, id: string, ifMatch: string | undefined): Promise<void> {
    await this.write(principal, async (directory) => {
      const before = await this.find(directory, id);
      return { ...(await planRemoval(this.database.read, before)), exact: checkGroupEtag(ifMatch, before) };
    });
  }

  private async rewrite(
    principal: Principal,
    id: string,
    ifMatch: string | undefined,
    edit: GroupEdit,
  ): Promise<GroupRow> {
    const group = await this.write(principal, async (directory) => {
      const before = await this.find(directory, id);
      const exact = checkGroupEtag(ifMatch, before);
      const plan = await planGroup(this.database.read, before, edit, waysOf(directory));
      return plan ? { ...plan, exact } : before;
    });
    if (!group) throw groupNotFound(id);
    return group;
  }

  /** Planned from the directory as it is at each try. */
  private async write(
    principal: Principal,
    plan: (directory: ScimDirectory) => Promise<GroupPlan | GroupRow>,
  ): Promise<GroupRow | null> {
    const { group } = await this.writer.write(actorOf(principal), async () => {
      const directory = await this.directories.open(principal);
      return { known: directory.known, plan: await plan(directory) };
    });
    return group;
  }

  /** A standing answer with all members would make each change of a large group as dear as the whole of it. */
  private async isSmall({ id }: GroupRow): Promise<boolean> {
    return (await listMembers(this.database.read, id, MEMBERS_TOLD_MAX + 1)).size <= MEMBERS_TOLD_MAX;
  }

  private async find({ connectionId }: ScimDirectory, id: string): Promise<GroupRow> {
    // What is no id is not looked for: a database would stumble over half a character.
    const group = isId(id) ? await findGroup(this.database.read, connectionId, id) : null;
    if (!group) throw groupNotFound(id);
    return group;
  }

  private async show({ baseUrl }: ScimDirectory, group: GroupRow, projection: Projection): Promise<ScimAnswer> {
    const members = isShown(projection, 'members')
      ? ((await readMembers(this.database.read, [group.id])).get(group.id) ?? [])
      : null;
    return {
      resource: projectResource(toGroupResource(group, members, baseUrl), projection),
      location: locationOfGroup(baseUrl, group.id),
      etag: etagOfGroup(group),
    };
  }
}

function waysOf({ known, leniencies }: ScimDirectory): GroupWays {
  return { groupKey: known.policy.mapping.groupKey, unknownMembers: leniencies.unknownMembers };
}

/** Answers whether the change is for this very version. Throws `version_conflict`. */
function checkGroupEtag(ifMatch: string | undefined, group: GroupRow): boolean {
  if (ifMatch === undefined) return false;
  const etag = etagOfGroup(group);
  if (!matchesEtag(ifMatch, etag)) throw new Problem('version_conflict', `Its version is ${etag}.`);
  return ifMatch.trim() !== '*';
}
