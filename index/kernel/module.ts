/** What the module offers to its driver. */

export { normalize, scoreDot, scoreL2 } from '../../codecs/kernel/f32'
export { encodeSq8, loadSq8, scoreSq8 } from '../../codecs/kernel/sq8'
export { checksum } from '../../storage/kernel/checksum'
export { dirtyRowAddress, rowAddress } from '../../storage/kernel/space'
export { find } from './find'
export { connectPart, join } from './join'
export { enroll, levelOf } from './levels'
export { look } from './look'
export { distanceTo, encodeRow, loadQuery, prepareVector } from './query'
export { remove } from './remove'
export { scan, search } from './result'
