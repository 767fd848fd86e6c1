"""Lesson: how a file of records notices that it was damaged: a checksum computed by dividing polynomials over bits."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A file that notices its damage", width="medium")

with app.setup:
    import tempfile
    import zlib
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.pipeline import tfrecord
    from groundup.data.pipeline.tfrecord import crc32c, crc32c_reference, example, fields_of, masked
    from groundup.errors import FormatError


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A file that notices its damage

    Token shards are copied between disks and over networks, and now and then a bit turns. Trained on, it is a wrong word that nobody
    ever finds. Afterwards you know how four bytes beside each record give it away, and what a TFRecord file looks like inside.
    """)
    return


@app.cell
def _():
    data = b"A story about a fox who learned to count."
    noticed = 0
    for _place in range(len(data)):
        for _bit in range(8):
            _changed = data[:_place] + bytes([data[_place] ^ 1 << _bit]) + data[_place + 1 :]
            noticed += crc32c(_changed) != crc32c(data)
    mo.md(
        f"{len(data)} bytes have {8 * len(data)} bits. Turned one by one, **{noticed} of {8 * len(data)}** are noticed by four bytes of checksum."
    )
    return data, noticed


@app.cell
def _(data, noticed):
    assert noticed == 8 * len(data)
    assert crc32c(data) == crc32c_reference(data)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The sum of the bytes is not enough

    The simplest checksum adds the bytes. It does not see that two of them changed places, nor a change that another one
    undoes. A checksum should change in half of its bits, whatever changes in the data.
    """)
    return


@app.cell
def _(data):
    swapped = b"no" + data[2:]
    turned = b"on" + data[2:]
    sums = sum(swapped), sum(turned)
    mo.md(f"Sums of bytes: {sums[0]} and {sums[1]}. CRC-32C: `{crc32c(swapped):08x}` and `{crc32c(turned):08x}`.")
    return swapped, sums, turned


@app.cell
def _(sums, swapped, turned):
    assert sums[0] == sums[1], "the sum does not see an exchange"
    assert crc32c(swapped) != crc32c(turned)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A division without carries

    Read the bits of the data as a polynomial whose coefficients are 0 and 1, and divide it by a fixed one of degree 32. With
    coefficients modulo 2, adding and subtracting are the same: exclusive or. So a step of the division is: shift, and where a 1
    falls out, take the divisor off.

    A small one, by hand: the divisor $x^3 + x + 1$, which is 1011, and the data 11010.
    """)
    return


@app.cell
def _():
    def remainder(bits, divisor):
        """Long division of polynomials over bits: the steps, the last of them the remainder."""
        _row = [*bits, *[0] * (len(divisor) - 1)]
        steps = ["".join(map(str, _row))]
        for _at in range(len(bits)):
            if _row[_at]:
                for _offset, _digit in enumerate(divisor):
                    _row[_at + _offset] ^= _digit
                steps.append("".join(map(str, _row)))
        return steps

    steps = remainder([1, 1, 0, 1, 0], [1, 0, 1, 1])
    mo.md(
        "```\n"
        + "\n".join(steps)
        + "\n```\n\n"
        + f"What is left in the last three places, **{steps[-1][-3:]}**, is the remainder."
    )
    return remainder, steps


@app.cell
def _(remainder, steps):
    assert set(steps[-1][:-3]) == {"0"}, "divided until nothing but the remainder is left"
    _again = remainder([1, 1, 0, 1, 0], [1, 0, 1, 1])[-1][-3:]
    _whole = [1, 1, 0, 1, 0, *map(int, _again)]
    _rest = remainder(_whole, [1, 0, 1, 1])[-1]
    assert set(_rest) == {"0"}, "data with its remainder behind it is divided without a rest"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why the polynomial matters

    Two polynomials of degree 32 are in wide use. Zip files have 0x04C11DB7; record files have Castagnoli's, 0x1EDC6F41, which he found in
    1993 by a search: up to some 5,000 bits it notices every change of up to five bits, the other one of up to four, and processors
    have an instruction for it. Their bits are written backwards here, because data comes with its lowest bit first.
    """)
    return


@app.cell
def _():
    check = b"123456789"
    mo.md(
        f"The nine digits that every table lists: CRC-32C `{crc32c(check):08x}`, and zip's CRC-32 `{zlib.crc32(check):08x}`."
    )
    return (check,)


@app.cell
def _(check):
    assert crc32c(check) == 0xE3069283, "RFC 3720"
    assert zlib.crc32(check) == 0xCBF43926
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Half of the bits

    Turn one bit of a record and count how many of the 32 bits of the checksum turn with it. Choose where the bit stands.
    """)
    return


@app.cell
def _():
    place = mo.ui.slider(0, 40, step=1, value=3, label="byte", show_value=True)
    place
    return (place,)


@app.cell
def _(data, place):
    changed_bits = {}
    for _bit in range(8):
        _other = data[: place.value] + bytes([data[place.value] ^ 1 << _bit]) + data[place.value + 1 :]
        changed_bits[f"bit {_bit}"] = (crc32c(_other) ^ crc32c(data)).bit_count()
    plots.value_bars(
        {"turned": changed_bits},
        x=f"bit of byte {place.value} that was turned",
        y="bits of the checksum that turned",
        title="One bit in, many out",
    )
    return (changed_bits,)


@app.cell
def _(changed_bits):
    assert min(changed_bits.values()) >= 3, "no change stays small"
    assert 8 < np.mean(list(changed_bits.values())) < 24
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A record in a file

    Length, checksum of the length, data, checksum of the data. The length has a checksum of its own, because a wrong one would send the reader
    anywhere. The data is a table of names and bytes.
    """)
    return


@app.cell
def _():
    with tempfile.TemporaryDirectory() as _folder:
        _path = Path(_folder) / "stories.tfrecord"
        tfrecord.write_records(_path, [example({"text": b"A fox.", "id": b"1"})])
        whole = _path.read_bytes()
        back = [fields_of(record) for record in tfrecord.read_records(_path)]
        complaints = []
        for _at in (0, 9, 20, len(whole) - 1):
            _path.write_bytes(whole[:_at] + bytes([whole[_at] ^ 1]) + whole[_at + 1 :])
            try:
                list(tfrecord.read_records(_path))
            except FormatError as error:
                complaints.append(str(error).partition("stories.tfrecord: ")[2].partition(";")[0])
    mo.md("```\n" + whole.hex(" ") + "\n```\n\n" + "\n".join(f"- {one}" for one in complaints))
    return back, complaints, whole


@app.cell
def _(back, complaints, whole):
    assert back == [{"id": b"1", "text": b"A fox."}]
    assert len(complaints) == 4, "each of the four parts is watched"
    assert int.from_bytes(whole[:8], "little") == len(whole) - 16
    assert int.from_bytes(whole[8:12], "little") == masked(crc32c(whole[:8]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The checksum in the file is *masked*: turned by 15 bits and moved by a constant. Data that ends with its own plain checksum has the same
    remainder whatever it holds, so a file of records inside of a record would be watched by nothing.

    ## Try

    - Move the control: wherever the bit stands, a third to two thirds of the checksum turn.
    - Export a corpus: `groundup data export FOLDER --format tfrecord --out records`, and turn a byte of it.
    - Write the division yourself: `groundup learn start crc32c_reference`.
    """)
    return


if __name__ == "__main__":
    app.run()
