export function h(type: unknown, props: unknown, ...children: unknown[]): object;
export function render(node: unknown, into: Element): void;
