export const wire = {}
