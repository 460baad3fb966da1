import { walkThrough } from './walk.ts'
import { launchWebKit } from './webkit.ts'

walkThrough('WebKit', launchWebKit)
