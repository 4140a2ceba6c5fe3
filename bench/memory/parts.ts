/** What the memory benches measure: stores are built first, and kept for the other parts. */
export const memoryParts = ['build', 'ladder', 'inserts', 'load', 'cold', 'paging', 'limits'] as const
export type MemoryPart = (typeof memoryParts)[number]
