export const markdown = {}
