import type { SyncAnswerDto, SyncRecordDto } from '../../src/flows/sync/sync.dto.js';
import type { RunPlanView } from '../../src/records/sync-runs/held-runs.dto.js';
import type { RunView } from '../../src/records/sync-runs/sync-runs.dto.js';
import type { HttpClient } from '../support/http-client.js';
import type { Owner, Stage } from './story.js';

const CUT_OFF_AFTER = 700;
const LEAVERS = 2;

/** A nightly job that sends all there are: first a list that was cut off, which nobody may suffer for. */
export async function sendSnapshots(
  stage: Stage,
  { client }: Owner,
  job: HttpClient,
  people: SyncRecordDto[],
): Promise<void> {
  const { tell } = stage;
  const short = await sendSnapshot(stage, job, people.slice(0, CUT_OFF_AFTER), `the first ${CUT_OFF_AFTER}`);
  const missing = people.length - CUT_OFF_AFTER;
  tell.check(`${missing} are missing: nobody is switched off, it waits for an admin`, short.counts.deactivated === 0);
  const plan = await tell.ask<RunPlanView>(client, `GET /sync-runs/${short.run}/plan`, {
    status: 200,
    show: ({ reason, items }) => ({ reason, items: items.map(({ userName, change }) => ({ userName, change })) }),
  });
  tell.check(`it is held, with all ${missing} by name`, plan.body.removals?.deactivated === missing);
  await tell.ask<RunView>(client, `POST /sync-runs/${short.run}/reject`, {
    status: 200,
    show: ({ status }) => ({ status }),
  });
  const whole = await sendSnapshot(stage, job, people.slice(0, -LEAVERS), `all but ${LEAVERS} who have left`);
  tell.check(`${LEAVERS} are switched off, and no admin had to be asked`, whole.missing === LEAVERS);
}

async function sendSnapshot({ tell }: Stage, job: HttpClient, users: SyncRecordDto[], told: string) {
  const answer = await tell.ask<SyncAnswerDto>(job, 'POST /users/sync', {
    body: { mode: 'snapshot', users },
    told: { mode: 'snapshot', users: told },
    status: 200,
    show: ({ counts, missing }) => ({ counts, missing }),
  });
  return answer.body;
}
