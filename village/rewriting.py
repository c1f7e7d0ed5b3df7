"""Short sentences about the village and their rewritings: past, future, question, passive, and so on."""

from village.english import past, third_person
from village.lists import lines, phrases

# subject / verb / the rest / passive participle
ACTIONS = [
    tuple(line.strip().split(" / "))
    for line in lines("""
    Olga / bake / the bread / baked
    Bram / row / the ferry / rowed
    Ada / light / the lamp / lit
    Hanna / mend / the kettle / mended
    Teo / sell / the honey / sold
    Pia / bring / the letters / brought
    Mrs. Dunn / milk / the goat / milked
    Mr. Moss / close / the library / closed
    Miss Finch / ring / the bell / rung
    Jonas / grind / the grain / ground
    Rosa / mend / the nets / mended
    Mrs. Vale / repair / the clocks / repaired
    The goat / eat / the paper / eaten
    Walter / start / the engine / started
    Mr. Pike / catch / the crab / caught
    Doctor Amal / help / the sailor / helped
    Mina / draw / the map / drawn
    Leo / read / the book / read
    Sam / sing / the song / sung
    The donkey / carry / the flour / carried
    The river / turn / the wheel / turned
    The wind / close / the door / closed
    The cat / watch / the street / watched
    Mr. Cord / tie / the baskets / tied
    Mrs. Plum / open / the fair / opened
    The children / fly / the kite / flown
    The bees / make / the honey / made
    Mina / plant / the seeds / planted
    Bram / cook / the soup / cooked
    Hanna / hold / the iron door / held
    Sam / write / a long story / written
    Leo / clean / the window / cleaned
    Rosa / count / the baskets / counted
    The gull / steal / the crust / stolen
    Olga / sweep / the floor / swept
    Teo / paint / the hives / painted
    Ada / fill / the can / filled
    The men / push / the boat / pushed
    The miller / load / the cart / loaded
    The teacher / answer / the question / answered
    """)
]

PLURAL_SUBJECTS = ("The children", "The bees", "The men")


def is_plural(subject: str) -> bool:
    return subject in PLURAL_SUBJECTS


def in_present(subject: str, verb: str, rest: str) -> str:
    return f"{subject} {verb if is_plural(subject) else third_person(verb)} {rest}."


def in_past(subject: str, verb: str, rest: str) -> str:
    return f"{subject} {past(verb)} {rest}."


def in_future(subject: str, verb: str, rest: str) -> str:
    return f"{subject} will {verb} {rest}."


def as_question(subject: str, verb: str, rest: str) -> str:
    return f"{'Do' if is_plural(subject) else 'Does'} {inside(subject)} {verb} {rest}?"


def as_negative(subject: str, verb: str, rest: str) -> str:
    return f"{subject} {'do' if is_plural(subject) else 'does'} not {verb} {rest}."


def as_passive(subject: str, participle: str, rest: str) -> str:
    be = "are" if rest.endswith("s") else "is"
    return f"{rest[0].upper()}{rest[1:]} {be} {participle} by {inside(subject)}."


def inside(subject: str) -> str:
    """The subject as it is written in the middle of a sentence."""
    return "t" + subject[1:] if subject.startswith("The ") else subject


# Commands, to be made polite.
COMMANDS = phrases("""
    shut the door; open the window; pass the butter; wait for me; help me with this box; hold the ladder; be quiet;
    come here; sit down; give me the book; bring the lamp; tell me your name; read the letter to me; carry this basket;
    clean the board; put the cup on the table; stop the cart; listen to me; show me the way; light the candle;
    lend me your knife; call the doctor; feed the cat; move your boat; write it down; speak louder; walk more slowly;
    cut the bread; ring the bell; wash your hands; look at this map; pull the rope; mend my kettle; sing another song;
    tie this knot; take off your boots; fill the jug; turn the page
""")

# Mistakes of grammar, and the sentences put right.
GRAMMAR = {
    "He go to the mill every day.": "He goes to the mill every day.",
    "She have a red bicycle.": "She has a red bicycle.",
    "They was late for school.": "They were late for school.",
    "I is nine years old.": "I am nine years old.",
    "We has two boats.": "We have two boats.",
    "The cat are black.": "The cat is black.",
    "The goats is hungry.": "The goats are hungry.",
    "He do not like the fog.": "He does not like the fog.",
    "She don't eat fish.": "She doesn't eat fish.",
    "I seen the whale yesterday.": "I saw the whale yesterday.",
    "He have eaten the bun.": "He has eaten the bun.",
    "Her is my teacher.": "She is my teacher.",
    "Me and Leo went home.": "Leo and I went home.",
    "Them apples are sweet.": "Those apples are sweet.",
    "This apples are sour.": "These apples are sour.",
    "These book is late.": "This book is late.",
    "She sings good.": "She sings well.",
    "He runs more fast than me.": "He runs faster than me.",
    "It is the most old boat in the harbour.": "It is the oldest boat in the harbour.",
    "Two childs were on the bridge.": "Two children were on the bridge.",
    "There is seven hives in the orchard.": "There are seven hives in the orchard.",
    "I have saw the map.": "I have seen the map.",
    "She can sings.": "She can sing.",
    "He must to go home.": "He must go home.",
    "We goed to the market.": "We went to the market.",
    "The dog chased it's tail.": "The dog chased its tail.",
    "Your late today.": "You're late today.",
    "The boats are over their.": "The boats are over there.",
    "I am more older than Sam.": "I am older than Sam.",
    "She is a honest woman.": "She is an honest woman.",
    "He ate a apple.": "He ate an apple.",
    "Nobody were at home.": "Nobody was at home.",
    "The bread smell good.": "The bread smells good.",
    "I didn't saw the light.": "I didn't see the light.",
}

# Two sentences, the word to join them with, and the sentence that results.
JOINED = [
    ("The sea is rough. Bram stays at home.", "because", "Bram stays at home because the sea is rough."),
    ("Olga is tired. She bakes the bread.", "although", "Although Olga is tired, she bakes the bread."),
    ("Mina opened the box. She found a letter.", "and", "Mina opened the box and found a letter."),
    ("The road was wet. Nobody fell.", "but", "The road was wet, but nobody fell."),
    ("Leo was hungry. He ate a bun.", "so", "Leo was hungry, so he ate a bun."),
    ("The bell rang. The children ran up the hill.", "when", "When the bell rang, the children ran up the hill."),
    ("The sun went down. Ada lit the lamp.", "after", "After the sun went down, Ada lit the lamp."),
    ("You may have tea. You may have milk.", "or", "You may have tea or milk."),
    ("It was raining. Sam played outside.", "although", "Although it was raining, Sam played outside."),
    ("The dog was afraid. He shut his eyes.", "so", "The dog was afraid, so he shut his eyes."),
    ("Button is white. One of her ears is brown.", "but", "Button is white, but one of her ears is brown."),
    (
        "The bus was late. The road was full of sheep.",
        "because",
        "The bus was late because the road was full of sheep.",
    ),
    ("Hanna heated the copper. She bent it.", "before", "Hanna heated the copper before she bent it."),
    ("Wait here. I will come back.", "until", "Wait here until I come back."),
    ("You are cold. Come in.", "if", "If you are cold, come in."),
    ("The candle went out. The wind came in.", "because", "The candle went out because the wind came in."),
    ("Teo sells honey. Rosa mends nets.", "and", "Teo sells honey, and Rosa mends nets."),
    ("The hill is steep. The donkey is slow.", "and", "The hill is steep and the donkey is slow."),
    ("Mr. Moss reads. He drinks his tea.", "while", "Mr. Moss reads while he drinks his tea."),
    ("It rains. We shall stay in.", "if", "If it rains, we shall stay in."),
    ("The bread is hot. Do not touch it.", "so", "The bread is hot, so do not touch it."),
    ("The ship turned. She saw the light.", "when", "The ship turned when she saw the light."),
    ("Pia rode home. She had no more letters.", "because", "Pia rode home because she had no more letters."),
    ("The boat is old. It does not leak.", "but", "The boat is old, but it does not leak."),
]
