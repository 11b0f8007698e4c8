import { useEffect, useState } from "preact/hooks";

/** A value that parts of the page share; `use` renders a component again when it changes. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  use(): T {
    const [, render] = useState(0);
    useEffect(() => {
      const listener = () => render((count) => count + 1);
      this.listeners.add(listener);
      listener();
      return () => void this.listeners.delete(listener);
    }, [this]);
    return this.value;
  }
}
