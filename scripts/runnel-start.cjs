'use strict'
void import('./server/main.js')
