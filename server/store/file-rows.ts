export interface FileRow {
  id: string
  chatId: string
  /** Who sent it. */
  userId: string
  name: string
  /** What its bytes are. */
  mimeType: string
  size: number
  createdAt: number
}

/** How much in files one user and one chat may have. */
export interface FileQuotas {
  userBytes: number
  userFiles: number
  chatBytes: number
  chatFiles: number
}

/** A file that is about to come. `size`: what it has at least. */
export type Upload = Pick<FileRow, 'chatId' | 'userId' | 'size'> & { quotas: FileQuotas }
