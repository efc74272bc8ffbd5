/**
 * A list of any length: only the rows that can be seen, and a few beside them, are in the page.
 *
 * All rows have one height, so the place of a row is its index times that height. The list is one stop of the Tab
 * key; arrow keys, Page Up and Down, Home and End move within it.
 */
import * as React from 'react';

/** Rows above and below those that are seen. */
const BESIDE = 6;

export interface IVirtualListProps {
  readonly label: string;
  readonly length: number;
  readonly rowHeight: number;
  /** Which row has the list's focus. */
  readonly active: number;
  readonly activate: (index: number) => void;
  /** Rows from `first` up to (not with) `last` are about to be seen. */
  readonly need: (first: number, last: number) => void;
  /** A row; `stop` says whether the Tab key stops at it. */
  readonly row: (index: number, stop: boolean) => React.ReactNode;
  readonly className?: string;
}

export function VirtualList(props: IVirtualListProps): React.JSX.Element {
  const { length, rowHeight, need, active } = props;
  const box = React.useRef<HTMLDivElement>(null);
  const [seen, setSeen] = React.useState({ top: 0, height: 600 });
  const first = Math.max(0, Math.floor(seen.top / rowHeight) - BESIDE);
  const last = Math.min(length, Math.ceil((seen.top + seen.height) / rowHeight) + BESIDE);
  // Where the row with the focus was scrolled away, the list is entered at the first one that is seen.
  const top = Math.max(0, Math.min(length - 1, Math.ceil(seen.top / rowHeight)));
  const stop = active >= first && active < last ? active : top;

  React.useEffect(() => {
    need(first, last);
  }, [need, first, last, length]);

  React.useEffect(() => {
    const node = box.current;
    if (node === null) {
      return;
    }
    const measure = (): void => {
      setSeen({ top: node.scrollTop, height: node.clientHeight });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    node.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      node.removeEventListener('scroll', measure);
    };
  }, []);

  const go = (index: number): void => {
    const node = box.current;
    const wanted = Math.max(0, Math.min(length - 1, index));
    if (node === null || length === 0) {
      return;
    }
    const top = wanted * rowHeight;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + rowHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + rowHeight - node.clientHeight;
    }
    props.activate(wanted);
    // The row is in the page after the next drawing only.
    requestAnimationFrame(() => {
      node
        .querySelector<HTMLElement>(`[data-index="${wanted}"] [data-row]`)
        ?.focus({ preventScroll: true });
    });
  };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(seen.height / rowHeight) - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: length - 1
    };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      go(to);
    }
  };

  const onFocus = (event: React.FocusEvent): void => {
    const index = Number(event.target.closest<HTMLElement>('li[data-index]')?.dataset['index']);
    if (Number.isInteger(index) && index !== active) {
      props.activate(index);
    }
  };

  const rows: React.ReactNode[] = [];
  for (let index = first; index < last; index += 1) {
    rows.push(
      <li
        key={index}
        data-index={index}
        aria-setsize={length}
        aria-posinset={index + 1}
        style={{ top: index * rowHeight, height: rowHeight }}
      >
        {props.row(index, index === stop)}
      </li>
    );
  }
  return (
    <div
      ref={box}
      className={`jp-Mlgov-virtual ${props.className ?? ''}`}
      onKeyDown={onKeyDown}
      onFocus={onFocus}
    >
      <ul aria-label={props.label} style={{ height: length * rowHeight }}>
        {rows}
      </ul>
    </div>
  );
}
