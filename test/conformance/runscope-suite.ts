import { randomBytes } from 'node:crypto';
import { ask, fill, type SuiteAnswer, type Target, type Variables, type Verdict } from './suite.js';

/** A test of BlazeMeter API Monitoring (was Runscope), as it is exported: how Okta publishes its SCIM 2.0 SPEC test. */
export interface RunscopeTest {
  steps: RunscopeStep[];
}

interface RunscopeStep {
  step_type: string;
  skipped?: boolean;
  note?: string;
  method: string;
  url: string;
  headers?: Record<string, string[]>;
  body?: string;
  assertions?: RunscopeAssertion[];
  variables?: { name: string; source: string; property: string }[];
}

interface RunscopeAssertion {
  source: string;
  comparison: string;
  property?: string;
  value?: string | number | null;
}

/** Runs the requests in order. `variables` are those that the test's own scripts would set. */
export async function runRunscopeTest(test: RunscopeTest, variables: Variables): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const step of test.steps) {
    if (step.step_type !== 'request' || step.skipped) continue;
    const headers = Object.entries(step.headers ?? {}).map(([name, [value = '']]) => [name, fill(value, variables)]);
    const answer = await ask(step.method, new URL(fill(step.url, variables)).href, {
      headers: headers as [string, string][],
      ...(step.body === undefined ? {} : { body: fill(step.body, variables) }),
    });
    for (const assertion of step.assertions ?? []) {
      const { source, property, comparison, value } = assertion;
      const words = [source, property, comparison, value].filter((word) => word !== undefined && word !== null);
      const name = `${step.note?.trim() ?? `${step.method} ${step.url}`}: ${words.join(' ')}`;
      verdicts.push({ name, failure: failureOf(assertion, answer, variables) });
    }
    for (const { name, source, property } of step.variables ?? []) {
      const value = source === 'response_json' ? valueAt(readJson(answer.text), property) : undefined;
      if (value !== undefined && value !== null) variables.set(name, textOf(value));
    }
  }
  return verdicts;
}

/** What Okta's test makes up for itself before its first step, and the two things that it asks for. */
export function oktaVariables({ baseUrl, token }: Target): Variables {
  const random = randomBytes(5).toString('hex');
  const email = `okta.${random}@example.com`;
  return new Map([
    ['SCIMBaseURL', baseUrl],
    ['auth', `Bearer ${token}`],
    ['InvalidUserEmail', 'abcdefgh@atko.com'],
    ['UserIdThatDoesNotExist', '010101001010101011001010101011'],
    ['randomEmail', email],
    ['randomUsername', email],
    ['randomUsernameCaps', email.toUpperCase()],
    ['randomGivenName', `Given${random}`],
    ['randomFamilyName', `Family${random}`],
  ]);
}

function failureOf(assertion: RunscopeAssertion, answer: SuiteAnswer, variables: Variables): string | null {
  const found = foundBy(assertion, answer);
  const wanted = fill(String(assertion.value ?? ''), variables);
  const holds = holdsFor(assertion.comparison, found, wanted);
  if (holds === null) return `the comparison ${assertion.comparison} is not known here`;
  return holds ? null : `found ${JSON.stringify(found)?.slice(0, 200)} (HTTP ${answer.status})`;
}

function foundBy({ source, property = '' }: RunscopeAssertion, answer: SuiteAnswer): unknown {
  switch (source) {
    case 'response_status':
      return answer.status;
    case 'response_time':
      return answer.ms;
    case 'response_text':
      return answer.text;
    case 'response_headers':
      return answer.headers.get(property) ?? undefined;
    case 'response_json':
      return valueAt(readJson(answer.text), property);
    default:
      return undefined;
  }
}

function holdsFor(comparison: string, found: unknown, wanted: string): boolean | null {
  const isEmpty = found === undefined || found === null || found === '' || (Array.isArray(found) && found.length === 0);
  const values = Array.isArray(found) ? found.map(textOf) : [textOf(found)];
  switch (comparison) {
    case 'equal':
    case 'equal_text':
      return !isEmpty && textOf(found) === wanted;
    case 'not_equal':
      return textOf(found) !== wanted;
    case 'equal_number':
      return !isEmpty && Number(found) === Number(wanted);
    case 'is_less_than':
      return !isEmpty && Number(found) < Number(wanted);
    case 'is_greater_than':
      return !isEmpty && Number(found) > Number(wanted);
    case 'is_a_number':
      return !isEmpty && Number.isFinite(Number(found));
    case 'empty':
      return isEmpty;
    case 'not_empty':
      return !isEmpty;
    case 'has_value':
      return values.includes(wanted);
    case 'contains':
      return values.some((value) => value.includes(wanted));
    default:
      return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** `Resources[0].name.givenName`. */
function valueAt(json: unknown, path: string): unknown {
  let value = json;
  for (const part of path.split(/[.[\]]+/).filter((each) => each !== '')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
