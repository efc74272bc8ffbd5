import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bandPoints, sparkPoints } from '../src/spark';

void test('the highest value is on top, the newest at the right edge', () => {
  const { points } = sparkPoints([1, 3, 2], null, 106, 26);
  assert.deepEqual(points, [
    [3, 23],
    [53, 3],
    [103, 13]
  ]);
});

void test('a value that is missing is a gap, and equal values are a level line', () => {
  assert.equal(sparkPoints([1, null, 2], null).points.length, 2);
  assert.deepEqual(
    sparkPoints([5, 5], null, 106, 26).points.map(([, y]) => y),
    [13, 13]
  );
});

void test('a target is in the picture, also where no value reaches it', () => {
  const { points, targetY } = sparkPoints([0, 1], 2, 106, 26);
  assert.equal(targetY, 3);
  assert.deepEqual(
    points.map(([, y]) => y),
    [23, 13]
  );
});

void test('an interval over time is a band around its line, and what was not measured is left out', () => {
  const windows = [
    { value: 0.5, low: 0, high: 1 },
    { value: 'NaN', low: 'NaN', high: 'NaN' },
    { value: 1, low: 1, high: 1 }
  ];
  const { band, line, targetY } = bandPoints(windows, 0.5, 106, 56);
  assert.deepEqual(line, [
    [3, 28],
    [103, 3]
  ]);
  assert.deepEqual(band, [
    [3, 3],
    [103, 3],
    [103, 3],
    [3, 53]
  ]);
  assert.equal(targetY, 28);
});
