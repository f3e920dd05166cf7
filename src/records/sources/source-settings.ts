/** A SCIM 2.0 server (RFC 7644). */
export interface ScimSourceSettings {
  type: 'scim';
  /** Its base address, to which `/Users` and `/Groups` are added. */
  url: string;
  /** `auto`: by cursor (RFC 9865) where its ServiceProviderConfig says so, else by index. */
  paging: 'auto' | 'cursor' | 'index';
  pageSize: number;
  /** What pushes and tokens shall call its people by. */
  externalId: 'id' | 'externalId' | 'userName';
  /** Where people's groups stand: in the members of `/Groups`, in each user, or nowhere that counts. */
  groups: 'list' | 'users' | 'none';
}

/** A document of people over HTTP: one a line, or a JSON list. */
export interface DocumentSourceSettings {
  type: 'ndjson' | 'json';
  url: string;
  /** JSON pointer (RFC 6901) to the list; '' the whole document. */
  items: string;
  /** JSON pointer to the address of the next page; null: by `Link: <…>; rel="next"` (RFC 8288), if at all. */
  next: string | null;
  /** Where what `next` leads to is no address but a value: the query parameter that takes it. */
  nextParameter: string | null;
  /** Field of a sync record → JSON pointer in an item; null: the items are sync records. */
  fields: Record<string, string> | null;
}

/** Another Rollcall. */
export interface RollcallSourceSettings {
  type: 'rollcall';
  url: string;
  /** The connection there. */
  primaryId: string;
}

export type SourceSettings = ScimSourceSettings | DocumentSourceSettings | RollcallSourceSettings;
export type SourceType = SourceSettings['type'];
export const SOURCE_TYPES = ['scim', 'ndjson', 'json', 'rollcall'] as const satisfies SourceType[];
