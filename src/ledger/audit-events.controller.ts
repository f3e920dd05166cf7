import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../platform/access.js';
import { type Micros, parseTime } from '../platform/clock.js';
import { type Fault, Problem } from '../platform/problem.js';
import { AuditPageView, AuditQueryDto } from './event.dto.js';
import { type AuditFilter, EventReader } from './event-reader.js';
import { toAuditView, toEventView } from './event-view.js';

@ApiTags('audit')
@Controller('audit-events')
export class AuditEventsController {
  constructor(private readonly reader: EventReader) {}

  /** Events of every kind, attempts too, newest first. Their personal part needs `audit:personal`. */
  @Get()
  @Access('audit:read')
  @ApiOperation({ summary: 'List audit events' })
  @ApiOkResponse({ type: AuditPageView })
  async listAuditEvents(@Caller() caller: Principal, @Query() query: AuditQueryDto): Promise<AuditPageView> {
    const { filter, before } = readQuery(query);
    const personal = caller.permissions.has('audit:personal');
    const page = await this.reader.readAudit(caller.tenantId, filter, query.limit ?? 50, { before, personal });
    return {
      items: page.rows.map(personal ? toAuditView : toEventView),
      cursor: page.next === null ? null : Buffer.from(String(page.next)).toString('base64url'),
    };
  }
}

function readQuery(query: AuditQueryDto): { filter: AuditFilter; before: number | null } {
  const faults: Fault[] = [];
  const time = (name: 'after' | 'before'): Micros | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    const at = parseTime(text);
    if (at === null) faults.push({ pointer: `?${name}`, detail: 'must be an RFC 3339 date-time' });
    return at ?? undefined;
  };
  const filter = {
    type: query.type,
    subjectId: query.subject,
    actorId: query.actor,
    afterAt: time('after'),
    beforeAt: time('before'),
  };
  let before: number | null = null;
  if (query.cursor !== undefined) {
    const text = Buffer.from(query.cursor, 'base64url').toString();
    if (/^[1-9]\d{0,15}$/.test(text)) before = Number(text);
    else faults.push({ pointer: '?cursor', detail: 'is not a cursor that this list gave' });
  }
  if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
  return { filter, before };
}
