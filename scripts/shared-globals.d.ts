// What shared/ may use beside the language: present in Node and in browsers, named by neither's own types alone.
declare function atob(data: string): string
declare function btoa(data: string): string
