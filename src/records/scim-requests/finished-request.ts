import type { Micros } from '../../platform/clock.js';
import { maskBody } from './mask-body.js';
import { maskIdentifier, maskWords } from './mask-text.js';
import { maskUrl } from './mask-url.js';
import type { RequestProblem, ScimRequestEntity } from './scim-request.entity.js';
import { kindOfPath } from './shown-attributes.js';

/** A request that was answered, as it came and went. Never written so: `toMaskedRow` makes of it what is kept. */
export interface FinishedRequest {
  id: string;
  requestId: string;
  at: Micros;
  took: Micros;
  method: string;
  url: string;
  userAgent: string | null;
  status: number;
  /** As it was read; undefined where there was none, or it could not be read. */
  body: unknown;
  bodyBytes: number;
  /** JSON; null where it is not worth reading (longer than ANSWER_CHARACTERS_MAX, or about no person). */
  answer: string | null;
  answerBytes: number;
}

/** Whose it was. */
export interface RequestOwner {
  tenantId: string;
  connectionId: string;
  keyId: string;
  /** Why the key was refused; null where it was not. */
  refusal: string | null;
}

/** What is kept of a request's body; of an answer's, which mostly says the same again, a quarter. */
const BODY_CHARACTERS_MAX = 8000;
const KEPT_OF_ANSWER_MAX = 2000;
const DETAIL_MAX = 2000;
const FAILED_SHOWN = 3;

/** What is kept of a request: no secret, and personal values masked in its address, its bodies and its problem. */
export function toMaskedRow(request: FinishedRequest, owner: RequestOwner, keepFor: Micros): ScimRequestEntity {
  const masked = new Set<string>();
  const path = maskUrl(request.url, masked);
  const kind = kindOfPath(request.url);
  const body =
    request.body === undefined
      ? null
      : maskBody(request.body, { kind, isAnswer: false, charactersMax: BODY_CHARACTERS_MAX, masked });
  const answer = readAnswer(request.answer);
  const shownAnswer =
    answer === undefined ? null : maskBody(answer, { kind, isAnswer: true, charactersMax: KEPT_OF_ANSWER_MAX, masked });
  return {
    id: request.id,
    tenantId: owner.tenantId,
    connectionId: owner.connectionId,
    keyId: owner.keyId,
    requestId: request.requestId,
    at: request.at,
    method: request.method.slice(0, 16),
    path,
    userAgent: request.userAgent === null ? null : maskIdentifier(request.userAgent.slice(0, 150)),
    status: request.status,
    took: request.took,
    bodyBytes: request.bodyBytes,
    body: body === null ? null : JSON.stringify(body),
    answerBytes: request.answerBytes,
    answer: shownAnswer === null ? null : JSON.stringify(shownAnswer),
    problem: problemOf(request.status, answer, owner.refusal, masked),
    expiresAt: request.at + keepFor,
  };
}

function readAnswer(answer: string | null): unknown {
  if (answer === null || answer === '') return undefined;
  try {
    return JSON.parse(answer) as unknown;
  } catch {
    return undefined;
  }
}

interface ErrorBody {
  detail?: unknown;
  scimType?: unknown;
  title?: unknown;
}

function problemOf(
  status: number,
  answer: unknown,
  refusal: string | null,
  masked: ReadonlySet<string>,
): RequestProblem | null {
  if (status < 400) return failuresOfBulk(answer, masked);
  const { detail, scimType, title } = (answer ?? {}) as ErrorBody;
  const words =
    (status === 401 ? refusal : null) ??
    (typeof detail === 'string' ? detail : typeof title === 'string' ? title : `HTTP ${status}`);
  return {
    scimType: typeof scimType === 'string' ? scimType : null,
    detail: maskWords(words, masked).slice(0, DETAIL_MAX),
  };
}

/** A Bulk is answered with 200 though its operations fail (RFC 7644, section 3.7.3). */
function failuresOfBulk(answer: unknown, masked: ReadonlySet<string>): RequestProblem | null {
  const { Operations: operations } = (answer ?? {}) as { Operations?: unknown };
  if (!Array.isArray(operations)) return null;
  const failed = operations.filter((each: { status?: unknown }) => Number(each?.status) >= 400);
  if (failed.length === 0) return null;
  const words = failed.slice(0, FAILED_SHOWN).map((each: { status?: unknown; response?: ErrorBody }) => {
    const { detail } = each.response ?? {};
    return `${String(each.status)}${typeof detail === 'string' ? ` ${detail}` : ''}`;
  });
  const detail = `${failed.length} of ${operations.length} operations failed: ${words.join('; ')}`;
  return { scimType: null, detail: maskWords(detail, masked).slice(0, DETAIL_MAX) };
}
