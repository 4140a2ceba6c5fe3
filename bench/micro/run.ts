import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MicroRow } from '../results.js'

/** Runs the micro benches in a process of their own. */
export async function runMicro(): Promise<MicroRow[]> {
  console.log('\nMicro benches')
  const rows: MicroRow[] = []
  const child = fork(fileURLToPath(new URL('./process.js', import.meta.url)))
  child.on('message', (row: MicroRow) => {
    rows.push(row)
    const rate = Math.round(row.opsPerSecond).toLocaleString('en-US').padStart(10)
    const latency = `p50 ${row.p50Us.toFixed(1)} us   p99 ${row.p99Us.toFixed(1)} us`
    console.log(`  ${row.name.padEnd(32)} ${rate} a second   ${latency}`)
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the micro benches ended with code ${code}`)
  return rows
}
