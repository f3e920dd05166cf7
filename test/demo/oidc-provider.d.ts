/** The little of oidc-provider that the demo uses; the package ships no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  interface Interaction {
    uid: string;
    prompt: { name: string };
    params: Record<string, string>;
  }

  interface Account {
    accountId: string;
    claims(): Record<string, unknown> & { sub: string };
  }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    Grant: new (of: { accountId: string; clientId: string }) => {
      addOIDCScope(scope: string): void;
      save(): Promise<string>;
    };
    callback(): RequestListener;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    on(event: string, listener: (...details: unknown[]) => void): void;
  }

  export type { Account, Interaction };
}

declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  /** A store that forgets everything when the process ends. `clockTolerance` in seconds. */
  export function createMemoryAdapter(clockTolerance: number): new (model: string) => object;
}
