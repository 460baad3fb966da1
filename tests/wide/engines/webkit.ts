import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, programPath } from '../../helpers/programs.ts'
import { reads } from '../../browser/tabs.ts'
import type { Engine } from './engine.ts'
import { startProgram, type Program } from './program.ts'
import { WebDriver } from './webdriver.ts'

/** Debian's WebKitGTK: its MiniBrowser on a screen that nobody sees, over WebDriver. All of it ends with this process. */
export async function launchWebKit(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-webkit-'))
  const programs: Program[] = []
  const start = (command: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    // Nothing of whoever runs the tests is read or written.
    const program = startProgram(command, { HOME: folder, XDG_RUNTIME_DIR: folder, ...env })
    programs.push(program)
    return program
  }
  const close = async () => {
    for (const program of programs.reverse()) await program.end()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const xvfb = programPath('Xvfb', 'RUNNEL_TEST_XVFB', ['Xvfb'])
    const screen = start([xvfb, '-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'])
    const driver = programPath('WebKit', 'RUNNEL_TEST_WEBKIT_DRIVER', ['WebKitWebDriver'])
    const port = await freePort()
    start([driver, `--port=${port}`], {
      DISPLAY: `:${await screen.line()}`,
      GDK_BACKEND: 'x11',
      NO_AT_BRIDGE: '1',
      LIBGL_ALWAYS_SOFTWARE: '1',
    })
    const url = `http://127.0.0.1:${port}`
    await reads(() => WebDriver.isReady(url), true)
    const { session, name } = await WebDriver.open(url, {
      'webkitgtk:browserOptions': {
        binary: programPath('MiniBrowser', 'RUNNEL_TEST_MINIBROWSER', ['MiniBrowser'], browserFolders()),
        args: ['--automation'],
      },
    })
    return {
      name,
      open: (address) => session.tab(address),
      close: async () => {
        await session.close().catch(() => {})
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

// Debian has it beside the libraries.
const browserFolders = () => globSync('/usr/lib/*/webkit*gtk-*')
