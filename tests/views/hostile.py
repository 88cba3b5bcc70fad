"""Output that wants more than to be read, and names that do."""

from __future__ import annotations

MIB = 1 << 20
MUCH = MIB // 4
CLICK = b"click\x1b]8;;\x07\n"

#: What a process may print, by what it tries.
OUTPUT: dict[str, bytes] = {
    "script": b"<script>window.evil = 1</script>\n",
    "handler": b"<img src=x onerror='window.evil = 1'><svg onload='evil = 1'>\n",
    "closing tags": b"</div></pre></section></template>--><h1>evil</h1>\n",
    "entities": b"&lt;script&gt; &#60;script&#62; &amp;lt;\n",
    "javascript link": b"\x1b]8;;javascript:window.evil=1\x07click\x1b]8;;\x07\n",
    "data link": b"\x1b]8;;data:text/html,<script>evil=1</script>\x07" + CLICK,
    "file link": b"\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\\n",
    "link with a quote": b'\x1b]8;;https://a.b/" onclick="window.evil=1\x07' + CLICK,
    "link with a control": b"\x1b]8;;https://a.b/\x01\x02\x07x\x1b]8;;\x07\n",
    "link with a blank": b"\x1b]8;;https://a.b/ javascript:evil\x07x\x1b]8;;\x07\n",
    "link over lines": b"\x1b]8;;java\nscript:window.evil=1\x07click\n",
    "link in another script": "\x1b]8;;https://\u0430.b\x07".encode() + CLICK,
    "style in a colour": b"\x1b[38;2;1;2;3;url(//a.b)mx\x1b[m\n",
    "formula": b"$\\require{html}\\href{javascript:alert(1)}{x}$ \\(x\\)\n",
    "title and clipboard": b"\x1b]0;evil\x07\x1b]2;evil\x07\x1b]52;c;ZXZpbA==\x07\n",
    "queries": b"\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[14t\x1b]10;?\x07\x1bP$qm\x1b\\\x1bZ\n",
    "keys and modes": b"\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[>4;2m\x1b[?25l\x1b=\n",
    "printing and macros": b"\x1b[5i\x1bP1;1|evil\x1b\\\x1b]1337;File=:ZXZpbA==\x07\n",
    "reordered": "\u202eevil\u202c \u2066evil\u2069 \u200fevil \u061c\n".encode(),
    "separators": "a\u2028b\u2029c\u0085d\n".encode(),
    "controls": bytes(range(32)).replace(b"\n", b"").replace(b"\x1b", b"") + b"\x7f\n",
    "eight bit controls": b"\x9b31m\x9d0;evil\x9c \xc2\x9b31m\xc2\x9d0;evil\xc2\x9c\n",
    "no characters": b"\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82\n",
    "many zeros": bytes(MUCH),
    "an endless title": b"\x1b]0;" + b"x" * MIB,
    "endless parameters": b"\n\x1b[" + b"1;" * (MIB // 2) + b"m",
    "an endless device string": b"\x1bP" + b"q" * MIB + b"\x1b\\",
    "an escape cut off": b"\n\x1b[3",
    "a high tower": b"\ne" + "\u0301".encode() * MUCH,
    "a long line": b"\n" + b"x" * MUCH,
    "many lines": b"\n" * MUCH,
    "many looks": b"\n"
    + b"".join(b"\x1b[38;5;%dmx" % (n % 256) for n in range(20_000)),
    "a cursor far away": b"\n\x1b[999999999C\x1b[999999999Bx\x1b[999999999;999999999Hy",
    "many marks": b"\x1b7\x1b8\x1b[s\x1b[u" * 50_000 + b"\x1bc\x1b[2J",
}

#: What a job may be called, a word of its command line, or its directory.
NAMES = [
    "<script>window.evil = 1</script>",
    '" onclick="evil = 1" x=\'',
    "'><img src=x onerror=evil=1>",
    "\u202eevil\u2066",
    "\x1b]0;evil\x07\x1b[31m",
    "a\nb\r\x00\x7f\x9b",
    "\udcff\ud800",
    "e" + "\u0301" * 1000,
    "x" * MIB,
]

#: These stand nowhere in what is shown: they would reorder it, or command a terminal.
NOWHERE = "\x1b\x07\x00\x7f\x9b\u061c\u200f\u202e\u202c\u2028\u2066\u2069"
