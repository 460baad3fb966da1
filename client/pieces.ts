/** Text that grows, as finished pieces and one open piece: for whoever shows it. */
export { TextPieces, type Piece } from '../shared/text-pieces.ts'
