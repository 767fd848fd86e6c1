"""One pipeline over real text with planted faults: how many of them it finds, and how much else it takes for one.

    python benchmarks/data/planted.py --data FOLDER [--each 60] [--seed 1] [--ray] [--json]

FOLDER has web-html/, cranfield/, multi30k/ and gsm8k/. Abstracts of Cranfield are the ground; of each kind of fault `each` are planted, and
beside them as many that only look like one:

    exact duplicate   an abstract with other white space; a page with other markup     -
    near duplicate    likeness 0.85 to 0.99 (sets of five words, counted here)          likeness 0.3 to 0.6
    other language    German and French captions                                        English captions
    benchmark text    a question of GSM8K's test part, or 15 words in a row of one      a question of its training part
    personal data     addresses, telephones, cards, accounts, machines                  versions, wrong check digits, dates, private addresses

Recall is of what was planted. Precision is of what a step took out of documents whose truth is known: all but the pages of the web as
they came. Near duplicates that Cranfield has by nature (likeness 0.8 by the same count) are neither.
"""

import argparse
import gzip
import json
import random
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.data.pipeline.cleaning import Decontaminate, Extract, InLanguage, MinHash, Mojibake, Pii
from groundup.data.pipeline.etl import Pipeline, run
from groundup.data.pipeline.steps import Exact, Length

STEPS = {
    "exact duplicate": "exact",
    "near duplicate": "minhash",
    "other language": "language",
    "benchmark text": "decontaminate",
}
MASK = re.compile("<(?:EMAIL|PHONE|CARD|IBAN|IP)>")
LOOKALIKES = (
    "the program is version 4.12.0.3 .",
    "the machine at 192.168.0.17 computed it .",
    "the number 4539148803436468 is no card .",
    "see isbn 978-3-16-148410-0 .",
    "it was measured on 1957-11-28 at 10:45:12 .",
    "the cost was $1,234,567.89 .",
    "account GB83 WEST 1234 5698 7654 32 is none .",
    "the reynolds number was 10 000 000 .",
    "ranges of 100-200 and 1000-2000 were used .",
    "a force of 12.345.678 dynes @ 30 degrees .",
)


@dataclass(slots=True)
class Planted:
    """What was planted where. kinds: id -> kind. secrets: id -> texts that must not be there afterwards."""

    corpus: Path
    benchmarks: Path
    kinds: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """of every document whose truth is known, by id in the order of the input"""

    def pipeline(self) -> Pipeline:
        """What is measured: the text comes first, what names others last."""
        steps = (
            Extract(by="readable"),
            Mojibake(),
            Length(min_characters=100),
            Exact(),
            InLanguage(wanted=("en",)),
            Decontaminate(benchmarks=str(self.benchmarks)),
            MinHash(threshold=0.8),
            Pii(),
        )
        return Pipeline(name="planted", steps=steps, shard_bytes=1 << 18)


# ───────── the ground ─────────


def abstracts(data: Path) -> list[str]:
    """The texts of Cranfield, a line each."""
    raw = gzip.decompress((data / "cranfield" / "cran.all.1400.gz").read_bytes()).decode()
    parts = re.split(r"^\.I \d+\n", raw, flags=re.MULTILINE)[1:]
    return [" ".join(part.partition("\n.W\n")[2].split()) for part in parts]


def captions(data: Path, language: str) -> list[str]:
    """Captions of Multi30k, twelve together."""
    lines = gzip.decompress((data / "multi30k" / f"train.{language}.gz").read_bytes()).decode().splitlines()
    return [" ".join(lines[at : at + 12]) for at in range(0, len(lines) - 12, 12)]


def questions(path: Path) -> list[str]:
    """The questions of a file of GSM8K."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line)["question"] for line in raw.decode().splitlines()]


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """All runs of so many words."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def likeness(one: str, other: str) -> float:
    """Shared runs of five words by all of them (Jaccard)."""
    first, second = runs(one, 5), runs(other, 5)
    return len(first & second) / max(1, len(first | second))


# ───────── the plants ─────────


def edited(text: str, low: float, high: float, draw: random.Random) -> str:
    """The text with words replaced, one after another at random places, until its likeness lies between two bounds."""
    words = text.split()
    for place in draw.sample(range(len(words)), len(words)):
        words[place] = draw.choice(["flow", "wing", "seventh", "perhaps", "old", "heavy"]) + str(draw.randrange(99))
        now = likeness(text, " ".join(words))
        if now <= high:
            return " ".join(words) if now >= low else edited(text, low, high, draw)
    raise AssertionError("every word was replaced")


def card(draw: random.Random) -> str:
    """Sixteen digits with Luhn's check digit."""
    digits = [4, *(draw.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(2 * digit, 10)) if at % 2 == 0 else digit for at, digit in enumerate(digits))
    whole = "".join(map(str, [*digits, -total % 10]))
    return draw.choice(["", " ", "-"]).join(whole[at : at + 4] for at in range(0, 16, 4))


def iban(draw: random.Random) -> str:
    """A German account with ISO 13616's check digits."""
    account = "".join(str(draw.randrange(10)) for _ in range(18))
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02}{account}"


def secret(draw: random.Random) -> tuple[str, str]:
    """What leads to a person, and the words around it."""
    names, hosts = ("ada", "grace", "alan", "edsger", "barbara"), ("example.org", "mail.example.co.uk", "uni-x.de")
    number = f"{draw.randrange(200, 999)}-{draw.randrange(200, 999)}-{draw.randrange(1000, 9999)}"
    kinds: list[tuple[str, str]] = [
        (f"{draw.choice(names)}.{draw.randrange(1000)}@{draw.choice(hosts)}", "write to {} for a copy ."),
        (f"+49 30 {draw.randrange(10**6, 10**7)}", "the office answers at {} on mondays ."),
        (number, "telephone {} for the author ."),
        (card(draw), "it was paid with {} in may ."),
        (iban(draw), "please pay to {} soon ."),
        (
            f"{draw.randrange(11, 100)}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}",
            "sent from {} .",
        ),
    ]
    return draw.choice(kinds)


def inserted(text: str, piece: str, draw: random.Random) -> str:
    """A piece in the middle of a text."""
    words = text.split()
    place = draw.randrange(len(words) // 4, 3 * len(words) // 4)
    return " ".join([*words[:place], piece, *words[place:]])


def shouted(question: str, draw: random.Random) -> str:
    """A question as it may stand elsewhere: in capitals, without its marks, or 15 words in a row of it."""
    words = question.split()
    start = draw.randrange(max(1, len(words) - 15))
    forms = [question, question.upper(), re.sub(r"[.,?!]", "", question), " ".join(words[start : start + 15])]
    return draw.choice(forms)


def texts(data: Path, twins: list[str], alone: list[str], draw: random.Random) -> Iterator[tuple[str, str, list[str]]]:
    """Every made document: its kind, its text, and its secrets. twins stand in the corpus themselves, alone do not."""
    there, free, each = iter(twins), iter(alone), len(twins) // 3
    tests, trained = questions(data / "gsm8k" / "test.jsonl"), questions(data / "gsm8k" / "train.jsonl.gz")
    known = set[tuple[str, ...]]().union(*(runs(one, 13) for one in tests))
    asked = draw.sample([one for one in tests if len(one.split()) >= 20], each)
    innocent = draw.sample([one for one in trained if not known & runs(one, 13)], each)
    other = [draw.sample(captions(data, language), each) for language in ("de", "fr", "en")]
    for at in range(each):
        yield "exact duplicate", next(there).replace(" . ", " .\n\n"), []
        yield "near duplicate", edited(next(there), 0.85, 0.99 - 0.12 * draw.random(), draw), []
        yield "", edited(next(there), 0.3, 0.6, draw), []
        yield "other language", other[at % 2][at], []
        yield "", other[2][at], []
        yield "benchmark text", inserted(next(free), shouted(asked[at], draw), draw), []
        hidden, words = secret(draw)
        yield "personal data", inserted(next(free), words.format(hidden), draw), [hidden]
        yield "", inserted(next(free), draw.choice(LOOKALIKES), draw), []
        yield "", f"{innocent[at]} {innocent[at - 1]}", []


def make(data: Path, folder: Path, each: int = 60, seed: int = 1, ground: int = 1400, pages: bool = True) -> Planted:
    """Write the corpus, in files of 200 documents, and the folder of benchmarks; what was planted."""
    draw = random.Random(seed)
    planted = Planted(folder / "corpus", folder / "benchmarks")
    planted.benchmarks.mkdir(parents=True)
    planted.corpus.mkdir()
    asked = [json.dumps({"question": one}) + "\n" for one in questions(data / "gsm8k" / "test.jsonl")]
    (planted.benchmarks / "gsm8k.jsonl").write_text("".join(asked))
    base = [text for text in abstracts(data) if text][:ground]
    chosen = draw.sample([text for text in base if len(text.split()) >= 120], 6 * each)
    twins, alone = chosen[: 3 * each], chosen[3 * each :]
    made = list(texts(data, twins, alone, draw))
    draw.shuffle(made)
    _write(planted, "a-cranfield", [("", text, []) for text in base if text not in set(alone)])
    _write(planted, "b-made", made)
    if pages:
        _pages(planted, data, max(1, each // 3), draw)
    return planted


def _write(planted: Planted, name: str, rows: list[tuple[str, str, list[str]]]) -> None:
    for start in range(0, len(rows), 200):
        file = f"{name}-{start // 200:03}.jsonl"
        part = rows[start : start + 200]
        (planted.corpus / file).write_text("".join(json.dumps({"text": text}) + "\n" for _, text, _ in part))
        for line, (kind, text, hidden) in enumerate(part, 1):
            planted.texts[f"{file}:{line}"] = text
            planted.kinds |= {f"{file}:{line}": kind} if kind else {}
            planted.secrets |= {f"{file}:{line}": hidden} if hidden else {}


def _pages(planted: Planted, data: Path, copies: int, draw: random.Random) -> None:
    """The pages of the web, and copies of some with other markup, which come later by their names."""
    with zipfile.ZipFile(data / "web-html" / "html.zip") as archive:
        pages = {Path(one).name: archive.read(one) for one in sorted(archive.namelist()) if one.endswith(".html")}
    for name, page in pages.items():
        (planted.corpus / f"c-{name}").write_bytes(page)
    for name in draw.sample(sorted(pages), copies):
        (planted.corpus / f"d-{name}").write_bytes(pages[name] + b"\n<!-- mirrored -->\n")
        planted.kinds[f"d-{name}"] = "exact duplicate"
        planted.texts[f"d-{name}"] = ""


# ───────── what was found ─────────


def rows(folder: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of a folder of Parquet files, read by Arrow."""
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        yield from pq.read_table(path, columns=columns).to_pylist()


def measure(planted: Planted, out: Path) -> dict[str, dict[str, Any]]:
    """For every kind: planted, found, wrongly taken, precision and recall; for near duplicates those by nature too."""
    dropped = {row["id"]: row["step"].partition(" ")[2] for row in rows(out / "dropped", ["id", "step"])}
    kept = {row["id"]: row["text"] for row in rows(out / "documents", ["id", "text"])}
    table: dict[str, dict[str, Any]] = {}
    for kind, step in STEPS.items():
        wanted = {id for id, its in planted.kinds.items() if its == kind}
        taken = {id for id, by in dropped.items() if by == step and id in planted.texts}
        others = taken - wanted
        natural = {id for id in others if kind == "near duplicate" and by_nature(planted, id)}
        table[kind] = figures(len(wanted), len(wanted & taken), len(others - natural)) | {"natural": len(natural)}
    hidden = [(id, one) for id, ones in planted.secrets.items() for one in ones]
    found = sum(id in kept and one not in kept[id] for id, one in hidden)
    masks = sum(len(MASK.findall(text)) for id, text in kept.items() if id in planted.texts)
    table["personal data"] = figures(len(hidden), found, masks - found) | {"natural": 0}
    return table


def figures(planted: int, found: int, wrongly: int) -> dict[str, Any]:
    """Counts with their precision and recall."""
    made: dict[str, Any] = {"planted": planted, "found": found, "wrongly": wrongly}
    return made | {"precision": found / max(1, found + wrongly), "recall": found / max(1, planted)}


def by_nature(planted: Planted, id: str) -> bool:
    """Whether a document is like an earlier one by the definition, though nobody planted it."""
    for other, text in planted.texts.items():
        if other == id:
            return False
        if likeness(text, planted.texts[id]) >= 0.8:
            return True
    raise AssertionError(id)


def show(found: dict[str, dict[str, Any]]) -> Iterable[str]:
    """The table, as Markdown."""
    yield "| planted | number | found | wrongly taken | precision | recall |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind, one in found.items():
        share = f"{one['precision']:.3f} | {one['recall']:.3f}"
        yield f"| {kind} | {one['planted']} | {one['found']} | {one['wrongly']} | {share} |"


def main() -> None:
    """Make, run, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        planted = make(asked.data, Path(folder), asked.each, asked.seed)
        report = run(planted.pipeline(), planted.corpus, Path(folder) / "out", execute=where(asked.ray))
        found = measure(planted, Path(folder) / "out")
    if asked.json:
        print(json.dumps({"kinds": found, "steps": report["steps"]}))
        return
    print("\n".join(show(found)))
    seen, kept = report["steps"][0]["seen"], report["kept"]["documents"]
    print(
        f"\n{kept:,} of {seen:,} documents were kept; {found['near duplicate']['natural']} near duplicates were there by nature"
    )


def where(ray: bool) -> Any:
    """What does the tasks: this process, or a Ray cluster of this machine."""
    from groundup.data.pipeline.on_ray import on_ray

    return on_ray(workers=2) if ray else None


if __name__ == "__main__":
    main()
