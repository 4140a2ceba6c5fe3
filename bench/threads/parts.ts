export const parts = ['build', 'link', 'search', 'loop', 'mixed'] as const
export type Part = (typeof parts)[number]
