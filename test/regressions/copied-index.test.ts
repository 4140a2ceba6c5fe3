import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runScript } from '../src/child.js'
import { withDirectory } from '../src/store.js'

const test = suite('copied index')

// LMDB ended the process when the first list of free pages in a file was too long for a page: so after compact(), and in a backup.
test('survives that many of its blocks are replaced at once', async () => {
  await withDirectory(async directory => {
    const { code, signal } = await runScript('../regressions/copied-index-child.js', [directory])
    assert.is(signal, null)
    assert.is(code, 0)
  })
})

test.run()
