/** How a metric went from snapshot to snapshot: a line as small as a word. */
import * as React from 'react';

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
