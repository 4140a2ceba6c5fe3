// Runs all tests (or those whose path matches the first argument) and ends with one plain line: N passed, N failed.
import { spawn } from 'node:child_process'

const child = spawn(process.execPath, ['node_modules/uvu/bin.js', 'dist/test', process.argv[2] ?? '\\.test\\.js$'], { stdio: ['ignore', 'pipe', 'inherit'] })
let output = ''
child.stdout.on('data', data => {
  output += data
  process.stdout.write(data)
})
child.on('close', code => {
  const plain = output.replace(/\u001b\[\d+m/g, '')
  const total = Number(plain.match(/Total:\s+(\d+)/)?.[1] ?? 0)
  const passed = Number(plain.match(/Passed:\s+(\d+)/)?.[1] ?? 0)
  // A file that cannot be loaded is no test that failed, but it is a failure.
  const failed = Math.max(total - passed, code === 0 ? 0 : 1)
  if (failed) console.log(`\nWhat failed:\n${failures(plain).join('\n')}\n`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed || !total ? 1 : 0)
})

/** What was said of failures, which otherwise stands far above. */
function failures(output) {
  let isFailure = false
  return output.split('\n').filter(line => {
    if (/^\s+FAIL /.test(line)) isFailure = true
    else if (/\.test\.js$|^ {2}Total:/.test(line)) isFailure = false
    return isFailure && line.trim()
  })
}
