import {
  type LeniencyName,
  type LeniencyText,
  leniencyTexts,
  type ScimPreset,
  scimPresets,
} from '../../src/flows/scim/protocol/leniencies.js';

/** `docs/scim-presets.md`: what each preset does where the standard and real clients disagree. */
export function describeScimPresets(): string {
  const presets = Object.entries<ScimPreset>(scimPresets);
  const strict: ScimPreset = scimPresets.rfc;
  const names = Object.keys(leniencyTexts) as LeniencyName[];
  const rows = names.map((name) => {
    const cells = presets.map(([, { leniencies }]) => {
      const value = `\`${leniencies[name]}\``;
      return leniencies[name] === strict.leniencies[name] ? value : `**${value}**`;
    });
    return `| [\`${name}\`](#${name.toLowerCase()}) | ${cells.join(' | ')} |`;
  });
  return [
    '# SCIM presets',
    '',
    'A connection has a `preset`. For SCIM it says where Rollcall bends to what real clients send and expect: `rfc`, the',
    'default, bends nowhere. Strictness is not about security: what may be granted, who is protected and what is unique is',
    'the same under every preset, and what is stored is the same whichever way it was said. A refusal names the attribute',
    'and the reason, and stands in the request log: `GET /connections/{id}/requests?status=refused`.',
    '',
    'To change it: `PATCH /connections/{id}` with `{"preset": "okta"}`; it counts from the next request on. A preset also',
    'sets defaults for logins (`GET /connections/presets`). Presets that are not listed here are strict about SCIM.',
    '',
    '| preset | for |',
    '|---|---|',
    ...presets.map(([name, { about }]) => `| \`${name}\` | ${about} |`),
    '',
    '## What each of them does',
    '',
    'In bold: otherwise than `rfc`.',
    '',
    `| leniency | ${presets.map(([name]) => `\`${name}\``).join(' | ')} |`,
    `|---|${'---|'.repeat(presets.length)}`,
    ...rows,
    '',
    ...names.flatMap((name) => describeLeniency(name, leniencyTexts[name])),
    '## Under every preset',
    '',
    '- `op` in any case (`Add`, `Replace`), names of attributes and URNs in any case; the answer has the right one.',
    '- `schemas` in any order, with doubles, or naming an extension of which the body has nothing.',
    '- `null` and the empty list mean that the attribute has no value.',
    '- A lone object where a PATCH adds to a list.',
    '- A value in a PATCH of which nothing is understood, such as `{}` or an object of `readOnly` parts, changes nothing.',
    '- Members beside `op`, `path` and `value` in an operation are not looked at.',
    '',
  ].join('\n');
}

function describeLeniency(name: LeniencyName, { about, values }: LeniencyText): string[] {
  return [
    `### ${name}`,
    '',
    about,
    '',
    ...Object.entries(values).map(([value, meaning]) => `- \`${value}\`: ${meaning}.`),
    '',
  ];
}
