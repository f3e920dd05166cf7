import { RunFailureView } from '../../records/sync-runs/sync-runs.dto.js';
import { SyncCountsDto } from './sync.dto.js';

/** What became of a stream. */
export class StreamAnswerDto {
  /** The run's id: `GET /sync-runs/{id}`. */
  run: string;
  /** `held`: what it takes away waits for an admin. `running`: it is still being taken away. */
  status: 'finished' | 'held' | 'running';
  counts: SyncCountsDto;
  /** The number of the last line. */
  upTo: number;
  /** Of a snapshot: how many of its scope it does not name, and nobody has since. */
  missing?: number;
  /** Why it is held, or why nobody was taken for missing. */
  error?: string;
  /** The first hundred refused records; all of them are at `GET /sync-runs/{id}/failures`. */
  failures: RunFailureView[];
}

/** The stream has been received; the rest of it is being committed. */
export class StreamAcceptedDto {
  /** The run's id: `GET /sync-runs/{id}`, also the answer's `Location`. */
  run: string;
  status: 'running';
}
