"""Productions of dialogues: about the state of a room, a meeting of two who tell who they are, an appointment, a shop,
a class."""

ROOM = r"""
talk:
  1 | Here are {new_person:a} and {new_person:b}, in the {new_place:p}. <known_thing> <known_thing>
        <known_thing>\n<turn>
known_thing:
  2 | The {the adjective:adjective} {noun adjective:thing} is in the {new_place:r}. | | lie thing r
  1 | [a] has {a adjective:adjective} {noun adjective:thing}. | | take a thing
  1 | [b] has {a adjective:adjective} {noun adjective:thing}. | | take b thing
turn:
  1 | <exchange>\n<exchange_2>\n<turns>
turns:
  4 | <exchange>\n<turns_2>
  1 | <bye>
turns_2:
  1 | <exchange_2>\n<bye>
  1 | <bye>
exchange:
  3 | - [a]: Where is the {thing:q}?\n- [b]: The [q] is [where q].
  1 | - [a]: Do you know where the {thing:q} is?\n- [b]: Yes, it is [where q].
  1 | - [a]: I cannot find the {thing:q}.\n- [b]: Look, the [q] is [where q].
  1 | - [a]: What about the {thing:q}?\n- [b]: I saw that the [q] is [where q].
  1 | - [a]: How are you, [b]?\n- [b]: I am {word feeling:f}, [a].
exchange_2:
  3 | - [b]: Please show me the {thing:q}.\n- [a]: It is [where q], come with me.
  1 | - [b]: Who needs the {thing:q}?\n- [a]: My {word kin:k} needs the [q].
  1 | - [b]: I like the {thing:q}.\n- [a]: The [q] is {the adjective:j}, I think.
  1 | - [b]: Shall we take the {thing:q}?\n- [a]: No, the [q] stays [where q].
  1 | - [b]: The weather is {word weather:v}.\n- [a]: Yes, [v] weather.
bye:
  2 | - [a]: Goodbye, [b].\n- [b]: Goodbye, [a].$
  1 | - [a]: Thank you, [b].\n- [b]: You are welcome, [a].$
  1 | - [a]: See you on {word day:day}, [b].\n- [b]: Good, on [day], [a].$
"""

MEETING = r"""
meet:
  1 | - {new_known:a}: Hello, <names>
names:
  2 | I am [a].\n- {new_known:b}: Hello, [a]. I am [b]. <tells>
  1 | my name is [a].\n- {new_known:b}: And my name is [b]. <tells>
tells:
  1 | <ask_job>\n<ask_home>\n<ask_more>
ask_job:
  2 | What do you do?\n- [a]: I am [a_fact a job]. And you?\n- [b]: I am [a_fact b job].
  1 | I am [a_fact b job].\n- [a]: And I am [a_fact a job].
  1 | Are you a {word job:guess}?\n- [a]: I am [a_fact a job].
ask_home:
  2 | - [a]: Where do you live, [b]?\n- [b]: In [fact b home], and you?\n- [a]: I live in [fact a home].
  1 | - [b]: I live in [fact b home].\n- [a]: My home is [fact a home].
  1 | - [a]: My home is [fact a home], on the river [river_of a].\n- [b]: I know [fact a home].
ask_more:
  2 | - [b]: I keep a [fact b pet].\n- [a]: My pet is a [fact a pet].$
  2 | - [a]: I like [fact a dish].\n- [b]: I like [fact b dish], not [fact a dish].$
  1 | - [b]: Goodbye, [a].\n- [a]: Goodbye, [b]. Greet the [fact b pet]!$
"""

PLANS = r"""
plan:
  1 | - {new_person:a}: Let us meet on {word day:day} at {amount:n} in the {new_place:p}.\n- {new_person:b}:
        <agree>\n<bring>\n<plan_end>
agree:
  2 | On [day] at [n] in the [p]? That is good.
  1 | In the [p] on [day]? Yes, at [n].
  1 | Yes, [day] at [n] is fine. I will come to the [p].
bring:
  2 | - [a]: Please bring <one_thing> and <two_thing>.\n- [b]: I will bring the [thing] and the [two].
  1 | - [a]: I will bring <one_thing>.\n- [b]: The [thing]? Then I bring <two_thing>.
two_thing:
  1 | {a adjective:adjective} {noun adjective:two}
plan_end:
  2 | - [a]: Will {new_person:c} come too?\n- [b]: Yes, [c] comes on [day] too.\n- [a]: Then [c] can carry the
        {thing:q}.$
  2 | - [a]: So, [day] at [n].\n- [b]: In the [p], with the [thing] and the [two].$
  1 | - [a]: And where do we meet?\n- [b]: In the [p], [a]. On [day].$

class:
  1 | {new_person:teacher} is the teacher. {new_person:pupil} and {new_person:other} are the pupils. | | fresh
"""
SOURCES = (ROOM, MEETING, PLANS[: PLANS.index("class:")])
