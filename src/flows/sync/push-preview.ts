import type { SnapshotTruth } from '../../plan/missing.js';
import type { MissingPeople } from '../../provisioning/missing-people.js';
import { RemovalsWait } from '../../provisioning/removal-guard.js';
import type { Settled } from '../../provisioning/submission.js';
import { scopeOf } from '../../records/sync-runs/run-people.js';
import { guardOf, guardRecords } from './held-records.js';
import type { PushParts } from './push-parts.js';
import type { MissingPerson, PushRun, Waiting } from './push-run.js';
import { RemovalPreview } from './removal-preview.js';
import { runOf } from './run-of-push.js';

const MISSING_SHOWN = 1000;

/** What would become of the records of a dry run, and, of a snapshot, who is missing from it (told in the run's `ended`). */
export async function previewPush(
  run: PushRun,
  waiting: readonly Waiting[],
  parts: PushParts,
  missing: MissingPeople,
): Promise<Settled[]> {
  const plan = async () => (await parts.provisioning.plan(waiting.map(({ submission }) => submission))).settled;
  const guard = (mode: 'count' | 'hold') => guardOf(run.known, mode, scopeOf(run.request));
  const { truth } = run;
  if (truth) return previewSnapshot(run, waiting, truth, { plan, guard, parts, missing });
  guardRecords(waiting, guard('count'));
  return plan().catch((error: unknown) => {
    if (!(error instanceof RemovalsWait)) throw error;
    guardRecords(waiting, guard('hold'));
    return plan();
  });
}

async function previewSnapshot(
  run: PushRun,
  waiting: readonly Waiting[],
  truth: SnapshotTruth,
  by: {
    plan(): Promise<Settled[]>;
    guard(mode: 'count' | 'hold'): ReturnType<typeof guardOf>;
    parts: PushParts;
    missing: MissingPeople;
  },
): Promise<Settled[]> {
  const { database, clock } = by.parts;
  const holding = by.guard('hold');
  guardRecords(waiting, holding);
  const settled = await by.plan();
  const removals = new RemovalPreview({ ...runOf(run.pushing), truth }, holding);
  removals.note(
    settled,
    run.naming(run.results, clock.now(), (index) => index + 1),
  );
  const people: MissingPerson[] = [];
  for await (const entries of removals.findMissing(by.missing)) {
    for (const { externalId, userId } of entries) {
      if (people.length < MISSING_SHOWN) people.push({ externalId: externalId ?? '', userId });
    }
  }
  const told = await removals.tell(database.read, clock.now());
  run.previewed = { missing: told?.missing ?? 0, error: told?.error ?? null, held: told?.held ?? false, people };
  if (told?.held) return settled;
  // Within the limits all of it is: then none of it waits for the rest.
  guardRecords(waiting, by.guard('count'));
  return by.plan();
}
