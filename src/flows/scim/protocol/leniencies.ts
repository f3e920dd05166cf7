/**
 * Where a connection's SCIM server bends to what real clients send. Each leniency has a name, the strict reading first
 * among its values; a preset is a choice of values. What is stored is the same whichever way it was said.
 *
 * Always tolerated, because no reading of the standard suffers from it: any case in `op`, attribute names and URNs;
 * `schemas` in any order and case, with doubles, or naming an extension that the body has nothing of; null and the empty
 * list for "unassigned"; a lone object where a PATCH adds to a list; a `remove` that names entries as its value, and
 * means these alone; unknown members beside `op`, `path` and `value`.
 */
export interface Leniencies {
  /** What a successful PATCH of a group answers. Requests with `attributes` or `excludedAttributes` get the group. */
  patchResponse: 'resource' | 'noContent';
  /** As `patchResponse`, for users. */
  userPatchResponse: 'resource' | 'noContent';
  unknownMembers: 'refuse' | 'ignore' | 'keep';
  removeAllMembers: 'allow' | 'refuse';
  memberDisplay: boolean;
  externalIds: 'unique' | 'shared';
  stringBooleans: boolean;
  numbersAsTexts: boolean;
  emptyTexts: 'keep' | 'unassign';
  singletonArrays: boolean;
  bareValues: boolean;
  managerForms: boolean;
  flatKeys: boolean;
  unknownAttributes: 'refuse' | 'ignore';
  severalPrimaries: 'refuse' | 'keepFirst';
  readOnlyInPatch: 'refuse' | 'ignore';
  filteredPathWithoutMatch: 'noTarget' | 'create';
  removeWithoutMatch: 'noTarget' | 'ignore';
  unquotedFilters: boolean;
  legacySchemas: boolean;
  missingSchemas: 'refuse' | 'assume';
  repeatedBulkIds: boolean;
}

export type LeniencyName = keyof Leniencies;

/** What a leniency is for, and what each of its values does; the documentation's page is written from it. */
export interface LeniencyText {
  about: string;
  /** By value, written as in JSON. */
  values: Record<string, string>;
}

const OFF_ON = (off: string, on: string): LeniencyText['values'] => ({ false: off, true: on });

/** Each leniency in words for an admin. */
export const leniencyTexts: Readonly<Record<LeniencyName, LeniencyText>> = {
  patchResponse: {
    about:
      'What a PATCH of a group answers. A group can have many thousand members, and Entra ID asks not to be sent them. A request with `attributes` or `excludedAttributes` is always answered with the group.',
    values: {
      resource: '200 with the whole group, or 204 where it has more than 100 members',
      noContent: '204 without a body',
    },
  },
  userPatchResponse: {
    about: 'What a PATCH of a user answers.',
    values: { resource: '200 with the whole user', noContent: '204 without a body' },
  },
  unknownMembers: {
    about: 'What happens to members of a group that name no user of the connection.',
    values: {
      refuse: 'the request is refused with `invalidValue`',
      ignore: 'they are left out, and the others are applied',
      keep: 'they are kept in the group and shown in it; they hold no role until a user has that id',
    },
  },
  removeAllMembers: {
    about:
      'What `remove` with the path `members` and no value means. By the standard it empties the group; where it is known to come by mistake, it can be refused. `replace` with an empty list empties the group under every preset.',
    values: { allow: 'the group is emptied', refuse: 'the request is refused with `noTarget`' },
  },
  memberDisplay: {
    about: 'The name that the client gives to a member (`display` or `displayName`).',
    values: OFF_ON('it is not kept: the member is shown by its own display name', 'it is kept and shown'),
  },
  externalIds: {
    about: 'What happens when a user is given an `externalId` that another user of the connection has.',
    values: {
      unique: 'the request is refused with `uniqueness`; a POST for somebody who is inactive revives them',
      shared:
        'both show it, and only the first is found by it at a login or by `/users/sync`; a POST revives whoever has the `userName` and is inactive',
    },
  },
  stringBooleans: {
    about: 'Booleans that come as texts, such as `"active": "False"`.',
    values: OFF_ON('they are refused', '`"true"` and `"false"` in any case are read as booleans'),
  },
  numbersAsTexts: {
    about: 'Numbers where the schema has a text, such as `"employeeNumber": 701984`.',
    values: OFF_ON('they are refused', 'they are written out as texts'),
  },
  emptyTexts: {
    about: 'The empty text as the value of an attribute.',
    values: { keep: 'it is a value like any other', unassign: 'the attribute has no value then' },
  },
  singletonArrays: {
    about:
      'A list of one where the schema has a single value, also around `{"value": …}`, and a single object where it has a list.',
    values: OFF_ON('they are refused', 'they are read as what the schema has'),
  },
  bareValues: {
    about:
      'A text where the schema has an object with `value`, such as the bare id of a member or a bare e-mail address.',
    values: OFF_ON('it is refused', 'it is read as `{"value": …}`'),
  },
  managerForms: {
    about: 'The ways in which `manager` is sent: as a bare id, as a list of one, or as an empty text to clear it.',
    values: OFF_ON('only `{"value": …}` is accepted', 'all of them are accepted'),
  },
  flatKeys: {
    about:
      'Names of members that are paths, such as `"name.givenName"` or `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"`.',
    values: OFF_ON('they are unknown attributes', 'they are read as the attributes that they name'),
  },
  unknownAttributes: {
    about: 'Attributes and extensions that no schema of this server has.',
    values: {
      refuse: 'the request is refused, and names them',
      ignore: 'they are left out, and the others are applied',
    },
  },
  severalPrimaries: {
    about: 'Several entries of one list that say they are the primary one.',
    values: { refuse: 'the request is refused with `invalidValue`', keepFirst: 'the first of them is' },
  },
  readOnlyInPatch: {
    about: 'A PATCH of what a client cannot change (`id`, `meta`, `groups`). POST and PUT always ignore these.',
    values: {
      refuse: 'it is refused with `mutability`, unless it says what is there already',
      ignore: 'that part is left out, and the others are applied',
    },
  },
  filteredPathWithoutMatch: {
    about: 'An `add` or `replace` with a path such as `emails[type eq "work"].value` where there is no such entry yet.',
    values: {
      noTarget: 'it is refused with `noTarget`',
      create: 'an entry is made that has what the filter asks for',
    },
  },
  removeWithoutMatch: {
    about:
      'A `remove` with a path such as `emails[type eq "work"]` where there is no such entry. To remove somebody who is not a member of a group succeeds under every preset.',
    values: { noTarget: 'it is refused with `noTarget`', ignore: 'it succeeds and changes nothing' },
  },
  unquotedFilters: {
    about: 'Filters with texts without quotation marks, such as `userName sw O`.',
    values: OFF_ON('they are refused with `invalidFilter`', 'the text ends at the next space or bracket'),
  },
  legacySchemas: {
    about: 'The names that SCIM 1.1 and early versions of Entra ID have for the schemas.',
    values: OFF_ON('they are unknown schemas', 'they are read as the schemas of SCIM 2.0'),
  },
  missingSchemas: {
    about: 'Bodies without `schemas`.',
    values: { refuse: 'they are refused with `invalidSyntax`', assume: 'the address says what they are' },
  },
  repeatedBulkIds: {
    about: 'Several operations of one bulk request with the same `bulkId`.',
    values: OFF_ON(
      'all but the first are refused with `invalidSyntax`',
      'they are carried out, unless something refers to that `bulkId`: then all but the first are refused',
    ),
  },
};

/** Nothing is bent. */
const STRICT: Leniencies = {
  patchResponse: 'resource',
  userPatchResponse: 'resource',
  unknownMembers: 'refuse',
  removeAllMembers: 'allow',
  memberDisplay: false,
  externalIds: 'unique',
  stringBooleans: false,
  numbersAsTexts: false,
  emptyTexts: 'keep',
  singletonArrays: false,
  bareValues: false,
  managerForms: false,
  flatKeys: false,
  unknownAttributes: 'refuse',
  severalPrimaries: 'refuse',
  readOnlyInPatch: 'refuse',
  filteredPathWithoutMatch: 'noTarget',
  removeWithoutMatch: 'noTarget',
  unquotedFilters: false,
  legacySchemas: false,
  missingSchemas: 'refuse',
  repeatedBulkIds: false,
};

/** What every client of an IdP may do, because each of them does some of it. */
const PRACTICAL: Leniencies = {
  ...STRICT,
  unknownMembers: 'ignore',
  stringBooleans: true,
  numbersAsTexts: true,
  emptyTexts: 'unassign',
  singletonArrays: true,
  bareValues: true,
  managerForms: true,
  flatKeys: true,
  unknownAttributes: 'ignore',
  severalPrimaries: 'keepFirst',
  readOnlyInPatch: 'ignore',
  filteredPathWithoutMatch: 'create',
  removeWithoutMatch: 'ignore',
  missingSchemas: 'assume',
  repeatedBulkIds: true,
};

export interface ScimPreset {
  about: string;
  leniencies: Leniencies;
}

const ENTRA: Leniencies = {
  ...PRACTICAL,
  patchResponse: 'noContent',
  userPatchResponse: 'noContent',
  unknownMembers: 'keep',
  memberDisplay: true,
  // Mail nicknames and the like, until somebody maps the object id.
  externalIds: 'shared',
  unquotedFilters: true,
  legacySchemas: true,
};

/** The presets by name; a connection's preset that is not among them is read as `rfc`. */
export const scimPresets = {
  rfc: { about: 'Any client that follows RFC 7643 and RFC 7644. Strict.', leniencies: STRICT },
  entra: { about: 'Microsoft Entra ID, with or without the flag `aadOptscim062020`.', leniencies: ENTRA },
  'entra-legacy': {
    about: 'Entra ID through old custom applications, of which some drop the value when they remove one member.',
    leniencies: { ...ENTRA, removeAllMembers: 'refuse' },
  },
  okta: {
    about: 'Okta, catalogue applications and the SCIM app wizard.',
    leniencies: { ...PRACTICAL, patchResponse: 'noContent' },
  },
  onelogin: { about: 'OneLogin.', leniencies: { ...PRACTICAL, legacySchemas: true } },
  jumpcloud: { about: 'JumpCloud.', leniencies: PRACTICAL },
  google: { about: 'Google Workspace and Cloud Identity.', leniencies: { ...PRACTICAL, unquotedFilters: true } },
} as const satisfies Record<string, ScimPreset>;

export type ScimPresetName = keyof typeof scimPresets;

/** The leniencies of a connection, by its preset's name; those of `rfc` for presets that only logins know. */
export function leniencyOf(preset: string): Leniencies {
  return Object.hasOwn(scimPresets, preset) ? scimPresets[preset as ScimPresetName].leniencies : STRICT;
}
