import type { HttpClient } from './http-client.js';
import { createUser, makeScimWorld, type ScimResourceBody, type ScimWorld } from './scim-world.js';
import type { TestApp } from './start-app.js';

export interface ListBody {
  schemas: string[];
  totalResults: number;
  startIndex?: number;
  itemsPerPage: number;
  nextCursor?: string;
  Resources: ScimResourceBody[];
}

export const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const SEARCH_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** Thirty people whose attributes differ in all that filters look at. */
export const PEOPLE = Array.from({ length: 30 }, (_, i) => ({
  userName: `${i % 2 ? 'User' : 'user'}${String(i).padStart(2, '0')}@Example.com`,
  externalId: i % 5 === 0 ? undefined : `ext-${i}`,
  displayName: i % 7 === 0 ? undefined : `${['Zoë', 'ada', 'Grace', 'émile'][i % 4]} ${i}`,
  active: i % 3 !== 0,
  title: i % 4 === 0 ? 'Engineer' : undefined,
  name: { familyName: i % 2 ? 'Lovelace' : 'Hopper' },
  emails:
    i % 6 === 0
      ? undefined
      : [
          { type: 'work', value: `W${i}@example.com`, primary: true },
          { type: 'home', value: `h${i % 3}@home.example` },
        ],
}));

export type ScimPerson = (typeof PEOPLE)[number];

/** As SCIM compares texts of which the case does not count. */
export const keyOf = (text: string | undefined): string | undefined => text?.normalize('NFKC').toLowerCase();

export interface PeopledWorld extends ScimWorld {
  /** The people as they were answered, in the order of `PEOPLE`. */
  made: ScimResourceBody[];
}

/** A directory of these people, and another beside it that has some of the same names. */
export async function makePeopledWorld(rollcall: TestApp): Promise<PeopledWorld> {
  const world = await makeScimWorld(rollcall);
  const made: ScimResourceBody[] = [];
  for (const { userName, ...more } of PEOPLE) made.push(await createUser(world.scim, userName, more));
  const other = await makeScimWorld(rollcall);
  await createUser(other.scim, 'user00@example.com', { externalId: 'ext-1', displayName: 'ada 1' });
  return { ...world, made };
}

export function listUsers(scim: HttpClient, query: Record<string, string | number>) {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return scim.get<ListBody>(`/scim/v2/Users?${text}`);
}
