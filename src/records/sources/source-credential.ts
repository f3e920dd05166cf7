/** What a source is asked with: a bearer token, a name and password, or a header of its own. */
export type SourceCredential =
  | { kind: 'bearer'; token: string }
  | { kind: 'basic'; userName: string; password: string }
  | { kind: 'header'; name: string; value: string };

/** The header that carries it, to the source's own origin and nowhere else. */
export function headersOf(credential: SourceCredential | null): Record<string, string> {
  if (credential === null) return {};
  switch (credential.kind) {
    case 'bearer':
      return { authorization: `Bearer ${credential.token}` };
    case 'basic': {
      const pair = Buffer.from(`${credential.userName}:${credential.password}`, 'utf8');
      return { authorization: `Basic ${pair.toString('base64')}` };
    }
    case 'header':
      return { [credential.name.toLowerCase()]: credential.value };
  }
}
