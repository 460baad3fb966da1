/** What the bench weighs: the part of the parser that is used. */
export { Lexer, Tokenizer } from 'marked'
