import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MOST_ITEMS, READ, ReadingBoard } from '../../storage/reading-board.js'

const test = suite('ReadingBoard')
const BOARD = new URL('../../storage/reading-board.js', import.meta.url).href
const ROUNDS = 3000

test('each item of a round is taken once, and none of a round that is over', () => {
  const board = new ReadingBoard()
  assert.is(board.take(), -1)
  for (let round = 0; round < 40_000; round++) {
    const count = 1 + round % MOST_ITEMS
    board.begin(count, 4072)
    for (let item = 0; item < count; item++) {
      assert.is(board.take(), item)
      assert.is(board.outcomeOf(item), 0)
      board.finish(item, READ)
      assert.is(board.outcomeOf(item), READ)
    }
    assert.is(board.take(), -1)
    round += round % 7
  }
})

test('threads take items one by one, each the place of its round', async () => {
  const board = new ReadingBoard()
  // Who takes an item turns its place around, where all see it.
  const threads = [0, 1].map(() => new Worker(`
    const { workerData } = require('node:worker_threads')
    import(workerData.module).then(({ ReadingBoard, READ }) => {
      const board = new ReadingBoard(workerData.buffer)
      board.wake()
      while (!board.ends) {
        const item = board.take()
        if (item < 0) continue
        board.places[item] = -board.places[item]
        board.finish(item, READ)
      }
    })`, { eval: true, workerData: { module: BOARD, buffer: board.buffer } }))
  const ended = threads.map(thread => new Promise((resolve, reject) => thread.once('exit', resolve).once('error', reject)))
  while (board.awake < threads.length) await new Promise(resolve => setTimeout(resolve, 1))
  let others = 0
  for (let round = 0; round < ROUNDS; round++) {
    const count = 1 + round % MOST_ITEMS
    for (let item = 0; item < count; item++) board.places[item] = 1 + round * MOST_ITEMS + item
    board.begin(count, 4072)
    const mine = new Set<number>()
    for (let item = board.take(); item >= 0; item = board.take()) {
      board.places[item] = -board.places[item]!
      board.finish(item, READ)
      mine.add(item)
    }
    for (let item = 0; item < count; item++) {
      while (!board.outcomeOf(item)) board.listen(item, 10)
      assert.is(board.places[item], -(1 + round * MOST_ITEMS + item))
      if (!mine.has(item)) others++
    }
  }
  assert.ok(others > 0, 'the threads took some')
  board.end()
  await Promise.all(ended)
})

test.run()
