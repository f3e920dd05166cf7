import { createHash } from 'node:crypto';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
label { display: block; margin: 1rem 0 .25rem; }
input { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; }
button { margin-top: 1.5rem; font: inherit; padding: .5rem 1.25rem; }
[hidden] { display: none; }
#message { margin-top: 1rem; white-space: pre-line; }
`;

/** The token is read from behind the \`#\` and taken off the address bar, so that it stays in no history. */
const SCRIPT = `
const by = (id) => document.getElementById(id);
const token = new URLSearchParams(location.hash.slice(1)).get('token') || '';
history.replaceState(null, '', location.pathname);
const post = async (path, body) => {
  const answer = await fetch(path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return { ok: answer.ok, body: await answer.json() };
};
const say = (problem) => {
  const faults = (problem.faults || []).map((fault) => fault.pointer.slice(1) + ': ' + fault.detail);
  by('message').textContent = [problem.detail || problem.title].concat(faults).join('\\n');
};
const base = location.pathname.replace(/\\/$/, '');
let asksName = true;
post(base + '/link', { token }).then(({ ok, body }) => {
  if (!ok) return say(body);
  asksName = body.userName === null;
  by('about').textContent = body.purpose === 'first-operator'
    ? 'Make the first account. It is an operator, and the owner of tenant main.'
    : asksName
      ? 'Make the account of the first owner of ' + body.tenant + '.'
      : 'Set the password of ' + body.userName + ' in ' + body.tenant + '.';
  by('names').hidden = !asksName;
  by('userName').required = asksName;
  by('form').hidden = false;
}).catch(() => { by('message').textContent = 'Rollcall does not answer.'; });
by('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const password = by('password').value;
  if (password !== by('again').value) { by('message').textContent = 'The two passwords differ.'; return; }
  const names = { userName: by('userName').value };
  if (by('displayName').value) names.displayName = by('displayName').value;
  by('send').disabled = true;
  try {
    const { ok, body } = await post(base, Object.assign({ token, password }, asksName ? names : {}));
    if (!ok) { say(body); return; }
    by('form').hidden = true;
    by('message').textContent = 'Done. You can log in as ' + body.userName + ' (tenant: ' + body.tenants.join(', ') + ').';
  } catch {
    by('message').textContent = 'Rollcall does not answer.';
  } finally {
    by('send').disabled = false;
  }
});
`;

/** The page behind one-time links: no asset but itself, and nothing of the request in it. */
export const SETUP_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rollcall: set up</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Rollcall</h1>
<p id="about"></p>
<form id="form" hidden>
<div id="names">
<label for="userName">User name</label><input id="userName" autocomplete="username" maxlength="255">
<label for="displayName">Your name (if you like)</label><input id="displayName" autocomplete="name" maxlength="255">
</div>
<label for="password">Password, at least 12 characters</label>
<input id="password" type="password" autocomplete="new-password" minlength="12" maxlength="200" required>
<label for="again">The same again</label>
<input id="again" type="password" autocomplete="new-password" required>
<button id="send">Save</button>
</form>
<p id="message" role="status"></p>
<noscript>This page needs JavaScript: the secret of your link never leaves the browser but in the request it makes.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Only this very script and style run, and only this service is spoken to. */
export const SETUP_PAGE_POLICY = [
  "default-src 'none'",
  `script-src '${sourceHash(SCRIPT)}'`,
  `style-src '${sourceHash(STYLE)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
