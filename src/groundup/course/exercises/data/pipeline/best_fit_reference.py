"""Exercise: fit documents of all lengths into rows of one length."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, shown, that

CASES = [  # lengths, the longest first, and the length of a row
    ([1], 1),
    ([2, 1], 2),
    ([2, 1], 3),
    ([3, 3, 3], 5),
    ([7, 6, 3, 2, 2], 10),
    ([8, 5, 4, 1], 10),
    ([9, 6, 6, 3, 3, 2, 1, 1, 1], 10),
]


def array(lengths):
    """Lengths as the function gets them."""
    import numpy

    return numpy.array(lengths, dtype=numpy.int64)


def filled(rows, lengths):
    """How many tokens each row holds."""
    sums: dict[int, int] = {}
    for row, length in zip(rows.tolist(), lengths, strict=True):
        sums[row] = sums.get(row, 0) + length
    return sums


def by_hand(lengths, seq_len, prefer=lambda room, last, row: (room, -last)):
    """The rows by looking at all of them for every piece; `prefer` orders those that have room."""
    rooms: list[int] = []
    filled_last: list[int] = []
    rows = []
    for number, length in enumerate(lengths):
        fitting = [row for row, room in enumerate(rooms) if room >= length]
        if not fitting:
            fitting = [len(rooms)]
            rooms.append(seq_len)
            filled_last.append(number)
        row = min(fitting, key=lambda row: prefer(rooms[row], filled_last[row], row))
        rooms[row] -= length
        filled_last[row] = number
        rows.append(row)
    return rows


@check("shape")
def a_row_for_every_piece(mine):
    """Gives something else than an array with the row of every piece, and the number of rows."""
    for lengths, seq_len in [*CASES[:3], ([], 4)]:
        got = mine(array(lengths), seq_len)
        if len(got) != 2:
            raise Failed(expected="(rows, count)", got=shown(got))
        shape(got[0], (len(lengths),))


@check("dtype")
def rows_are_whole_numbers(mine):
    """Gives the rows in another dtype than int64: np.array makes floats of an empty list, so name the dtype."""
    import numpy

    for lengths in ([1], []):
        dtype(mine(array(lengths), 2)[0], numpy.dtype("int64"))


@check("invariant")
def no_row_overflows(mine):
    """Puts more into a row than it holds: a piece goes only where the room left is at least its length."""
    for lengths, seq_len in CASES:
        sums = filled(mine(array(lengths), seq_len)[0], lengths)
        that(max(sums.values()) <= seq_len, expected=f"at most {seq_len} tokens in a row", got=f"tokens by row: {sums}")


@check("invariant")
def rows_are_numbered_as_they_are_opened(mine):
    """Numbers the rows otherwise: the first is 0, and each new one gets the next number."""
    for lengths, seq_len in CASES:
        rows = mine(array(lengths), seq_len)[0].tolist()
        opened = list(dict.fromkeys(rows))
        that(opened == list(range(len(opened))), expected="new rows 0, 1, 2, ... in this order", got=f"rows {rows}")


@check("invariant")
def the_count_is_that_of_the_rows(mine):
    """Counts the rows wrongly: as many as were opened, and none of no pieces."""
    for lengths, seq_len in [*CASES, ([], 4)]:
        rows, count = mine(array(lengths), seq_len)
        that(int(count) == len(set(rows.tolist())), expected=f"{len(set(rows.tolist()))} rows", got=f"count = {count}")


@check("invariant")
def a_new_row_only_where_none_has_room(mine):
    """Opens a new row although one that is there has room: look at all rows, also at those that were opened long ago."""
    for lengths, seq_len in CASES:
        rows = mine(array(lengths), seq_len)[0].tolist()
        room: dict[int, int] = {}
        for row, length in zip(rows, lengths, strict=True):
            wasted = [other for other in room if room[other] >= length] if row not in room else []
            that(not wasted, expected=f"a piece of {length} in row {wasted[:1]}", got=f"rows {rows}")
            room[row] = room.get(row, seq_len) - length


@check("values")
def the_fullest_row_is_taken(mine):
    """Takes another row than the fullest that still has room."""
    emptiest = "Takes the emptiest row (worst fit): the fullest one with room leaves the large gaps for large pieces."
    first = "Takes the first row with room (first fit): a fuller one may stand behind it."
    orders = (([7, 6, 3], emptiest, lambda room, last, row: -room), ([8, 5, 4, 1], first, lambda room, last, row: row))
    for lengths, sentence, prefer in orders:
        mistakes = {sentence: by_hand(lengths, 10, prefer)}
        same(mine(array(lengths), 10)[0].tolist(), by_hand(lengths, 10), mistakes=mistakes)


@check("values")
def of_equally_full_ones_the_last_filled(mine):
    """Of equally full rows it takes another than the one that was filled last."""
    number = "Of equally full rows it takes the one with the highest number: filled last means that something went into it last."
    for lengths in ([6, 6, 3], [6, 6, 3, 3, 1]):
        mistakes = {number: by_hand(lengths, 10, lambda room, last, row: (room, -row))}
        same(mine(array(lengths), 10)[0].tolist(), by_hand(lengths, 10), mistakes=mistakes)


@check("values")
def as_by_hand(mine):
    """Differs from looking at every row for every piece."""
    import numpy

    draw = numpy.random.default_rng(5)
    for count, seq_len in ((8, 6), (20, 12), (60, 30)):
        lengths = sorted(draw.integers(1, seq_len + 1, count).tolist(), reverse=True)
        same(mine(array(lengths), seq_len)[0].tolist(), by_hand(lengths, seq_len))


@check("speed")
def many_rows_take_no_age(mine):
    """Is far slower than the reference: keep the rows by the room they have left, so that no piece looks at all of them."""
    from groundup.data.pipeline.packing import best_fit_reference

    fast(mine, best_fit_reference, (array([5] * 2000), 9), times=10)


EXERCISE = Exercise(
    slot="data.pipeline.best_fit_reference",
    title="Packing: rows without gaps",
    task="""
    Training reads rows of one length, `seq_len`, and documents have all lengths; filled up with padding, half of the work
    would be for nothing. So several documents share a row. Best fit gives each piece, the longest first, the row that has
    the least room left but enough for it, and a new row only where none has enough. Of equally full rows take the one
    that was filled last. Give the row of every piece, numbered as they are opened, and how many rows there are.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("data.pipeline.packing",),
    hints=(
        "What matters of a row is its room. For each room, 0 to seq_len, keep the list of rows that have it left.",
        "A piece looks at the room that is just its length, then one more, up to seq_len; the first list with a row in it wins, "
        "and pop() takes the row that came last.",
        "Take the row off its list and append it to the list of room - length; a new row begins with the room seq_len. "
        "At last: np.array(rows, dtype=np.int64), count.",
    ),
    run="groundup --mine my train --set train.steps=5 --set data.heldout_bytes=10000",
    checks=(
        a_row_for_every_piece,
        rows_are_whole_numbers,
        no_row_overflows,
        rows_are_numbered_as_they_are_opened,
        the_count_is_that_of_the_rows,
        a_new_row_only_where_none_has_room,
        the_fullest_row_is_taken,
        of_equally_full_ones_the_last_filled,
        as_by_hand,
        many_rows_take_no_age,
    ),
    mutants=(
        Mutant(
            "a number for every row",
            "array with the row of every piece",
            (
                (
                    "np.array(rows, dtype=np.int64)",
                    "np.array(sorted(set(rows)), dtype=np.int64)",
                ),
            ),
        ),
        Mutant("without a dtype", "another dtype than int64", ((", dtype=np.int64", ""),)),
        Mutant(
            "the room not counted", "more into a row than it holds", (("with_room[room - length]", "with_room[room]"),)
        ),
        Mutant(
            "rows from 1",
            "Numbers the rows otherwise",
            (("row, room, count = count, seq_len, count + 1", "row, room, count = count + 1, seq_len, count + 1"),),
        ),
        Mutant("one row too many", "Counts the rows wrongly", (("np.int64), count", "np.int64), count + 1"),)),
        Mutant(
            "the newest row only",
            "Opens a new row although",
            (("with_room[room]), None)", "with_room[room] and with_room[room][-1] == count - 1), None)"),),
        ),
        Mutant("worst fit", "worst fit", (("range(length, seq_len + 1)", "range(seq_len, length - 1, -1)"),)),
        Mutant(
            "first fit",
            "first fit",
            source="""
            import numpy as np


            def best_fit_reference(lengths, seq_len):
                rooms, rows = [], []
                for length in lengths.tolist():
                    row = next((row for row, room in enumerate(rooms) if room >= length), len(rooms))
                    if row == len(rooms):
                        rooms.append(seq_len)
                    rooms[row] -= length
                    rows.append(row)
                return np.array(rows, dtype=np.int64), len(rooms)
            """,
        ),
        Mutant("the oldest of equals", "Of equally full rows it takes another", ((".pop()", ".pop(0)"),)),
        Mutant(
            "the highest number of equals",
            "the one with the highest number",
            (("row = with_room[room].pop()", "with_room[room].sort()\n            row = with_room[room].pop()"),),
        ),
        Mutant(
            "all rows looked at",
            "far slower than the reference",
            source="""
            import numpy as np


            def best_fit_reference(lengths, seq_len):
                rooms, last, rows = [], [], []
                for number, length in enumerate(lengths.tolist()):
                    fitting = [row for row in range(len(rooms)) if rooms[row] >= length]
                    if fitting:
                        row = min(fitting, key=lambda row: (rooms[row], -last[row]))
                    else:
                        row = len(rooms)
                        rooms.append(seq_len)
                        last.append(number)
                    rooms[row] -= length
                    last[row] = number
                    rows.append(row)
                return np.array(rows, dtype=np.int64), len(rooms)
            """,
        ),
    ),
)
