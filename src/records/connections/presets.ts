import type { MappingJson } from '../../plan/mapping-shape.js';
import { DEFAULT_CATCH } from '../../plan/safety-catch.js';
import type { ConnectionSettings, LoginSettings } from './connection-settings.js';

/** What a preset sets otherwise than `rfc` does. */
export interface Preset {
  /** For whom it is, and what else has to be done at the provider. */
  about: string;
  settings: Partial<Omit<ConnectionSettings, 'login' | 'mapping' | 'preset'>>;
  login: Partial<LoginSettings>;
  mapping: Partial<MappingJson>;
}

/**
 * The defaults of every connection, from OpenID Connect Core (claims: section 5.1; RS256: section 15.1) and RFC 9068.
 * None of them trusts more than it must: no role is allowed, and an e-mail counts as verified by its claim alone.
 */
export const rfcSettings: Omit<ConnectionSettings, 'audiences' | 'preset'> = {
  jwksUri: null,
  requiredClaims: {},
  authorizedParties: [],
  algorithms: ['RS256'],
  tokenTypes: ['JWT', 'at+jwt'],
  clockToleranceSeconds: 30,
  iatOffsetSeconds: 0,
  maxTokenAgeSeconds: 3600,
  maxLifetimeSeconds: 7200,
  oneTime: true,
  conditions: {},
  login: { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 },
  authority: 'push-first',
  mapping: {
    userName: 'claims.preferred_username',
    email: 'claims.email',
    emailVerified: 'claims.email_verified',
    displayName: 'claims.name',
    givenName: 'claims.given_name',
    familyName: 'claims.family_name',
    attributes: {},
    groups: 'claims.groups',
    groupKey: 'displayName',
    entitlements: null,
    roles: [],
    payloadClaim: null,
    strict: false,
    whenAbsent: 'keep',
    whenOverage: 'keep',
  },
  allowedRoles: [],
  allowedEntitlements: [],
  allowPrivileged: false,
  authoritativeDomains: [],
  emailVerified: 'claim',
  safetyCatch: DEFAULT_CATCH,
};

const entra = {
  about: 'Microsoft Entra ID, one tenant, v2.0 tokens. Map objectId to externalId in its provisioning.',
  settings: {
    tokenTypes: ['JWT'],
    // Tokens are dated five minutes back, and an hour of life is counted from now: exp - iat is 3,900 s and more.
    iatOffsetSeconds: 300,
    maxTokenAgeSeconds: 3900,
  },
  // `sub` differs from one app registration to the next; `oid` names the person in the whole tenant.
  login: { subject: 'claims.oid', match: [{ claim: 'oid', field: 'externalId' }] },
  mapping: {
    // There is no `email_verified`, and whoever administers any Entra tenant can write any address into `email`
    // ("nOAuth"): so never `emailVerified: "always"` here. The optional claim `xms_edov` says it for sure.
    emailVerified: 'claims.xms_edov',
    // Tokens carry the object ids of groups, and SCIM sends these as a group's `externalId`.
    groupKey: 'externalId',
  },
} as const satisfies Preset;

/**
 * What real providers do otherwise. A preset never widens a ceiling, lists a domain or names a required claim: whom to
 * trust is the owner's word. Matches are by identifiers that the provider never gives to another person.
 */
export const presets = {
  rfc: {
    about: 'Any provider that follows OpenID Connect.',
    settings: {},
    login: {},
    mapping: {},
  },
  okta: {
    about: 'Okta. Add a groups claim to the ID token; an authorization server of your own has its own issuer.',
    settings: {},
    // `sub` of an ID token is Okta's user id, which its SCIM client sends as `externalId`.
    login: { match: [{ claim: 'sub', field: 'externalId' }] },
    mapping: {},
  },
  entra,
  'entra-legacy': {
    ...entra,
    about: 'As entra; for SCIM from old custom applications, of which some drop the value when they remove one member.',
  },
  google: {
    about: 'Google Workspace. Its issuer is shared by everybody: requiredClaims must name your domain ({"hd": …}).',
    settings: { tokenTypes: ['JWT'] },
    login: {},
    // Neither a user name nor groups are in its tokens.
    mapping: { userName: 'claims.email', groups: null },
  },
  keycloak: {
    about: 'Keycloak, one realm. Add a group membership mapper; with "full group path" names begin with a slash.',
    settings: {},
    login: {},
    mapping: {},
  },
  auth0: {
    about: 'Auth0. The issuer ends in a slash; groups and roles come as namespaced claims of an Action.',
    // An ID token lives for ten hours, unless its application says otherwise.
    settings: { maxLifetimeSeconds: 36_000 },
    login: {},
    // `nickname` is not unique, `preferred_username` is not sent, and unnamespaced group claims are dropped.
    mapping: { userName: 'claims.email', groups: null },
  },
  onelogin: {
    about: 'OneLogin, OpenID Connect v2. Ask for the scopes groups and profile.',
    settings: {},
    login: {},
    mapping: {},
  },
  jumpcloud: {
    about: 'JumpCloud. Add a groups attribute to the application, and tick the scopes profile and email.',
    settings: { tokenTypes: ['JWT'] },
    login: {},
    // The profile scope gives the parts of the name alone; a user name comes only as an attribute of one's own.
    mapping: { userName: 'claims.email', displayName: null },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

export function findPreset(name: string): Preset | null {
  return Object.hasOwn(presets, name) ? presets[name as PresetName] : null;
}
