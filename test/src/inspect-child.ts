import { type Hit, VectorLevel } from '../../src/index.js'
import { SMALL } from './store.js'

/** What a process of its own found in a store. */
export interface Inspection {
  code?: string
  message?: string
  rebuilt?: string
  answers: Hit<unknown>[][]
  findings: unknown[]
}

const [location, name, dimensions, queries] = process.argv.slice(2) as [string, string, string, string]
const inspection: Inspection = { answers: [], findings: [] }
const db = new VectorLevel(location, SMALL)
db.on('rebuild', ({ reason }) => {
  inspection.rebuilt = reason
})
try {
  await db.open()
  const collection = db.collection(name, { dimensions: Number(dimensions) })
  for (const query of JSON.parse(queries) as number[][]) inspection.answers.push(await collection.search(query, { exact: true }))
  inspection.findings = await db.verify()
} catch (error) {
  const { code, message } = error as Error & { code?: string }
  inspection.code = code ?? (error as Error).name
  inspection.message = message
}
await db.close().catch(() => undefined)
console.log(JSON.stringify(inspection))
