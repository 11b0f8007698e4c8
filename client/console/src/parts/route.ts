/** The page and its settings in the address: `#/jobs?status=failed`. */
import { Store } from "./store";

export interface Route {
  readonly page: string;
  readonly id: string | null;
  readonly query: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, id] = path.split("/");
  return { page: page || "try", id: id ? decodeURIComponent(id) : null, query: new URLSearchParams(query) };
}

export const route = new Store<Route>(read());
addEventListener("hashchange", () => route.set(read()));

export function go(hash: string, replace = false): void {
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, "", hash);
  route.set(read());
}
