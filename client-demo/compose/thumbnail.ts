const pixels = 96
const largestBytes = 40_000_000

/** A small copy of an image as a `data:` address, which the page's policy allows; null if there is none. */
export async function thumbnailOf(file: File): Promise<string | null> {
  if (!file.type.startsWith('image/') || file.size > largestBytes) return null
  try {
    const image = await createImageBitmap(file)
    const scale = Math.min(1, pixels / Math.min(image.width, image.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(image.width * scale))
    canvas.height = Math.max(1, Math.round(image.height * scale))
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
    image.close()
    return canvas.toDataURL('image/webp', 0.8)
  } catch {
    return null
  }
}
