export const parts = ['build', 'search', 'loop', 'mixed'] as const
export type Part = (typeof parts)[number]
