import type { MacroPoint } from '../results.js'

/** The speed at a recall; `atLeast` where even the narrowest search finds more than that. */
export interface Speed {
  qps: number
  atLeast: boolean
  /** The measured point at or just above the recall. */
  point: MacroPoint
}

/**
 * Interpolates QPS at a recall, on the line through (recall, log QPS) of neighboring points; undefined where no search
 * was so good.
 */
export function qpsAtRecall(
  sweep: readonly MacroPoint[],
  recall: number,
  qpsOf: (point: MacroPoint) => number = (point) => point.qps
): Speed | undefined {
  const points = [...sweep].sort((a, b) => a.ef - b.ef)
  const above = points.findIndex((point) => point.recall >= recall)
  if (above < 0) return undefined
  const point = points[above]
  if (above === 0) return { qps: qpsOf(point), atLeast: point.recall > recall, point }
  const below = points[above - 1]
  const share = (recall - below.recall) / (point.recall - below.recall)
  const logQps = Math.log(qpsOf(below)) + share * (Math.log(qpsOf(point)) - Math.log(qpsOf(below)))
  return { qps: Math.exp(logQps), atLeast: false, point }
}
