import assert from 'node:assert/strict';
import { test } from 'node:test';

import { takeEvents } from '../src/events';
import { amount, bytes, elapsed, fileName, short } from '../src/format';

void test('numbers keep four significant digits', () => {
  assert.equal(amount(0.83123456), '0.8312');
  assert.equal(amount(1989), '1989');
  assert.equal(amount(0.99996), '0.99996');
  assert.equal(amount(12.00003), '12.00003');
  assert.equal(amount(123456.7), '123457');
  assert.equal(amount(1234567), '1,234,567');
  assert.equal(amount(0.000012), '1.20e-5');
  assert.equal(amount(0), '0');
  assert.equal(amount('NaN'), 'NaN');
  assert.equal(amount(true), 'true');
  assert.equal(amount(null), '–');
});

void test('sizes, times, digests and paths fit a narrow column', () => {
  assert.equal(bytes(999), '999 B');
  assert.equal(bytes(120_000), '120 kB');
  assert.equal(bytes(1_500_000), '1.5 MB');
  assert.equal(elapsed(7.9), '0:07');
  assert.equal(elapsed(3723), '1:02:03');
  assert.equal(short('blake3:abcdef0123456789'), 'abcdef0123');
  assert.equal(fileName('a/b/c.ipynb'), 'c.ipynb');
});

void test('events are taken from pieces that end anywhere', () => {
  const whole = ': still here\n\nevent: progress\ndata: {"a":1}\n\nevent: end\ndata: {}\n\n';
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const first = takeEvents(whole.slice(0, cut));
    const second = takeEvents(first.rest + whole.slice(cut));
    assert.deepEqual(
      [...first.events, ...second.events],
      [
        { event: 'progress', data: '{"a":1}' },
        { event: 'end', data: '{}' }
      ]
    );
    assert.equal(second.rest, '');
  }
});
