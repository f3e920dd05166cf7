/** Bodies worth copying, by operation: what a reader of `/docs` tries first. A test sends each of them. */
export const bodyExamples: Readonly<Record<string, unknown>> = {
  'POST /auth/login': { token: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.…', application: 'reports' },
  'POST /roles': { key: 'editor', name: 'Editor', description: 'Writes reports.', permissions: ['reports:write'] },
  'POST /applications': { name: 'Reports', audience: 'reports', origins: ['https://app.example.com'] },
  'POST /connections': {
    name: 'Acme Okta',
    preset: 'okta',
    issuer: 'https://acme.example.com',
    audiences: ['rollcall'],
    mapping: { roles: [{ id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'] }] },
    allowedRoles: ['editor'],
  },
  'PATCH /connections/{id}': { mapping: { strict: true } },
  'POST /connections/{id}/dry-run': { mapping: { strict: true } },
  'POST /connections/{id}/explain': { claims: { sub: '00u1', groups: ['engineering'] } },
  'POST /api-keys': { name: 'Nightly job', scopes: ['users:sync'] },
  'POST /users': { userName: 'ada@example.com', displayName: 'Ada Lovelace', email: 'ada@example.com' },
  'POST /users/sync': {
    users: [
      {
        externalId: 'u-1001',
        userName: 'ada@example.com',
        active: true,
        name: { givenName: 'Ada', familyName: 'Lovelace' },
        displayName: 'Ada Lovelace',
        email: 'ada@example.com',
        roles: ['editor'],
        groups: ['Finance'],
        attributes: { department: 'R&D' },
      },
    ],
  },
};
