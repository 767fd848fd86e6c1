"""A template that loops for ever, makes too much or reaches into Python is refused with a sentence."""

import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import template_sandbox
from groundup.text.tokenizers.special_tokens import ChatTemplate, ControlTokens

CONTROLS = ControlTokens(["<|im_end|>"])
MESSAGES = [{"role": "user", "content": "hello"}]
FOR_EVER = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in messages[0].content * 1000 %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}"
    "{% endfor %}{% endfor %}",
    "{% macro twice(n) %}{% if n %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% endif %}{% endmacro %}{{ twice(40) }}",
]
TOO_LARGE = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ [0] * 10 ** 9 }}",
    "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
    "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    "{{ 'x'|center(10 ** 10) }}",
    "{{ 'x'.ljust(10 ** 10) }}",
    "{{ '%1000000000d' % 3 }}",
    "{{ '{:1000000000}'.format(3) }}",
    "{{ '%1000000000d'|format(3) }}",
    "{{ ('x' * 99999)|replace('x', 'y' * 99999) }}",
    "{% set ns = namespace(t='x' * 1000) %}{% for i in range(9) %}{% set ns.t = ns.t.replace('x', ns.t) %}{% endfor %}",
]
INTO_PYTHON = [
    "{{ messages.__class__.__mro__ }}",
    "{{ ''.__class__.__base__.__subclasses__() }}",
    "{{ raise_exception.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.system('true') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{% set x = messages.append(1) %}",
    "{% set x = messages[0].update({'a': 1}) %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
]


@pytest.mark.parametrize("source", FOR_EVER)
def test_a_template_that_does_not_end_is_stopped(monkeypatch, source):
    monkeypatch.setattr(template_sandbox, "SECONDS", 0.2)
    with pytest.raises(InputError, match="was stopped: it ran for more than 0.2 seconds; use the one"):
        ChatTemplate(source, CONTROLS).render(MESSAGES)


@pytest.mark.parametrize("source", TOO_LARGE)
def test_a_template_that_makes_too_much_is_stopped(source):
    with pytest.raises(InputError, match=r"was stopped: it (made something larger|asked for a column)"):
        ChatTemplate(source, CONTROLS).render(MESSAGES)


@pytest.mark.parametrize("source", INTO_PYTHON)
def test_a_template_that_reaches_into_python_is_refused_or_gets_nothing(source):
    template = ChatTemplate(source, CONTROLS)
    try:
        text = template.render(MESSAGES).text
    except InputError as error:
        assert "the chat template refuses this conversation" in str(error)
    else:
        assert text in ("", "<class 'list'>"[:0])


@pytest.mark.parametrize(
    "source",
    ["{{ 1 / 0 }}", "{{ 'a'|int + [] }}", "{{ {}['x'].y }}", "{% for i in 3 %}{% endfor %}", "{{ range(10**9) }}"],
)
def test_any_other_failure_is_a_sentence_too(source):
    with pytest.raises(InputError, match="the chat template refuses this conversation"):
        ChatTemplate(source, CONTROLS).render(MESSAGES)


def test_loops_know_their_length_and_joins_their_text():
    source = (
        "{% for m in messages %}{{ loop.index ~ '/' ~ loop.length }}{{ ',' if not loop.last }}{% else %}none{% endfor %}"
        "{% for k, v in {'a': 1}.items() recursive %}{{ k ~ v }}{% endfor %}{% for i in range(9) if i > 7 %}{{ i }}{% endfor %}"
    )
    template = ChatTemplate(source, CONTROLS)
    assert template.render(MESSAGES * 2).text == "1/2,2/2a18"
    assert template.render([]).text == "nonea18"


def test_the_clock_of_one_rendering_does_not_stop_the_next(monkeypatch):
    monkeypatch.setattr(template_sandbox, "SECONDS", 0.1)
    with pytest.raises(InputError):
        ChatTemplate(FOR_EVER[0], CONTROLS).render(MESSAGES)
    assert ChatTemplate("{% for i in range(3) %}x{% endfor %}", CONTROLS).render(MESSAGES).text == "xxx"
