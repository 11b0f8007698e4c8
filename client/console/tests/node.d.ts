// What the tests need of Node's own modules.
declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
}
declare module "node:assert/strict" {
  export function equal(actual: unknown, expected: unknown, message?: string): void;
  export function deepEqual(actual: unknown, expected: unknown, message?: string): void;
  export function match(actual: string, expected: RegExp): void;
  export function notEqual(actual: unknown, expected: unknown): void;
  export function rejects(promise: Promise<unknown>, expected: RegExp): Promise<void>;
}
declare module "node:child_process" {
  export function execFileSync(file: string, arguments_: readonly string[], options: { encoding: "utf8"; input?: string }): string;
}
/** The Python of the checkout; the build says where it is. */
declare const PYTHON: string;
/** What answers the page's calls of the API; the build puts it into the place of `fetch`. */
declare var answer: (request: Request) => Promise<Response>;
