import {
  EventEntity,
  EventOrderEntity,
  EventParcelEntity,
  LedgerCheckpointEntity,
  LedgerHeadEntity,
} from './ledger/event.entity.js';
import { LeaseEntity } from './platform/lease.entity.js';
import { RemovalHourEntity } from './provisioning/removal-hour.entity.js';
import { IdempotencyKeyEntity, IdempotencyPartEntity } from './provisioning/once.entity.js';
import { ApiKeyEntity } from './records/api-keys/api-key.entity.js';
import { ApplicationEntity } from './records/applications/application.entity.js';
import { ConnectionEntity, MappingVersionEntity } from './records/connections/connection.entity.js';
import { ScimDueEntity, ScimGroupEntity, ScimMemberEntity } from './records/groups/group.entity.js';
import { RoleEntity } from './records/roles/role.entity.js';
import { LocalPasswordEntity, OneTimeLinkEntity } from './records/local-admins/local-password.entity.js';
import { UsedRefreshTokenEntity, SessionEntity } from './records/sessions/session.entity.js';
import { SigningKeyEntity } from './records/sessions/signing-key.entity.js';
import { ConnectionSourceEntity } from './records/sources/source.entity.js';
import {
  RunEntity,
  RunEntryEntity,
  RunFailureEntity,
  RunPartEntity,
  RunSeenEntity,
} from './records/sync-runs/run.entity.js';
import { TenantEntity } from './records/tenants/tenant.entity.js';
import { DepartureEntity } from './records/users/departure.entity.js';
import { FormerUserEntity } from './records/users/former-user.entity.js';
import { BlockEntity, GrantEntity } from './records/users/grant.entity.js';
import { IdentityEntity, IdentityTraceEntity } from './records/users/identity.entity.js';
import { ScimRequestEntity } from './records/scim-requests/scim-request.entity.js';
import { ScimEmailEntity, ScimUserEntity } from './records/users/scim-user.entity.js';
import { UserEntity } from './records/users/user.entity.js';
import { People1795000000001 } from './migrations/1-people.js';
import { Access1795000000002 } from './migrations/2-access.js';
import { LedgerAndRuns1795000000003 } from './migrations/3-ledger-and-runs.js';
import { Scim1795000000004 } from './migrations/4-scim.js';
import { Sources1795000000005 } from './migrations/5-sources.js';
import { Following1795000000006 } from './migrations/6-following.js';

/** Every table and every migration, in one place: what `openDatabase` and the command line work on. */
export const shape = {
  entities: [
    TenantEntity,
    ApplicationEntity,
    ConnectionEntity,
    MappingVersionEntity,
    ConnectionSourceEntity,
    UserEntity,
    IdentityEntity,
    IdentityTraceEntity,
    FormerUserEntity,
    DepartureEntity,
    GrantEntity,
    BlockEntity,
    RoleEntity,
    ApiKeyEntity,
    SessionEntity,
    UsedRefreshTokenEntity,
    SigningKeyEntity,
    LocalPasswordEntity,
    OneTimeLinkEntity,
    RunEntity,
    RunFailureEntity,
    RunPartEntity,
    RunEntryEntity,
    RunSeenEntity,
    RemovalHourEntity,
    EventEntity,
    EventParcelEntity,
    EventOrderEntity,
    LedgerHeadEntity,
    LedgerCheckpointEntity,
    LeaseEntity,
    IdempotencyKeyEntity,
    IdempotencyPartEntity,
    ScimRequestEntity,
    ScimUserEntity,
    ScimEmailEntity,
    ScimGroupEntity,
    ScimMemberEntity,
    ScimDueEntity,
  ],
  migrations: [
    People1795000000001,
    Access1795000000002,
    LedgerAndRuns1795000000003,
    Scim1795000000004,
    Sources1795000000005,
    Following1795000000006,
  ],
};
