import { VectorLevel } from '../../src/index.js'

/** Says why a store cannot be repaired. */
const db = new VectorLevel(process.argv[2]!)
await db.repair().then(report => console.log(JSON.stringify(report)), (error: { code: string }) => console.log(error.code))
await db.close()
