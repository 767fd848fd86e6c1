"""Pipelines: every document is accounted for, the result does not depend on who worked or how often it was killed, and a failed shard is done again alone."""

import dataclasses
import glob
import json
import os
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import files
from groundup.data.documents import Document
from groundup.data.pipeline import etl, removal
from groundup.data.pipeline.cleaning import Blocklist, Pii
from groundup.data.pipeline.etl import Pipeline, run
from groundup.data.pipeline.report import StepReport, added
from groundup.data.pipeline.shard import run_guarded
from groundup.data.pipeline.steps import Dropped, Exact, Length, Match, Remove, described, first_equal, known
from groundup.errors import ConfigError, FormatError, InputError

PAGES = {
    "a.txt": "The first page is about lions.\n\nLions sleep.",
    "b.txt": "short",
    "c.txt": "The first page is about lions.\n\nLions  sleep.",  # a.txt with another blank
    "d.txt": "A page with SECRET inside it, long enough.",
    "e.txt": "The last page is about bees, which do not sleep.",
    "f.txt": "SECRET",
}
PIPELINE = Pipeline(steps=(Length(min_characters=10), Exact(), Match(pattern="SECRET")), shard_bytes=1)


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / name).write_text(text)
    return folder


def tree(folder):
    """Every file of a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def kept(folder):
    return [row["id"] for path in sorted((folder / "documents").glob("*")) for row in pq.read_table(path).to_pylist()]


def dropped(folder):
    rows = [row for path in sorted((folder / "dropped").glob("*")) for row in pq.read_table(path).to_pylist()]
    return {row["id"]: (row["step"], row["reason"], row["detail"]) for row in rows}


def test_every_document_is_kept_or_dropped_with_the_step_and_the_reason(pages, tmp_path):
    report = run(PIPELINE, pages, tmp_path / "out")
    assert kept(tmp_path / "out") == ["a.txt", "e.txt"]
    assert dropped(tmp_path / "out") == {
        "b.txt": ("1 length", "too short", "5 characters, wanted 10 or more"),
        "c.txt": ("2 exact", "same text as another", "first seen in a.txt"),
        "d.txt": ("3 match", "matches the pattern", "'SECRET' at character 12"),
        "f.txt": ("1 length", "too short", "6 characters, wanted 10 or more"),
    }
    assert [(step["seen"], step["kept"], step["dropped"]) for step in report["steps"]] == [
        (6, 4, {"too short": 2}),
        (4, 3, {"same text as another": 1}),
        (3, 2, {"matches the pattern": 1}),
    ]
    assert {sample["id"] for sample in report["steps"][0]["samples"]["too short"]} == {"b.txt", "f.txt"}
    files.verify_checksums(tmp_path / "out")
    assert not (tmp_path / "out.work").exists()


def test_the_card_tells_what_the_run_did(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "2 documents, 92 bytes of UTF-8 text, from 6 documents of `pages`." in card
    assert "| 2. exact | same text as another | 1 | 25.00% | `c.txt`: first seen in a.txt |" in card


def test_the_result_does_not_depend_on_the_order_in_which_shards_are_done(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "one")
    run(PIPELINE, pages, tmp_path / "two", execute=lambda tasks: map(run_guarded, reversed(tasks)))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_processes_give_the_same_bytes(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "one")
    run(PIPELINE, pages, tmp_path / "two", workers=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_how_documents_are_spread_over_shards_changes_neither_what_is_kept_nor_the_report(pages, tmp_path):
    one = run(PIPELINE, pages, tmp_path / "one")
    two = run(dataclasses.replace(PIPELINE, shard_bytes=1 << 20), pages, tmp_path / "two")
    assert one["steps"] == two["steps"] and kept(tmp_path / "one") == kept(tmp_path / "two")


def test_a_run_that_was_killed_between_any_two_shards_ends_with_the_same_bytes(pages, tmp_path):
    class Killed(BaseException):
        pass

    def until(count):
        def execute(tasks):
            for number, task in enumerate(tasks):
                if number == count:
                    raise Killed
                yield run_guarded(task)

        return execute

    run(PIPELINE, pages, tmp_path / "whole")
    for count in range(4):
        with pytest.raises(Killed):
            run(PIPELINE, pages, tmp_path / "out", execute=until(count))
    done = []
    run(
        PIPELINE, pages, tmp_path / "out", execute=lambda tasks: (done.append(len(tasks)), *map(run_guarded, tasks))[1:]
    )
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert done == [3]  # the first stage was done and half of the second


def test_a_report_that_was_read_back_tells_the_same(pages, tmp_path):
    """The card of a run that was resumed, or done by Ray, once showed a step's lists in other brackets."""
    plain = [described(made()) for made in known().values() if not wants_a_file(made)]
    assert json.loads(json.dumps(plain)) == plain

    class Killed(BaseException):
        pass

    def killed(tasks):
        yield from map(run_guarded, tasks)
        raise Killed

    pipeline = Pipeline(steps=(Pii(), Exact()), shard_bytes=1)
    run(pipeline, pages, tmp_path / "whole")
    with pytest.raises(Killed):
        run(pipeline, pages, tmp_path / "out", execute=killed)
    run(pipeline, pages, tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def wants_a_file(step):
    return any(
        one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        for one in dataclasses.fields(step)
    )


def test_a_failed_shard_is_listed_while_the_others_are_done_and_then_done_alone(pages, tmp_path):
    (pages / "bad.jsonl").write_text('{"text": "fine, and long enough"}\n{"text": \n')
    with pytest.raises(
        InputError, match=r"1 of 7 shards failed, the first with bad.jsonl: .*line 2 is not JSON"
    ) as error:
        run(PIPELINE, pages, tmp_path / "out")
    assert "--skip-failed" in str(error.value) and not (tmp_path / "out").exists()
    assert files.read_json(tmp_path / "out.work" / "failed.json")[0]["sources"] == ["bad.jsonl"]
    (pages / "bad.jsonl").write_text('{"text": "fine, and long enough"}\n')
    done = []

    def execute(tasks):
        done.append([task.shard for task in tasks])
        return map(run_guarded, tasks)

    run(PIPELINE, pages, tmp_path / "out", execute=execute)
    assert done[0] == [2] and kept(tmp_path / "out") == ["a.txt", "bad.jsonl:1", "e.txt"]


def test_failed_shards_can_be_left_out_and_the_card_says_so(pages, tmp_path):
    (pages / "bad.jsonl").write_text("{")
    report = run(PIPELINE, pages, tmp_path / "out", skip_failed=True)
    assert kept(tmp_path / "out") == ["a.txt", "e.txt"] and report["failed"][0]["sources"] == ["bad.jsonl"]
    assert "What could not be read" in (tmp_path / "out" / "README.md").read_text()


def test_what_failed_is_tried_again_once_its_cause_has_passed(pages, tmp_path, monkeypatch):
    """A shard was left out because its disk was away; the same command takes it in when the disk is back, and does nothing else again."""
    from groundup.data.sources import files as own

    def away(path):
        raise InputError(f"{path} cannot be read")

    whole = own.read_file
    with monkeypatch.context() as patched:
        patched.setattr(
            own, "read_file", lambda path, *rest: away(path) if path.endswith("a.txt") else whole(path, *rest)
        )
        run(Pipeline(shard_bytes=1), pages, tmp_path / "out", skip_failed=True)
    assert "a.txt" not in kept(tmp_path / "out")
    done = []
    report = run(
        Pipeline(shard_bytes=1),
        pages,
        tmp_path / "out",
        skip_failed=True,
        execute=lambda tasks: (done.extend(task.sources[0].name for task in tasks), *map(run_guarded, tasks))[1:],
    )
    assert kept(tmp_path / "out") == sorted(PAGES) and report["failed"] == [] and len(done) == 6 - 5
    assert not (tmp_path / "out.work").exists()


def test_a_report_of_another_program_is_a_sentence_and_its_folder_stays(pages, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text('{"coverage": 0.9}')
    with pytest.raises(InputError, match="holds something else; choose another --out"):
        run(PIPELINE, pages, tmp_path / "out")
    run(PIPELINE, pages, tmp_path / "mine")
    files.write_json(tmp_path / "mine" / "report.json", {"pipeline": {}, "kept": {}})
    with pytest.raises(FormatError, match="is no report of a pipeline: it has no source, failed, damaged, steps"):
        removal.remove(tmp_path / "mine", removal.parse_list(["a.txt"]))


def test_what_is_there_is_not_made_again_and_another_pipeline_replaces_it(pages, tmp_path):
    def refuse(tasks):
        raise AssertionError("done again")

    run(PIPELINE, pages, tmp_path / "out")
    run(PIPELINE, pages, tmp_path / "out", execute=refuse)
    run(Pipeline(steps=(Length(min_characters=6),)), pages, tmp_path / "out")
    assert kept(tmp_path / "out") == ["a.txt", "c.txt", "d.txt", "e.txt", "f.txt"]


def test_a_folder_with_something_else_is_not_replaced(pages, tmp_path):
    with pytest.raises(InputError, match="holds something else; choose another --out"):
        run(PIPELINE, pages, pages)


def test_a_step_that_fails_names_the_document(pages, tmp_path):
    class Broken:
        kind = "broken"
        __dataclass_fields__ = Length.__dataclass_fields__
        min_characters = max_characters = 0

        def opened(self):
            return lambda document: document.metadata["absent"]

    with pytest.raises(InputError, match=r"the step 'broken' failed on document a.txt \(KeyError: 'absent'\)"):
        run(Pipeline(steps=(Broken(),)), pages, tmp_path / "out")


def test_an_empty_pipeline_and_an_empty_folder(pages, tmp_path):
    run(Pipeline(), pages, tmp_path / "out")
    assert len(kept(tmp_path / "out")) == 6
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no documents"):
        run(PIPELINE, tmp_path / "empty", tmp_path / "out2")


def test_paragraphs_are_taken_out_and_the_rest_stays(tmp_path):
    long = "This paragraph stands on every page of the site, so it is long."
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": f"page {n}\n\n{long}"}) + "\n" for n in range(3)))
    report = run(Pipeline(steps=(Exact(unit="paragraph"),)), tmp_path / "in.jsonl", tmp_path / "out")
    texts = [row["text"] for row in pq.read_table(tmp_path / "out" / "documents" / "00000.parquet").to_pylist()]
    assert texts == [f"page 0\n\n{long}", "page 1", "page 2"] and report["steps"][0]["changed"] == 2
    assert {
        "page 1" in sample["text"] or "page 2" in sample["text"] for sample in report["steps"][0]["samples"]["changed"]
    } == {True}


# ───────── equal rows ─────────


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12), min_size=1, max_size=4),
    st.integers(1, 9),
)
def test_equal_rows_are_found_as_by_looking_at_all_of_them(shards, parts):
    spread = 0x5555555555555555  # so that rows fall into different parts
    rows = [np.array([[a * spread, b] for a, b in shard], dtype=np.uint64).reshape(-1, 2) for shard in shards]
    flat = [tuple(row) for shard in rows for row in shard.tolist()]
    first = {row: flat.index(row) for row in flat}
    expected = [first[row] if any(row) and first[row] < place else -1 for place, row in enumerate(flat)]
    assert first_equal(rows, max(1, len(flat) * 48 // parts)).tolist() == expected


def test_one_letter_documents_are_compared_and_empty_ones_are_never_equal():
    rows = Exact().sketch([Document("", text, "") for text in ("cat", "dog", "cat", "", " ")])
    assert first_equal(rows).tolist() == [-1, -1, 0, -1, -1]


# ───────── reports ─────────


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 1000), unique=True, min_size=1, max_size=40), st.data())
def test_counts_and_samples_are_the_same_however_documents_are_spread(numbers, data):
    def counted(some):
        made = StepReport.of(Length(), 3)
        for number in some:
            document = Document(str(number), "x" * number, "s")
            made.count(document, Dropped("odd") if number % 2 else Document(str(number), "y" * (number // 2), "s"))
        return [made.plain()]

    places = data.draw(st.lists(st.integers(0, 3), min_size=len(numbers), max_size=len(numbers)))
    spread = [[number for number, place in zip(numbers, places, strict=True) if place == shard] for shard in range(4)]
    assert added([counted(some) for some in spread], 3) == added([counted(numbers)], 3)


# ───────── removal ─────────


def test_what_is_on_the_list_goes_before_a_build_and_after_it(pages, tmp_path):
    (tmp_path / "list.txt").write_text("# asked on Monday\na.txt\n")
    report = run(Pipeline(steps=(Remove(list=str(tmp_path / "list.txt")),)), pages, tmp_path / "one")
    assert report["steps"][0]["dropped"] == {"on the removal list": 1}
    run(PIPELINE, pages, tmp_path / "two")
    done = removal.remove(tmp_path / "two", removal.parse_list(["a.txt"]))
    assert done == {"removed": 1, "entries": {"a.txt": 1}}
    assert kept(tmp_path / "two") == ["e.txt"] and "c.txt" not in dropped(tmp_path / "two")  # its twin went too
    for path, content in tree(tmp_path / "two").items():
        text = str(pq.read_table(tmp_path / "two" / path).to_pylist()) if path.endswith("parquet") else content.decode()
        assert "about lions" not in text
    files.verify_checksums(tmp_path / "two")


def test_what_was_removed_does_not_come_back_with_another_build(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "out")
    removal.remove(tmp_path / "out", removal.parse_list(["id:a.txt", "nobody"]))
    assert kept(tmp_path / "out") == ["e.txt"]
    report = run(Pipeline(steps=(Length(min_characters=6),)), pages, tmp_path / "out")
    assert "a.txt" not in kept(tmp_path / "out") and report["removed"]["a.txt"] == 1
    assert "- `a.txt`: 1 documents" in (tmp_path / "out" / "README.md").read_text()


def test_a_document_that_was_dropped_and_then_removed_does_not_come_back(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "out")
    (gone, *_) = dropped(tmp_path / "out")
    assert removal.remove(tmp_path / "out", removal.parse_list([gone]))["entries"] == {gone: 1}
    run(Pipeline(), pages, tmp_path / "out")
    assert gone not in kept(tmp_path / "out")


def test_a_build_that_is_killed_before_it_removes_again_leaves_the_old_folder(pages, tmp_path, monkeypatch):
    run(PIPELINE, pages, tmp_path / "out")
    removal.remove(tmp_path / "out", removal.parse_list(["a.txt"]))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(removal, "remove", killed)
        run(Pipeline(), pages, tmp_path / "out")
    assert "a.txt" not in kept(tmp_path / "out")
    assert run(Pipeline(), pages, tmp_path / "out")["removed"]["a.txt"] == 1
    assert "a.txt" not in kept(tmp_path / "out")


def test_removal_from_a_folder_that_no_pipeline_made_is_a_sentence(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "out")
    (tmp_path / "out" / "pipeline.json").unlink()
    with pytest.raises(InputError, match=r"pipeline\.json"):
        removal.remove(tmp_path / "out", removal.parse_list(["a.txt"]))


def test_what_a_kill_after_the_result_left_goes_with_the_next_build(pages, tmp_path):
    run(PIPELINE, pages, tmp_path / "out")
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "0-00000.json").write_text("{}")
    run(PIPELINE, pages, tmp_path / "out")
    assert not (tmp_path / "out.work").exists()


@pytest.mark.slow
def test_a_build_that_is_killed_at_any_moment_ends_with_the_same_bytes(tmp_path):
    (tmp_path / "in").mkdir()
    for name in range(12):
        rows = [{"text": f"row {row % 97} of file {name % 5}, {'long ' * (row % 7)}"} for row in range(400)]
        (tmp_path / "in" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    program = (
        "from groundup.data.pipeline.etl import *; from groundup.data.pipeline.steps import *\n"
        "from groundup.data.pipeline.cleaning import Pii\n"
        "run(Pipeline(steps=(Length(min_characters=20), Pii(), Exact(), Match(pattern='9'), Exact(unit='paragraph')), shard_bytes=1), 'in', 'out')"
    )
    command, environment = [sys.executable, "-c", program], os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "in").symlink_to(tmp_path / "in")
    subprocess.run(command, cwd=tmp_path / "whole", check=True, env=environment)
    draw, killed = np.random.default_rng(0), 0

    def written():
        return len(glob.glob("out.work/*", root_dir=tmp_path))  # also while it is removed

    for more in draw.integers(1, 15, 10):  # so many files further on; a time would be another moment on another machine
        process, aim = subprocess.Popen(command, cwd=tmp_path, env=environment), written() + more
        while process.poll() is None and written() < aim:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        killed += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole" / "out") and killed > 5
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "whole"}


def test_a_removed_documents_tokens_are_found_in_no_shard(pages, tmp_path):
    from groundup.data.pipeline.formats import Shards
    from groundup.data.pipeline.tokenize import tokenize

    class Bytes:
        eos_token_id, bos_token_id, vocab_size = 256, None, 257

        def encode_packed(self, texts):
            ids = [list(text.encode()) for text in texts]
            return np.array([id for text in ids for id in text], dtype=np.uint32), np.cumsum([0, *map(len, ids)])

    run(Pipeline(), pages, tmp_path / "out")
    before = tokenize(PAGES.values(), Bytes(), tmp_path / "out" / "tokens")
    removal.remove(tmp_path / "out", removal.parse_list([f"sha256:{removal.text_hash(PAGES['d.txt'])}"]))
    after = Shards.open(tmp_path / "out" / "tokens")
    assert [bytes(after.document(n)[:-1].astype(np.uint8)).decode() for n in range(after.num_documents)] == [
        text for name, text in PAGES.items() if name != "d.txt"
    ]
    assert after.num_tokens == before.num_tokens - len(PAGES["d.txt"]) - 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [(["sha256:12"], "not 64 hexadecimal digits"), (["*"], "would remove everything")],
)
def test_lists_that_cannot_be_meant_are_refused(lines, message):
    with pytest.raises(InputError, match=message):
        removal.parse_list(lines)


def test_beginnings_of_addresses():
    wanted = removal.parse_list(["https://a.org/*", "https://b.org/x"])
    documents = [
        Document("1", "", "", {"url": url}) for url in ("https://a.org/p", "https://b.org/x", "https://b.org/xy")
    ]
    assert [wanted.entry(one) for one in documents] == ["https://a.org/*", "https://b.org/x", None]


def test_a_site_is_removed_with_the_sites_below_it_and_no_other():
    wanted = removal.parse_list(["example.com", "www.b.org", "row-7"])
    urls = {
        "https://example.com/p": "example.com",
        "http://a.Example.COM:80/": "example.com",
        "https://badexample.com/": None,
        "https://b.org/x": "b.org",
        "example.com": "example.com",  # an id, or an address, by its own words
        "": None,
    }
    assert {url: wanted.entry(Document("1", "", "", {"url": url})) for url in urls} == urls
    assert wanted.entry(Document("a.jsonl:1", "", "", {"id": "row-7"})) == "row-7"


def test_rows_of_a_table_are_blocked_and_removed_by_their_addresses(tmp_path):
    rows = [
        {"text": f"page {n} of some length", "url": f"https://{site}/p"}
        for n, site in enumerate(["a.org", "b.org", "c.org"])
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "block").write_text("a.org\n")
    report = run(Pipeline(steps=(Blocklist(list=str(tmp_path / "block")),)), tmp_path / "in.jsonl", tmp_path / "out")
    assert report["steps"][0]["dropped"] == {"on a block list": 1}
    assert removal.remove(tmp_path / "out", removal.parse_list(["b.org"])) == {"removed": 1, "entries": {"b.org": 1}}
    assert kept(tmp_path / "out") == ["in.jsonl:3"]
    for path, content in tree(tmp_path / "out").items():
        text = str(pq.read_table(tmp_path / "out" / path).to_pylist()) if path.endswith("parquet") else content.decode()
        assert "page 1" not in text, path


# ───────── bad settings ─────────


@pytest.mark.parametrize(
    "make",
    [
        lambda: Length(min_characters=5, max_characters=4),
        lambda: Match(pattern="("),
        lambda: Exact(unit="line"),
        lambda: Pipeline(shard_bytes=0),
        lambda: etl.local(0),
    ],
)
def test_settings_that_cannot_be_are_refused(make):
    with pytest.raises(ConfigError):
        make()


def test_a_list_has_comments_behind_its_lines_too(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# asked by mail\nid:a.txt  # all of it\nhttps://b.org/x#part\n")
    assert removal.read_list(path).exact == {"a.txt", "https://b.org/x#part"}
