import { Body, Controller, HttpCode, Post, Req, Res, StreamableFile } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { Problem } from '../../platform/problem.js';
import { Limits, MEBIBYTE } from '../../platform/route-limits.js';
import { drainBody } from './decode-body.js';
import { StreamAcceptedDto, StreamAnswerDto } from './stream.dto.js';
import { type IncomingStream, StreamService } from './stream.service.js';
import { SyncAnswerDto, SyncEnvelopeDto, SyncRecordDto } from './sync.dto.js';
import { SyncService } from './sync.service.js';

const ofStream = (name: string, description: string) => ApiQuery({ name, required: false, type: String, description });

@ApiTags('sync')
@Controller('users/sync')
export class SyncController {
  constructor(
    private readonly syncs: SyncService,
    private readonly streams: StreamService,
  ) {}

  /** The body is read by hand, not by decorators: a push has thousands of records, most of them unchanged. */
  @Post()
  @HttpCode(200)
  @Access('users:sync')
  @Limits({ bodyBytesMax: 16 * MEBIBYTE, readsBody: true, takesStream: true })
  @Problems(
    'batch_refused',
    'conflict',
    'idempotency_in_progress',
    'idempotency_mismatch',
    'may_not_grant',
    'overloaded',
    'run_cancelled',
    'stream_broken',
  )
  @ApiOperation({
    summary: 'Push users',
    description:
      'As JSON: one record, an array of at most 10,000, or an envelope; the answer has a result for each record, in ' +
      'order. As `application/x-ndjson` (plain, or `Content-Encoding: gzip` or `zstd`): a record a line, of any ' +
      'number; lines are committed in chunks while the next arrive, what was committed stays if the stream breaks ' +
      'off, and the same `Idempotency-Key` then goes on after it. What the envelope says stands in the query there. ' +
      'The answer is a summary; with `dryRun=true` it is a line for each record, which has to be read while sending. ' +
      'A tenant has four streams at a time on an instance; another one hears 503. ' +
      'Valid records are applied though others fail, unless `atomic` is asked (JSON alone).',
  })
  @ApiConsumes('application/json', 'application/x-ndjson')
  @ApiExtraModels(SyncRecordDto, SyncEnvelopeDto, SyncAnswerDto, StreamAnswerDto)
  @ApiBody({
    schema: {
      anyOf: [
        { $ref: getSchemaPath(SyncRecordDto) },
        { type: 'array', items: { $ref: getSchemaPath(SyncRecordDto) }, maxItems: 10_000 },
        { $ref: getSchemaPath(SyncEnvelopeDto) },
      ],
    },
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'The same request under the same key has one effect and one answer, for 24 hours; another body is refused. A ' +
      'stream that broke off goes on; one that has its answer is read to the end, and compared, before it is told again.',
  })
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: '`respond-async`: a stream is answered 202 when its last byte is in, while the rest is committed.',
  })
  @ofStream(
    'mode',
    'For a stream: `upsert`, or `snapshot`: whoever `scope` has and no line names is switched off at its end.',
  )
  @ofStream('scope', 'For a stream: the part of the connection that it speaks for; without it the whole.')
  @ofStream('dryRun', 'For a stream: `true` answers what would become of each record, and writes nothing.')
  @ofStream('statedAt', 'For a stream: the time of records that have none of their own; of a snapshot its moment.')
  @ofStream('connection', 'For a stream: needed where the credential is not bound to a connection.')
  @ofStream('kind', 'For a stream: `push`, or `import` for a file that somebody sends by hand.')
  @ApiOkResponse({
    content: {
      'application/json': {
        schema: { anyOf: [{ $ref: getSchemaPath(SyncAnswerDto) }, { $ref: getSchemaPath(StreamAnswerDto) }] },
      },
      'application/x-ndjson': { schema: { type: 'string' } },
    },
  })
  @ApiAcceptedResponse({ type: StreamAcceptedDto, headers: { Location: { schema: { type: 'string' } } } })
  async sync(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SyncAnswerDto | StreamAnswerDto | StreamAcceptedDto | StreamableFile> {
    const key = request.headers['idempotency-key']?.toString() ?? null;
    const query = request.query as Record<string, unknown>;
    if (!(body instanceof Readable)) {
      const faults = Object.keys(query).map((name) => ({ pointer: `?${name}`, detail: 'stands in the body of JSON' }));
      if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
      return this.syncs.sync(principal, Buffer.isBuffer(body) ? body : Buffer.alloc(0), key);
    }
    const incoming: IncomingStream = {
      request: request.raw,
      encoding: request.headers['content-encoding'],
      query,
      idempotencyKey: key,
      isAsync: /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test([request.headers.prefer].flat().join()),
    };
    return this.takeStream(principal, incoming, request, reply);
  }

  private async takeStream(
    principal: Principal,
    incoming: IncomingStream,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<StreamAnswerDto | StreamAcceptedDto | StreamableFile> {
    request.mayTakeItsTime();
    try {
      const outcome = await this.streams.take(principal, incoming);
      if (outcome.kind === 'preview') {
        return new StreamableFile(Readable.from(outcome.lines, { objectMode: false }), {
          type: 'application/x-ndjson',
        });
      }
      if (outcome.kind === 'finished') {
        await this.giveUp(incoming, reply);
        return outcome.answer;
      }
      const { run } = outcome;
      const headers = { location: `/sync-runs/${run}`, 'preference-applied': 'respond-async' };
      void reply.status(202).headers(headers);
      return { run, status: 'running' };
    } catch (error) {
      await this.giveUp(incoming, reply);
      throw error;
    }
  }

  /** An answer can come before the end of the body: then nothing more is read on this connection. */
  private async giveUp({ request }: IncomingStream, reply: FastifyReply): Promise<void> {
    if (request.complete) return;
    void reply.header('connection', 'close');
    await drainBody(request);
  }
}
