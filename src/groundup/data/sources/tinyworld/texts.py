"""Productions of the other documents: question sheets, portraits of people and towns, sums, picture captions.

`document` is the start rule of the whole grammar; its weights are the mixture.
"""

from groundup.data.sources.tinyworld.tasks import FAMILIES, FAMILY_WEIGHTS

MIXTURE = r"""
document:
  120 | <sheet>
  14 | <track>
  7 | <search>
  6 | <market> | seen
  4 | <meal> | seen
  6 | <song> | seen
  8 | <letter>
  5 | <recipe> | seen
  10 | <talk>
  6 | <meet> | seen
  9 | <plan>
  5 | <portrait> | seen
  8 | <sums>
  4 | <gallery>
  6 | <prices> | seen
  5 | <week> | seen
  6 | <forecast> | seen
  6 | <gifts>
  4 | <race> | seen
  5 | <chest>
sheet:
  3 | Question: <any>\nAnswer: [answer]\n<blank>Question: <any>\nAnswer: [answer]\n<blank>Question: <any>\nAnswer:
        [answer]$ | | fresh
  2 | Q: <any>\nA: [answer]\n<blank>Q: <any>\nA: [answer]\n<blank>Q: <any>\nA: [answer]$ | | fresh
  2 | Task: <any>\nResult: [answer]\n<blank>Task: <any>\nResult: [answer]\n<blank>Task: <any>\nResult: [answer]$ |
        | fresh
  1 | Teacher: <any>\nPupil: [answer]\n<blank>Teacher: <any>\nPupil: [answer]\n<blank>Teacher: <any>\nPupil:
        [answer]$ | | fresh
blank:
  1 | \n | | fresh
portrait:
  1 | About people: <person_facts> <person_facts> <recall> <recall>$
  1 | About towns: <town_facts> <town_facts> <town_facts>$
person_facts:
  2 | {new_known:a} is [a_fact a job]. [He a] lives in [fact a home]. [He a] keeps a [fact a pet] and likes
        [fact a dish].
  1 | {new_known:a} lives in [fact a home] and works as [a_fact a job]. [His a] pet is a [fact a pet], [his a]
        favourite dish is [fact a dish].
  1 | {new_known:a} likes [fact a dish]. [He a] is [a_fact a job] in [fact a home] and has a [fact a pet].
recall:
  1 | What does {person:q} like? The dish of [q] is [fact q dish].
  1 | Where is {person:q} at home? The home of [q] is [fact q home].
  1 | Which pet has {person:q}? The pet of [q] is a [fact q pet].
town_facts:
  1 | {new_town:t} lies on the river [fact t river]. People there sell [goods_of t].
  1 | {new_town:t} is known for its [goods_of t]. The river [fact t river] flows through it.
sums:
  1 | Sums: <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum>$
  1 | Reckoning. <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum> <one_sum>$
one_sum:
  3 | {first sum} + {second sum} = [sum]. | | fresh_numbers
  2 | {first difference sheet} - {second difference sheet} = [difference]. | | fresh_numbers
  1 | {first long} + {second long} = [sum]. | | fresh_numbers
gallery:
  1 | Three pictures hang in the {new_place:p}. The first shows <one_thing>. The second shows <two_thing>. The
        third shows <three_thing>. <look> <look> <looks>
three_thing:
  1 | {a adjective:adjective} {noun adjective:three}
looks:
  1 | <look>$
  1 | That is all.$
look:
  6 | {new_person:v} likes the <liked>
  1 | "Who painted the {thing:q}?" asks {new_person:v}. "I think {new_person:w} painted the [q]."
liked:
  1 | [thing] in the first picture.
  1 | [two] in the second picture.
  1 | [three] in the third picture.
"""
ANY = "any:\n" + "".join(f"  {FAMILY_WEIGHTS[family]} | <{family}>\n" for family in FAMILIES)
SOURCES = (MIXTURE, ANY)
