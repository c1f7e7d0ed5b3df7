"""Words, sorted by hand into the classes that follow one rule of English."""

from village.lists import listed, paired, phrases

# --- nouns ------------------------------------------------------------------------------------------------------------
NOUNS = listed("""
    cat dog boat lamp book tree hen apple carrot candle bean clock door window river bridge hill goat hammer kettle
    spoon chair table garden street letter stone cloud farmer teacher gull crab sack rope nail oven plate basket
    box fox bus church bench brush dish glass dress witch match watch torch peach branch class kiss inch beach wish
    berry baby city story lady party puppy cherry pony daisy ferry library fairy lily army country
    day key boy toy monkey donkey tray valley turkey journey chimney
    leaf loaf knife wolf shelf half calf thief wife life elf
    potato tomato hero echo piano photo radio kangaroo
    man woman child foot tooth goose mouse ox person sheep deer fisherman postman snowman
""")

PLURALS = dict(
    paired("""
    man/men woman/women child/children foot/feet tooth/teeth goose/geese mouse/mice ox/oxen person/people sheep/sheep
    deer/deer fisherman/fishermen postman/postmen snowman/snowmen potato/potatoes tomato/tomatoes hero/heroes echo/echoes
    leaf/leaves loaf/loaves knife/knives wolf/wolves shelf/shelves half/halves calf/calves thief/thieves wife/wives
    life/lives elf/elves
    """)
)

AN_WORDS = listed("""
    apple egg onion oven orange owl ox oar anchor ant arm axe ear echo elbow engine envelope evening eye hour idea inch
    island umbrella uncle aunt animal answer arrow office apron eaglet owlet
""")
A_WORDS = listed("""
    boat cat dog lamp kettle bean goat hill hammer house nail letter library river school shop stone table teacher train
    uniform university unicorn window year
""")
AN_PHRASES = phrases("""
    old boat; honest man; empty box; early bus; ugly hat; open door; angry goose; iron nail; easy sum; oak tree
""")
A_PHRASES = phrases("""
    useful tool; yellow bird; black cat; blue boat; one-legged gull; wooden spoon; quick fox; small hole; used book
""")

YOUNG = dict(
    paired("""
    dog/puppy cat/kitten cow/calf sheep/lamb horse/foal goat/kid hen/chick duck/duckling goose/gosling pig/piglet
    swan/cygnet lion/cub frog/tadpole kangaroo/joey eagle/eaglet owl/owlet deer/fawn butterfly/caterpillar
    """)
)

KINDS = {
    "animal": listed("dog cat goat donkey gull whale horse cow sheep frog bee fox wolf mouse owl duck crab lion"),
    "plant": listed("oak willow fern daisy grass lily bramble ivy nettle clover moss pine tulip thistle birch heather"),
    "tool": listed("hammer saw axe screwdriver spade rake chisel pliers shovel drill spanner trowel"),
    "food": listed("bread cheese soup cake honey butter bun pancake sausage jam porridge pie biscuit omelette"),
    "clothing": listed("hat coat mitten shoe sock scarf shirt apron glove trousers skirt boot belt jacket"),
    "colour": listed("red blue green yellow black white brown grey purple pink"),
    "metal": listed("copper tin lead zinc steel nickel bronze brass"),
    "weather": listed("rain snow fog wind storm hail sleet thunder drizzle"),
}

# --- verbs ------------------------------------------------------------------------------------------------------------
VERBS = listed("""
    walk talk look cook clean paint row want need help jump wait count open answer listen mend milk climb push pull
    knock call ask finish wash brush watch rain snow float follow borrow load turn touch work whisper
    bake close like love move save smile use live change dance hope share place taste arrive decide
    carry cry try dry hurry marry study worry copy empty tidy reply fry bury
    play stay enjoy obey spray destroy
    stop plan drop clap hop rub shop step tap trip slip nod beg hug chat skip grab wrap drag
    go see come give take make say tell think bring buy catch teach find hold stand sit run swim sing ring drink begin
    eat fall write ride rise drive break speak steal wake choose freeze fly grow know blow throw draw wear tear keep
    sleep sweep feel leave lose meet feed build send spend lend bend sell pay win dig hear understand forget get become
    shake hide bite lead fight stick sink cut put shut hit hurt
""")

PASTS = dict(
    paired("""
    go/went see/saw come/came give/gave take/took make/made say/said tell/told think/thought bring/brought buy/bought
    catch/caught teach/taught find/found hold/held stand/stood sit/sat run/ran swim/swam sing/sang ring/rang drink/drank
    begin/began eat/ate fall/fell write/wrote ride/rode rise/rose drive/drove break/broke speak/spoke steal/stole
    wake/woke choose/chose freeze/froze fly/flew grow/grew know/knew blow/blew throw/threw draw/drew wear/wore tear/tore
    keep/kept sleep/slept sweep/swept feel/felt leave/left lose/lost meet/met feed/fed build/built send/sent spend/spent
    lend/lent bend/bent sell/sold pay/paid win/won dig/dug hear/heard understand/understood forget/forgot get/got
    become/became shake/shook hide/hid bite/bit lead/led fight/fought stick/stuck sink/sank cut/cut put/put shut/shut
    hit/hit hurt/hurt light/lit grind/ground read/read
    """)
)

# --- adjectives and opposites -----------------------------------------------------------------------------------------
ADJECTIVES = listed("""
    tall small old young cold warm clean dark deep fast slow high low loud quiet new rich poor short soft strong weak
    large nice wide late brave safe pale
    happy heavy busy easy funny early dirty noisy lucky hungry pretty windy
    big hot wet thin fat sad
    good bad
""")

COMPARISONS = {"good": ("better", "best"), "bad": ("worse", "worst")}

UN_WORDS = listed("""
    happy kind fair safe able lucky tidy true wise usual friendly healthy known likely common certain even equal
    important helpful pleasant popular broken cooked finished painted opened sold paid touched
    tie lock pack fold load cover button do wrap roll
""")

OPPOSITES = paired("""
    hot/cold wet/dry up/down in/out high/low day/night black/white fast/slow full/empty
    rich/poor strong/weak wide/narrow deep/shallow near/far early/late first/last true/false good/bad better/worse
    best/worst clean/dirty loud/quiet rough/smooth sharp/blunt tight/loose cheap/expensive happy/sad
    love/hate buy/sell give/take win/lose push/pull come/go remember/forget always/never before/after above/below
    over/under inside/outside top/bottom front/back north/south east/west summer/winter friend/enemy many/few
    everything/nothing yes/no asleep/awake alive/dead float/sink accept/refuse
    teach/learn borrow/lend success/failure war/peace wise/foolish public/private
    ancient/modern entrance/exit odd/even plus/minus add/subtract multiply/divide forwards/backwards
    upstairs/downstairs sunrise/sunset raw/cooked tame/wild fresh/stale
""")
# Asked only from left to right, because the word on the right has more than one opposite.
OPPOSITES_ONE_WAY = paired("""
    big/small young/old new/old long/short tall/short heavy/light dark/light soft/hard laugh/cry ugly/beautiful
    left/right difficult/easy thick/thin rude/polite absent/present
""")

# --- spelling ---------------------------------------------------------------------------------------------------------
# The last letter is doubled before -ed, -er and -est.
DOUBLED = listed("""
    stop plan drop clap hop rub shop step tap trip slip nod beg hug chat skip grab wrap drag
    big hot wet thin fat sad
""")
