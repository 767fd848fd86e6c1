"""The words of the small world, by category, each category in order of how often its words are drawn.

Plain common English, written for this project. A word stands in one category of nouns only, so that "which of these
is an animal" has one answer. `mouse:mice` gives an irregular plural, `take:took` an irregular past; `_` is a space
inside an entry. Within a category common words carry the mass (weights: `words.zipf`).

Left out: uncountable things as objects that are carried (they would need another article), and names that are also
words.
"""


def entries(text: str) -> list[str]:
    """The entries of a block of words, irregular forms cut off.

    >>> entries("cat  mouse:mice  apple_pie")
    ['cat', 'mouse', 'apple pie']
    """
    return [entry.split(":")[0].replace("_", " ") for entry in text.split()]


def irregular(*blocks: str) -> dict[str, str]:
    """The irregular forms written in the blocks.

    >>> irregular("cat mouse:mice")
    {'mouse': 'mice'}
    """
    marked = (entry.replace("_", " ").split(":") for block in blocks for entry in block.split() if ":" in entry)
    return dict(marked)


SHE = """Mira Ana Lena Rosa Ella Nora Clara Ida Maya Sara Lucy Emma Tina Vera Julia Alma Hanna Olga Zoe Iris
Nina Edith Greta Leila Paula Marta Sofia Dora Carla Freya Bella Irma Wanda Naomi Elsa Tara Gloria Heidi Lydia
Selma Petra Ingrid Yara Mona Ruth Esther Fiona Sonia Agnes Beth Cora Delia Flora Helga Jana"""

HE = """Tom Ben Oskar Leo Max Emil Hugo Paul Ivan Karl Felix Jonas Adam Noah Peter Simon Omar Lars Erik Anton
Samuel Victor David Henry Oliver Martin Nico Otto Rafael Theo Bruno Dario Edgar Fabio Gustav Hector Igor Jacob
Kurt Linus Marco Nils Oleg Pablo Quentin Rolf Stefan Tobias Ulf Walter Xavier Yusuf Arthur Conrad Ernest"""

TOWNS = """Oldbridge Millford Greenhill Stonewell Westport Ashton Brookfield Fairhaven Northgate Redcliff
Silverton Elmwood Kingsbury Lakeside Marlow Otterby Pinehurst Ravenna Saltmarsh Thornby Underhill Winterton
Yarrow Bellmont"""

RIVERS = """Tarn Elva Brune Soren Mosa Linde Ouse Varda Kell Dorne Nira Weaver"""

ROOMS = """kitchen garden hall attic cellar library bedroom workshop bathroom pantry nursery study porch garage
balcony stable barn greenhouse laundry lounge"""

OUTDOORS = """park market forest village school museum mill castle church bakery theatre orchard tower factory
hospital cinema hotel valley cave temple lighthouse zoo café desert office inn shipyard courtyard vineyard dairy
quarry palace bank chapel tavern pharmacy prison gallery fortress cottage hut studio canteen jungle swamp arena
observatory stadium harbour meadow station bookshop brewery barracks pavilion cabin warehouse bungalow monastery
college"""

TOYS = """ball kite doll puzzle marble balloon puppet yoyo teddy rattle scooter skateboard hoop swing dice:dice
jigsaw spinner sled marionette pinwheel trampoline seesaw stilt frisbee slingshot"""

TOOLS = """hammer spade rope saw ladder nail screwdriver shovel rake axe needle broom bucket brush wrench drill
hook wheel chisel pump lever net sieve plough crowbar pickaxe pitchfork anvil clamp sickle scythe trowel mallet
spanner wheelbarrow"""

KITCHEN = """cup spoon plate bowl knife:knives fork pot pan kettle jug jar bottle mug tray lid teapot basket
whisk ladle saucer napkin tin cork goblet platter pitcher grater colander strainer tumbler cauldron corkscrew"""

CLOTHES = """hat coat scarf:scarves shirt boot glove sock jacket dress belt shoe skirt cap sweater apron mitten
tie cloak slipper vest robe sandal hood blouse bonnet waistcoat raincoat turban veil kimono poncho cardigan
bathrobe shawl"""

INSTRUMENTS = """drum flute violin guitar bell trumpet piano harp whistle horn banjo cello fiddle organ
tambourine lute clarinet oboe trombone tuba xylophone mandolin accordion bassoon saxophone ukulele"""

FURNITURE = """chair table lamp bed shelf:shelves clock mirror desk stool sofa cupboard bench chest carpet
curtain pillow blanket candle cradle wardrobe drawer bookcase armchair rug cushion mattress hatstand footstool
dresser chandelier manger trunk bureau"""

VEHICLES = """bicycle cart boat car bus:buses train truck sledge tractor wagon ship raft plane taxi van canoe
tram rocket ferry helicopter kayak carriage lorry:lorries motorbike chariot glider submarine yacht trolley moped"""

PAPER = """book letter map picture card notebook ticket poster stamp newspaper diary envelope dictionary
magazine calendar postcard atlas:atlases photograph recipe leaflet pamphlet journal certificate receipt menu
brochure invitation manuscript"""

KEEPSAKES = """box:boxes key coin ring bag umbrella stone feather shell ribbon pencil button flag necklace purse
crown lantern bracelet pearl vase compass:compasses suitcase pen ruler whip medal locket brooch thimble statue
telescope magnet bead crystal badge mask anchor backpack fan globe hammock parcel tent torch trophy wallet
wreath amulet medallion emerald ruby:rubies scarecrow sundial hourglass:hourglasses padlock bolt chain spring"""

ANIMALS = """cat dog horse rabbit fox:foxes cow mouse:mice hen goat duck sheep:sheep pig bird frog owl
goose:geese fish:fish bear squirrel wolf:wolves donkey hedgehog turtle parrot swan lion snail beaver monkey crow
deer:deer badger otter elephant tiger eagle pony whale camel lizard penguin spider raven rooster pigeon seal
mole lamb calf:calves kitten puppy:puppies dolphin falcon peacock toad crab moth beetle giraffe zebra kangaroo
butterfly:butterflies canary:canaries hamster weasel stork magpie lynx:lynxes salmon:salmon trout:trout
buffalo:buffalo panda koala gorilla leopard cheetah jackal hyena ostrich:ostriches pelican flamingo woodpecker
robin sparrow swallow finch:finches eel carp:carp shark octopus:octopuses lobster shrimp ant bee wasp
dragonfly:dragonflies cricket grasshopper caterpillar worm bat rat ferret boar elk moose:moose bison:bison
chicken turkey partridge"""

FRUITS = """apple pear plum orange cherry:cherries banana lemon peach:peaches grape melon
strawberry:strawberries fig apricot mango:mangoes coconut raspberry:raspberries lime pineapple date olive
blueberry:blueberries papaya nectarine grapefruit tangerine pomegranate quince kiwi blackberry:blackberries
gooseberry:gooseberries currant cranberry:cranberries"""

VEGETABLES = """carrot potato:potatoes onion tomato:tomatoes cabbage bean turnip pumpkin cucumber pea
radish:radishes beet leek mushroom pepper lettuce parsnip celery cauliflower artichoke aubergine courgette chive
sprout lentil"""

BAKED = """cake bun pie biscuit pancake waffle muffin tart roll pretzel doughnut scone cookie dumpling
sandwich:sandwiches croissant bagel brownie eclair cracker strudel crumpet pastry:pastries"""

DISHES = """soup bread cheese rice porridge stew salad honey butter jam pasta yoghurt ham cream custard pudding
omelette risotto curry toast noodles sausage chowder goulash broth ravioli lasagne pizza couscous trifle mousse
sorbet marmalade tofu polenta"""

DRINKS = """tea milk water coffee juice cocoa lemonade cider punch syrup espresso mead"""

FLOWERS = """rose tulip daisy:daisies lily:lilies violet poppy:poppies sunflower orchid daffodil carnation
lavender bluebell marigold primrose peony:peonies snowdrop hyacinth crocus:crocuses pansy:pansies buttercup
dandelion magnolia jasmine begonia geranium thistle"""

TREES = """oak pine birch:birches willow maple beech:beeches elm ash:ashes cedar fir poplar chestnut palm spruce
hazel larch alder yew cypress:cypresses redwood baobab juniper hawthorn walnut aspen linden"""

JOBS = """baker teacher farmer nurse painter fisher doctor miller tailor carpenter gardener driver cook sailor
writer singer potter smith weaver pilot clerk shepherd dentist barber butcher plumber judge lawyer mason printer
librarian engineer chemist cobbler builder banker waiter porter guide postman dancer actor musician soldier
florist jeweller mechanic photographer tutor vet grocer hunter inventor explorer firefighter astronomer surgeon
professor sculptor composer conductor jockey locksmith glazier roofer tiler optician midwife referee beekeeper
forester blacksmith saddler goldsmith clockmaker lamplighter courier ferryman translator editor reporter
detective umpire lifeguard"""

OPPOSITES = """big:small old:new long:short hot:cold bright:dark heavy:light clean:dirty full:empty hard:soft
wet:dry fast:slow high:low wide:narrow thick:thin rich:poor strong:weak loud:quiet happy:sad deep:shallow
sharp:blunt smooth:rough sweet:bitter open:closed cheap:expensive easy:difficult round:square tight:loose
brave:timid kind:cruel lucky:unlucky rare:common simple:complicated straight:bent tame:wild true:false
useful:useless warm:cool whole:broken wise:foolish"""

COLOURS = """red blue green yellow white black brown pink grey purple golden silver beige scarlet turquoise
crimson ivory indigo maroon lilac magenta amber ochre"""

MATERIALS = """wooden paper glass iron leather woollen copper silk clay straw rubber cotton brass velvet bronze
linen plastic porcelain oaken woven tin satin wicker concrete steel nylon felt pewter bamboo"""

LOOKS = """pretty plain strange striped shiny dusty tiny huge lovely spotted rusty painted faded polished carved
dotted patched ancient modern elegant ugly handsome curious fancy muddy precious crooked hollow colourful famous
forgotten secret magic royal favourite slim sturdy fragile wobbly gleaming wrinkled fluffy sparkling sticky
slippery mouldy crumpled battered delicate massive petite antique splendid ordinary peculiar mysterious charming
dreadful"""

FEELINGS = """glad tired hungry proud thirsty sleepy calm cheerful angry surprised worried bored excited lonely
nervous grateful jealous afraid patient busy hopeful embarrassed confused relaxed amazed ashamed content
delighted disappointed furious puzzled restless shy satisfied sorry"""

WEATHER = """sunny rainy windy cloudy snowy foggy stormy misty frosty mild icy dull humid clear drizzly breezy
sultry overcast hazy freezing"""

MANNERS = """quickly slowly quietly happily carefully gently loudly proudly calmly politely eagerly gladly
softly silently bravely kindly patiently suddenly lazily neatly"""

GO = """go:went walk run:ran hurry come:came rush march stroll wander cycle race return hike ride:rode"""
TAKE = """take:took lift grab fetch collect seize pack carry"""
DROP = """leave:left drop hide:hid forget:forgot put_down:put_down place store"""
GIVE = """give:gave hand pass offer lend:lent send:sent bring:brought throw:threw sell:sold"""
HANDLE = """clean see:saw draw:drew find:found paint wash polish repair admire count weigh:weighed break:broke
mend hold:held touch kick shake:shook push pull wrap open close measure buy:bought lose:lost choose:chose
show:showed want like describe steal:stole need borrow build:built keep:kept burn examine sketch decorate dust
inspect drag love hate print sharpen heat cool dry tie oil scratch cover photograph roll rinse hang:hung
bend:bent cut:cut tear:tore sew:sewed hit:hit catch:caught bite:bit feed:fed scrub glue unpack label arrange
salvage trade varnish fasten unfold trim squeeze sniff taste lock unlock plant water spill guard test remember
ignore recognise"""
COOKING = """cut wash cook boil fry bake mix stir peel chop slice mash roast grate heat squeeze steam crush"""
ACT = """smile laugh sing:sang dance sleep:slept wait rest yawn whistle read:read write:wrote cough sneeze nod
wave jump swim:swam think:thought dream hum sigh whisper cry blush bow clap kneel:knelt pray shiver snore
stretch juggle skip blink frown grin giggle stumble sneer shrug tremble mumble mutter chuckle weep:wept doze
gasp shout grumble whimper hesitate limp stagger listen meditate chatter hiccup"""

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
MONTHS = "January February March April May June July August September October November December"
SEASONS = "spring summer autumn winter"
KIN = """sister brother mother father aunt uncle cousin grandmother grandfather neighbour friend daughter son
niece nephew partner guest stepsister stepbrother godmother godfather twin grandson granddaughter landlord"""
BODY = """hand foot:feet arm leg head nose ear eye knee elbow finger toe shoulder tooth:teeth neck chin back
thumb wrist ankle"""
SHAPES = """circle triangle rectangle star heart cross:crosses spiral oval diamond arrow cube cylinder cone
pyramid hexagon pentagon crescent zigzag dot"""
SUBJECTS = """music history geography chemistry spelling reading drawing biology physics grammar poetry algebra
geometry astronomy cooking gardening sculpture philosophy economics medicine botany zoology logic sewing
carpentry dancing law pottery"""
SONG_WORDS = """moon sun sea wind snow rain night morning road home song sky cloud wave fire leaf:leaves sand
dream hope shadow stream mountain thunder rainbow ocean silence sunrise sunset breeze echo horizon dawn dusk
flame ember frost shore tide sorrow laughter memory lullaby starlight"""
