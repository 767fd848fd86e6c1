"""Exercise: the entry of a block list that stands for an address, by a few look-ups."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same

ENTRIES = {
    "bad.example": [("", "spam")],
    "part.example": [("/private", "mine"), ("/page", "mine"), ("/find?q=x", "mine")],
    "a.part.example": [("/own", "other")],
}


def looked_up(site, path, entries):
    """The look-ups alone."""
    return [entries.get(site[at:]) for at in (0, *(at + 1 for at, letter in enumerate(site) if letter == "."))]


@check("shape")
def an_entry_and_its_list(mine):
    """Gives something else than a pair of the entry and its list for a site that is listed, and None for another."""
    same(mine("bad.example", "/", ENTRIES), ("bad.example", "spam"))
    same(mine("good.example", "/", ENTRIES), None)


@check("values")
def what_lies_below(mine):
    """Lets sites below a listed one through: www.bad.example belongs to bad.example, however deep."""
    for site in ("www.bad.example", "a.b.c.bad.example"):
        same(mine(site, "/x", ENTRIES), ("bad.example", "spam"))


@check("values")
def names_end_at_a_dot(mine):
    """Blocks a neighbour whose name only ends with the same letters: notbad.example is another site, so cut at dots."""
    for site in ("notbad.example", "bad.example.org", "example"):
        same(mine(site, "/", ENTRIES), None)


@check("values")
def a_part_of_a_site(mine):
    """Blocks more of a site than the part that is listed, or less: /private means also /private/x, and nothing beside."""
    for path, wanted in (
        ("/private", "/private"),
        ("/private/x.html", "/private"),
        ("/", None),
        ("/public/private", None),
    ):
        same(mine("part.example", path, ENTRIES), wanted and (f"part.example{wanted}", "mine"))


@check("values")
def a_path_ends_at_a_slash(mine):
    """Blocks a page whose path only begins with the same letters: after /private must come the end, a / or a ?."""
    for path in ("/privately", "/pages/1"):
        same(mine("part.example", path, ENTRIES), None)


@check("values")
def a_question(mine):
    """Lets a listed page through when a question follows: /page?id=3 is /page, and /find?q=x is listed with its question."""
    same(mine("part.example", "/page?id=3", ENTRIES), ("part.example/page", "mine"))
    same(mine("part.example", "/find?q=x", ENTRIES), ("part.example/find?q=x", "mine"))
    same(mine("part.example", "/find?q=y", ENTRIES), None)


@check("values")
def none_fits_here_but_above(mine):
    """Stops at the first name that is in the table: where none of its entries fits, one for a site above may."""
    same(mine("a.part.example", "/own/x", ENTRIES), ("a.part.example/own", "other"))
    same(mine("a.part.example", "/private/x", ENTRIES), ("part.example/private", "mine"))


@check("speed")
def it_looks_up(mine):
    """Goes through all entries: a list has millions, so look up the name and what is left of it after each dot."""
    table = {f"site-{number}.example": [("", "large")] for number in range(20_000)}
    fast(mine, looked_up, ("x.y.good.example", "/", table))


EXERCISE = Exercise(
    slot="data.clean.blocking_entry",
    title="On the block list",
    task="""
    A list of unwanted addresses is a table: the site's name -> its entries, each a path and the name of the list. All below the
    path is blocked; the path "" is the whole site; and an entry holds for every site below its own (bad.example: also
    www.bad.example). Say which entry blocks a page: give the name of its site with its path, and its list; or None.

    Names are compared part by part, paths too: after a listed /private comes the end, a / or a ?. Tables have millions of entries,
    so ask only for names that can be in it.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.clean.blocklists",),
    hints=(
        "The names that can be meant are the site itself and what is left of it after each dot.",
        'site.split(".") gives the parts; ".".join(parts[begin:]) is a name; entries.get(name, ()) its entries.',
        'path.startswith(below) is not enough: path[len(below) : len(below) + 1] must be "", "/" or "?".',
    ),
    run="groundup --mine my learn lesson data.clean.blocklists --run",
    checks=(
        an_entry_and_its_list,
        what_lies_below,
        names_end_at_a_dot,
        a_part_of_a_site,
        a_path_ends_at_a_slash,
        a_question,
        none_fits_here_but_above,
        it_looks_up,
    ),
    mutants=(
        Mutant("found", "something else than a pair", (("return name + below, source", "return (name + below,)"),)),
        Mutant("the site alone", "Lets sites below a listed one through", (("range(len(labels))", "range(1)"),)),
        Mutant(
            "letters",
            "Blocks a neighbour whose name only ends",
            (('labels = site.split(".")', "labels = list(site)"), ('".".join(labels', '"".join(labels')),
        ),
        Mutant(
            "the whole site",
            "Blocks more of a site than the part",
            (('if path.startswith(below) and path[len(below) : len(below) + 1] in ("", "/", "?")', "if source"),),
        ),
        Mutant(
            "letters of a path",
            "Blocks a page whose path only begins",
            ((' and path[len(below) : len(below) + 1] in ("", "/", "?")', ""),),
        ),
        Mutant("no question", "Lets a listed page through", (('in ("", "/", "?")', 'in ("", "/")'),)),
        Mutant(
            "the first name",
            "Stops at the first name",
            (
                (
                    "name + below, source\n",
                    "name + below, source\n        if name in entries:\n            return None\n",
                ),
            ),
        ),
        Mutant(
            "all entries",
            "Goes through all entries",
            (("entries.get(name, ())", "[one for other, some in entries.items() if other == name for one in some]"),),
        ),
    ),
)
