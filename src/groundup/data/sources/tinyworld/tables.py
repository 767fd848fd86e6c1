"""Productions of documents that pair names with values and then ask back: prices, a week, the weather, gifts, a race,
a chest.

Every later line is a look-up of what an earlier line said, or an even choice among three or four keys.
"""

TABLES = r"""
prices:
  1 | <price_opening> <price>, <price>, <price>.\n<price_talk>\n<price_talk>\n<price_talks>
price_opening:
  2 | Price list:
  1 | Prices of today:
  1 | Prices in {word town}:
price:
  1 | {new_items goods:g} {new_amount:n} coins | | pair g n
price_talks:
  2 | <price_talk>\n<price_end>
  1 | <price_end>
price_talk:
  2 | Buyer: How much are the {key:w}?\nSeller: The [w] are [value w] coins.
  1 | Buyer: What do you have for {value:n} coins?\nSeller: For [n] coins you get [key_of n].
  1 | Buyer: I take the {key:w}, please.\nSeller: That makes [value w] coins for the [w].
  1 | Buyer: I want to pay for the {key:w}.\nSeller: You pay [value w] coins.
price_end:
  1 | Buyer: Thank you.\nSeller: Come again!$
  1 | Buyer: Goodbye.\nSeller: Goodbye!$
  1 | Question: What is the price of the {key:w}?\nAnswer: [value w] coins$

week:
  1 | <week_opening>\nMonday: <lesson>\nTuesday: <lesson>\nWednesday: <lesson>\n<week_talk>\n<week_talk>\n<week_end>
week_opening:
  1 | The week of {new_person:a}:
  1 | Lessons of {new_person:a}:
  1 | Plan for {new_person:a}:
lesson:
  1 | {new_key subject:g} in the {new_place:p} | | pair g p
week_talk:
  2 | Where is {key:s}? It is in the [value s].
  2 | On which day is {key:s}? It is on [day_of s].
  2 | What happens in the {place:x}? In the [x] [a] learns [key_of x].
week_end:
  1 | Question: Where does [a] learn {key:s}?\nAnswer: in the [value s]$
  1 | Question: When does [a] learn {key:s}?\nAnswer: on [day_of s]$
  1 | That is the week of [a].$

forecast:
  1 | <forecast_opening> in <sky>, in <sky>, in <sky>. <sky_talk> <sky_talk><sky_talks>
forecast_opening:
  1 | The weather on {word day}:
  1 | Weather for {word month}:
  1 | How is the weather today?
sky:
  1 | {new_key town:p} it is {new_value weather:s} | | pair p s
sky_talks:
  2 | _<sky_talk><sky_end>
  1 | <sky_end>
sky_talk:
  2 | {new_person:v} goes to {key:x}, where it is [value x].
  2 | "How is the weather in {key:x}?" asks {new_person:v}. "It is [value x] in [x]."
  1 | {new_person:v} writes from {key:x}: it is [value x] here.
sky_end:
  1 | _Where is it {value:s}? In [key_of s].$
  1 | \nQuestion: How is the weather in {key:x}?\nAnswer: [value x]$
  1 | _So much for the weather.$

gifts:
  1 | <feast> <gift>, <gift> and <gift>. <thanks> <thanks><gift_end>
feast:
  1 | It is the birthday of {new_person:h}. [h] gets
  1 | There is a feast in the {new_place}, and {new_person:h} gets
  1 | On {word day} {new_person:h} gets
gift:
  1 | {a adjective:adjective} {noun adjective:t} from {new_person:g} | | pair t g
thanks:
  2 | "Thank you for the {key:x}, [value x]," says [h].
  1 | [h] shows the {key:x} of [value x] to {the_kin}.
  1 | "Who gave you the {key:x}?" "The [x] is from [value x]."
  1 | {value:y} is glad that [h] likes the [key_of y].
gift_end:
  2 | _In the evening [h] looks at [gift_list].$
  1 | \nQuestion: Who gave the {key:x}?\nAnswer: [value x]$
  1 | \nQuestion: What did {value:y} give?\nAnswer: the [key_of y]$

race:
  1 | <race_opening> <ranked>, <ranked>, <ranked> and <ranked>. <race_note> <race_note><race_end>
race_opening:
  1 | After the race in the {new_place:p}:
  1 | Four have run to the {new_place:p}:
  1 | The race to the {new_place:p} is over:
ranked:
  1 | {new_person:x} is [next_rank] | | rank x
race_note:
  2 | "Well done!" says {the_kin} to {key:x}, who is [value x].
  1 | The one who came {value:n} is [key_of n].
race_end:
  1 | _The order is: [rank_order].$
  1 | _From the last to the first: [rank_backwards].$
  1 | \nQuestion: Who was {value:n}?\nAnswer: [key_of n]$

chest:
  1 | <box_opening> <one_thing>, <one_thing>, <one_thing> and <one_thing>. <take_out> <take_out><chest_end>
box_opening:
  1 | In the {word furniture:box} of {new_person:a} are
  1 | Under the {word furniture:box} of {new_person:a} lie
  1 | Behind the {word furniture:box} of {new_person:a} one finds
take_out:
  2 | {new_person:x} takes the {thing:t} away. Left are [left t]. | | lose t; pair x t
  1 | Then the {thing:t} is gone, for {new_person:x} has taken it. Left are [left t]. | | lose t; pair x t
  1 | "I need the {thing:t}," says {new_person:x} and takes it. Now there are [left t]. | | lose t; pair x t
chest_end:
  1 | _And where is the {value:t} now? [key_of t] has it.$
  1 | \nQuestion: Who has the {value:t}?\nAnswer: [key_of t]$
  1 | \nQuestion: What does {key:y} have?\nAnswer: the [value y]$
"""
SOURCES = (TABLES,)
