import { expectNothingLeftOpen } from './helpers/open-handles.ts'

// A developer's own settings must not reach the tests, least of all a key that costs money.
for (const name of ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'DATABASE_URL', 'REDIS_URL', 'HOST', 'PORT', 'LOG_LEVEL'])
  delete process.env[name]
for (const name of Object.keys(process.env)) {
  if (name.startsWith('RUNNEL_') && !/^RUNNEL_(TEST|STREAM|FUZZ)_/.test(name)) delete process.env[name]
}

expectNothingLeftOpen()
