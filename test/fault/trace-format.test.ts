import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesOf, parseTrace, textOf } from './trace-format.js'

const test = suite('trace-format')

test('reads calls, with their arguments, results, and when they began and ended', () => {
  const calls = parseTrace([
    String.raw`12  openat(AT_FDCWD, "\x2f\x61", O_RDWR|O_CREAT, 0664) = 5`,
    String.raw`12  fdatasync(5 <unfinished ...>`,
    String.raw`13  writev(5, [{iov_base="\x01\x02", iov_len=2}, {iov_base="\x03", iov_len=1}], 2) = 3`,
    String.raw`12  <... fdatasync resumed>)         = 0`,
    String.raw`13  mkdir("\x2f\x61", 0755) = -1 EEXIST (File exists)`,
    String.raw`13  write(1, "\x68\x69", 2 <unfinished ...>`,
    String.raw`12  +++ exited with 0 +++`
  ].join('\n'))
  assert.equal(calls.map(({ name, result, begin, end }) => [name, result, begin, end]), [
    ['openat', 5, 0, 0], ['writev', 3, 2, 2], ['fdatasync', 0, 1, 3], ['mkdir', -1, 4, 4]
  ])
  assert.is(textOf(calls[0]!.arguments[1]!), '/a')
  assert.is(calls[0]!.arguments[2], 'O_RDWR|O_CREAT')
  assert.equal([...bytesOf(calls[1]!.arguments[1]!)], [1, 2, 3])
})

test('a descriptor that is closed is free from then on, also when that is heard of later', () => {
  const calls = parseTrace(['1 close(24 <unfinished ...>', '2 openat(AT_FDCWD, "\\x61", O_WRONLY) = 24', '1 <... close resumed>) = 0', '2 write(24, "\\x62", 1) = 1'].join('\n'))
  assert.equal(calls.map(({ name }) => name), ['close', 'openat', 'write'])
})

test.run()
