"""Word splitting: words, numbers, addresses, contractions, hashtags, emoji and signs, each a token.

Splitting at spaces leaves `dog.` and `dog` two words; splitting at everything that is no letter breaks `3.14`, `don't` and
`https://a.b/c`. Here each kind of token has a pattern with a name; the first kind that fits at a place is taken:

    address   URLs and e-mail          number    1,234.5 or 3/4 or 10:30 or 1st
    tag       #topic, @user            short     U.S., e.g., Mr. and other abbreviations
    face      :-) <3 and emoji, a sequence of them with its joiners one token
    word      letters with their marks; apostrophes inside stay      sign      ... -- !!! or one sign

Then English contractions come apart as treebanks write them: `don't` is `do n't`, `she'll` is `she 'll`, `cannot` is `can not`.
Chinese, Japanese and Thai have no spaces between words: their characters are one token each (Thai stays whole), because finding words
needs a dictionary. Left out: hyphens joined to one word (treebanks of today split them: `15 - year`), and clitics of other languages.
"""

import re

from groundup.text.preprocess.sentences import MAY_END, TITLES

_DOTTED = "|".join(
    sorted((re.escape(word) for word in TITLES | MAY_END if word.isalpha() and len(word) > 1), key=len, reverse=True)
)
_PICTURE = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_ONE_EMOJI = f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*)"
_IDEOGRAPH = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_MARK = "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]"
KINDS = {
    "address": r"(?:https?://|ftp://|www\.)[^\s<>\"'“”]*[^\s<>\"'“”.,;:!?)\]}]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "tag": r"(?<!\w)[#@][^\W\d]\w*",
    "face": rf"(?<!\w)(?:[<>]?[:;=8xX][-o*']?[)\](\[dDpPoO/\\|@3*]+(?!\w)|<3+)|{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI})*",
    "number": r"\d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s)?(?![^\W\d_])|\d+(?:[.,]\d+)*",
    "short": rf"(?<!\w)(?:(?:[^\W\d_]\.){{2,}}|(?i:{_DOTTED})\.|[A-Z]\.(?=\s+[A-Z]))",
    "word": rf"{_IDEOGRAPH}|(?:(?!{_IDEOGRAPH})[^\W\d]{_MARK}*)(?:(?!{_IDEOGRAPH})\w{_MARK}*|['’](?=[^\W\d]))*",
    "sign": r"\.{2,}|-{2,}|([!?])[!?]*|([*=_~#])\2*|\S",
}
_PATTERN = re.compile(
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items())
    .replace(r"([!?])", "[!?]")
    .replace(r"([*=_~#])\2*", r"\*+|=+|_+|~+|\#+")
)
_CONTRACTION = re.compile(r"(?i)^(.+?)(n['’]t|['’](?:s|m|d|re|ve|ll))$|^(can)(not)$|^(gon|wan|got)(na|ta)$")


def _apart(word: str) -> list[str]:
    """A word and its clitics.

    >>> _apart("didn't"), _apart("she'll"), _apart("o'clock")
    (['did', "n't"], ['she', "'ll"], ["o'clock"])
    """
    found = _CONTRACTION.match(word)
    if not found:
        return [word]
    head, *tail = (part for part in found.groups() if part)
    return [*_apart(head), *tail]


def split_words(text: str) -> list[str]:
    """The tokens of a text, without the spaces between them.

    >>> split_words("Don't pay $3.50 to http://a.b/c, @ann :-)")
    ['Do', "n't", 'pay', '$', '3.50', 'to', 'http://a.b/c', ',', '@ann', ':-)']
    """
    tokens: list[str] = []
    for found in _PATTERN.finditer(text):
        tokens += _apart(found[0]) if found.lastgroup == "word" else [found[0]]
    return tokens


def kinds(text: str) -> list[tuple[str, str]]:
    """Each token before contractions come apart, with the name of its kind.

    >>> kinds("#fun at 10:30!")
    [('#fun', 'tag'), ('at', 'word'), ('10:30', 'number'), ('!', 'sign')]
    """
    return [(found[0], found.lastgroup or "") for found in _PATTERN.finditer(text)]


def word_spans(text: str, words: list[str]) -> list[tuple[int, int]]:
    """Where each token stands in its text: what two splits are compared by."""
    spans, place = [], 0
    for word in words:
        start = text.index(word, place)
        place = start + len(word)
        spans.append((start, place))
    return spans
