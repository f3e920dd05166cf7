export class LivenessView {
  /** The process runs. */
  status: 'ok';
}

export class DegradedView {
  /** @example "connection Acme Okta" */
  name: string;
  detail: string;
}

export class ReadinessView {
  status: 'ready' | 'degraded' | 'unavailable' | 'stopping';
  /** What does not work as it should, though requests are served. */
  degraded: DegradedView[];
}
