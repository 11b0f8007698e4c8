import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

const BEYOND = 8;

/** The rows of a long list of equal heights that are in sight, and a few more: `[first, end)`. */
export function useRowsInSight(list: RefObject<HTMLElement | null>, count: number, height: number): readonly [number, number] {
  const [range, change] = useState<readonly [number, number]>([0, 40]);
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      if (!list.current) return;
      const top = -list.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / height) - BEYOND);
      const end = Math.min(count, Math.ceil((top + innerHeight) / height) + BEYOND);
      change((before) => (before[0] === first && before[1] === end ? before : [first, end]));
    };
    const later = () => (frame ||= requestAnimationFrame(look));
    look();
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [count, height]);
  return [range[0], Math.min(range[1], count)];
}
