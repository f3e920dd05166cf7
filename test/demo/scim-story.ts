import type { ScimRequestList } from '../../src/records/scim-requests/scim-requests.dto.js';
import type { UserPage } from '../../src/records/users/user-view.dto.js';
import { issueKey, type Owner, type Stage } from './story.js';

interface ScimResource {
  id: string;
  active: boolean;
  meta: { version: string };
}

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0';

/** What the provider's SCIM client does: somebody comes, joins a group, and is switched off. */
export async function provision(stage: Stage, owner: Owner, connectionId: string): Promise<void> {
  const { tell } = stage;
  const scopes = ['scim:read', 'scim:write'];
  const scim = await issueKey(stage, owner, { name: 'SCIM', scopes, connection: connectionId });
  const cleo = await tell.ask<ScimResource>(scim, 'POST /scim/v2/Users', {
    body: { schemas: [`${SCHEMA}:User`], userName: 'cleo', externalId: 'u-cleo', displayName: 'Cleo' },
    status: 201,
    show: ({ id, meta: { version } }) => ({ id, version }),
  });
  await tell.ask<ScimResource>(scim, 'POST /scim/v2/Groups', {
    body: { schemas: [`${SCHEMA}:Group`], displayName: 'engineering', members: [{ value: cleo.body.id }] },
    status: 201,
    show: ({ id }) => ({ id }),
  });
  tell.check('she is an editor by the rule that reads tokens, and never logged in', await isEditor(stage, owner));
  await tell.ask<ScimResource>(scim, `PATCH /scim/v2/Users/${cleo.body.id}`, {
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    },
    status: 200,
    show: ({ active, meta: { version } }) => ({ active, version }),
  });
  tell.check('switched off, she holds nothing', !(await isEditor(stage, owner)));
  await showLog(stage, owner, connectionId);
}

async function isEditor({ tell }: Stage, { client }: Owner): Promise<boolean> {
  const { body } = await tell.ask<UserPage>(client, 'GET /users?q=cleo', {
    status: 200,
    show: ({ items }) =>
      items.map(({ userName, roles }) => ({
        userName,
        roles: roles.map(({ key, effective, grants }) => ({ key, effective, because: grants[0]?.source.because })),
      })),
  });
  return body.items.some(({ roles }) => roles.some(({ key, effective }) => key === 'editor' && effective));
}

async function showLog({ tell }: Stage, { client }: Owner, connectionId: string): Promise<void> {
  const path = `/connections/${connectionId}/requests`;
  // The log is written behind the answers.
  for (let tries = 0; tries < 50; tries++) {
    const { body } = await client.get<ScimRequestList>(path);
    if (body.items.length >= 3) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { body } = await tell.ask<ScimRequestList>(client, `GET ${path}`, {
    status: 200,
    show: ({ items }) => items.map(({ method, path: at, status }) => `${method} ${at} ${status}`),
  });
  tell.check('admins see what the provider sent', body.items.length === 3);
}
