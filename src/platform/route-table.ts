interface Route {
  pattern: RegExp;
  methods: Set<string>;
}

/** Which addresses exist, whatever the method: to tell "no such address" from "not with that method". */
export class RouteTable {
  private readonly routes = new Map<string, Route>();

  /** `template` as the router spells it: `/users/:id`, `/docs/*`. */
  add(template: string, methods: readonly string[]): void {
    const found = this.routes.get(template);
    const route = found ?? { pattern: patternOf(template), methods: new Set<string>() };
    for (const method of methods) route.methods.add(method);
    this.routes.set(template, route);
  }

  /** The methods of whatever route has this path (without a query), sorted; empty when there is none. */
  methodsAt(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.routes.values()) {
      if (route.pattern.test(path)) for (const method of route.methods) methods.add(method);
    }
    return [...methods].sort();
  }

  /** Every route as `METHOD template`, sorted; HEAD goes without saying where there is GET. */
  list(): string[] {
    const all = [...this.routes].flatMap(([template, route]) =>
      [...route.methods]
        .filter((method) => method !== 'HEAD' || !route.methods.has('GET'))
        .map((method) => `${method} ${template}`),
    );
    return all.sort();
  }
}

function patternOf(template: string): RegExp {
  const parts = template.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
