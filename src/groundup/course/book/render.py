"""What a cell shows, as HTML that needs no network: prose, formulas as MathML, figures by Plotly's one script, controls that work.

A control works without Python because the lesson ran once for each of its places: what the cells after it showed stands in
the page as templates, and moving the control exchanges them, one control at a time, the others where they began.
"""

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from groundup.errors import InputError, missing_extra
from groundup.plots import figure_html

FORMULA = re.compile(r'<marimo-tex class="arithmatex">\|\|([(\[])(.*?)\|\|[)\]]</marimo-tex>', re.DOTALL)
LABEL = re.compile(r"data-label='(.*?)'")
LIVE = re.compile(r"<(marimo-[\w-]+)")

SCRIPT = """
document.querySelectorAll("[data-control]").forEach(control => control.addEventListener("input", () => {
  const at = Number(control.value), name = control.dataset.control;
  const said = control.parentElement.querySelector("output");
  if (said) said.textContent = control.dataset.values.split("\\n")[at];
  document.querySelectorAll("template").forEach(template => {
    if (template.dataset.of === name && Number(template.dataset.at) === at)
      template.parentElement.querySelector(".shown").replaceChildren(document.importNode(template.content, true));
  });
}));
"""


def shown(output: Any, name: str) -> str:
    """One output as a piece of a page; name: the id of its figure. "" for nothing."""
    if output is None:
        return ""
    if hasattr(output, "to_plotly_json") and hasattr(output, "layout"):
        return figure_html(output, name)
    if hasattr(output, "text"):
        return prose(output.text)
    return f"<pre>{html.escape(output if isinstance(output, str) else repr(output))}</pre>"


def prose(text: str) -> str:
    """marimo's HTML of Markdown, its formulas as MathML; InputError for a part that works only in marimo."""
    text = FORMULA.sub(lambda found: formula(html.unescape(found[2]), block=found[1] == "["), text)
    if live := LIVE.search(text):
        raise InputError(
            f"<{live[1]}> cannot be shown without marimo; use mo.md, a control or a figure of groundup.plots"
        )
    return text


def formula(latex: str, block: bool = False) -> str:
    """LaTeX as MathML, which browsers draw by themselves."""
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise missing_extra("latex2mathml", "learn") from None
    return convert(latex, display="block" if block else "inline")


def control(name: str, made: Any, values: list[Any]) -> str:
    """A control with its places: numbers as a slider, anything else as a list."""
    label = _label(made) or name
    here = values.index(made.value) if made.value in values else 0
    words = [_word(value) for value in names_of(made, values)]
    data = f'data-control="{html.escape(name)}" data-values="{html.escape(chr(10).join(words))}"'
    if hasattr(made, "stop"):
        moving = f'<input type="range" min="0" max="{len(values) - 1}" value="{here}" {data}>'
        return f'<label class="control">{html.escape(label)} {moving} <output>{words[here]}</output></label>'
    options = "".join(
        f'<option value="{number}"{" selected" * (number == here)}>{html.escape(word)}</option>'
        for number, word in enumerate(words)
    )
    return f'<label class="control">{html.escape(label)} <select {data}>{options}</select></label>'


def _label(made: Any) -> str:
    """The label that a control was given, without its markup."""
    found = LABEL.search(made.text)
    return re.sub(r"<[^>]*>", "", json.loads(html.unescape(found[1])) or "").strip() if found else ""


def names_of(made: Any, values: list[Any]) -> list[Any]:
    """What a reader is shown for each place: the option's name, where there are options."""
    options = getattr(made, "options", None)
    return list(options) if isinstance(options, Mapping) else values


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def exchanged(first: str, others: Mapping[tuple[str, int], str]) -> str:
    """An output that controls change: what it shows at first, and templates by (control, place)."""
    if not others:
        return first
    templates = "".join(
        f'<template data-of="{html.escape(name)}" data-at="{at}">{piece}</template>'
        for (name, at), piece in others.items()
    )
    return f'<div class="output"><div class="shown">{first}</div>{templates}</div>'


def code(text: str) -> str:
    """Python in colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight(text, PythonLexer(), HtmlFormatter(cssclass="codehilite"))


def code_css() -> str:
    """The colours of code, for light and for dark pages."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=style).get_style_defs(".codehilite") for style in ("friendly", "native"))
    plain = ".codehilite, .codehilite pre { background: transparent; }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{plain}"
