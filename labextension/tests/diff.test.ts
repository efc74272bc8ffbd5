import assert from 'node:assert/strict';
import { test } from 'node:test';

import { diffLines, diffWords, type IDiffLine } from '../src/diff';

function rebuilt(lines: readonly IDiffLine[], side: 'before' | 'after'): string {
  return lines
    .filter(line => line[side] !== null)
    .map(line => line[side]?.pieces.map(([text]) => text).join(''))
    .join('\n');
}

function kinds(before: string, after: string): string {
  return diffLines(before, after)
    .map(line => line.kind[0])
    .join('');
}

void test('equal texts have no change', () => {
  assert.equal(kinds('a\nb', 'a\nb'), 'ss');
  assert.deepEqual(diffLines('', ''), []);
});

void test('lines that are new, gone or edited are told apart', () => {
  assert.equal(kinds('a\nb', 'a\nx = 1\nb'), 'sas');
  assert.equal(kinds('a\nx = 1\nb', 'a\nb'), 'srs');
  assert.equal(kinds('a\nx = 1\nb', 'a\nx = 2\nb'), 'scs');
  assert.equal(kinds('', 'a\nb'), 'aa');
  assert.equal(kinds('a\nb', ''), 'rr');
});

void test('line numbers are those of each side', () => {
  const last = diffLines('a\nb', 'new\na\nb').at(-1);
  assert.equal(last?.before?.number, 2);
  assert.equal(last?.after?.number, 3);
});

void test('within an edited line only the words that differ are marked', () => {
  const [before, after] = diffWords('model = Forest(depth=3)', 'model = Forest(depth=12)');
  assert.deepEqual(
    before.filter(([, changed]) => changed).map(([text]) => text),
    ['3']
  );
  assert.deepEqual(
    after.filter(([, changed]) => changed).map(([text]) => text),
    ['12']
  );
});

void test('lines with nothing in common are not marked word by word', () => {
  const [before] = diffWords('import os', 'plt.show()');
  assert.deepEqual(before, [['import os', false]]);
});

void test('both texts can be read off the difference, whatever they are', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let round = 0; round < 300; round += 1) {
    const make = (): string =>
      Array.from({ length: random(12) }, () => 'abc def'[random(7)]).join('\n');
    const [before, after] = [make(), make()];
    const lines = diffLines(before, after);
    assert.equal(rebuilt(lines, 'before'), before.replace(/\n$/, ''));
    assert.equal(rebuilt(lines, 'after'), after.replace(/\n$/, ''));
  }
});

void test('two long texts that share nothing are shown as replaced, and soon', () => {
  const long = (word: string): string =>
    Array.from({ length: 3000 }, (_, line) => word + line).join('\n');
  const start = performance.now();
  assert.equal(diffLines(long('a'), long('b')).length, 3000);
  assert.ok(performance.now() - start < 5_000);
});
