#!/usr/bin/env node
// The command of the package. It says what is needed where Node is too old, so it is written for the oldest one: what newer ones
// only understand stands in a file of its own.
'use strict'
const needed = require('../package.json').engines.node.replace('>=', '')
const have = process.versions.node.split('.')
const want = needed.split('.')

if (Number(have[0]) < Number(want[0]) || (have[0] === want[0] && Number(have[1]) < Number(want[1]))) {
  console.error('runnel: Node ' + needed + ' or newer is needed; this is ' + process.versions.node + '.')
  process.exit(1)
}
require('./runnel-start.cjs')
