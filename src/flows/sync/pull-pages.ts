import type { EntityManager } from 'typeorm';
import type { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { findActiveNames } from '../../records/users/people-copy.js';
import { stateRemoved } from './removed-people.js';
import type { SourcePage } from './sources/source-reader.js';

/** What a source says, with a record for each of those who it says are gone. */
export function pagesOf(
  read: EntityManager,
  { connectionId }: ConnectionSourceEntity,
  said: AsyncIterable<SourcePage>,
): AsyncGenerator<SourcePage> {
  return stateRemoved(said, (ids) => findActiveNames(read, connectionId, ids));
}
