/** The frame, and words that more than one area uses. */
export const app = {
  skip: 'To the text field',
  cancel: 'Cancel',
  close: 'Close',
  undo: 'Undo',
  retry: 'Try again',
  loading: 'Loading',
  copy: 'Copy',
  copied: 'Copied',
  more: 'More',
  clear: 'Clear',
  you: 'You',
}
