import { writeFileSync } from 'node:fs'

/** Counts the tests for the last line of `npm test`, and names what was skipped: nothing is skipped silently. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state === 'passed' || state === 'failed' ? state : 'skipped']++
        if (state === 'failed') failedTests++
        if (state !== 'passed' && state !== 'failed')
          console.log(`skipped: ${module.relativeModuleId} > ${test.fullName}`)
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
      if (!module.ok() && failedTests === 0) count.failed++
    }
    count.failed += unhandledErrors.length
    const file = process.env.RUNNEL_TEST_COUNT_FILE
    if (file !== undefined) writeFileSync(file, JSON.stringify(count))
  }
}
