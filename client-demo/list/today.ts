import { useEffect, useState } from 'react'

/** The current day. The value changes at midnight. */
export function useToday(): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime()
    const timer = setTimeout(() => setNow(new Date()), midnight - Date.now() + 1_000)
    return () => clearTimeout(timer)
  }, [now])
  return now
}
