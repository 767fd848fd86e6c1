"""The removal list: what its owner wants out goes out, also of shards that are built already.

A line of the list is an id (`id:` may stand before it; the file's name and line, or the metadata's own `id`), an address (metadata `url`), an address
with `*` at its end (all that begins so), a site (example.com: all of its addresses and those of the sites below it) or `sha256:` with the hash of a
text. `remove` takes such documents out of a folder that a pipeline made, and their tokens out of the
shards beside it: everything is written anew and takes the old place in one step, so a kill leaves the folder before or the folder after.
What was removed is written into the report by the line of the list, never by the text. Samples and dropped twins go too.

Leaves out: near duplicates of what is listed, and models that were trained already.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.data.clean.blocklists import site_and_path
from groundup.data.documents import COLUMNS, Document, read_columns, read_documents
from groundup.data.pipeline import card
from groundup.data.pipeline.formats import INDEX, Part, Shards, write_parts
from groundup.data.pipeline.report import read_report
from groundup.data.pipeline.shard import DROPPED_COLUMNS, Rows, metadata_json, text_hash
from groundup.data.pipeline.steps import first_seen
from groundup.data.sources.removal import SITE
from groundup.errors import InputError

TOKENS_FOLDER = "tokens"
PART_TOKENS = 1 << 24  # copied at once


@dataclass(frozen=True, slots=True)
class RemovalList:
    """The entries of a list, by kind."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    hashes: frozenset[str]
    sites: frozenset[str] = frozenset()

    def entry(self, document: Document) -> str | None:
        """The line of the list that a document falls under, or None."""
        url = str(document.metadata.get("url", ""))
        for name in (document.id, url, str(document.metadata.get("id", ""))):
            if name and name in self.exact:
                return name
        if self.sites and (site := self._site(url)):
            return site
        for beginning in self.beginnings:
            if url.startswith(beginning) or document.id.startswith(beginning):
                return beginning + "*"
        if self.hashes:
            digest = text_hash(document.text)
            return f"sha256:{digest}" if digest in self.hashes else None
        return None

    def _site(self, url: str) -> str | None:
        """The listed site that an address belongs to."""
        place = site_and_path(url) if "://" in url else None
        labels = place[0].split(".") if place else []
        return next((site for at in range(len(labels)) if (site := ".".join(labels[at:])) in self.sites), None)


def read_list(path: str | Path) -> RemovalList:
    """A list from a file with one entry a line; # begins a comment, on a line of its own or behind a blank."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not there; give a file with one id, address or sha256:HASH a line")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error
    lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
    return parse_list([line for line in lines if line and not line.startswith("#")], str(path))


def parse_list(lines: list[str], place: str = "the list") -> RemovalList:
    """Entries as a list that can be asked; InputError for a hash that is none and for `*` alone."""
    hashes = [line.removeprefix("sha256:").lower() for line in lines if line.startswith("sha256:")]
    for digest in hashes:
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise InputError(
                f"{place}: sha256:{digest[:70]} is not 64 hexadecimal digits; `sha256sum FILE` prints them"
            )
    beginnings = tuple(sorted({line[:-1] for line in lines if line.endswith("*")}))
    if "" in beginnings:
        raise InputError(f"{place}: a line with * alone would remove everything; write what the addresses begin with")
    exact = frozenset(
        line.removeprefix("id:") for line in lines if not line.endswith("*") and not line.startswith("sha256:")
    )
    sites = frozenset(found[1].removeprefix("www.") for line in lines if (found := SITE.fullmatch(line.lower())))
    return RemovalList(exact, beginnings, frozenset(hashes), sites)


@dataclass(slots=True)
class _Gone:
    """What was taken out so far: how many by entry, and by which ids and hashes their traces are known elsewhere."""

    entries: dict[str, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)

    def note(self, entry: str, document: Document) -> None:
        self.entries[entry] = self.entries.get(entry, 0) + 1
        self.ids.add(document.id)
        self.hashes.add(text_hash(document.text))


def remove(folder: str | Path, wanted: RemovalList) -> dict[str, Any]:
    """Take the listed documents out of a pipeline's folder and of the token shards in it; how many, by entry."""
    folder = Path(folder)
    shards = sorted((folder / "documents").glob("*.parquet"))
    if not shards or not (folder / "report.json").is_file() or not (folder / "pipeline.json").is_file():
        raise InputError(
            f"{folder} has no documents/*.parquet with report.json and pipeline.json; give a folder that `groundup data build --pipeline` made"
        )
    read_report(folder)
    gone = _Gone()
    with files.atomic_folder(folder) as fresh:
        keep = [_rewrite(shard, fresh / "documents" / shard.name, wanted, gone) for shard in shards]
        for shard in sorted((folder / "dropped").glob("*.parquet")):
            _rewrite_dropped(shard, fresh / "dropped" / shard.name, wanted, gone)
        if (folder / TOKENS_FOLDER / INDEX).is_file():
            _rewrite_tokens(folder / TOKENS_FOLDER, fresh / TOKENS_FOLDER, np.concatenate(keep))
        _rewrite_notes(folder, fresh, gone)
        files.write_checksums(fresh)
    return {"removed": sum(gone.entries.values()), "entries": dict(sorted(gone.entries.items()))}


def _rewrite(old: Path, new: Path, wanted: RemovalList, gone: _Gone) -> np.ndarray:
    """Copy a shard without what is listed; for each document that has a text, whether it stays."""
    keep = []
    with Rows(new, COLUMNS) as rows:
        for document in read_documents(old):
            entry = wanted.entry(document)
            if entry is None:
                rows.add(document.id, document.text, document.source, metadata_json(document))
            else:
                gone.note(entry, document)
            if document.text:
                keep.append(entry is None)
    return np.array(keep, dtype=bool)


def _rewrite_dropped(old: Path, new: Path, wanted: RemovalList, gone: _Gone) -> None:
    """Copy the dropped documents of a shard without what is listed and without the twins of what was taken out."""
    details = {first_seen(id) for id in gone.ids}
    with Rows(new, DROPPED_COLUMNS) as rows:
        for row in read_columns(old, DROPPED_COLUMNS):
            found = dict(zip(DROPPED_COLUMNS, row, strict=True))
            document = Document(found["id"], found["text"], found["source"], json.loads(found["metadata"] or "{}"))
            listed = wanted.entry(document)
            if listed is None and found["sha256"] in wanted.hashes:  # the text here is only its beginning
                listed = f"sha256:{found['sha256']}"
            twin = found["sha256"] in wanted.hashes | gone.hashes or found["detail"] in details
            if listed is None and not twin:
                rows.add(*row)
            else:
                gone.ids.add(document.id)
                if listed is not None:  # remembered, so that another build does not keep it
                    gone.entries[listed] = gone.entries.get(listed, 0) + 1


def _rewrite_tokens(old: Path, new: Path, keep: np.ndarray) -> None:
    """Copy token shards without the documents that go."""
    shards = Shards.open(old)
    if shards.num_documents != len(keep):
        raise InputError(
            f"{old} has {shards.num_documents} documents and the folder beside it {len(keep)}; "
            "remove the tokens and make them again: groundup data export --format tokens"
        )
    index = files.read_json(old / INDEX)
    parts = _parts(shards, keep)
    write_parts(new, parts, start_id=shards.start_id, vocab_size=index["vocab_size"])


def _parts(shards: Shards, keep: np.ndarray) -> Iterator[Part]:
    """The documents that stay, in parts of about PART_TOKENS; the bytes of their texts are told by their share of the tokens."""
    lengths = np.diff(shards.offsets)
    staying = np.flatnonzero(keep)
    ends = np.cumsum(lengths[staying])
    cuts = np.searchsorted(ends, np.arange(PART_TOKENS, (ends[-1] if len(ends) else 0), PART_TOKENS))
    for group in np.split(staying, cuts):
        if not len(group):
            continue
        places = np.concatenate([np.arange(shards.offsets[one], shards.offsets[one + 1]) for one in group])
        mask = None if shards.loss_mask is None else shards.loss_mask[places]
        size = round(shards.text_bytes * len(places) / shards.num_tokens)
        yield Part(shards.tokens[places], np.concatenate([[0], np.cumsum(lengths[group])]), size, mask)


def _rewrite_notes(folder: Path, fresh: Path, gone: _Gone) -> None:
    """The report without samples of what went, the card from it, and what was removed."""
    report = read_report(folder)
    for step in report["steps"]:
        for reason, samples in step["samples"].items():
            step["samples"][reason] = [sample for sample in samples if sample["id"] not in gone.ids]
    earlier = report.get("removed", {})
    entries = {**earlier, **gone.entries}
    report["removed"] = {entry: earlier.get(entry, 0) + gone.entries.get(entry, 0) for entry in sorted(entries)}
    report["kept"] = card.totals(fresh / "documents")
    files.write_json(fresh / "report.json", report)
    files.write_bytes(fresh / "pipeline.json", (folder / "pipeline.json").read_bytes())
    files.write_text(fresh / "README.md", card.data_card(report))
