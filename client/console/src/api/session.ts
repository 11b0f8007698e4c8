/** The API key: in this tab's memory, and on this device only where the customer asked for it. */
import { Store } from "../parts/store";

export interface Session {
  readonly key: string | null;
  /** Why the last session ended, for the sign-in page. */
  readonly notice: string | null;
}

const KEPT = "fermata.key";

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(key: string | null): void {
  try {
    if (key === null) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, key);
  } catch {
    // A browser that keeps nothing forgets the key with the tab.
  }
}

export const session = new Store<Session>({ key: kept(), notice: null });

export function signIn(key: string, onThisDevice: boolean): void {
  keep(onThisDevice ? key : null);
  session.set({ key, notice: null });
}

export function signOut(notice: string | null = null): void {
  keep(null);
  session.set({ key: null, notice });
}
