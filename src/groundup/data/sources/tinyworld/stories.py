"""Productions of the stories: moves and gifts, a search, a market, a meal, a song, a chest, a recipe, letters.

Each introduces two to four people, places or things by free choices, and then speaks of them again and again: what
is said later is an even choice among few, or follows from what was said.
"""

TRACK = r"""
track:
  1 | <when> <scene> <lies> <lies> <act> <act><acts>
when:
  3 | Today | | tense present
  1 | This morning | | tense present
  1 | At this moment | | tense present
  1 | On this {word season} day | | tense present
  3 | Yesterday | | tense past
  1 | Last week | | tense past
  1 | Last {word day} | | tense past
  1 | One day in {word month} | | tense past
  1 | Long ago | | tense past
scene:
  1 | {new_person:a}<scene_rest>
scene_rest:
  2 | _and {new_person:b} [are] in the {new_place:p}. {new_person:c} [be] in the {new_place:q}. | | move a p; move
        b p; move c q
  2 | _[be] in the {new_place:p}, and {new_person:b} [be] in the {new_place:q}. | | move a p; move b q
  1 | , {new_person:b} and {new_person:c} [are] in the {new_place:p}. Not far away [be] the {new_place:q}. | | move
        a p; move b p; move c p
lies:
  2 | There [be] <one_thing> in the {place:r}. | | lie thing r
  2 | In the {place:r} [be] <one_thing>. | | lie thing r
  1 | In the {new_place:r} [be] <one_thing>. | | lie thing r
  2 | {person:actor} [have] <one_thing>. | | take actor thing
one_thing:
  1 | {a adjective:adjective} {noun adjective:thing}
acts:
  8 | _<act><acts> | not long
  1 | <close>
act:
  10 | {person:actor} <deed> | | told
  2 | <recap> | | told
  1 | <mood> | | told
deed:
  6 | {verb go} to the {other_place actor:place}. | | move actor place
  2 | {verb go} from the [place actor] to the {other_place actor:place}. | | move actor place
  1 | {verb go} back to the {other_place actor:place}. | | move actor place
  6 | {verb take} the {lying_by actor:thing}<taken> | lying_here | take actor thing
  2 | {verb drop} the {of actor:thing} in the [place actor]. | holding | drop actor thing
  4 | {verb give} the {of actor:thing} to {near actor:other}. | holding, company | take other thing
  3 | {verb handle} the {within_reach actor:thing}. | something_near
  2 | {verb act}<how>
  1 | [have] hurt [his actor] {word body}.
  1 | {verb go} round a {word shape} of stones.
  1 | [be] {word feeling}.
how:
  3 | .
  1 | _{word manner}.
taken:
  2 | .
  1 | _from the [place actor].
recap:
  3 | Now the {thing:q} [be] [where q].
  2 | Now {person:q} [be] in the [place q].
  1 | So the {thing:q} [be] [where q].
mood:
  2 | It [be] {word weather}.
  1 | The weather [be] {word weather}.
close:
  2 | _In the end, [who_where].$
  1 | _At last, [who_where].$
  1 | _When the day [be] over, [who_where].$
  2 | _In the end, [what_where].$
  1 | _At last, [what_where].$
  3 | \nQuestion: <view_question>\nAnswer: [answer]\nQuestion: <view_question>\nAnswer: [answer]$
  1 | \nQ: <view_question>\nA: [answer]\nQ: <view_question>\nA: [answer]$
view_question:
  3 | Where [be] {person:q}? | | answer where q
  3 | Where [be] the {thing:q}? | | answer where q
"""

SEARCH = r"""
search:
  2 | One day {new_person:a} has lost [his a] {the adjective:adjective} {noun adjective:t}. <seek> <seek> <seeks>
  1 | What a pity: {new_person:a} has lost [his a] {the adjective:adjective} {noun adjective:t}. <seek> <seek> <seeks>
seeks:
  3 | <seek> <seeks_2>
  2 | <found>
seeks_2:
  1 | <seek> <found>
  1 | <found>
seek:
  2 | "Have you seen my [t]?" [he a] asks {new_person:q}. "Look in the {new_place:p}," says [q]. [a] looks in the
        [p], but there is only {a adjective:adjective} {noun adjective:u}.
  2 | [He a] asks {new_person:q}: "Where is my [t]?" [q] answers: "In the {new_place:p}, I think." In the [p] [a]
        finds {a adjective:adjective} {noun adjective:u}, but not the [t].
  1 | Then [a] meets {new_person:q}. "I saw a [t] in the {new_place:p}," says [q]. So [a] goes to the [p], but the
        [t] is not there.
  1 | {new_person:q} wants to help [a]. They look in the {new_place:p}. No [t] is in the [p].
found:
  2 | At last [a] looks in the {new_place:p}. There is the [t]! How glad [a] is!$
  1 | In the end {person:q} calls: "The [t] is in the {new_place:p}!" [a] runs to the [p] and finds the [t].$
  1 | In the {new_place:p}, [a] finds the [t] at last. "Thank you for your help," [he a] says to [others a].$
"""

TRADE = r"""
market:
  1 | At the market of {word town:town}, {new_person:a} sells {new_items goods:g}, {new_person:b} sells
        {new_items goods:h} and {new_person:c} sells {new_items goods:i}. <sale> <sale><sales>
sales:
  3 | _<sale><sales_2>
  1 | <market_close>
sales_2:
  2 | _<sale><market_close>
  1 | <market_close>
sale:
  2 | {The_kin:k} comes and wants {amount:n} {known_item:w}. [owner_of w] gives the [n] [w] for {amount:m} coins to
        [k].
  2 | {The_kin:k} asks: "Who has {known_item:w}?" "I have [w]," says [owner_of w]. So [k] buys {amount:n} [w] from
        [owner_of w].
  2 | {The_kin:k} buys {amount:n} {known_item:w} from [owner_of w] and pays {amount:m} coins for the [n] [w].
  1 | {person:q} calls: "Fresh [item_of q], good [item_of q]!" Then {the_kin:k} comes and buys {amount:n} [item_of q].
market_close:
  1 | _In the evening [a] has no [g] left, [b] has no [h] left and [c] has no [i] left.$
  1 | _So the market of [town] is over.$
  2 | \nQuestion: Who sells {known_item:w}?\nAnswer: [owner_of w]$

meal:
  1 | At table {new_person:a} likes {new_item dish:x}, {new_person:b} likes {new_item dish:y} and {new_person:c}
        likes {new_item dish:z}. <meal_day>
meal_day:
  1 | Today they eat together in the {new_place:p}. <serve> <serve><serve_more>
  1 | Tonight there is a dinner in the {new_place:p}. <serve> <serve><serve_more>
serve_more:
  2 | _<serve><serve_last>
  1 | <meal_close>
serve_last:
  1 | _<serve><meal_close>
  1 | <meal_close>
serve:
  2 | "I am hungry," says {person:q}, and gets a plate of [item_of q].
  2 | {person:q} tastes the [item_of q] and is {word feeling}.
  2 | The cook brings {word drink} and a bowl of {known_item:x_dish} for [owner_of x_dish].
  1 | "Whose is the {known_item:x_dish}?" asks {person:q}. "It is for [owner_of x_dish]," says the cook.
meal_close:
  1 | _So [a] has eaten [x], [b] has eaten [y] and [c] has eaten [z].$
  2 | \nQuestion: What does {person:q} like?\nAnswer: [item_of q]$
"""

ECHO = r"""
song:
  1 | <singing> <refrain><song_more>
singing:
  1 | This is the song of {new_person:a}: <verse>
  1 | The song that {new_person:a} sings goes: <verse>
  1 | Hear the song of {new_person:a}: <verse>
verse:
  2 | "Oh {new_item song}, {new_item song}, {new_item song} and {new_item song}."
  1 | "Oh {new_item song} and oh {new_item song} and oh {new_item song}!"
refrain:
  2 | {new_person:b} likes the song and sings it too: [verse]
  1 | "That is a fine song," says {new_person:b} and sings: [verse]
  1 | {new_person:b} hears [a] and sings the same: [verse]
song_more:
  2 | _<refrain><song_close>
  2 | <song_close>
song_close:
  1 | _Now all sing: [verse]$
  1 | _In the evening they sing it again: [verse]$
  1 | \nQuestion: Whose song is it?\nAnswer: [a]$

letter:
  1 | Dear {new_person:a},\nI am in {word town:town} <visit>. I left <my_thing> in the {new_place:p} and
        <my_thing_2> in the {new_place:q}. <wish>\nYours, {new_person:b}\n\n<reply>
visit:
  1 | for a week
  1 | with my {word kin:k}
  1 | since {word day:day}
  1 | until {word month:month}
my_thing:
  1 | my {the adjective:adjective} {noun adjective:t}
my_thing_2:
  1 | my {the adjective:adjective} {noun adjective:u}
wish:
  2 | Please send me the {thing:w}.
  1 | Can you bring me the {thing:w}?
  1 | I need the {thing:w} soon.
  1 | You may keep the {thing:w}.
reply:
  2 | Dear [b],\nThank you for your letter from [town]. I found the [t] in the [p] and the [u] in the [q].
        <answer_wish>\nYours, [a]$
  1 | Dear [b],\nHow is [town]? I looked in the [p] and in the [q]. The [t] and the [u] are safe with me.
        <answer_wish>\nYours, [a]$
answer_wish:
  2 | I will send you the [w] on {word day:day}.
  1 | I will bring you the [w] in {word month:month}.
  1 | The [w] is on its way to [town].

recipe:
  1 | Recipe for {new_item dish:x}. You need {amount:n} {new_items ingredient:g}, {amount:m}
        {new_items ingredient:h} and {amount:k} {new_items ingredient:i}. <steps> <steps_2> <steps_3><recipe_close>
steps:
  1 | First {word kitchen_verb} the [n] [g].
  1 | To begin, {word kitchen_verb} the [n] [g].
steps_2:
  1 | Then {word kitchen_verb} the [m] [h] and add the [g].
  1 | Now {word kitchen_verb} the [m] [h] with the [g].
  1 | Put the [m] [h] to the [g] and {word kitchen_verb} all.
steps_3:
  1 | At the end {word kitchen_verb} the [k] [i].
  1 | Last come the [k] [i].
recipe_close:
  2 | _Your [x] is ready. Serve the [x] with {word drink:d}.$
  1 | _Now eat the [x] and drink {word drink:d}.$
  1 | \nQuestion: How many {later_item:w} are in the [x]?\nAnswer: [amount_of w]$
"""
SOURCES = (TRACK, SEARCH, TRADE, ECHO)
