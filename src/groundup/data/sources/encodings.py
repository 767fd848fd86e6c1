"""Bytes of unknown encoding as text: the mark at their beginning, what their server or page says, UTF-8, and a rule at last.

The order is that of browsers (WHATWG, Encoding and HTML section 13.2.3): a byte-order mark is stronger than a header, a header
than a <meta>. What nobody declared is UTF-8 if it can be, and otherwise Windows-1252, in which any byte is a character.
Leaves out: guessing from letter frequencies, which is wrong most often on short texts.
"""

import codecs
import re

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META = re.compile(rb"<meta[^>]{0,256}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
LOOKED_AT = 1024  # bytes of a page in which browsers look for <meta>
LAST = "cp1252"
NO_CHARSETS = (
    "idna",
    "punycode",
    "unicode-escape",
    "raw-unicode-escape",
)  # Python's own: some raise, some give half characters
SAME = {
    "iso-8859-1": LAST,
    "latin-1": LAST,
    "latin1": LAST,
    "us-ascii": LAST,
    "ascii": LAST,
    "gb2312": "gb18030",
    "gbk": "gb18030",
}


def decode(data: bytes, content_type: str = "", html: bool = False) -> tuple[str, str]:
    """The text and the encoding it had; characters that are wrong in it become U+FFFD.

    content_type: of the header. html: whether a <meta> is believed. Line ends become \\n.

    >>> decode(b"caf\\xc3\\xa9"), decode(b"caf\\xe9"), decode(b"\\xff\\xfeh\\x00i\\x00")
    (('café', 'utf-8'), ('café', 'cp1252'), ('hi', 'utf-16-le'))
    """
    text, encoding = _decoded(data, content_type, html)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), encoding


def _decoded(data: bytes, content_type: str, html: bool) -> tuple[str, str]:
    for mark, name in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace"), name
    declared = _known(HEADER.search(content_type)) or (_known(META.search(data[:LOOKED_AT])) if html else "")
    if declared and declared.startswith("utf-16") and html:
        declared = "utf-8"  # a page in which <meta> could be read byte by byte is not UTF-16
    if declared and declared != "utf-8":
        return data.decode(declared, "replace"), declared
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError:
        pass
    return (data.decode("utf-8", "replace"), "utf-8") if declared else (data.decode(LAST, "replace"), LAST)


def _known(found: "re.Match[str] | re.Match[bytes] | None") -> str:
    """The codec that a declaration names; none where Python has no such text encoding."""
    if found is None:
        return ""
    name = (found[1].decode("ascii") if isinstance(found[1], bytes) else found[1]).lower()
    try:
        info = codecs.lookup(SAME.get(name, name))
        "".encode(info.name)
    except (LookupError, UnicodeError):
        return ""
    return "" if info.name.replace("_", "-") in NO_CHARSETS else info.name
