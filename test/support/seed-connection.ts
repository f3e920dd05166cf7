import { Clock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import type { TestApp } from './start-app.js';

/** A connection as it would be saved, written straight into the database; answers its id. */
export async function seedConnection(rollcall: TestApp, tenantId: string, name: string): Promise<string> {
  const now = rollcall.app.get(Clock).now();
  const id = newId();
  await rollcall.database.transaction((tx) =>
    tx.insert(ConnectionEntity, {
      id,
      tenantId,
      name,
      nameKey: name.toLowerCase(),
      issuer: `https://${name}.example.com`,
      status: 'active',
      settings: {
        jwksUri: null,
        audiences: ['rollcall'],
        requiredClaims: {},
        authorizedParties: [],
        algorithms: ['RS256'],
        tokenTypes: ['JWT'],
        clockToleranceSeconds: 30,
        iatOffsetSeconds: 0,
        maxTokenAgeSeconds: 3600,
        maxLifetimeSeconds: 7200,
        oneTime: true,
        conditions: {},
        login: { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 },
        authority: 'push-first',
        mapping: { userName: 'claims.preferred_username', email: 'claims.email' },
        allowedRoles: ['viewer', 'editor'],
        allowedEntitlements: [],
        allowPrivileged: false,
        authoritativeDomains: [],
        emailVerified: 'claim',
        preset: 'rfc',
      },
      mappingVersion: 1,
      version: 1,
      createdAt: now,
      updatedAt: now,
    }),
  );
  return id;
}
