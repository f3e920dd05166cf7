/** Rollcall's own permissions. A role with any of them that does not end in `:read` is privileged. */
export const permissions = {
  'tenants:read': 'See tenants (operators).',
  'tenants:write': 'Create, suspend, export and delete tenants (operators).',
  'tenants:access': 'Enter a tenant for an hour, with a reason (operators).',
  'applications:read': 'See applications.',
  'applications:write': 'Create and change applications.',
  'connections:read': 'See connections and explain logins.',
  'connections:write': 'Change mapping and settings of connections.',
  'connections:trust': 'Create connections; change issuer, keys, audiences, subject, match and ceilings.',
  'users:read': 'See users, their roles and where each came from.',
  'users:write': 'Create, edit, suspend and delete users.',
  'users:sync': 'Push users for a connection.',
  'scim:read': 'Read the users and groups of a connection over SCIM.',
  'scim:write': 'Push users and groups of a connection over SCIM.',
  'users:export': 'Read all users as a stream.',
  'sync:read': 'Follow the people of the one connection that the key is bound to.',
  'identities:link': 'Merge users, split identities off.',
  'roles:read': 'See roles.',
  'roles:write': 'Create, change and delete roles.',
  'roles:grant': 'Grant, revoke and block roles and entitlements by hand.',
  'api-keys:read': 'See API keys.',
  'api-keys:write': 'Create and revoke API keys.',
  'local-admins:read': 'See local admins.',
  'local-admins:write': 'Invite local admins and reset their passwords.',
  'sessions:read': 'See sessions.',
  'sessions:end': 'End sessions of others.',
  'sync-runs:read': 'See runs.',
  'sync-runs:write': 'Approve and reject what a held run would take away.',
  'audit:read': 'Read all events, logins too.',
  'audit:personal': 'Read the personal part of events.',
  'events:read': 'Read the change feed.',
} as const;

export type Permission = keyof typeof permissions;

export function isOwnPermission(permission: string): permission is Permission {
  return Object.hasOwn(permissions, permission);
}

/** Privileged: it can change who may do what (design rule 4). */
export function isPrivilegedPermission(permission: string): boolean {
  return isOwnPermission(permission) && !permission.endsWith(':read');
}

const all = Object.keys(permissions) as Permission[];
const inTenant = all.filter((each) => !each.startsWith('tenants:'));

export interface BuiltInRole {
  key: string;
  name: string;
  description: string;
  permissions: readonly Permission[];
}

export const OWNER = 'owner';
export const OPERATOR = 'operator';

/** The roles that every tenant has from its first day. */
export const builtInRoles: readonly BuiltInRole[] = [
  { key: OWNER, name: 'Owner', description: 'Everything in the tenant; the last one stays.', permissions: inTenant },
  {
    key: 'admin',
    name: 'Admin',
    description: 'Everything but whom the tenant trusts, and local admins.',
    permissions: inTenant.filter((each) => each !== 'connections:trust' && each !== 'local-admins:write'),
  },
  {
    key: 'auditor',
    name: 'Auditor',
    description: 'Sees everything, changes nothing.',
    permissions: [...inTenant.filter((each) => each.endsWith(':read')), 'audit:personal'],
  },
  {
    key: 'user-manager',
    name: 'User manager',
    description: 'Users, their roles and sessions.',
    permissions: [
      'users:read',
      'users:write',
      'roles:read',
      'roles:grant',
      'sessions:read',
      'sessions:end',
      'connections:read',
      'sync-runs:read',
    ],
  },
];

/** The role of operators, in tenant `platform` alone. */
export const operatorRole: BuiltInRole = {
  key: OPERATOR,
  name: 'Operator',
  description: 'Tenants, and nothing inside them.',
  permissions: [
    'tenants:read',
    'tenants:write',
    'tenants:access',
    'users:read',
    'users:write',
    'roles:read',
    'roles:grant',
    'sessions:read',
    'sessions:end',
    'audit:read',
    'audit:personal',
    'events:read',
    'api-keys:read',
    'api-keys:write',
    'local-admins:read',
    'local-admins:write',
  ],
};
