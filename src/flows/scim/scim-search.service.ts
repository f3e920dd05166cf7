import { Injectable } from '@nestjs/common';
import type { Json } from '../../plan/statement.js';
import type { Principal } from '../../platform/access.js';
import { type ListRequest, viewListResponse } from './protocol/list-query.js';
import { ScimDirectories } from './scim-directory.js';
import { ScimGroupReader } from './scim-group-reader.js';
import { ScimLists } from './scim-lists.service.js';
import { ScimUserReader } from './scim-user-reader.js';

/** Answers queries, of one kind of resources or of all. */
@Injectable()
export class ScimSearchService {
  constructor(
    private readonly directories: ScimDirectories,
    private readonly lists: ScimLists,
    private readonly users: ScimUserReader,
    private readonly groups: ScimGroupReader,
  ) {}

  async findUsers(principal: Principal, request: ListRequest): Promise<Record<string, Json>> {
    return viewListResponse(await this.lists.page(await this.directories.open(principal), this.users, request));
  }

  async findGroups(principal: Principal, request: ListRequest): Promise<Record<string, Json>> {
    return viewListResponse(await this.lists.page(await this.directories.open(principal), this.groups, request));
  }

  async findAll(principal: Principal, request: ListRequest): Promise<Record<string, Json>> {
    return viewListResponse(
      await this.lists.pageOfAll(await this.directories.open(principal), [this.users, this.groups], request),
    );
  }
}
