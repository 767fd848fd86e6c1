"""Which head a folder has, from config.json's `architectures`, and the names of what it scores, from `id2label`.

    LlamaForCausalLM                  language_model            a score for every next token
    BertForMaskedLM                   masked_language_model     a score for every token at every place
    LlamaForSequenceClassification    classification            a score for each label, of the whole text
      with one label                  reward                    one number for the whole text
    LlamaForTokenClassification       tagging                   a score for each label, at every token
      with one label                  value                     one number at every token
    LlamaModel                        none                      the hidden states

The classes are those of transformers. What the heads compute: `heads.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from groundup.errors import ConfigError, FormatError, UnsupportedModel

LANGUAGE_MODEL, MASKED, NONE = "language_model", "masked_language_model", "none"
CLASSIFICATION, REWARD, TAGGING, VALUE = "classification", "reward", "tagging", "value"
WHOLE_TEXT, EVERY_TOKEN = (CLASSIFICATION, REWARD), (TAGGING, VALUE)
ONE_NUMBER = (REWARD, VALUE)
LABELLED = WHOLE_TEXT + EVERY_TOKEN
FIELDS = frozenset({"head", "labels"})
KEYS = frozenset({"architectures", "id2label", "label2id", "num_labels"})
# what a model with this head does, when it is asked for text
ABILITIES = {
    LANGUAGE_MODEL: "scores every next token",
    MASKED: "scores every token of its vocabulary at every place of a text",
    CLASSIFICATION: "scores the labels of a text",
    REWARD: "gives a text one number",
    TAGGING: "scores the labels of every token",
    VALUE: "gives every token one number",
    NONE: "gives every token its hidden state",
}


def class_names(stem: str, usual: Mapping[str, str], *, text: bool = True, token: bool = True) -> dict[str, str]:
    """For each head the class of transformers with it. usual: the head the family was trained with, and its class."""
    whole = dict.fromkeys(WHOLE_TEXT, f"{stem}ForSequenceClassification") if text else {}
    every = dict.fromkeys(EVERY_TOKEN, f"{stem}ForTokenClassification") if token else {}
    return {**usual, **whole, **every, NONE: f"{stem}Model"}


def checked(head: str, labels: Sequence[str], classes: Mapping[str, str]) -> tuple[str, ...]:
    """The labels of a head, named as transformers does where they are left out."""
    if head not in classes:
        raise ConfigError(f"head={head!r} is none that this family has; use {', '.join(classes)}")
    if head not in LABELLED:
        if labels:
            raise ConfigError(f"head={head!r} has no labels, but {len(labels)} are named; leave labels out")
        return ()
    labels = tuple(labels) or tuple(f"LABEL_{index}" for index in range(1 if head in ONE_NUMBER else 2))
    if (len(labels) == 1) != (head in ONE_NUMBER):
        other = dict(zip(LABELLED, (REWARD, CLASSIFICATION, VALUE, TAGGING), strict=True))[head]
        raise ConfigError(f"head={head!r} cannot have {len(labels)} label(s); use head={other!r}")
    if len(set(labels)) < len(labels):
        raise ConfigError(f"labels={list(labels)} name two alike; give each a name of its own")
    return labels


def read(raw: Mapping[str, Any], config_class: Any, origin: str) -> dict[str, Any]:
    """The fields head and labels."""
    head = _head(raw, config_class, origin)
    if head not in LABELLED:
        return {"head": head}
    labels = _labels(raw, origin)
    if len(labels) == 1:
        head = REWARD if head in WHOLE_TEXT else VALUE
    return {"head": head, "labels": labels}


def _head(raw: Mapping[str, Any], config_class: Any, origin: str) -> str:
    """The head of the class that a file names; the family's usual one where none is named."""
    classes = config_class.class_names()
    named = raw.get("architectures") or [config_class.architecture]
    if not isinstance(named, Sequence) or isinstance(named, str) or len(named) != 1:
        raise FormatError(f"{origin}: architectures={named!r} has the wrong form; write a list of one name")
    heads = dict(config_class.older_classes)
    for head, name in classes.items():
        heads.setdefault(name, head)
    if named[0] in heads:
        return heads[named[0]]
    # Early and self-made files have class names of their own: LLaMAForCausalLM, RWForCausalLM.
    if LANGUAGE_MODEL in classes and str(named[0]).endswith(("ForCausalLM", "LMHeadModel")):
        return LANGUAGE_MODEL
    known = ", ".join(dict.fromkeys(classes.values()))
    raise UnsupportedModel(
        f"{origin}: architectures={named!r} names a head that is not implemented for {config_class.model_type}; "
        f"known are {known}"
    )


def _labels(raw: Mapping[str, Any], origin: str) -> tuple[str, ...]:
    """The names in id2label in the order of their numbers; two where the file names none, as in transformers."""
    named = raw.get("id2label")
    if named is None:
        count = raw.get("num_labels", 2)
        if not isinstance(count, int) or count < 1:
            raise FormatError(f"{origin}: num_labels={count!r} has the wrong type; write a number from 1 on")
        return tuple(f"LABEL_{index}" for index in range(count))
    if not isinstance(named, Mapping) or {str(key) for key in named} != {str(index) for index in range(len(named))}:
        raise FormatError(f'{origin}: id2label={named!r} has the wrong form; write {{"0": "a", "1": "b"}} without gaps')
    numbered = {str(key): label for key, label in named.items()}
    labels = tuple(str(numbered[str(index)]) for index in range(len(named)))
    if not labels or raw.get("num_labels", len(labels)) != len(labels):
        wanted = f"num_labels={raw.get('num_labels')!r}"
        raise FormatError(f"{origin}: id2label names {len(labels)} labels but {wanted}; make them agree")
    return labels


def write(head: str, labels: Sequence[str], classes: Mapping[str, str]) -> dict[str, Any]:
    """The keys of config.json that say the head; `label2id` is `id2label` the other way round, for other tools."""
    named = {"architectures": [classes[head]]}
    if not labels:
        return named
    numbers = {str(index): label for index, label in enumerate(labels)}
    return named | {"id2label": numbers, "label2id": {label: index for index, label in enumerate(labels)}}
