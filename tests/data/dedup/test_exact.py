"""Exact duplicates go, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from groundup.data.dedup import exact
from groundup.data.documents import Document


def of(*texts):
    return [Document(str(number), text, "here") for number, text in enumerate(texts)]


def texts(documents):
    return [document.text for document in documents]


def test_short_documents_are_not_duplicates_of_each_other():
    """Texts too short for a shingle shared one empty signature, so one survived (ChenghaoMou/text-dedup#77)."""
    assert texts(exact.documents(of("cat", "dog", "cat"))) == ["cat", "dog"]


def test_empty_texts_neither_crash_nor_count_as_duplicates():
    assert texts(exact.documents(of("", "a", "", " "))) == ["", "a", "", " "]


def test_white_space_makes_no_new_document():
    assert texts(exact.documents(of("one  two\n", "one two", "One two"))) == ["one  two\n", "One two"]


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)))
def test_documents_survive_once_each_in_their_order(many):
    assert texts(exact.documents(of(*many))) == list(dict.fromkeys(many))


def test_a_long_paragraph_is_kept_once_over_all_documents():
    licence = "Permission is granted to everybody to do everything with this text."
    kept = texts(exact.paragraphs(of(f"{licence}\n\nOne.", f"{licence}\n\nTwo.", f"Three.\n\n{licence}")))
    assert kept == [f"{licence}\n\nOne.", "Two.", "Three."]


def test_short_paragraphs_stay_where_they_are():
    assert texts(exact.paragraphs(of("Example:\n\none", "Example:\n\ntwo"))) == ["Example:\n\none", "Example:\n\ntwo"]


def test_a_document_of_which_nothing_is_left_is_dropped():
    assert texts(exact.paragraphs(of("x" * 80, "y", "x" * 80))) == ["x" * 80, "y"]


def test_held_out_documents_after_training_documents_keep_no_paragraph_of_them():
    seen = exact.Seen()
    shared, own = "a sentence " * 10, "another sentence " * 10
    list(exact.paragraphs(of(f"{shared}\n\nfirst"), seen))
    assert texts(exact.paragraphs(of(f"{shared}\n\n{own}"), seen)) == [own]


def test_a_lone_surrogate_is_a_text_like_others():
    assert len(texts(exact.documents(of("\ud800", "\ud801", "\ud800")))) == 2


def test_a_long_line_is_kept_once_over_all_documents():
    menu = "Home | News | About us | Where to find us | Our friends | Contact us by mail"
    kept = texts(exact.lines(of(f"{menu}\nOne.\nOne.", f"Two.\n{menu}", menu)))
    assert kept == [f"{menu}\nOne.\nOne.", "Two."]
