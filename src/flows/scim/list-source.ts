import type { ResourceType } from './protocol/schema.js';
import type { SortKey } from './protocol/sort-resources.js';
import type { ResourceJson } from './protocol/stored-values.js';
import type { IndexedAttributes } from './filter-sql.js';
import type { ScimDirectory } from './scim-directory.js';

/** A column by which a list can be sorted. */
export interface SortColumn {
  column: string;
  /** Whether it can be null. */
  optional: boolean;
  /** No two have the same: the id need not tell them apart. MariaDB would else sort what a unique index has in order. */
  unique?: true;
}

/** A kind of resources, as lists find them: a table with one row each, under the alias `s`, with a `connectionId`. */
export interface ListSource {
  readonly type: ResourceType;
  readonly table: string;
  /** The index by connection and id, if the table has one of that alone. */
  readonly idIndex?: string;
  readonly indexed: IndexedAttributes;
  /** By the path of the attribute. */
  readonly sortColumns: Readonly<Record<string, SortColumn>>;
  /**
   * Whole resources by id; those that are gone are left out. `needs` says whether an attribute that costs a further read
   * is wanted.
   */
  read(
    directory: ScimDirectory,
    ids: readonly string[],
    needs: (attribute: string) => boolean,
  ): Promise<Map<string, ResourceJson>>;
}

/** Part of a list, as it is told. */
export interface ListSlice {
  /** Of the whole list. */
  total: number;
  /** In order, as the projection tells them. */
  items: { key: SortKey; resource: ResourceJson }[];
}
