"""Real texts to measure on: the declaration of human rights in its languages, and a treebank of English web text."""

import gzip
import zipfile
from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def udhr() -> dict[str, str]:
    """The declaration of human rights by language code."""
    archive = DATA / "nltk-corpora" / "udhr2.zip"
    if not archive.is_file():
        pytest.skip("the texts of the declaration of human rights are not on this machine")
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".txt")]
        return {Path(name).stem: opened.read(name).decode() for name in names}


@pytest.fixture(scope="session")
def treebank() -> list[list[tuple[str, list[str]]]]:
    """Paragraphs of the English Web Treebank's test part: its sentences, each with its words."""
    archive = DATA / "ud-english-ewt" / "en_ewt-ud-test.conllu.gz"
    if not archive.is_file():
        pytest.skip("the English Web Treebank is not on this machine")
    paragraphs: list[list[tuple[str, list[str]]]] = [[]]
    with gzip.open(archive, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("# newdoc", "# newpar")):
                paragraphs.append([])
            elif line.startswith("# text = "):
                paragraphs[-1].append((line[9:].rstrip("\n"), []))
            elif line[:1].isdigit() and line.split("\t")[0].isdigit():
                paragraphs[-1][-1][1].append(line.split("\t")[1])
    return [paragraph for paragraph in paragraphs if paragraph]
