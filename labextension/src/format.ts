/** Numbers, sizes and digests as one writes them in a narrow column. Nothing here knows the page. */
import type { Scalar } from './documents';

/** Four significant digits, more where it would look whole, thousands apart; what is no number as it is. */
export function amount(value: Scalar | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (typeof value !== 'number') {
    return String(value);
  }
  if (Number.isInteger(value)) {
    return Math.abs(value) < 10_000 ? String(value) : value.toLocaleString('en-US');
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value.toExponential(2);
  }
  // As many more digits as it takes: a share of 0.99996 is not 1.
  let digits = 4;
  while (digits < 8 && size < 1000 && Number.isInteger(Number(value.toPrecision(digits)))) {
    digits += 1;
  }
  return String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size))))));
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = count;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** `0:07`, `12:40`, `1:02:03`. */
export function elapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (part: number): string => String(part).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** The first digits of a digest or an id, without the name of the hash. */
export function short(digest: string, digits = 10): string {
  return digest.replace(/^\w+:/, '').slice(0, digits);
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split('/').pop() ?? path;
}
