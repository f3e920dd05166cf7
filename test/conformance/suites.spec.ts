import { describe, expect, it } from '@jest/globals';
import { runPostmanScript } from './postman-script.js';
import { runRunscopeTest } from './runscope-suite.js';
import { fill, type SuiteAnswer } from './suite.js';

const answer: SuiteAnswer = {
  status: 200,
  text: '{"id":"u-1","Resources":[],"name":{"formatted":"Ada"}}',
  headers: new Headers(),
  ms: 3,
};

function failuresOf(code: string, variables = new Map<string, string>()): (string | null)[] {
  return runPostmanScript(code, answer, variables).map((each) => each.failure);
}

describe('a Postman script', () => {
  it.each([
    'pm.response.to.have.status(200)',
    'pm.expect(pm.response.json().id).to.eql("u-1")',
    'pm.expect(pm.response.json().Resources).to.eql([])',
    'pm.expect(pm.response.text()).to.include("Ada")',
    'pm.expect(pm.response.text()).to.not.include("Bob")',
  ])('passes where %s holds', (assertion) => {
    expect(failuresOf(`pm.test("it", function () { ${assertion}; });`)).toEqual([null]);
  });

  it.each([
    'pm.response.to.have.status(201)',
    'pm.expect(pm.response.json().id).to.eql("u-2")',
    'pm.expect(pm.response.json().Resources).to.eql([1])',
    'pm.expect(pm.response.json().missing).to.eql(null)',
    'pm.expect(pm.response.text()).to.include("Bob")',
    'pm.expect(pm.response.text()).to.not.include("Ada")',
    'pm.expect(1).to.be.above(0)',
    'nobody.knows()',
  ])('fails where %s does not hold, or is not known', (assertion) => {
    const failures = failuresOf(`pm.test("it", function () { ${assertion}; });`);
    expect(failures).toEqual([expect.any(String)]);
  });

  it('fails as a whole where it throws outside of a test, and keeps what it found for later requests', () => {
    expect(failuresOf('pm.test("it", () => {}); throw new Error("no");')).toEqual([null, 'no']);
    const variables = new Map<string, string>();
    failuresOf('pm.environment.set("id1", pm.response.json().id);', variables);
    expect(fill('/Users/{{id1}}/{{id2}}', variables)).toBe('/Users/u-1/{{id2}}');
  });
});

it('a Runscope test fails for what it does not find, and for comparisons that nobody knows', async () => {
  const assertion = (comparison: string, value: string) => ({
    source: 'response_json',
    property: 'a[0].b',
    comparison,
    value,
  });
  const step = {
    step_type: 'request',
    method: 'GET',
    url: 'data:application/json,{"a":[{"b":"c"}]}',
    assertions: [
      { source: 'response_status', comparison: 'equal_number', value: '200' },
      assertion('equal', 'c'),
      assertion('equal', 'd'),
      { ...assertion('not_empty', ''), property: 'a[1].b' },
      assertion('sounds_like', 'c'),
    ],
  };
  const verdicts = await runRunscopeTest({ steps: [step] }, new Map());
  expect(verdicts.map((each) => each.failure === null)).toEqual([true, true, false, false, false]);
});
