import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { errorAnswer } from '../../platform/error-answer.js';
import { toProblem } from '../../platform/problem.filter.js';
import { BULK_LIMITS } from './bulk-limits.js';
import { type BulkOutcome, BulkProgress, type BulkStep, toBulkResponse } from './protocol/bulk-order.js';
import { readBulk } from './protocol/bulk-request.js';
import type { ScimBulkView } from './scim-bulk.dto.js';
import { ScimDirectories } from './scim-directory.js';
import { ScimGroupsService } from './scim-groups.service.js';
import { ScimUsersService } from './scim-users.service.js';

/** What is told of a resource is left out of the answer: nothing of it needs to be read. */
const ASKED = { attributes: ['id'] };

/** Carries out many requests that came as one, each as if it had come alone (RFC 7644, section 3.7). */
@Injectable()
export class ScimBulkService {
  private readonly logger = new Logger(ScimBulkService.name);

  constructor(
    private readonly directories: ScimDirectories,
    private readonly users: ScimUsersService,
    private readonly groups: ScimGroupsService,
  ) {}

  /** Throws `scim_invalid_syntax` for what is no bulk request, and `payload_too_large` beyond its limits. */
  async carryOut(principal: Principal, body: unknown): Promise<ScimBulkView> {
    const { leniencies, baseUrl } = await this.directories.open(principal);
    const locationOf = (type: string, id: string): string => `${baseUrl}/${type}s/${encodeURIComponent(id)}`;
    const progress = new BulkProgress(readBulk(body, leniencies, BULK_LIMITS), locationOf);
    for (let step = progress.next(); step; step = progress.next()) {
      const location = step.id === null ? undefined : locationOf(step.operation.resourceType, step.id);
      progress.settle(step, await this.attempt(principal, step, location));
    }
    const results = progress.listResults((problem) => errorAnswer(problem, '/scim/v2', '').body);
    return { ...toBulkResponse(results), Operations: [...results] };
  }

  /** What is wrong with one operation is told of it, and the others go on. */
  private async attempt(principal: Principal, step: BulkStep, location: string | undefined): Promise<BulkOutcome> {
    try {
      return await this.request(principal, step, location ?? null);
    } catch (error) {
      const problem = toProblem(error);
      if (problem.code === 'internal') this.logger.error(problem.options.cause ?? problem);
      return location === undefined ? { problem } : { problem, location };
    }
  }

  private async request(principal: Principal, step: BulkStep, location: string | null): Promise<BulkOutcome> {
    const { method, data, operation } = step;
    const service = operation.resourceType === 'User' ? this.users : this.groups;
    const id = step.id ?? '';
    const request = { ...ASKED, ifMatch: step.version ?? undefined };
    switch (method) {
      case 'POST': {
        const { resource, location: made, etag } = await service.create(principal, data, ASKED);
        return { status: 201, id: typeof resource.id === 'string' ? resource.id : '', location: made, version: etag };
      }
      case 'PUT': {
        const { etag } = await service.replace(principal, id, data, request);
        return { status: 200, id, location, version: etag };
      }
      case 'PATCH': {
        const { answer } = await service.change(principal, id, data, request);
        return { status: 200, id, location, version: answer.etag };
      }
      case 'DELETE':
        await service.remove(principal, id, request.ifMatch);
        return { status: 204, id, location, version: null };
    }
  }
}
