"""Productions of the instruction families: every rule named in `FAMILIES` writes a question and sets the role `answer`.

The same rules make the questions of pretraining documents and the instructions of tuning, so the floor of one is
the floor of the other. Two families are made to be hard for a small model (`HARD_FAMILIES`): their length or their
carries grade them. Weights are the numbers in the first column; change them here.
"""

FAMILIES = (
    "where", "who", "say", "backwards", "pick", "count", "add", "subtract", "compare", "problem", "fact", "opposite",
    "plural", "past", "kind", "caption", "series", "sort", "sum_long",
)  # fmt: skip
HARD_FAMILIES = ("sort", "sum_long")
FAMILY_WEIGHTS = dict.fromkeys(FAMILIES, 1.0) | {"where": 2.5, "who": 2.5}

STATE = r"""
where:
  1 | <placed> <moved>
placed:
  3 | Now {new_person common_name:a} is in the {new_place common_place:p}. {new_person common_name:b} is in the
        {new_place common_place:q}. The <a_thing> <there>. |
        | move a p; move b q; lie thing r
  1 | In the {new_place common_place:p} is {new_person common_name:a}. In the {new_place common_place:q} is
        {new_person common_name:b}. The <a_thing> <there>. | |
        move a p; move b q; lie thing r
  1 | See, the <a_thing> is in the {new_place common_place:r}. {new_person common_name:a} is in the
        {new_place common_place:p}. {new_person common_name:b} is in the
        [p] too. | | move a p; move b p; lie thing r
there:
  2 | is in the {new_place common_place:r}
  1 | lies in the {place:r}
a_thing:
  1 | {the common_adjective:adjective} {noun adjective common_thing:thing}
moved:
  2 | <where_question>
  3 | <move> <moved_again>
moved_again:
  2 | <where_question>
  1 | <move> <where_question>
move:
  3 | {person:actor} goes to the {other_place actor:place}. | | move actor place
  1 | {person:actor} walks to the {other_place actor:place}. | | move actor place
  1 | {person:actor} runs to the {other_place actor:place}. | | move actor place
  1 | Then {person:actor} goes to the {other_place actor:place}. | | move actor place
  2 | {person:actor} carries the {thing:t} to the {other_place actor:place}. | | move actor place; lie t place
where_question:
  4 | Where is {person:q}? | | answer where q
  4 | Where is the {thing:q}? | | answer where q
  1 | In which place is {person:q} now? | | answer where q
  1 | In which place is the {thing:q} now? | | answer where q
  1 | Tell me where {person:q} is. | | answer where q
  1 | Tell me where the {thing:q} is. | | answer where q
  1 | Where can we find {person:q}? | | answer where q
  1 | Where can we find the {thing:q}? | | answer where q

who:
  1 | <owners> <passed>
owners:
  3 | The <thing_a> is {new_person common_name:a}'s. The <thing_b> is {new_person common_name:b}'s.
        {new_person common_name:c} has nothing.
        | | take a t; take b u
  1 | There are {new_person common_name:c}, {new_person common_name:a} and {new_person common_name:b}. The
        <thing_a> is [a]'s. The <thing_b> is [b]'s. | | take a t; take b u
thing_a:
  1 | {the common_adjective:adjective} {noun adjective common_thing:t}
thing_b:
  1 | {the common_adjective:adjective} {noun adjective common_thing:u}
passed:
  2 | <who_question>
  3 | <pass> <passed_again>
passed_again:
  2 | <who_question>
  1 | <pass> <who_question>
pass:
  3 | {giver:actor} gives the {of actor:thing} to {other actor:other}. | | take other thing
  1 | {giver:actor} hands the {of actor:thing} to {other actor:other}. | | take other thing
  1 | Then {giver:actor} sells the {of actor:thing} to {other actor:other}. | | take other thing
  4 | Now the {held:thing} is {not_holder thing:other}'s. | | take other thing
who_question:
  6 | Who has the {held:q}? | | answer it_is_holders q
  2 | Who has the {held:q} now? | | answer it_is_holders q
  2 | Who holds the {held:q} at the end? | | answer it_is_holders q
  2 | Tell me who has the {held:q}. | | answer it_is_holders q
  2 | Which person has the {held:q}? | | answer it_is_holders q
"""

LISTS = r"""
list:
  1 | {item common_thing}, {next_item common_thing}, {next_item common_thing}<list_end>
list_end:
  1 | .
  1 | , {next_item common_thing}.
long_list:
  1 | {item common_thing}, {next_item common_thing}<longer>
longer:
  1 | .
  3 | , {next_item common_thing}<longer_2>
longer_2:
  1 | .
  2 | , {next_item common_thing}<longer_3>
longer_3:
  2 | .
  1 | , {next_item common_thing}.
say:
  2 | Say these words: <long_list> | | answer the_words
  1 | Repeat after me: <long_list> | | answer the_words
  1 | Please copy this: <long_list> | | answer the_words
  1 | Write the same words again: <long_list> | | answer the_words
  1 | Echo: <long_list> | | answer the_words
backwards:
  2 | Say these words backwards: <list> | | answer words_backwards
  1 | Reverse the list: <list> | | answer words_backwards
  1 | Write from the last to the first: <list> | | answer words_backwards
  1 | Read it from the end: <list> | | answer words_backwards
  1 | Turn this list around: <list> | | answer words_backwards
pick:
  2 | Here are some words: <long_list> <pick_question>
  1 | Look at this list: <long_list> <pick_question>
  1 | In a bag are: <long_list> <pick_question>
pick_question:
  3 | Which comes first? | | answer the_nth 0
  3 | Which comes second? | | answer the_nth 1
  3 | Which comes last? | | answer the_nth -1
  1 | Name the first. | | answer the_nth 0
  1 | Name the second. | | answer the_nth 1
  1 | Name the last. | | answer the_nth -1
count:
  2 | How many words are in this list: <long_list> | | answer how_many
  1 | Count the words: <long_list> | | answer how_many
  1 | Count these things: <long_list> | | answer how_many
  1 | Tell me how many things these are: <long_list> | | answer how_many
kind:
  2 | Which of these is {category:category}: <kind_list> | | answer the_role m
  1 | Find {category:category} among these: <kind_list> | | answer the_role m
  1 | One of these is {category:category}: <kind_list> Which one? | | answer the_role m
kind_list:
  1 | {member in:m}, {member out}, {member out}.
  2 | {member out}, <kind_rest>
kind_rest:
  1 | {member in:m}, {member out}.
  1 | {member out}, {member in:m}.
sort:
  1 | Sort these numbers: <numbers> | | answer sorted
  1 | Put in order, small to large: <numbers> | | answer sorted
  1 | Put in order, large to small: <numbers> | | answer falling
numbers:
  1 | {first row}, {next_number}, {next_number}, {next_number}<numbers_end>
numbers_end:
  1 | .
  3 | , {next_number}<numbers_end_2>
numbers_end_2:
  1 | .
  1 | , {next_number}.
"""

NUMBERS = r"""
add:
  2 | What is {first sum} plus {second sum}? | | answer sum
  1 | Add {first sum} and {second sum}. | | answer sum
  1 | What is the sum of {first sum} and {second sum}? | | answer sum
  1 | How much is {first sum} and {second sum} together? | | answer sum
  1 | {first sum} + {second sum} = ? | | answer sum
subtract:
  2 | What is {first difference a} minus {second difference a}? | | answer difference
  1 | Subtract from {first difference b} the number {second difference b}. | | answer difference
  1 | How much is {first difference c} less {second difference c}? | | answer difference
  1 | {first difference d} - {second difference d} = ? | | answer difference
  1 | From {first difference e} take away {second difference e}. What is left? | | answer difference
sum_long:
  2 | What is the total of {first long} and {second long}? | | answer sum
  1 | Find the total: {first long} and {second long}. | | answer sum
  1 | Work out {first long} + {second long}. | | answer sum
compare:
  2 | Which number is larger, {first order} or {second order}? | | answer larger
  2 | Which number is smaller, {first order} or {second order}? | | answer smaller
  1 | Name the larger one: {first order}, {second order}. | | answer larger
  1 | Name the smaller one: {first order}, {second order}. | | answer smaller
  2 | Today {new_person common_name:a} has {first_seen amount:x} {goods x common_goods:g} and {new_person common_name:b}
        has {second_seen amount} [g]. <more_or_less>
  1 | Compare: {new_person common_name:a} finds {first_seen amount:x} {goods x common_goods:g},
        {new_person common_name:b} finds {second_seen amount} [g].
        <more_or_less>
more_or_less:
  1 | How many [g] are the larger number? | | answer larger
  1 | How many [g] are the smaller number? | | answer smaller
problem:
  2 | Now {new_person common_name:a} has {first_seen gain:x} {goods x common_goods:g}. <gain>
  1 | There are {first_seen gain:x} {goods x common_goods:g} in a box. {new_person common_name:a} puts in
        {second_seen gain} more. How many [g]
        are in the box? | | answer sum
  1 | A shop has {first_seen loss:x} {goods x common_goods:g}. It sells {second_seen loss} of them. How
        many [g] are
        left? | | answer difference
  1 | On a table are {first_seen loss:x} {goods x common_goods:g}. {new_person common_name:a} takes
        {second_seen loss} away. How
        many [g] are on the table now? | | answer difference
gain:
  1 | {new_person common_name:b} gives [him a] {second_seen gain} more. How many [g] does [a] have now? | | answer sum
  1 | Then [he a] finds {second_seen gain} more. How many [g] does [a] have in all? | | answer sum
series:
  2 | What comes next: {first series a}, {second series a}, [term 2]? | | answer term 3
  1 | Go on with this series: {first series b}, {second series b}, [term 2]. | | answer term 3
  1 | Which number follows: {first series d}, {second series d}, [term 2]? | | answer term 3
  1 | Count on: {first series e}, {second series e}, [term 2]. | | answer term 3
  1 | Say the next number: {first series g}, {second series g}, [term 2]. | | answer term 3
"""

WORDS = r"""
fact:
  1 | What is the job of {askable job4:q}? | | answer a_fact q job
  1 | What does {askable job2:q} do for a living? | | answer a_fact q job
  1 | Tell me the job of {askable job3:q}. | | answer a_fact q job
  1 | Where does {askable home4:q} live? | | answer in_fact q home
  1 | In which town does {askable home2:q} live? | | answer in_fact q home
  1 | Tell me the home town of {askable home3:q}. | | answer in_fact q home
  1 | Which animal does {askable pet1:q} keep? | | answer a_fact q pet
  1 | What is the pet of {askable pet2:q}? | | answer a_fact q pet
  1 | What does {askable dish3:q} like to eat? | | answer it_is_fact q dish
  1 | What is the favourite dish of {askable dish2:q}? | | answer it_is_fact q dish
  1 | Which river flows through {askable river3 towns:q}? | | answer the_fact q river
  1 | On which river does {askable river5 towns:q} lie? | | answer the_fact q river
opposite:
  2 | What is the opposite of the {the common_graded:adjective} {noun_of_both adjective common_thing:t}? | |
        antonym adjective other; answer
        opposed other t
  1 | Give the opposite of the {the common_graded:adjective} {noun_of_both adjective common_thing:t}. | | antonym
        adjective other; answer
        opposed other t
  1 | It is not the {the common_graded:adjective} {noun_of_both adjective common_thing:t}. What is it? | | antonym
        adjective other; answer
        opposed other t
  1 | Say the contrary: the {the common_graded:adjective} {noun_of_both adjective common_thing:t}. | | antonym
        adjective other; answer
        opposed other t
plural:
  2 | What is the plural of {the common_adjective:adjective} {noun adjective common_thing:t}? | | answer many t
  1 | I see one {the common_adjective:adjective} {noun adjective common_thing:t}. You see three. What do you see? |
        | answer many t
  1 | Give the plural: {the common_adjective:adjective} {noun adjective common_thing:t}. | | answer many t
  1 | Not one {the common_adjective:adjective} {noun adjective common_thing:t} but many: | | answer many t
past:
  2 | Put into the past: <now> | | answer past_sentence
  1 | It was yesterday. Say it again: <now> | | answer past_sentence
  1 | Tell it as if it were over: <now> | | answer past_sentence
  1 | Write in the past tense: <now> | | answer past_sentence
now:
  1 | Now {new_person common_name:a} {deed common_deed:v} the {the common_adjective:adjective}
        {noun adjective common_thing:t}.
caption:
  1 | Describe the picture: <pictured> | | answer caption
  1 | Make a sentence: <pictured> | | answer caption
  1 | Write a caption: <pictured> | | answer caption
pictured:
  1 | {the common_adjective:adjective} {noun adjective common_thing:t}, <pictured_end>
pictured_end:
  2 | {new_place common_place:p}.
  1 | {new_person common_name:p}.
"""
SOURCES = (STATE, LISTS, NUMBERS, WORDS)
