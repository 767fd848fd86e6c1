"""Exercise: what a robots.txt allows, by its longest rule."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

ADMIN = (("/wp-admin/", False), ("/wp-admin/admin-ajax.php", True))


def by_hand(rules, path, key, fits=None):
    """The verdict of the matching rule that `key` puts first."""
    from groundup.data.sources.politeness import matches

    fits = fits or matches
    matching = [(number, *rule) for number, rule in enumerate(rules) if rule[0] and fits(rule[0], path)]
    return max(matching, key=key)[2] if matching else True


def says(mine, rules, path, mistakes=None):
    """Compare one verdict."""
    right = by_hand(rules, path, lambda rule: (len(rule[1]), rule[2]))
    same(bool(mine(rules, path)), right, mistakes=mistakes)


@check("invariant")
def nothing_is_forbidden_without_a_rule(mine):
    """Forbids what no rule speaks of: where none matches, the path is allowed."""
    for rules, path in (((), "/a"), (ADMIN, "/blog"), ((("/private", False),), "/priv")):
        that(mine(rules, path), expected="True", got=f"False for {path!r} with {rules}")


@check("invariant")
def an_empty_rule_is_none(mine):
    """Lets an empty rule forbid everything: `Disallow:` with nothing behind it matches no path."""
    for rules in ((("", False),), (("/a", True), ("", False))):
        that(mine(rules, "/b"), expected="True", got=f"False with {rules}")


@check("values")
def a_rule_is_the_beginning_of_a_path(mine):
    """Compares whole paths, or looks for the rule anywhere in them: a rule is compared with the path's beginning."""
    for rules, path in (((("/a", False),), "/a/b"), ((("/b", False),), "/a/b"), ((("/a", False),), "/ab")):
        says(mine, rules, path)


@check("values")
def the_longest_rule_decides(mine):
    """Lets another rule than the longest decide."""
    first = (
        "The first rule that matches decides, wherever a longer one stands: that is the mistake of Python's own parser."
    )
    last = "The last rule that matches decides: order says nothing, length does."
    shortest = "The shortest rule decides: the longest is the one that means this path."
    allow = "Any Allow that matches decides: a longer Disallow is stronger."
    for rules in (ADMIN, ADMIN[::-1], (("/a", True), ("/a/b", False)), (("/a/b", False), ("/a", True))):
        path = "/wp-admin/admin-ajax.php" if rules[0][0].startswith("/wp") else "/a/b/c"
        mistakes = {
            first: by_hand(rules, path, lambda rule: -rule[0]),
            last: by_hand(rules, path, lambda rule: rule[0]),
        }
        if rules == (("/a", True), ("/a/b", False)):
            mistakes = {allow: True}
        if rules == ADMIN[::-1]:
            mistakes = {last: False}
        says(mine, rules, path, mistakes)
    says(mine, (("/a/b", True), ("/", False), ("/a/", False)), "/a/b", {shortest: False})


@check("values")
def of_equals_the_one_that_allows(mine):
    """Forbids where two rules of one length disagree: then the one that allows wins."""
    for rules in (
        (("/page", False), ("/page", True)),
        (("/page", True), ("/page", False)),
        (("/pag*", False), ("/page", True)),
    ):
        that(mine(rules, "/page"), expected="True", got=f"False with {rules}")


@check("values")
def stars_and_the_end(mine):
    """Reads * and $ as letters: * stands for any run of characters, a last $ for the path's end."""
    for rules, path in (
        ((("/*.gif$", False),), "/a/b.gif"),
        ((("/*.gif$", False),), "/a/b.gif?x"),
        ((("/p", True), ("/*.html", False)), "/page.html"),
    ):
        says(mine, rules, path)


@check("values")
def escapes_are_one_octet_as_they_are_written(mine):
    """Takes an escaped letter for another one, or counts characters: /%62 is /b, and ü is six octets, %C3%BC."""
    escaped = (("/%62ar", False),)
    that(not mine(escaped, "/bar"), expected="False", got=f"True for '/bar' with {escaped}")
    wide = (("/\u00fc*", False), ("/%C3%BC", True))  # 8 octets against 7
    that(not mine(wide, "/\u00fcb"), expected="False", got=f"True for '/\u00fcb' with {wide}")
    counted = (("/\u00fc", False), ("/*****", True))  # 7 octets against 6
    that(not mine(counted, "/\u00fc"), expected="False", got=f"True for '/\u00fc' with {counted}")


EXERCISE = Exercise(
    slot="data.sources.robots_allow",
    title="robots.txt: the longest rule",
    task="""
    A site says in robots.txt what may be fetched: `Disallow: /wp-admin/`, `Allow: /wp-admin/admin-ajax.php`. Several rules may
    match a path. By RFC 9309 the one with the most octets decides, and of two as long the one that allows; where none matches,
    the path is allowed. `rules` holds (pattern, allows) each. `matches(pattern, path)` and `octets(pattern)` are there to use.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("data.sources.politeness",),
    hints=(
        "Go through all rules and keep the best so far: its length and what it says. Begin with a length below any other, and True.",
        "A rule replaces the best if it is longer, or as long and allows. Skip empty patterns.",
        "length = len(octets(pattern)); if length > best or (length == best and allows): best, allowed = length, allows",
    ),
    run="groundup --mine my learn lesson data.sources.politeness --run",
    checks=(
        nothing_is_forbidden_without_a_rule,
        an_empty_rule_is_none,
        a_rule_is_the_beginning_of_a_path,
        the_longest_rule_decides,
        of_equals_the_one_that_allows,
        stars_and_the_end,
        escapes_are_one_octet_as_they_are_written,
    ),
    mutants=(
        Mutant(
            "forbidden at first",
            "Forbids what no rule speaks of",
            (("best, allowed = -1, True", "best, allowed = -1, False"),),
        ),
        Mutant("an empty rule counts", "an empty rule forbid everything", (("not pattern or ", ""),)),
        Mutant(
            "found anywhere",
            "anywhere in them",
            (("not matches(pattern, path)", "pattern.strip('*$') not in path"),),
        ),
        Mutant(
            "the first that matches",
            "The first rule that matches decides",
            (
                ("best, allowed = length, allows", "return allows"),
                ("length > best or (length == best and allows)", "True"),
            ),
        ),
        Mutant(
            "the last that matches",
            "The last rule that matches decides",
            (("length > best or (length == best and allows)", "True"),),
        ),
        Mutant(
            "any Allow",
            "Any Allow that matches decides",
            (("length > best or (length == best and allows)", "allows or best < 0"),),
        ),
        Mutant(
            "a tie forbids",
            "two rules of one length disagree",
            ((" or (length == best and allows)", " or (length == best and not allows)"),),
        ),
        Mutant(
            "stars are letters",
            "Reads * and $ as letters",
            (("not matches(pattern, path)", "not path.startswith(pattern)"),),
        ),
        Mutant("characters counted", "counts characters", (("len(octets(pattern))", "len(pattern)"),)),
    ),
)
