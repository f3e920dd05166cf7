import { Injectable } from '@nestjs/common';
import { actorOf } from '../../ledger/ledger.service.js';
import { readStoredUser } from '../../plan/scim-entry.js';
import type { MatchValue, Statement } from '../../plan/statement.js';
import type { Principal } from '../../platform/access.js';
import { isId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import type { Effects, Scene } from '../../provisioning/submission.js';
import { IdentityRemoval } from '../../records/users/identity-removal.service.js';
import { checkEtag } from './etag.js';
import { applyPatch } from './protocol/apply-patch.js';
import { type PatchStep, readPatch } from './protocol/patch-request.js';
import { type AskedAttributes, type Projection, readProjection } from './protocol/project-resource.js';
import { readResource, type ScimResource } from './protocol/read-resource.js';
import { userResourceType } from './protocol/resource-types.js';
import type { ChangeAnswer, ScimAnswer, ScimRequest } from './scim-answer.js';
import { ScimDirectories, type ScimDirectory } from './scim-directory.js';
import { readSettled } from './scim-outcome.js';
import { ScimUserReader } from './scim-user-reader.js';
import { indexRows } from './stored-user.js';
import { draftChange, draftCreation, replaceResource, toDrafted, type UserDraft, userNotFound } from './user-draft.js';

const NOTHING: Effects = { rows: [], events: [] };

@Injectable()
export class ScimUsersService {
  constructor(
    private readonly directories: ScimDirectories,
    private readonly provisioning: ProvisioningService,
    private readonly reader: ScimUserReader,
    private readonly removal: IdentityRemoval,
  ) {}

  async get(principal: Principal, id: string, asked: AskedAttributes): Promise<ScimAnswer> {
    const directory = await this.directories.open(principal);
    const projection = readProjection(userResourceType, asked);
    return this.reader.show(directory, { id, stored: await this.reader.get(directory, id) }, projection);
  }

  /** POST (RFC 7644, section 3.3). */
  async create(principal: Principal, body: unknown, asked: AskedAttributes): Promise<ScimAnswer> {
    const projection = readProjection(userResourceType, asked);
    return this.directories.openToWrite(principal, (directory) => {
      const posted = readResource(userResourceType, body, directory.leniencies);
      return this.write(directory, projection, {
        named: namesOf(posted),
        isNew: true,
        draft: (scene) => draftCreation(scene, posted, directory.leniencies),
      });
    });
  }

  /** PUT (RFC 7644, section 3.5.1). */
  async replace(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ScimAnswer> {
    const projection = readProjection(userResourceType, request);
    return this.directories.openToWrite(principal, (directory) => {
      const next = readResource(userResourceType, body, directory.leniencies);
      return this.rewrite(directory, projection, {
        id,
        ifMatch: request.ifMatch,
        named: namesOf(next),
        change: (before) => replaceResource(next, before),
      });
    });
  }

  /** PATCH (RFC 7644, section 3.5.2). */
  async change(principal: Principal, id: string, body: unknown, request: ScimRequest): Promise<ChangeAnswer> {
    const projection = readProjection(userResourceType, request);
    const isAsked = request.attributes !== undefined || request.excludedAttributes !== undefined;
    return this.directories.openToWrite(principal, async (directory) => {
      const { leniencies } = directory;
      const steps = readPatch(userResourceType, body, leniencies, id);
      const answer = await this.rewrite(directory, projection, {
        id,
        ifMatch: request.ifMatch,
        named: namesIn(steps),
        change: (before) => applyPatch(before, steps, leniencies),
      });
      return { answer, isTold: isAsked || leniencies.userPatchResponse === 'resource' };
    });
  }

  /** DELETE (RFC 7644, section 3.6). */
  async remove(principal: Principal, id: string, ifMatch: string | undefined): Promise<void> {
    const { connectionId } = await this.directories.open(principal);
    if (!isId(id)) throw userNotFound(id);
    let wasActive = false;
    try {
      await this.removal.remove(principal, {
        connectionId,
        identityId: id,
        via: 'scim',
        check: (identity) => {
          const stored = readStoredUser(identity);
          if (!stored) throw userNotFound(id);
          checkEtag(ifMatch, stored);
          wasActive = identity.active;
        },
      });
      if (wasActive) this.provisioning.noteDeletion(principal.tenantId, connectionId);
    } catch (error) {
      throw error instanceof Problem && error.code === 'not_found' ? userNotFound(id) : error;
    }
  }

  private async rewrite(
    directory: ScimDirectory,
    projection: Projection,
    { id, ifMatch, named, change }: Change,
  ): Promise<ScimAnswer> {
    if (!isId(id)) throw userNotFound(id);
    return this.write(directory, projection, {
      identityId: id,
      named,
      draft: (scene) => draftChange(scene, { id, ifMatch, change, externalIds: directory.leniencies.externalIds }),
    });
  }

  private async write(directory: ScimDirectory, projection: Projection, write: Write): Promise<ScimAnswer> {
    const { tenantId, connectionId, principal } = directory;
    let drafted: UserDraft | null = null;
    const settled = await this.provisioning.submit({
      tenantId,
      statement: lookFor(connectionId, write),
      isNew: write.isNew ?? false,
      connectionVersion: directory.known.row.version,
      draft: (scene) =>
        toDrafted(() => {
          drafted = write.draft(scene);
          return { statement: drafted.statement };
        }),
      purpose: 'push',
      via: 'scim',
      actor: actorOf(principal),
      conclude: ({ identityId, result }) => {
        if (!drafted || identityId === null || result === 'failed' || drafted.before === drafted.after) return NOTHING;
        const place = { tenantId, connectionId, identityId };
        return { rows: [], sets: indexRows(place, drafted.before, drafted.after), events: [] };
      },
    });
    const identity = readSettled(settled);
    const stored = readStoredUser(identity);
    if (!stored) throw userNotFound(identity.id);
    // Who has just come is in no group.
    const isNew = settled.kind === 'planned' && settled.outcome.result === 'created';
    return this.reader.show(directory, { id: identity.id, stored, isNew }, projection);
  }
}

interface Change {
  id: string;
  ifMatch: string | undefined;
  named: readonly MatchValue[];
  change: (before: ScimResource) => ScimResource;
}

interface Write {
  identityId?: string;
  /** The names that the request gives: whoever has them has to be known to the plan. */
  named: readonly MatchValue[];
  /** A client that creates somebody has mostly looked before whether they are there. */
  isNew?: boolean;
  draft: (scene: Scene) => UserDraft;
}

function namesOf({ userName, externalId }: ScimResource): MatchValue[] {
  const names: MatchValue[] = [];
  if (typeof userName === 'string') names.push({ field: 'userName', value: userName });
  if (typeof externalId === 'string') names.push({ field: 'externalId', value: externalId });
  return names;
}

/** The names that a PATCH may give. */
function namesIn(steps: readonly PatchStep[]): MatchValue[] {
  return steps.flatMap(({ attribute, extension, value }): MatchValue[] => {
    if (extension !== null || typeof value !== 'string') return [];
    const { name } = attribute;
    return name === 'userName' || name === 'externalId' ? [{ field: name, value }] : [];
  });
}

/** Says nothing: it names those whom the loader shall look for. */
function lookFor(connectionId: string, { identityId, named }: Write): Statement {
  return {
    connectionId,
    voice: 'push',
    at: 0,
    newest: true,
    externalId: null,
    subject: null,
    ...(identityId === undefined ? {} : { identityId }),
    fields: {},
    overage: [],
    complete: false,
    match: named,
  };
}
