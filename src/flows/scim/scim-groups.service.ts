import { Injectable } from '@nestjs/common';
import { actorOf } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { checkEtag } from './etag.js';
import type { GroupRow } from './group-store.js';
import { GroupWriter } from './group-writer.js';
import { type GroupPlan, type GroupWays, planGroup, planNewGroup, planRemoval } from './plan-group.js';
import { type GroupBody, type GroupChanges, readGroup, readGroupPatch } from './protocol/group-changes.js';
import { type AskedAttributes, readProjection } from './protocol/project-resource.js';
import { groupResourceType } from './protocol/resource-types.js';
import type { ChangeAnswer, ScimAnswer, ScimRequest } from './scim-answer.js';
import { ScimDirectories, type ScimDirectory } from './scim-directory.js';
import { ScimGroupReader } from './scim-group-reader.js';

/** A PATCH of a larger group is answered with 204, unless the client asks for attributes. */
const MEMBERS_TOLD_MAX = 100;
const ID_ALONE = readProjection(groupResourceType, { attributes: ['id'] });

/** Groups over SCIM (RFC 7643, section 4.2): a group is never read or written as a whole to change a part of it. */
@Injectable()
export class ScimGroupsService {
  constructor(
    private readonly directories: ScimDirectories,
    private readonly reader: ScimGroupReader,
    private readonly writer: GroupWriter,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async get(principal: Principal, id: string, asked: AskedAttributes): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, asked);
    return this.reader.show(directory, await this.reader.get(directory, id), projection);
  }

  /** POST (RFC 7644, section 3.3). */
  async create(principal: Principal, body: unknown, asked: AskedAttributes): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, asked);
    const posted = readGroup(body, directory.leniencies);
    const group = this.begin(directory, posted);
    const created = await this.write(principal, (open) =>
      planNewGroup(this.database.read, group, posted.members, waysOf(open)),
    );
    return this.reader.show(directory, created ?? group, projection);
  }

  /** PUT (RFC 7644, section 3.5.1). */
  async replace(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(groupResourceType, request);
    const changes = { ...readGroup(body, directory.leniencies), removeWhere: [], remove: [], add: [], expected: [] };
    const group = await this.rewrite(principal, id, request.ifMatch, changes);
    return this.reader.show(directory, group, projection);
  }

  /** PATCH (RFC 7644, section 3.5.2). */
  async change(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ChangeAnswer> {
    const directory = await this.directories.open(principal);
    const { leniencies } = directory;
    const projection = readProjection(groupResourceType, request);
    const changes = readGroupPatch(body, leniencies, id);
    const group = await this.rewrite(principal, id, request.ifMatch, changes);
    const isAsked = request.attributes !== undefined || request.excludedAttributes !== undefined;
    // To tell all members each time would make any change of a large group as dear as the whole of it.
    const isTold =
      isAsked || (leniencies.patchResponse === 'resource' && (await this.reader.hasAtMost(MEMBERS_TOLD_MAX, group)));
    return { answer: await this.reader.show(directory, group, isTold ? projection : ID_ALONE), isTold };
  }

  /** DELETE (RFC 7644, section 3.6): the group is gone at once; of many members the roles follow by a run. */
  async remove(principal: Principal, id: string, ifMatch: string | undefined): Promise<void> {
    await this.write(principal, async (directory) => {
      const before = await this.reader.get(directory, id);
      const exact = isForThis(ifMatch, before);
      return { ...(await planRemoval(this.database.read, before)), exact };
    });
  }

  private begin({ tenantId, connectionId }: ScimDirectory, { displayName, externalId }: GroupBody): GroupRow {
    const now = this.clock.now();
    const names = { displayName, externalId };
    return { id: newId(), tenantId, connectionId, ...names, version: 1, revision: 1, createdAt: now, modifiedAt: now };
  }

  /** Throws `not_found` and `version_conflict`. */
  private async rewrite(
    principal: Principal,
    id: string,
    ifMatch: string | undefined,
    changes: GroupChanges,
  ): Promise<GroupRow> {
    const group = await this.write(
      principal,
      async (directory) => {
        const before = await this.reader.get(directory, id);
        const exact = isForThis(ifMatch, before);
        const plan = await planGroup(this.database.read, before, changes, waysOf(directory));
        return plan ? { ...plan, exact: exact || plan.exact } : before;
      },
      changes.members && id,
    );
    return group as GroupRow;
  }

  /** Planned from the directory as it is at each try; one after the other where they name one turn. */
  private async write(
    principal: Principal,
    plan: (directory: ScimDirectory) => Promise<GroupPlan | GroupRow>,
    turn?: string,
  ): Promise<GroupRow | null> {
    const read = async () => {
      const directory = await this.directories.open(principal);
      return { known: directory.known, plan: await plan(directory) };
    };
    const { group } = await this.writer.write(actorOf(principal), read, turn);
    return group;
  }
}

function waysOf({ known, leniencies, baseUrl }: ScimDirectory): GroupWays {
  return { groupKey: known.policy.mapping.groupKey, unknownMembers: leniencies.unknownMembers, baseUrl };
}

/** Answers whether the change is for this very version. Throws `version_conflict`. */
function isForThis(ifMatch: string | undefined, group: GroupRow): boolean {
  if (ifMatch === undefined) return false;
  checkEtag(ifMatch, group);
  return ifMatch.trim() !== '*';
}
