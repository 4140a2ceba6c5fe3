import fc from 'fast-check'

const given = process.env['FC_SEED']

/**
 * fc.assert with the seed of the environment's FC_SEED, if it is set. A failure prints the seed that it had.
 *
 * FC_RUNS multiplies the runs, for a longer search.
 */
export async function check<Ts>(property: fc.IRawProperty<Ts>, parameters: fc.Parameters<Ts> = {}): Promise<void> {
  const numRuns = (parameters.numRuns ?? 100) * Number(process.env['FC_RUNS'] ?? 1)
  try {
    await fc.assert(property, { ...parameters, numRuns, ...(given === undefined ? {} : { seed: Number(given) }) })
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { message?: string, details?: string } }
    // uvu shows the message alone; what was expected stands in the cause.
    throw new Error(`${message}\n${cause?.message ?? ''}\n${cause?.details ?? ''}`, { cause })
  }
}
