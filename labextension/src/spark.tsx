/** How a metric went from snapshot to snapshot: a line as small as a word. */
import * as React from 'react';

import type { Scalar } from './documents';

const WIDTH = 120;
const HEIGHT = 28;
const EDGE = 3;

/** Where the values lie in a box of that size; values that are no numbers are gaps. The last is the newest. */
export function sparkPoints(
  values: readonly (number | null)[],
  target: number | null,
  width = WIDTH,
  height = HEIGHT
): { readonly points: readonly (readonly [number, number])[]; readonly targetY: number | null } {
  const known = values.filter(value => value !== null);
  const scale = target === null ? known : [...known, target];
  const low = Math.min(...scale);
  const high = Math.max(...scale);
  const place = (value: number): number =>
    high === low ? height / 2 : EDGE + (1 - (value - low) / (high - low)) * (height - 2 * EDGE);
  const step = values.length > 1 ? (width - 2 * EDGE) / (values.length - 1) : 0;
  const points = values.flatMap((value, index) =>
    value === null ? [] : [[EDGE + index * step, place(value)] as const]
  );
  return { points, targetY: target === null || known.length === 0 ? null : place(target) };
}

/** A value with its interval over stretches of time, and a target, in a box of that size. What is no number is left out. */
export function bandPoints(
  windows: readonly { readonly value: Scalar; readonly low: Scalar; readonly high: Scalar }[],
  target: number,
  width: number,
  height: number
): {
  readonly band: readonly (readonly [number, number])[];
  readonly line: readonly (readonly [number, number])[];
  readonly targetY: number;
} {
  const known = windows.flatMap(({ value, low, high }, place) =>
    typeof value === 'number'
      ? [
          {
            place,
            value,
            low: typeof low === 'number' ? low : value,
            high: typeof high === 'number' ? high : value
          }
        ]
      : []
  );
  const least = Math.min(target, ...known.map(one => one.low));
  const most = Math.max(target, ...known.map(one => one.high));
  const y = (value: number): number =>
    most === least
      ? height / 2
      : EDGE + (1 - (value - least) / (most - least)) * (height - 2 * EDGE);
  const step = windows.length > 1 ? (width - 2 * EDGE) / (windows.length - 1) : 0;
  const x = (place: number): number => EDGE + place * step;
  const upper = known.map(one => [x(one.place), y(one.high)] as const);
  const lower = known.map(one => [x(one.place), y(one.low)] as const);
  return {
    band: [...upper, ...lower.reverse()],
    line: known.map(one => [x(one.place), y(one.value)] as const),
    targetY: y(target)
  };
}

export function Sparkline(props: {
  readonly values: readonly (number | null)[];
  readonly target: number | null;
  readonly label: string;
}): React.JSX.Element | null {
  const { points, targetY } = sparkPoints(props.values, props.target);
  const newest = points[points.length - 1];
  if (newest === undefined || points.length < 2) {
    return null;
  }
  return (
    <svg
      className="jp-Mlgov-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={props.label}
    >
      {targetY !== null && (
        <line className="jp-Mlgov-sparkTarget" x1="0" x2={WIDTH} y1={targetY} y2={targetY} />
      )}
      <polyline points={points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')} />
      <circle cx={newest[0]} cy={newest[1]} r="2.5" />
    </svg>
  );
}
